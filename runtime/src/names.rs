//! Every name this crate emits: metrics, their attributes and values, span attributes, events.
//! A pack declares its telemetry from here; nothing else in the crate spells a name.

#[cfg(feature = "messaging")]
pub use crate::messaging::names::*;
pub use crate::pattern::names::*;
#[cfg(feature = "route")]
pub use crate::route::names::*;

/// Instrumentation scope of the metrics.
pub const SCOPE: &str = "otelgen";

/// Calls of one breaker. Counter, `{call}`; attributes [`NAME`], [`OUTCOME`].
pub const BREAKER_CALLS: &str = "otelgen.circuit_breaker.calls";
/// State of one breaker, 1 for the state it is in and 0 for the others (for a keyed breaker: how many
/// keys are in the state). UpDownCounter, `1`; attributes [`NAME`], [`STATE`].
pub const BREAKER_STATE: &str = "otelgen.circuit_breaker.state";
/// State changes of one breaker. Counter, `{transition}`; attributes [`NAME`], [`FROM`], [`TO`].
pub const BREAKER_TRANSITIONS: &str = "otelgen.circuit_breaker.transitions";
/// Duration of the calls let through. Histogram, `s`; attributes [`NAME`], [`OUTCOME`].
pub const BREAKER_DURATION: &str = "otelgen.circuit_breaker.call.duration";
/// Calls of a `#[traced]` function. Counter, `{call}`; attributes [`NAME`], [`OUTCOME`].
pub const FUNCTION_CALLS: &str = "otelgen.function.calls";
/// Duration of a `#[traced]` function. Histogram, `s`; attributes [`NAME`], [`OUTCOME`].
pub const FUNCTION_DURATION: &str = "otelgen.function.duration";

/// Metric attribute: the name given to the breaker, function, cache ….
pub const NAME: &str = "name";
/// Metric attribute: how a call ended.
pub const OUTCOME: &str = "outcome";
/// Metric attribute: the state a value is about.
pub const STATE: &str = "state";
/// Metric attribute: the state before a transition.
pub const FROM: &str = "from";
/// Metric attribute: the state after a transition.
pub const TO: &str = "to";

/// Span attribute: name of the breaker.
pub const SPAN_BREAKER_NAME: &str = "otelgen.circuit_breaker.name";
/// Span attribute: how the guarded call ended, one of [`BREAKER_OUTCOMES`].
pub const SPAN_BREAKER_OUTCOME: &str = "otelgen.circuit_breaker.outcome";
/// Span attribute: path of the function (OpenTelemetry semantic conventions).
pub const SPAN_FUNCTION: &str = "code.function.name";
/// Span attribute: class of the error (OpenTelemetry semantic conventions): the error's type, or
/// [`ERROR_OPEN`], or [`ERROR_PANIC`].
pub const SPAN_ERROR_TYPE: &str = "error.type";
/// `error.type` of a call that an open breaker rejected.
pub const ERROR_OPEN: &str = "circuit_breaker_open";
/// `error.type` of a call that panicked.
pub const ERROR_PANIC: &str = "panic";

/// Name of the log event that reports a state change.
pub const BREAKER_TRANSITION_EVENT: &str = "otelgen.circuit_breaker.transition";
/// Message of the log event that reports a state change, and name of the span event: the event's own name.
pub const BREAKER_TRANSITION_MESSAGE: &str = BREAKER_TRANSITION_EVENT;
/// Event attribute: the state before.
pub const EVENT_FROM: &str = "otelgen.circuit_breaker.state.from";
/// Event attribute: the state after.
pub const EVENT_TO: &str = "otelgen.circuit_breaker.state.to";
/// Event attribute: why the state changed, one of [`BREAKER_REASONS`].
pub const EVENT_REASON: &str = "otelgen.circuit_breaker.reason";

/// The values of [`OUTCOME`] for a breaker.
pub const BREAKER_OUTCOMES: [&str; 5] = ["success", "failure", "ignored", "rejected", "cancelled"];
/// The values of [`STATE`] that a breaker reaches by itself. A forced or disabled breaker reports
/// `open` or `closed`, as it behaves.
pub const BREAKER_STATES: [&str; 3] = ["closed", "open", "half_open"];
/// The values of [`EVENT_REASON`].
pub const BREAKER_REASONS: [&str; 9] = [
    "failure_rate",
    "slow_rate",
    "consecutive_failures",
    "open_elapsed",
    "probe_succeeded",
    "probe_failed",
    "probe_slow",
    "probe_timed_out",
    "handle",
];
/// The values of [`OUTCOME`] for a function.
pub const FUNCTION_OUTCOMES: [&str; 4] = ["success", "error", "panic", "cancelled"];

/// Boundaries of the duration histograms, in seconds: those of `http.server.request.duration`, with
/// three more below for calls that never leave the process.
pub const DURATION_BOUNDARIES: [f64; 17] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0,
    7.5, 10.0,
];
