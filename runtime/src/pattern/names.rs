//! The names that retry, timeout, bulkhead, rate limit, cache and policy emit; part of
//! [`names`](crate::names).

/// Calls under one timeout. Counter, `{call}`; attributes [`NAME`](crate::names::NAME),
/// [`OUTCOME`](crate::names::OUTCOME) = one of [`TIMEOUT_OUTCOMES`].
pub const TIMEOUT_CALLS: &str = "otelgen.timeout.calls";
/// Span attribute: name of the timeout.
pub const SPAN_TIMEOUT_NAME: &str = "otelgen.timeout.name";
/// Span attribute: how the call ended, one of [`TIMEOUT_OUTCOMES`].
pub const SPAN_TIMEOUT_OUTCOME: &str = "otelgen.timeout.outcome";
/// The values of [`OUTCOME`](crate::names::OUTCOME) for a timeout.
pub const TIMEOUT_OUTCOMES: [&str; 4] = ["success", "failure", "timeout", "cancelled"];
/// `error.type` of a call that took too long (OpenTelemetry semantic conventions).
pub const ERROR_TIMEOUT: &str = "timeout";

/// Calls that run inside one bulkhead now. UpDownCounter, `{call}`; attribute [`NAME`](crate::names::NAME).
pub const BULKHEAD_IN_FLIGHT: &str = "otelgen.bulkhead.in_flight";
/// Calls that found one bulkhead full. Counter, `{call}`; attribute [`NAME`](crate::names::NAME).
pub const BULKHEAD_REJECTED: &str = "otelgen.bulkhead.rejected";
/// Span attribute: name of the bulkhead.
pub const SPAN_BULKHEAD_NAME: &str = "otelgen.bulkhead.name";
/// Span attribute: how the call ended, one of [`BULKHEAD_OUTCOMES`].
pub const SPAN_BULKHEAD_OUTCOME: &str = "otelgen.bulkhead.outcome";
/// The values of [`SPAN_BULKHEAD_OUTCOME`].
pub const BULKHEAD_OUTCOMES: [&str; 4] = ["success", "failure", "rejected", "cancelled"];
/// `error.type` of a call that found the bulkhead full.
pub const ERROR_BULKHEAD_FULL: &str = "bulkhead_full";

/// Calls with retries, each once. Counter, `{call}`; attributes [`NAME`](crate::names::NAME),
/// [`OUTCOME`](crate::names::OUTCOME) = one of [`RETRY_OUTCOMES`].
pub const RETRY_CALLS: &str = "otelgen.retry.calls";
/// Attempts of calls with retries. Counter, `{attempt}`; attributes [`NAME`](crate::names::NAME),
/// [`OUTCOME`](crate::names::OUTCOME) = one of [`ATTEMPT_OUTCOMES`].
pub const RETRY_ATTEMPTS: &str = "otelgen.retry.attempts";
/// Span attribute: name of the retry.
pub const SPAN_RETRY_NAME: &str = "otelgen.retry.name";
/// Span attribute: how the call ended, one of [`RETRY_OUTCOMES`].
pub const SPAN_RETRY_OUTCOME: &str = "otelgen.retry.outcome";
/// Span attribute: attempts that were made.
pub const SPAN_RETRY_ATTEMPTS: &str = "otelgen.retry.attempts";
/// Name of an attempt's span.
pub const SPAN_ATTEMPT: &str = "attempt";
/// Attempt span attribute: its number, from 1.
pub const SPAN_ATTEMPT_NUMBER: &str = "otelgen.retry.attempt";
/// Attempt span attribute: how it ended, one of [`ATTEMPT_OUTCOMES`].
pub const SPAN_ATTEMPT_OUTCOME: &str = "otelgen.retry.attempt.outcome";
/// The values of [`OUTCOME`](crate::names::OUTCOME) for a call with retries: it succeeded at once, or later;
/// its attempts were used up; its error must not be retried; a circuit breaker rejected it; its deadline
/// or its budget forbade a further attempt; its caller gave up.
pub const RETRY_OUTCOMES: [&str; 8] = [
    "success",
    "recovered",
    "exhausted",
    "permanent",
    "rejected",
    "deadline",
    "budget",
    "cancelled",
];
/// The values of [`OUTCOME`](crate::names::OUTCOME) for an attempt.
pub const ATTEMPT_OUTCOMES: [&str; 4] = ["success", "failure", "timeout", "cancelled"];

/// Requests to one rate limit. Counter, `{request}`; attributes [`NAME`](crate::names::NAME), [`RESULT`] = one
/// of [`RATE_LIMIT_RESULTS`].
pub const RATE_LIMIT_REQUESTS: &str = "otelgen.rate_limit.requests";
/// How long requests that had to wait did so. Histogram, `s`; attributes [`NAME`](crate::names::NAME),
/// [`RESULT`] = one of [`RATE_LIMIT_RESULTS`].
pub const RATE_LIMIT_QUEUE_DURATION: &str = "otelgen.rate_limit.queue.duration";
/// Span attribute: name of the rate limit.
pub const SPAN_RATE_LIMIT_NAME: &str = "otelgen.rate_limit.name";
/// Span attribute: what the rate limit said, one of [`RATE_LIMIT_RESULTS`].
pub const SPAN_RATE_LIMIT_RESULT: &str = "otelgen.rate_limit.result";
/// The values of [`RESULT`] for a rate limit: admitted at once, after a wait, not at all, or its caller
/// gave up while waiting.
pub const RATE_LIMIT_RESULTS: [&str; 4] = ["allowed", "delayed", "rejected", "cancelled"];
/// `error.type` of a request beyond the rate.
pub const ERROR_RATE_LIMITED: &str = "rate_limited";

/// Requests to one cache. Counter, `{request}`; attributes [`NAME`](crate::names::NAME), [`RESULT`] = one of
/// [`CACHE_RESULTS`].
pub const CACHE_REQUESTS: &str = "otelgen.cache.requests";
/// Duration of loads. Histogram, `s`; attributes [`NAME`](crate::names::NAME), [`OUTCOME`](crate::names::OUTCOME) =
/// one of [`CACHE_LOAD_OUTCOMES`].
pub const CACHE_LOAD_DURATION: &str = "otelgen.cache.load.duration";
/// Entries that left one cache because it was full or they were too old. Counter, `{entry}`; attribute
/// [`NAME`](crate::names::NAME).
pub const CACHE_EVICTIONS: &str = "otelgen.cache.evictions";
/// Entries in one cache now. UpDownCounter, `{entry}`; attribute [`NAME`](crate::names::NAME).
pub const CACHE_ENTRIES: &str = "otelgen.cache.entries";
/// Span attribute: name of the cache.
pub const SPAN_CACHE_NAME: &str = "otelgen.cache.name";
/// Span attribute: where the value came from, one of [`CACHE_RESULTS`].
pub const SPAN_CACHE_RESULT: &str = "otelgen.cache.result";
/// The values of [`RESULT`] for a cache: there, loaded, loaded by another call at the same time, or too
/// old and returned because loading failed.
pub const CACHE_RESULTS: [&str; 4] = ["hit", "miss", "coalesced", "stale"];
/// The values of [`OUTCOME`](crate::names::OUTCOME) for a load.
pub const CACHE_LOAD_OUTCOMES: [&str; 3] = ["success", "failure", "cancelled"];

/// Metric attribute: what a rate limit or a cache answered.
pub const RESULT: &str = "result";
