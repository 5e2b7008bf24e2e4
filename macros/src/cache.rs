//! `#[traced_cache]`: parse → model → check → expand into a request to the runtime's cache.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Expr;

use crate::attr::Arguments;
use crate::common::Common;
use crate::duration::{DAY, MILLISECOND};
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;
use crate::tokens::{configuration, count, duration, require_feature};

const NAME: &str = "traced_cache";

/// What the function returns, as far as the cache minds.
enum Returns {
    /// A `Result`, whose values are kept.
    Result,
    /// Something else, kept as it is unless it turns out to be an error.
    Value,
    /// Whatever it is, it is kept (`cache_err = true`).
    Anything,
}

struct Cache {
    common: Common,
    attribute: Span,
    /// The settings that differ from the defaults: `field: value`.
    settings: Vec<TokenStream>,
    key: Option<Expr>,
    store: Option<Expr>,
    returns: Returns,
}

/// Reads and checks the arguments of `#[traced_cache]`.
pub(crate) fn parse(
    tokens: TokenStream,
    attribute: Span,
    function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    let mut arguments = Arguments::parse(NAME, tokens, errors);
    let common = Common::parse(&mut arguments);
    let keeps_stale = arguments.given("stale_if_error");
    let mut settings = Vec::new();
    parse_settings(&mut arguments, &mut settings);
    let key_given = arguments.given("key");
    let key = arguments.expr("key");
    let store = arguments.expr("store");
    let cache_err = arguments.located_flag("cache_err");
    arguments.finish();
    if !key_given {
        errors.at(
            attribute,
            "`#[traced_cache]` needs to know what a value is kept under",
            "write `#[traced_cache(key = …)]` with whatever the result depends on, such as `key = (tenant_id, page)`",
        );
    }
    if let Some(store) = &store
        && (!settings.is_empty() || common.name.is_some())
    {
        errors.at(
            syn::spanned::Spanned::span(store),
            "`store` brings its own name and settings",
            "set them with `TracedCache::builder(…)`, and only `key` and `store` here",
        );
    }
    let keeps_errors = cache_err.is_some_and(|flag| flag.value);
    if let (Some(flag), true, true) = (&cache_err, keeps_errors, keeps_stale) {
        errors.at(
            flag.span,
            "`cache_err` and `stale_if_error` exclude each other: an error that is kept is no failure",
            "keep one of the two",
        );
    }
    if !function.returns_a_value() {
        errors.at(
            function.ident_span(),
            "`#[traced_cache]` has nothing to keep: this function returns nothing",
            "return the value that is to be kept",
        );
    }
    require_feature(cfg!(feature = "cache"), NAME, "cache", attribute, errors);
    let returns = match (keeps_errors, function.returns_result()) {
        (true, _) => Returns::Anything,
        (false, true) => Returns::Result,
        (false, false) => Returns::Value,
    };
    Box::new(Cache {
        common,
        attribute,
        settings,
        key,
        store,
        returns,
    })
}

fn parse_settings(arguments: &mut Arguments<'_>, settings: &mut Vec<TokenStream>) {
    let errors = arguments.errors;
    let time = MILLISECOND..=DAY * 366;
    let time_words = "from 1ms to 366d";
    let ttl = arguments.duration("ttl", time.clone(), time_words, "5m");
    let tti = arguments.duration("tti", time.clone(), time_words, "1m");
    let max_entries = arguments.integer(
        "max_entries",
        1..=1_000_000_000,
        "from 1 to 1000000000",
        "10_000",
    );
    let single_flight = arguments.flag("single_flight");
    let stale = arguments.duration("stale_if_error", time.clone(), time_words, "1h");
    let ahead = arguments.duration("refresh_ahead", time, time_words, "30s");
    let jitter = arguments.number("ttl_jitter", 0.0..=0.9, "from 0 to 0.9", "0.1");

    for (name, time) in [("stale_if_error", &stale), ("refresh_ahead", &ahead)] {
        if let (Some(time), None) = (time, &ttl) {
            errors.at(
                time.span,
                format_args!("`{name}` has no effect without `ttl`: values never expire"),
                "add `ttl = \"5m\"`, how long a value is fresh",
            );
        }
    }
    if let (Some(jitter), None) = (&jitter, &ttl) {
        errors.at(
            jitter.span,
            "`ttl_jitter` has no effect without `ttl`",
            "add `ttl = \"5m\"`, how long a value is fresh",
        );
    }
    if let (Some(ttl), Some(ahead)) = (&ttl, &ahead) {
        let share = jitter.map_or(0.1, |jitter| jitter.value);
        if ahead.value >= ttl.value.mul_f64(1.0 - share) {
            errors.at(
                ahead.span,
                "`refresh_ahead` must be less than the shortest `ttl`, which is `ttl` × (1 - `ttl_jitter`)",
                "lower `refresh_ahead`, or `ttl_jitter` (0.1 unless set)",
            );
        }
    }
    let mut field = |name: &str, value: Option<TokenStream>| {
        let name = format_ident!("{name}");
        settings.extend(value.map(|value| quote!(#name: #value)));
    };
    for (name, time) in [
        ("ttl", ttl),
        ("tti", tti),
        ("stale_if_error", stale),
        ("refresh_ahead", ahead),
    ] {
        let time = time.map(|time| duration(time.value));
        field(
            name,
            time.map(|time| quote!(::core::option::Option::Some(#time))),
        );
    }
    field(
        "max_entries",
        max_entries.map(|entries| count(entries.value)),
    );
    field("single_flight", single_flight.map(|flag| quote!(#flag)));
    field(
        "ttl_jitter",
        jitter.map(|jitter| {
            let jitter = jitter.value;
            quote!(#jitter)
        }),
    );
}

impl Stage for Cache {
    fn runtime(&self) -> &TokenStream {
        &self.common.runtime
    }

    fn wrap(&self, code: TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let site = quote_spanned!(here=> __otelgen_site);
        let cache = quote_spanned!(here=> __otelgen_cache);
        let (choose, cache_name) = self.choose(function, &site, &cache);
        let key = &self.key;
        let span = self.common.span(
            function,
            &site,
            &quote! {
                "otelgen.cache.name" = #cache_name,
                "otelgen.cache.result" = #runtime::__private::tracing::field::Empty,
            },
        );
        let metrics = self.common.metrics;
        let cached = if function.is_async() {
            quote!(cached_async)
        } else {
            quote!(cached)
        };
        let dot_await = function.dot_await();
        let load = self.load(&code, function);
        let request = quote_spanned! {here=>
            #runtime::__private::#cached(
                #cache,
                (&&#runtime::__private::KeyOf(&__otelgen_key)).cache_key(),
                #span,
                #metrics,
                #load,
                |__otelgen_error| (&&#runtime::__private::Failure(__otelgen_error)).share(),
            )#dot_await
        };
        let answer = match self.returns {
            Returns::Result => request,
            Returns::Value => quote_spanned! {here=>
                match #request {
                    ::core::result::Result::Ok(__otelgen_value)
                    | ::core::result::Result::Err(__otelgen_value) => __otelgen_value,
                }
            },
            Returns::Anything => quote_spanned! {here=>
                match #request {
                    ::core::result::Result::Ok(__otelgen_value) => __otelgen_value,
                    ::core::result::Result::Err(__otelgen_never) => {
                        let __otelgen_never: ::core::convert::Infallible = __otelgen_never;
                        match __otelgen_never {}
                    }
                }
            },
        };
        quote_spanned! {here=>
            #choose
            #[allow(unused_imports)]
            use #runtime::__private::{AnyFailure as _, AnyKey as _, RefKey as _, ShareableFailure as _};
            let __otelgen_key = #key;
            #answer
        }
    }
}

impl Cache {
    /// Statements that bind `site` and `cache`, and the expression of the cache's name.
    fn choose(
        &self,
        function: &Function,
        site: &TokenStream,
        cache: &TokenStream,
    ) -> (TokenStream, TokenStream) {
        let runtime = &self.common.runtime;
        if let Some(store) = &self.store {
            let place = self.common.plain_site(function, site);
            let choose = quote! {
                #place
                let #cache = &(#store);
            };
            return (choose, quote!(#runtime::__private::cache_name(#cache)));
        }
        let name = self.common.name_option();
        let ident = function.name();
        let self_type = function.self_type_name();
        let check = function.concrete_self_check(runtime, self.attribute);
        let settings = configuration(runtime, "CacheConfig", &self.settings);
        let choose = quote! {
            #check
            let #site = {
                static SITE: #runtime::__private::CacheSite = #runtime::__private::CacheSite::new(
                    ::core::module_path!(),
                    #ident,
                    #name,
                    #settings,
                );
                SITE.resolve(#self_type)
            };
            let #cache = #site;
        };
        (choose, quote!(#site.name()))
    }

    /// What loads: a future or a closure of a `Result`. It borrows, since the key may borrow too.
    fn load(&self, code: &TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let body = if function.is_async() {
            quote!(async { #code })
        } else {
            function.repeatable(code)
        };
        let run = if function.is_async() {
            quote!((#body).await)
        } else {
            quote!((#body)())
        };
        let judged = match self.returns {
            Returns::Result => return body,
            Returns::Anything => quote_spanned! {here=>
                ::core::result::Result::Ok::<_, ::core::convert::Infallible>(#run)
            },
            Returns::Value => quote_spanned! {here=>
                let __otelgen_value = #run;
                #[allow(unused_imports)]
                use #runtime::__private::{AnyReturned as _, ResultReturned as _};
                if (&&#runtime::__private::Returned(&__otelgen_value)).error_type().is_some() {
                    ::core::result::Result::Err(__otelgen_value)
                } else {
                    ::core::result::Result::Ok(__otelgen_value)
                }
            },
        };
        if function.is_async() {
            quote!(async { #judged })
        } else {
            quote!(|| { #judged })
        }
    }
}
