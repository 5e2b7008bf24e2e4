//! `#[traced_breaker]`: parse → model → check → expand into a call of the runtime's breaker.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, Path};

use crate::attr::{Arguments, Located};
use crate::common::Common;
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;

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

/// The parameters that become the breaker's configuration.
struct Settings {
    failure_rate: Option<Located<f64>>,
    min_calls: Option<Located<u64>>,
    window: Option<Located<Duration>>,
    window_calls: Option<Located<u64>>,
    consecutive: Option<Located<u64>>,
    slow_call: Option<Located<Duration>>,
    slow_rate: Option<Located<f64>>,
    open_for: Option<Located<Duration>>,
    open_backoff: Option<Located<f64>>,
    open_max: Option<Located<Duration>>,
    half_open_permits: Option<Located<u64>>,
    half_open_timeout: Option<Located<Duration>>,
}

const MILLISECOND: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

impl Settings {
    fn parse(arguments: &mut Arguments<'_>) -> Self {
        let rate = f64::MIN_POSITIVE..=1.0;
        let rate_words = "above 0 and at most 1";
        let calls = 1..=1_000_000;
        let calls_words = "from 1 to 1000000";
        let span = MILLISECOND..=DAY;
        let span_words = "from 1ms to 24h";
        let settings = Self {
            failure_rate: arguments.number("failure_rate", rate.clone(), rate_words, "0.5"),
            min_calls: arguments.integer("min_calls", calls.clone(), calls_words, "20"),
            window: arguments.duration(
                "window",
                Duration::from_millis(10)..=DAY,
                "from 10ms to 24h",
                "30s",
            ),
            window_calls: arguments.integer("window_calls", calls.clone(), calls_words, "100"),
            consecutive: arguments.integer("consecutive", calls.clone(), calls_words, "5"),
            slow_call: arguments.duration("slow_call", span.clone(), span_words, "2s"),
            slow_rate: arguments.number("slow_rate", rate, rate_words, "0.8"),
            open_for: arguments.duration("open_for", span.clone(), span_words, "30s"),
            open_backoff: arguments.number("open_backoff", 1.0..=100.0, "from 1 to 100", "2.0"),
            open_max: arguments.duration("open_max", span.clone(), span_words, "10m"),
            half_open_permits: arguments.integer(
                "half_open_permits",
                1..=10_000,
                "from 1 to 10000",
                "1",
            ),
            half_open_timeout: arguments.duration("half_open_timeout", span, span_words, "30s"),
        };
        settings.check(arguments.errors);
        settings
    }

    fn check(&self, errors: &Errors) {
        if let (Some(_), Some(calls)) = (&self.window, &self.window_calls) {
            errors.at(
                calls.span,
                "`window` and `window_calls` exclude each other",
                "keep `window` to look back in time, or `window_calls` to look back a number of calls",
            );
        }
        if let Some(window_calls) = &self.window_calls {
            let min_calls = self.min_calls.map_or(20, |calls| calls.value);
            if min_calls > window_calls.value {
                errors.at(
                    self.min_calls.map_or(window_calls.span, |calls| calls.span),
                    format_args!(
                        "`min_calls` ({min_calls}) can never be reached: the window holds {} calls",
                        window_calls.value
                    ),
                    "lower `min_calls` or raise `window_calls`",
                );
            }
        }
        if let (Some(slow_rate), None) = (&self.slow_rate, &self.slow_call) {
            errors.at(
                slow_rate.span,
                "`slow_rate` has no effect without `slow_call`",
                "add `slow_call = \"2s\"`, the duration from which a call is slow",
            );
        }
        if let (Some(open_max), None) = (&self.open_max, &self.open_backoff) {
            errors.at(
                open_max.span,
                "`open_max` has no effect without `open_backoff`",
                "add `open_backoff = 2.0`, the factor by which each further opening lasts longer",
            );
        }
        if let (Some(open_for), Some(open_max)) = (&self.open_for, &self.open_max)
            && open_max.value < open_for.value
        {
            errors.at(
                open_max.span,
                "`open_max` is shorter than `open_for`",
                "raise `open_max` or lower `open_for`",
            );
        }
    }

    fn given(&self) -> bool {
        self.failure_rate.is_some()
            || self.min_calls.is_some()
            || self.window.is_some()
            || self.window_calls.is_some()
            || self.consecutive.is_some()
            || self.slow_call.is_some()
            || self.open_for.is_some()
            || self.open_backoff.is_some()
            || self.half_open_permits.is_some()
            || self.half_open_timeout.is_some()
    }

    /// `field: value` of the runtime's configuration, only where something was given.
    fn tokens(&self, runtime: &TokenStream) -> Vec<TokenStream> {
        let mut fields = Vec::new();
        let mut field = |name: &str, value: TokenStream| {
            let name = format_ident!("{name}");
            fields.push(quote!(#name: #value));
        };
        let some = |value: TokenStream| quote!(::core::option::Option::Some(#value));
        if let Some(rate) = self.failure_rate {
            let rate = rate.value;
            field("failure_rate", quote!(#rate));
        }
        if let Some(calls) = self.min_calls {
            field("min_calls", count(calls.value));
        }
        if let Some(window) = self.window {
            let window = duration(window.value);
            field("window", quote!(#runtime::BreakerWindow::Time(#window)));
        }
        if let Some(calls) = self.window_calls {
            let calls = count(calls.value);
            field("window", quote!(#runtime::BreakerWindow::Calls(#calls)));
        }
        if let Some(consecutive) = self.consecutive {
            field("consecutive", some(count(consecutive.value)));
        }
        if let Some(slow) = self.slow_call {
            field("slow_call", some(duration(slow.value)));
        }
        if let Some(rate) = self.slow_rate {
            let rate = rate.value;
            field("slow_rate", quote!(#rate));
        }
        if let Some(open_for) = self.open_for {
            field("open_for", duration(open_for.value));
        }
        if let Some(factor) = self.open_backoff {
            let factor = factor.value;
            field("open_backoff", quote!(#factor));
        }
        if let Some(open_max) = self.open_max {
            field("open_max", duration(open_max.value));
        }
        if let Some(permits) = self.half_open_permits {
            field("half_open_permits", count(permits.value));
        }
        if let Some(timeout) = self.half_open_timeout {
            field("half_open_timeout", duration(timeout.value));
        }
        fields
    }
}

fn count(value: u64) -> TokenStream {
    let literal = proc_macro2::Literal::u64_unsuffixed(value);
    quote!(#literal)
}

fn duration(value: Duration) -> TokenStream {
    let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
    quote!(::core::time::Duration::from_nanos(#nanos))
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
        let settings = &self.settings;
        let settings = quote! {
            #runtime::BreakerConfig { #(#settings,)* ..#runtime::BreakerConfig::DEFAULT }
        };
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
