//! The parameters that become a breaker's configuration, and what contradicts what.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::attr::{Arguments, Located};
use crate::error::Errors;
use crate::tokens::{count, duration};

/// The parameters that become the breaker's configuration.
pub(super) struct Settings {
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
    pub(super) fn parse(arguments: &mut Arguments<'_>) -> Self {
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

    pub(super) fn given(&self) -> bool {
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
    pub(super) fn tokens(&self, runtime: &TokenStream) -> Vec<TokenStream> {
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
