//! The names that routes emit; part of [`names`](crate::names).

/// Calls of one route. Counter, `{call}`; attributes [`NAME`](crate::names::NAME), [`ROUTE`] = one of
/// [`ROUTE_SIDES`], [`OUTCOME`](crate::names::OUTCOME) = one of [`ROUTE_OUTCOMES`].
pub const ROUTE_CALLS: &str = "otelgen.route.calls";
/// Duration of the calls. Histogram, `s`; attributes [`NAME`](crate::names::NAME), [`ROUTE`].
pub const ROUTE_DURATION: &str = "otelgen.route.call.duration";
/// The share of calls that one route sends to the new side, rounded up. UpDownCounter, `%`; attribute
/// [`NAME`](crate::names::NAME).
pub const ROUTE_PERCENT: &str = "otelgen.route.percent";
/// Shadow calls of one route. Counter, `{call}`; attributes [`NAME`](crate::names::NAME),
/// [`OUTCOME`](crate::names::OUTCOME) = one of [`SHADOW_OUTCOMES`].
pub const ROUTE_SHADOWS: &str = "otelgen.route.shadow.calls";
/// Duration of the shadow calls that came to an end. Histogram, `s`; attributes [`NAME`](crate::names::NAME),
/// [`ROUTE`].
pub const ROUTE_SHADOW_DURATION: &str = "otelgen.route.shadow.duration";

/// Metric attribute: which implementation, one of [`ROUTE_SIDES`].
pub const ROUTE: &str = "route";
/// The values of [`ROUTE`].
pub const ROUTE_SIDES: [&str; 2] = ["legacy", "new"];
/// The values of [`OUTCOME`](crate::names::OUTCOME) for a routed call.
pub const ROUTE_OUTCOMES: [&str; 3] = ["success", "failure", "cancelled"];
/// The values of [`OUTCOME`](crate::names::OUTCOME) for a shadow call: both sides agree, or failed both; both answered
/// and the answers differ; only the shadow failed; only the call that was answered failed; it took too long; too many
/// were under way already; the program ended first.
pub const SHADOW_OUTCOMES: [&str; 7] = [
    "match",
    "mismatch",
    "failure",
    "recovered",
    "timeout",
    "skipped",
    "cancelled",
];

/// Span attribute: name of the route.
pub const SPAN_ROUTE_NAME: &str = "otelgen.route.name";
/// Span attribute: which implementation was called, one of [`ROUTE_SIDES`].
pub const SPAN_ROUTE_SIDE: &str = "otelgen.route.side";
/// Span attribute: how the call ended, one of [`ROUTE_OUTCOMES`].
pub const SPAN_ROUTE_OUTCOME: &str = "otelgen.route.outcome";
/// Name of a shadow call's span, which links to the span of the call that was answered.
pub const SPAN_SHADOW: &str = "shadow";
/// Shadow span attribute: how it compares, one of [`SHADOW_OUTCOMES`].
pub const SPAN_SHADOW_OUTCOME: &str = "otelgen.route.shadow.outcome";
/// Name and message of the log event that reports a change by a handle.
pub const ROUTE_CHANGED_EVENT: &str = "otelgen.route.changed";
