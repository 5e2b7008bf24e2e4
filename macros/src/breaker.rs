//! `#[traced_breaker]`: parse → model → check → expand into a call of the runtime's breaker.

mod settings;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Path};

use crate::attr::Arguments;
use crate::common::Common;
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;
use crate::tokens::{configuration, count};
use settings::Settings;

const NAME: &str = "traced_breaker";

/// Where the breaker comes from.
enum Source {
    /// A static of this function, found by name in the registry.
    Own,
    /// One breaker for each value of `key`.
    Keyed { key: Expr, max_keys: u64 },
    /// `breaker = EXPR`.
    Shared(Expr),
}

/// What an open breaker answers with.
enum Rejection {
    /// `E: From<BreakerOpen>`
    Into,
    /// `map_open = path`, or a closure
    Map(Expr),
    /// `on_open = path`, called with these arguments.
    Fallback {
        path: Path,
        arguments: Vec<TokenStream>,
    },
}

struct Breaker {
    common: Common,
    attribute: Span,
    /// The settings that differ from the defaults: `field: value`.
    settings: Vec<TokenStream>,
    source: Source,
    is_failure: Option<Expr>,
    ignore: Option<Expr>,
    rejection: Rejection,
}

/// Reads and checks the arguments of `#[traced_breaker]`.
pub(crate) fn parse(
    tokens: TokenStream,
    attribute: Span,
    function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    let mut arguments = Arguments::parse(NAME, tokens, errors);
    let common = Common::parse(&mut arguments);
    let settings = Settings::parse(&mut arguments);
    let source = parse_source(&mut arguments, &settings, common.name.is_some());
    let is_failure = arguments.function("is_failure", "PaymentError::is_outage");
    let ignore = arguments.function("ignore", "PaymentError::is_not_found");
    let rejection = parse_rejection(&mut arguments, function);
    arguments.finish();
    if !function.returns_a_value() {
        errors.at(
            function.ident_span(),
            "`#[traced_breaker]` needs a function that can fail, and this one returns nothing",
            "return `Result<_, E>`; use `#[traced]` for a span and metrics alone",
        );
    }
    let settings = settings.tokens(&common.runtime);
    Box::new(Breaker {
        common,
        attribute,
        settings,
        source,
        is_failure,
        ignore,
        rejection,
    })
}

fn parse_source(arguments: &mut Arguments<'_>, settings: &Settings, named: bool) -> Source {
    let errors = arguments.errors;
    let shared = arguments.expr("breaker");
    let key = arguments.expr("key");
    let max_keys = arguments.integer("max_keys", 1..=1_000_000, "from 1 to 1000000", "256");
    match (shared, key) {
        (Some(shared), key) => {
            let span = syn::spanned::Spanned::span(&shared);
            if key.is_some() {
                errors.at(
                    span,
                    "`breaker` and `key` exclude each other",
                    "choose the breaker by key inside the `breaker` expression",
                );
            }
            if settings.given() || named {
                errors.at(
                    span,
                    "`breaker` brings its own name and settings",
                    "set them with `TracedCircuitBreaker::builder(…)`, and only `breaker` here",
                );
            }
            Source::Shared(shared)
        }
        (None, Some(key)) => Source::Keyed {
            key,
            max_keys: max_keys.map_or(256, |keys| keys.value),
        },
        (None, None) => {
            if let Some(max_keys) = max_keys {
                errors.at(
                    max_keys.span,
                    "`max_keys` bounds the breakers of `key`, which is missing",
                    "add `key = …`, such as `key = &request.tenant`",
                );
            }
            Source::Own
        }
    }
}

fn parse_rejection(arguments: &mut Arguments<'_>, function: &Function) -> Rejection {
    let errors = arguments.errors;
    let on_open = arguments.path("on_open", "Self::from_cache");
    let map_open = arguments.function("map_open", "PaymentError::unavailable");
    match (on_open, map_open) {
        (Some(path), Some(_)) => {
            errors.at(
                syn::spanned::Spanned::span(&path),
                "`on_open` and `map_open` exclude each other",
                "keep `on_open` to answer in another way, or `map_open` to make an error",
            );
            Rejection::Into
        }
        (Some(path), None) => Rejection::Fallback {
            path,
            arguments: function.arguments("on_open", errors),
        },
        (None, Some(path)) => Rejection::Map(path),
        (None, None) => Rejection::Into,
    }
}

impl Stage for Breaker {
    fn runtime(&self) -> &TokenStream {
        &self.common.runtime
    }

    fn wrap(&self, code: TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let site = quote_spanned!(here=> __otelgen_site);
        let breaker = quote_spanned!(here=> __otelgen_breaker);
        let choose = self.choose(function, &site, &breaker);
        let span = self.common.span(
            function,
            &site,
            &quote! {
                "otelgen.circuit_breaker.name" = #breaker.name(),
                "otelgen.circuit_breaker.outcome" = #runtime::__private::tracing::field::Empty,
            },
        );
        let deferred = function.deferred(&code);
        let run = if function.is_async() {
            quote!(run_async)
        } else {
            quote!(run)
        };
        let dot_await = function.dot_await();
        let always = quote!(#runtime::__private::always);
        let never = quote!(#runtime::__private::never_matches);
        let is_failure = self
            .is_failure
            .as_ref()
            .map_or(always, |path| quote!(#path));
        let ignore = self.ignore.as_ref().map_or(never, |path| quote!(#path));
        let metrics = self.common.metrics;
        let reject = self.reject(function);
        quote_spanned! {here=>
            #choose
            let __otelgen_span = #span;
            match #breaker.enter(&__otelgen_span, #metrics) {
                ::core::result::Result::Ok(__otelgen_call) => __otelgen_call.#run(#deferred, #is_failure, #ignore)#dot_await,
                ::core::result::Result::Err(__otelgen_rejected) => #reject,
            }
        }
    }
}

impl Breaker {
    /// Statements that bind `site` and `breaker`.
    fn choose(
        &self,
        function: &Function,
        site: &TokenStream,
        breaker: &TokenStream,
    ) -> TokenStream {
        let runtime = &self.common.runtime;
        let name = self.common.name_option();
        let ident = function.name();
        let self_type = function.self_type_name();
        let settings = configuration(runtime, "BreakerConfig", &self.settings);
        match &self.source {
            Source::Own => {
                let check = function.concrete_self_check(runtime, self.attribute);
                quote! {
                    #check
                    let #site = {
                        static SITE: #runtime::__private::BreakerSite = #runtime::__private::BreakerSite::new(
                            ::core::module_path!(), #ident, #name, #settings,
                        );
                        SITE.resolve(#self_type)
                    };
                    let #breaker = #site.breaker();
                }
            }
            Source::Keyed { key, max_keys } => {
                let check = function.concrete_self_check(runtime, self.attribute);
                let max_keys = count(*max_keys);
                quote! {
                    #check
                    let #site = {
                        static SITE: #runtime::__private::KeyedBreakerSite = #runtime::__private::KeyedBreakerSite::new(
                            ::core::module_path!(), #ident, #name, #settings, #max_keys,
                        );
                        SITE.resolve(#self_type)
                    };
                    let #breaker = &#site.breaker(&(#key));
                }
            }
            Source::Shared(expression) => {
                let shared = quote_spanned!(Span::mixed_site()=> __otelgen_shared);
                quote! {
                    let #site = {
                        static SITE: #runtime::__private::Site = #runtime::__private::Site::new(
                            ::core::module_path!(), #ident, #name,
                        );
                        SITE.resolve(#self_type)
                    };
                    let #shared = &(#expression);
                    let #breaker = #runtime::__private::AsBreaker::as_breaker(#shared);
                }
            }
        }
    }

    /// The expression that an open breaker answers with; `__otelgen_rejected` is in scope.
    fn reject(&self, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        match &self.rejection {
            Rejection::Into => quote_spanned! {here=>
                #runtime::__private::reject(__otelgen_rejected)
            },
            Rejection::Map(path) => quote_spanned! {here=>
                #runtime::__private::reject_as(__otelgen_rejected, #path)
            },
            Rejection::Fallback { path, arguments } if function.is_async() => {
                quote_spanned! {here=>
                    __otelgen_rejected
                        .handle_async(async move {
                            #runtime::__private::Settle::settle((#path)(#(#arguments),*)).await
                        })
                        .await
                }
            }
            Rejection::Fallback { path, arguments } => quote_spanned! {here=>
                __otelgen_rejected.handle(move || (#path)(#(#arguments),*))
            },
        }
    }
}
