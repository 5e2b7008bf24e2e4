//! `#[traced_rate_limit]`: parse → model → check → expand into a call of the runtime's rate limit.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Path};

use crate::attr::Arguments;
use crate::common::Common;
use crate::duration::{DAY, MILLISECOND};
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;
use crate::tokens::{count, duration, option, require_feature, require_result};

const NAME: &str = "traced_rate_limit";

enum Source {
    /// A static of this function, with these settings.
    Own(TokenStream),
    /// `limit = EXPR`
    Shared(Expr),
}

struct RateLimit {
    common: Common,
    attribute: Span,
    source: Source,
    key: Option<Expr>,
    map: Option<Path>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum OnLimit {
    Reject,
    Wait,
}

/// Reads and checks the arguments of `#[traced_rate_limit]`.
pub(crate) fn parse(
    tokens: TokenStream,
    attribute: Span,
    function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    let mut arguments = Arguments::parse(NAME, tokens, errors);
    let common = Common::parse(&mut arguments);
    let (settings, given) = parse_settings(&mut arguments, attribute, &common);
    let shared = arguments.expr("limit");
    let key = arguments.expr("key");
    let max_keys = arguments.integer("max_keys", 1..=10_000_000, "from 1 to 10000000", "10_000");
    let map = arguments.path("map", "ApiError::too_many_requests");
    arguments.finish();
    if let (Some(max_keys), None) = (&max_keys, &key) {
        errors.at(
            max_keys.span,
            "`max_keys` bounds the keys of `key`, which is missing",
            "add `key = …`, such as `key = &request.client`",
        );
    }
    let source = match shared {
        Some(shared) => {
            let span = syn::spanned::Spanned::span(&shared);
            if given || common.name.is_some() || max_keys.is_some() {
                errors.at(
                    span,
                    "`limit` brings its own name and settings",
                    "set them with `TracedRateLimit::builder(…)`, and only `limit` here",
                );
            }
            if key.is_some() {
                errors.at(
                    span,
                    "`limit` and `key` exclude each other",
                    "write `limit = limits.get(key)`, where `limits` is made with `build_keyed`",
                );
            }
            Source::Shared(shared)
        }
        None => {
            let keys = key
                .is_some()
                .then(|| count(max_keys.map_or(10_000, |keys| keys.value)));
            let keys = option(keys);
            Source::Own(quote!(#settings max_keys: #keys))
        }
    };
    require_result(NAME, function, errors);
    require_feature(
        cfg!(feature = "rate-limit"),
        NAME,
        "rate-limit",
        attribute,
        errors,
    );
    Box::new(RateLimit {
        common,
        attribute,
        source,
        key,
        map,
    })
}

/// The settings as fields of the runtime's configuration, and whether any was given.
fn parse_settings(
    arguments: &mut Arguments<'_>,
    attribute: Span,
    common: &Common,
) -> (TokenStream, bool) {
    let errors = arguments.errors;
    let named = arguments.given("per_second");
    let shared = arguments.given("limit");
    let per_second = arguments.number(
        "per_second",
        0.001..=1_000_000_000.0,
        "from 0.001 to 1000000000",
        "100",
    );
    let burst = arguments.integer("burst", 1..=1_000_000, "from 1 to 1000000", "20");
    let on_limit = arguments.choice(
        "on_limit",
        &[("reject", OnLimit::Reject), ("wait", OnLimit::Wait)],
    );
    let max_wait = arguments.duration("max_wait", MILLISECOND..=DAY, "from 1ms to 24h", "500ms");
    if !named && !shared {
        errors.at(
            attribute,
            "`#[traced_rate_limit]` needs to know how many calls a second there may be",
            "write `#[traced_rate_limit(per_second = 100)]`",
        );
    }
    if let (Some(max_wait), None | Some(OnLimit::Reject)) = (&max_wait, on_limit) {
        errors.at(
            max_wait.span,
            "`max_wait` has no effect unless calls wait",
            "add `on_limit = \"wait\"`",
        );
    }
    let runtime = &common.runtime;
    let rate = per_second.map_or(1.0, |rate| rate.value);
    let given = named || burst.is_some() || on_limit.is_some() || max_wait.is_some();
    let burst = option(burst.map(|burst| count(burst.value)));
    let wait = (on_limit == Some(OnLimit::Wait)).then(|| match max_wait {
        Some(wait) => duration(wait.value),
        None => quote!(#runtime::RateLimitConfig::MAX_WAIT),
    });
    let wait = option(wait);
    (
        quote!(per_second: #rate, burst: #burst, max_wait: #wait,),
        given,
    )
}

impl Stage for RateLimit {
    fn runtime(&self) -> &TokenStream {
        &self.common.runtime
    }

    fn wrap(&self, code: TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let site = quote_spanned!(here=> __otelgen_site);
        let limit = quote_spanned!(here=> __otelgen_limit);
        let choose = match &self.source {
            Source::Own(settings) => {
                let check = function.concrete_self_check(runtime, self.attribute);
                let choose = self.common.pattern_site(
                    function,
                    &site,
                    &limit,
                    &quote!(TracedRateLimit),
                    &quote!(#runtime::RateLimitConfig { #settings }),
                );
                let of_key = self
                    .key
                    .as_ref()
                    .map(|key| quote!(let #limit = &#limit.of_key(&(#key));));
                quote!(#check #choose #of_key)
            }
            Source::Shared(expression) => self.common.shared_site(
                function,
                &site,
                &limit,
                &quote!(AsRateLimit::as_rate_limit),
                expression,
            ),
        };
        let span = self.common.span(
            function,
            &site,
            &quote! {
                "otelgen.rate_limit.name" = #limit.name(),
                "otelgen.rate_limit.result" = #runtime::__private::tracing::field::Empty,
            },
        );
        let deferred = function.deferred(&code);
        let metrics = self.common.metrics;
        let (enter, run) = if function.is_async() {
            (quote!(enter_async), quote!(run_async))
        } else {
            (quote!(enter), quote!(run))
        };
        let dot_await = function.dot_await();
        let map = match &self.map {
            Some(path) => quote!((#path)),
            None => quote!(#runtime::__private::limited),
        };
        quote_spanned! {here=>
            #choose
            match #limit.#enter(#span, #metrics)#dot_await {
                ::core::result::Result::Ok(__otelgen_call) => __otelgen_call.#run(#deferred)#dot_await,
                ::core::result::Result::Err(__otelgen_limited) => {
                    ::core::result::Result::Err(#map(__otelgen_limited.into_error()))
                }
            }
        }
    }
}
