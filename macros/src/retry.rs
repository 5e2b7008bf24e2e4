//! `#[traced_retry]`: parse → model → check → expand into attempts of the runtime's retry.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, Path};

use crate::attr::{Arguments, Located};
use crate::common::Common;
use crate::duration::{DAY, MILLISECOND};
use crate::error::Errors;
use crate::function::Function;
use crate::stage::Stage;
use crate::tokens::{
    configuration, count, duration, require_async, require_feature, require_result,
};

const NAME: &str = "traced_retry";

struct Retry {
    common: Common,
    /// The settings that differ from the defaults: `field: value`.
    settings: Vec<TokenStream>,
    when: Option<Path>,
    retry_after: Option<Path>,
    /// `budget = EXPR`
    budget: Option<Expr>,
    times_attempts: bool,
    map: Option<Path>,
}

/// Reads and checks the arguments of `#[traced_retry]`.
pub(crate) fn parse(
    tokens: TokenStream,
    attribute: Span,
    function: &Function,
    errors: &Errors,
) -> Box<dyn Stage> {
    let mut arguments = Arguments::parse(NAME, tokens, errors);
    let common = Common::parse(&mut arguments);
    let runtime = common.runtime.clone();
    let mut settings = Vec::new();
    let attempt_timeout = parse_settings(&mut arguments, &runtime, &mut settings);
    let when = arguments.path("when", "PaymentError::is_transient");
    let retry_after = arguments.path("retry_after", "PaymentError::retry_after");
    let map = arguments.path("map", "PaymentError::too_slow");
    let budget = parse_budget(&mut arguments, &mut settings);
    arguments.finish();
    if let Some(limit) = &attempt_timeout {
        require_async("`attempt_timeout`", limit.span, function, errors);
    } else if let Some(map) = &map {
        errors.at(
            syn::spanned::Spanned::span(map),
            "`map` makes the error of an attempt that takes too long, and none does",
            "add `attempt_timeout = \"2s\"`",
        );
    }
    require_result(NAME, function, errors);
    require_feature(cfg!(feature = "retry"), NAME, "retry", attribute, errors);
    Box::new(Retry {
        common,
        settings,
        when,
        retry_after,
        budget,
        times_attempts: attempt_timeout.is_some(),
        map,
    })
}

/// Reads the settings into `settings`; the time of an attempt comes back.
fn parse_settings(
    arguments: &mut Arguments<'_>,
    runtime: &TokenStream,
    settings: &mut Vec<TokenStream>,
) -> Option<Located<Duration>> {
    let errors = arguments.errors;
    let time = MILLISECOND..=DAY;
    let time_words = "from 1ms to 24h";
    let attempts = arguments.integer("attempts", 1..=1_000, "from 1 to 1000", "3");
    let base = arguments.duration("base", time.clone(), time_words, "100ms");
    let factor = arguments.number("factor", 1.0..=100.0, "from 1 to 100", "2.0");
    let max_delay = arguments.duration("max_delay", time.clone(), time_words, "10s");
    let jitter = arguments.choice(
        "jitter",
        &[
            ("full", "Full"),
            ("equal", "Equal"),
            ("decorrelated", "Decorrelated"),
            ("none", "None"),
        ],
    );
    let deadline = arguments.duration("deadline", time.clone(), time_words, "30s");
    let attempt_timeout = arguments.duration("attempt_timeout", time, time_words, "2s");

    let first = base.map_or(Duration::from_millis(100), |base| base.value);
    let longest = max_delay.map_or(Duration::from_secs(10), |delay| delay.value);
    if first > longest
        && let Some(place) = max_delay
            .map(|delay| delay.span)
            .or(base.map(|base| base.span))
    {
        errors.at(
            place,
            "`max_delay` is shorter than `base`",
            "raise `max_delay` (10s unless set) or lower `base` (100ms unless set)",
        );
    }
    let mut field = |name: &str, value: Option<TokenStream>| {
        let name = format_ident!("{name}");
        settings.extend(value.map(|value| quote!(#name: #value)));
    };
    let some = |value: Duration| {
        let value = duration(value);
        quote!(::core::option::Option::Some(#value))
    };
    field("attempts", attempts.map(|attempts| count(attempts.value)));
    field("base", base.map(|base| duration(base.value)));
    field(
        "factor",
        factor.map(|factor| {
            let factor = factor.value;
            quote!(#factor)
        }),
    );
    field("max_delay", max_delay.map(|delay| duration(delay.value)));
    field(
        "jitter",
        jitter.map(|jitter| {
            let jitter = format_ident!("{jitter}");
            quote!(#runtime::Jitter::#jitter)
        }),
    );
    field("deadline", deadline.map(|deadline| some(deadline.value)));
    field(
        "attempt_timeout",
        attempt_timeout.map(|limit| some(limit.value)),
    );
    attempt_timeout
}

/// `budget = 0.2`, a share of its own, becomes a setting; any other expression is a shared budget.
fn parse_budget(arguments: &mut Arguments<'_>, settings: &mut Vec<TokenStream>) -> Option<Expr> {
    if !arguments.is_number("budget") {
        return arguments.expr("budget");
    }
    let ratio = arguments.number("budget", 0.001..=1.0, "from 0.001 to 1", "0.2");
    settings.extend(ratio.map(|ratio| {
        let ratio = ratio.value;
        quote!(budget: ::core::option::Option::Some(#ratio))
    }));
    None
}

impl Stage for Retry {
    fn runtime(&self) -> &TokenStream {
        &self.common.runtime
    }

    fn wrap(&self, code: TokenStream, function: &Function) -> TokenStream {
        let runtime = &self.common.runtime;
        let here = Span::mixed_site();
        let site = quote_spanned!(here=> __otelgen_site);
        let retry = quote_spanned!(here=> __otelgen_retry);
        let settings = configuration(runtime, "RetryConfig", &self.settings);
        let choose =
            self.common
                .pattern_site(function, &site, &retry, &quote!(TracedRetry), &settings);
        let span = self.common.span(
            function,
            &site,
            &quote! {
                "otelgen.retry.name" = #retry.name(),
                "otelgen.retry.outcome" = #runtime::__private::tracing::field::Empty,
                "otelgen.retry.attempts" = #runtime::__private::tracing::field::Empty,
            },
        );
        let metrics = self.common.metrics;
        let enter = match &self.budget {
            Some(budget) => quote!(enter_with_budget(&(#budget), #span, #metrics)),
            None => quote!(enter(#span, #metrics)),
        };
        let judge = self.judge();
        if !function.is_async() {
            let body = function.repeatable(&code);
            return quote_spanned! {here=>
                #choose
                #retry.#enter.run(#body, #judge)
            };
        }
        let elapsed = self.elapsed();
        quote_spanned! {here=>
            #choose
            let (__otelgen_call, mut __otelgen_attempts) = #retry.#enter.begin();
            __otelgen_call
                .run(async {
                    loop {
                        let __otelgen_attempted = __otelgen_attempts
                            .attempt(async { #code }, #judge, #elapsed)
                            .await;
                        if let ::core::ops::ControlFlow::Break(__otelgen_ended) =
                            __otelgen_attempts.again(__otelgen_attempted).await
                        {
                            break __otelgen_ended;
                        }
                    }
                })
                .await
        }
    }
}

impl Retry {
    fn judge(&self) -> TokenStream {
        let runtime = &self.common.runtime;
        let when = match &self.when {
            Some(path) => quote!(#path),
            None => quote!(#runtime::__private::always),
        };
        let retry_after = match &self.retry_after {
            Some(path) => quote!(#path),
            None => quote!(#runtime::__private::no_hint),
        };
        quote_spanned! {Span::mixed_site()=>
            |__otelgen_result| #runtime::__private::judge_error(__otelgen_result, #when, #retry_after)
        }
    }

    /// What makes the error of an attempt that takes too long, if one may.
    fn elapsed(&self) -> TokenStream {
        let runtime = &self.common.runtime;
        match (&self.map, self.times_attempts) {
            (Some(path), _) => quote!(::core::option::Option::Some(#path)),
            (None, true) => quote!(::core::option::Option::Some(#runtime::__private::elapsed)),
            (None, false) => quote!(::core::option::Option::None),
        }
    }
}
