//! What retry, timeout, bulkhead, rate limit and cache tell the world. Alone in their process and one after
//! the other: whether a span is made depends on every subscriber there is.
#![cfg(all(feature = "retry", feature = "rate-limit", feature = "cache"))]

#[path = "breaker_support/mod.rs"]
mod support;

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use opentelemetry::trace::Status;
use otelgen::{
    BreakerOpen, BulkheadFull, Clock, Elapsed, RateLimited, TracedCache, traced, traced_breaker,
    traced_bulkhead, traced_cache, traced_rate_limit, traced_retry, traced_timeout,
};
#[cfg(not(feature = "metrics"))]
use otelgen::{RateLimitError, TracedBulkhead, TracedRateLimit};
#[cfg(not(feature = "metrics"))]
use support::Metrics;
use support::{Spans, attribute};
#[cfg(not(feature = "metrics"))]
use tokio::sync::oneshot;

static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[derive(Clone, Debug, PartialEq)]
enum Error {
    Down,
    Open,
    Full,
    Limited,
    TooSlow,
}

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self::Open
    }
}

impl From<BulkheadFull> for Error {
    fn from(_: BulkheadFull) -> Self {
        Self::Full
    }
}

impl From<RateLimited> for Error {
    fn from(_: RateLimited) -> Self {
        Self::Limited
    }
}

impl From<Elapsed> for Error {
    fn from(_: Elapsed) -> Self {
        Self::TooSlow
    }
}

#[traced_timeout(name = "telemetry.timeout", after = "2s")]
async fn slow() -> Result<u32, Error> {
    pending().await
}

#[traced_retry(name = "telemetry.retry", base = "1ms")]
async fn second_time(calls: &AtomicU32) -> Result<u32, Error> {
    match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Error::Down),
        _ => Ok(7),
    }
}

struct Client {
    calls: AtomicU32,
}

impl Client {
    #[traced(name = "stack")]
    #[traced_cache(name = "stack", key = item, ttl = "1m")]
    #[traced_retry(name = "stack", attempts = 3, base = "10ms")]
    #[traced_breaker(name = "stack", min_calls = 10)]
    #[traced_rate_limit(name = "stack", per_second = 1000)]
    #[traced_bulkhead(name = "stack", max_concurrent = 8)]
    #[traced_timeout(name = "stack", after = "1s")]
    async fn get(&self, item: &str) -> Result<usize, Error> {
        if self.calls.fetch_add(1, Ordering::SeqCst) == 0 {
            pending::<()>().await;
        }
        Ok(item.len())
    }

    #[traced_cache(key = item)]
    #[traced_retry(attempts = 2, base = "1ms")]
    #[traced_breaker]
    #[traced_rate_limit(per_second = 1000)]
    #[traced_bulkhead(max_concurrent = 8)]
    fn get_blocking(&self, item: &str) -> Result<usize, Error> {
        if self.calls.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(Error::Down);
        }
        Ok(item.len())
    }
}

#[tokio::test(start_paused = true)]
async fn the_span_says_how_the_call_ended() {
    let _alone = ALONE.lock().await;
    let (spans, subscriber) = Spans::new();
    {
        let _default = tracing::subscriber::set_default(subscriber);
        let _ = slow().await;
    }
    let span = spans.only();
    assert_eq!(span.name, "telemetry.timeout");
    assert_eq!(
        attribute(&span, "otelgen.timeout.name").as_deref(),
        Some("telemetry.timeout")
    );
    assert_eq!(
        attribute(&span, "otelgen.timeout.outcome").as_deref(),
        Some("timeout")
    );
    assert_eq!(attribute(&span, "error.type").as_deref(), Some("timeout"));
    assert!(matches!(span.status, Status::Error { .. }));
}

#[cfg(not(feature = "metrics"))]
#[tokio::test]
async fn telemetry_shows_calls_in_flight_and_rejections() {
    let _alone = ALONE.lock().await;
    let metrics = Metrics::new();
    opentelemetry::global::set_meter_provider(metrics.provider.clone());
    let bulkhead = TracedBulkhead::builder("bulkhead.metrics")
        .max_concurrent(1)
        .build()
        .expect("the bulkhead is valid");
    otelgen::bind_metrics();
    let (release, released) = oneshot::channel::<()>();
    let (spans, subscriber) = Spans::new();
    {
        let _default = tracing::subscriber::set_default(subscriber);
        let running = bulkhead.call_async(|| async { released.await.map_err(|_| ()) });
        let rejected = async {
            assert!(
                bulkhead
                    .call_async(|| async { Ok::<_, ()>(()) })
                    .await
                    .is_err()
            );
            let name = [("name", "bulkhead.metrics")];
            assert_eq!(
                metrics.value("otelgen.bulkhead.in_flight", &name),
                Some(1.0)
            );
            assert_eq!(metrics.value("otelgen.bulkhead.rejected", &name), Some(1.0));
            release.send(()).expect("the first call waits");
        };
        let (running, ()) = tokio::join!(running, rejected);
        assert_eq!(running, Ok(()));
        let name = [("name", "bulkhead.metrics")];
        assert_eq!(
            metrics.value("otelgen.bulkhead.in_flight", &name),
            Some(0.0)
        );
    }
    let outcomes: Vec<_> = spans
        .ended()
        .iter()
        .map(|span| attribute(span, "otelgen.bulkhead.outcome"))
        .collect();
    assert_eq!(
        outcomes,
        [Some("rejected".to_owned()), Some("success".to_owned())]
    );
}

#[tokio::test(start_paused = true)]
async fn attempts_are_children_and_an_error_that_was_overcome_stays_with_its_attempt() {
    let _alone = ALONE.lock().await;
    let (spans, subscriber) = Spans::new();
    {
        let _default = tracing::subscriber::set_default(subscriber);
        assert_eq!(second_time(&AtomicU32::new(0)).await, Ok(7));
    }
    let spans = spans.ended();
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(names, ["attempt", "attempt", "telemetry.retry"]);
    let (call, attempts) = spans.split_last().expect("there are spans");
    for attempt in attempts {
        assert_eq!(attempt.parent_span_id, call.span_context.span_id());
    }
    assert_eq!(
        attribute(&attempts[0], "otelgen.retry.attempt").as_deref(),
        Some("1")
    );
    assert_eq!(
        attribute(&attempts[0], "otelgen.retry.attempt.outcome").as_deref(),
        Some("failure")
    );
    assert!(matches!(attempts[0].status, Status::Error { .. }));
    assert_eq!(
        attribute(&attempts[1], "otelgen.retry.attempt.outcome").as_deref(),
        Some("success")
    );
    assert_eq!(
        attribute(call, "otelgen.retry.outcome").as_deref(),
        Some("recovered")
    );
    assert_eq!(
        attribute(call, "otelgen.retry.attempts").as_deref(),
        Some("2")
    );
    assert_eq!(attribute(call, "error.type"), None);
    assert_eq!(call.status, Status::Unset);
}

#[cfg(not(feature = "metrics"))]
#[tokio::test(start_paused = true)]
async fn telemetry_shows_results_and_waits_and_no_key() {
    let _alone = ALONE.lock().await;
    let metrics = Metrics::new();
    opentelemetry::global::set_meter_provider(metrics.provider.clone());
    let limits = TracedRateLimit::builder("limit.metrics", 1.0)
        .burst(1)
        .max_wait(Duration::from_secs(1))
        .clock(Clock::tokio())
        .build_keyed(10)
        .expect("the limits are valid");
    otelgen::bind_metrics();
    let (spans, subscriber) = Spans::new();
    {
        let _default = tracing::subscriber::set_default(subscriber);
        let limit = limits.get("secret-client");
        assert!(limit.call_async(|| async { Ok::<_, ()>(()) }).await.is_ok());
        assert!(limit.call_async(|| async { Ok::<_, ()>(()) }).await.is_ok());
        let calls = [(); 2].map(|()| limit.call_async(|| async { Ok::<_, ()>(()) }));
        let [first, second] = calls;
        let (first, second) = tokio::join!(first, second);
        let rejected = [first, second]
            .iter()
            .filter(|result| matches!(result, Err(RateLimitError::Limited(_))))
            .count();
        assert_eq!(rejected, 1);
    }
    let points = metrics.collect();
    let value = |metric, result| {
        support::find(
            &points,
            metric,
            &[("name", "limit.metrics"), ("result", result)],
        )
    };
    assert_eq!(value("otelgen.rate_limit.requests", "allowed"), Some(1.0));
    assert_eq!(value("otelgen.rate_limit.requests", "delayed"), Some(2.0));
    assert_eq!(value("otelgen.rate_limit.requests", "rejected"), Some(1.0));
    assert_eq!(
        value("otelgen.rate_limit.queue.duration", "delayed"),
        Some(2.0)
    );
    let spans = spans.ended();
    let results: Vec<_> = spans
        .iter()
        .filter_map(|span| attribute(span, "otelgen.rate_limit.result"))
        .collect();
    assert_eq!(
        results.iter().filter(|result| *result == "delayed").count(),
        2
    );
    assert!(!format!("{spans:?}").contains("secret-client"));
    let failed = spans
        .iter()
        .find(|span| attribute(span, "error.type").is_some());
    let failed = failed.expect("one was rejected");
    assert_eq!(
        attribute(failed, "error.type").as_deref(),
        Some("rate_limited")
    );
}

#[tokio::test]
async fn a_handled_error_is_no_error_of_the_span() {
    let _alone = ALONE.lock().await;
    let (clock, time) = Clock::manual();
    let cache = TracedCache::<String, u32>::builder("cache.spans")
        .ttl(Duration::from_secs(60))
        .clock(clock)
        .stale_if_error(Duration::from_secs(600))
        .build()
        .expect("the cache is valid");
    let (spans, subscriber) = Spans::new();
    {
        let _default = tracing::subscriber::set_default(subscriber);
        let load = |result: Result<u32, Error>| cache.get_or_load_async("key", || async { result });
        assert!(load(Err(Error::Down)).await.is_err());
        assert!(load(Ok(1)).await.is_ok());
        assert!(load(Ok(2)).await.is_ok());
        time.advance(Duration::from_secs(61));
        assert!(load(Err(Error::Down)).await.is_ok());
    }
    let spans = spans.ended();
    let results: Vec<_> = spans
        .iter()
        .filter_map(|span| attribute(span, "otelgen.cache.result"))
        .collect();
    assert_eq!(results, ["miss", "miss", "hit", "stale"]);
    assert!(matches!(spans[0].status, Status::Error { .. }));
    assert_eq!(spans[3].status, Status::Unset);
    assert_eq!(attribute(&spans[3], "error.type"), None);
    assert_eq!(spans[3].events.len(), 1, "what was handled is told");
}

#[cfg(not(feature = "metrics"))]
#[test]
fn metrics_show_requests_loads_and_entries() {
    let _alone = ALONE.blocking_lock();
    let metrics = Metrics::new();
    opentelemetry::global::set_meter_provider(metrics.provider.clone());
    let cache = TracedCache::<u32, u32>::builder("cache.metrics")
        .max_entries(5)
        .build()
        .expect("the cache is valid");
    otelgen::bind_metrics();
    for key in 0..50 {
        assert!(cache.get_or_load(&key, || Ok::<_, Error>(key)).is_ok());
    }
    assert!(
        cache
            .get_or_load(&99, || Err::<u32, _>(Error::Down))
            .is_err()
    );
    let points = metrics.collect();
    let value = |metric, attributes: &[(&str, &str)]| support::find(&points, metric, attributes);
    let name = ("name", "cache.metrics");
    assert_eq!(
        value("otelgen.cache.requests", &[name, ("result", "miss")]),
        Some(51.0)
    );
    assert_eq!(
        value(
            "otelgen.cache.load.duration",
            &[name, ("outcome", "success")]
        ),
        Some(50.0)
    );
    assert_eq!(
        value(
            "otelgen.cache.load.duration",
            &[name, ("outcome", "failure")]
        ),
        Some(1.0)
    );
    let entries = value("otelgen.cache.entries", &[name]).expect("entries are counted");
    let evicted = value("otelgen.cache.evictions", &[name]).expect("evictions are counted");
    assert!(entries <= 5.0, "{entries}");
    assert!(evicted >= 1.0, "{evicted}");
}

#[tokio::test(start_paused = true)]
async fn all_attributes_on_one_function_nest_in_order() {
    let _alone = ALONE.lock().await;
    let (spans, subscriber) = Spans::new();
    {
        let _default = tracing::subscriber::set_default(subscriber);
        let client = Client {
            calls: AtomicU32::new(0),
        };
        assert_eq!(client.get("bolts").await, Ok(5));
        assert_eq!(client.get("bolts").await, Ok(5));
        assert_eq!(client.calls.load(Ordering::SeqCst), 2);
    }
    let spans = spans.ended();
    let mut chain = Vec::new();
    let mut span = spans
        .iter()
        .find(|span| attribute(span, "otelgen.timeout.outcome").as_deref() == Some("success"));
    while let Some(this) = span {
        chain.push(
            this.attributes
                .iter()
                .map(|pair| pair.key.as_str())
                .find(|key| key.starts_with("otelgen."))
                .unwrap_or("traced")
                .to_owned(),
        );
        span = spans
            .iter()
            .find(|parent| parent.span_context.span_id() == this.parent_span_id);
    }
    assert_eq!(
        chain,
        [
            "otelgen.timeout.name",
            "otelgen.bulkhead.name",
            "otelgen.rate_limit.name",
            "otelgen.circuit_breaker.name",
            "otelgen.retry.attempt",
            "otelgen.retry.name",
            "otelgen.cache.name",
            "traced",
        ]
    );
    let client = Client {
        calls: AtomicU32::new(0),
    };
    assert_eq!(client.get_blocking("nut"), Ok(3));
    assert_eq!(client.get_blocking("nut"), Ok(3));
    assert_eq!(client.calls.load(Ordering::SeqCst), 2);
}
