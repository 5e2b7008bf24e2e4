//! Each Tower layer round a service of nothing, against tower-resilience's counterpart with its metrics on.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::Duration;

use otelgen::{
    TracedBulkhead, TracedBulkheadLayer, TracedCache, TracedCacheLayer, TracedCircuitBreaker,
    TracedCircuitBreakerLayer, TracedRateLimit, TracedRateLimitLayer, TracedRetry, TracedRetryLayer, TracedTimeout,
    TracedTimeoutLayer,
};
use tower::{Layer, Service};
use tower_resilience::{bulkhead, cache, circuitbreaker, ratelimiter, retry, timelimiter};

use crate::functions::Exported;
use crate::measure::{Allowed, BenchError, Comparison, Operation, Target, at_once, time_operations};

const PLENTY: u32 = 1_000_000_000;
const BURST: u32 = 1_000_000;
const LONG: Duration = Duration::from_secs(60);

/// Text, otelgen's row, tower-resilience's row, and how much of it otelgen's may cost.
const PAIRS: [(&str, &str, &str, f64); 6] = [
    ("breaker: 4× faster than tower-resilience", "otelgen, circuit breaker", "tower-resilience, circuit breaker", 0.25),
    ("retry: at most half", "otelgen, retry", "tower-resilience, retry", 0.5),
    ("timeout: at most half", "otelgen, timeout", "tower-resilience, time limiter", 0.5),
    ("bulkhead: at most half", "otelgen, bulkhead", "tower-resilience, bulkhead", 0.5),
    ("rate limit: at most half", "otelgen, rate limit", "tower-resilience, rate limiter", 0.5),
    ("cache: at most half", "otelgen, cache hit", "tower-resilience, cache hit", 0.5),
];

/// Six layers and their counterparts.
pub fn against_peers() -> Result<Comparison, BenchError> {
    let _exported = Exported::metrics();
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder();
    recorder.map_err(BenchError::setup("the Prometheus recorder that tower-resilience counts into"))?;
    // Timers want a runtime, although none of them fires.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(BenchError::io("starting a runtime"))?;
    let _entered = runtime.enter();

    let mut operations = Vec::new();
    for ((_, mine, peers, _), (left, right)) in PAIRS.into_iter().zip([
        (breaker()?, peer_breaker()?),
        (retries()?, peer_retries()),
        (timeout()?, peer_timeout()),
        (bulkheads()?, peer_bulkheads()?),
        (rate_limit()?, peer_rate_limit()?),
        (caches()?, peer_caches()?),
    ]) {
        operations.push(Operation::new(mine, left));
        operations.push(Operation::new(peers, right));
    }
    let targets = PAIRS.into_iter().map(|(text, mine, peers, times)| Target {
        text,
        rows: (mine, peers),
        allowed: Allowed::Times(times),
    });
    Ok(Comparison {
        title: "A Tower service of nothing behind one layer, otelgen's counts exported by OpenTelemetry, \
                tower-resilience's by metrics-exporter-prometheus (best of 300 alternating rounds of 4,000 calls)."
            .to_owned(),
        rows: time_operations(operations),
        targets: targets.collect(),
    })
}

type Work = Box<dyn FnMut()>;

/// The service behind every layer.
#[derive(Clone)]
struct Nothing;

impl Service<u32> for Nothing {
    type Response = u32;
    type Error = Infallible;
    type Future = Ready<Result<u32, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        ready(Ok(black_box(request)))
    }
}

/// One request through `layer`.
fn through<L>(layer: L) -> Work
where
    L: Layer<Nothing>,
    L::Service: Service<u32> + 'static,
{
    let mut service = layer.layer(Nothing);
    Box::new(move || {
        let _ = at_once(std::future::poll_fn(|context| service.poll_ready(context)));
        let _ = black_box(at_once(service.call(black_box(7))));
    })
}

fn breaker() -> Result<Work, BenchError> {
    let breaker = TracedCircuitBreaker::builder("bench.layer.breaker").build();
    Ok(through(TracedCircuitBreakerLayer::new(breaker.map_err(BenchError::setup("breaker"))?)))
}

fn peer_breaker() -> Result<Work, BenchError> {
    let layer = circuitbreaker::CircuitBreakerLayer::builder().failure_rate_threshold(0.5).build();
    Ok(through(layer.map_err(BenchError::setup("tower-resilience's breaker"))?))
}

fn retries() -> Result<Work, BenchError> {
    let retry = TracedRetry::builder("bench.layer.retry").build().map_err(BenchError::setup("retry"))?;
    Ok(through(TracedRetryLayer::new(retry)))
}

fn peer_retries() -> Work {
    let layer = retry::RetryLayer::<u32, u32, Infallible>::builder().max_attempts(3);
    through(layer.exponential_backoff(Duration::from_millis(100)).build())
}

fn timeout() -> Result<Work, BenchError> {
    let timeout = TracedTimeout::builder("bench.layer.timeout").after(LONG).build();
    Ok(through(TracedTimeoutLayer::new(timeout.map_err(BenchError::setup("timeout"))?)))
}

fn peer_timeout() -> Work {
    through(timelimiter::TimeLimiterLayer::<timelimiter::FixedTimeout>::builder().timeout_duration(LONG).build())
}

fn bulkheads() -> Result<Work, BenchError> {
    let bulkhead = TracedBulkhead::builder("bench.layer.bulkhead").max_concurrent(64).build();
    Ok(through(TracedBulkheadLayer::new(bulkhead.map_err(BenchError::setup("bulkhead"))?)))
}

fn peer_bulkheads() -> Result<Work, BenchError> {
    let layer = bulkhead::BulkheadLayer::builder().max_concurrent_calls(64).reject_when_full().build();
    Ok(through(layer.map_err(BenchError::setup("tower-resilience's bulkhead"))?))
}

fn rate_limit() -> Result<Work, BenchError> {
    let limit = TracedRateLimit::builder("bench.layer.limit", f64::from(PLENTY)).burst(BURST).build();
    Ok(through(TracedRateLimitLayer::new(limit.map_err(BenchError::setup("rate limit"))?)))
}

fn peer_rate_limit() -> Result<Work, BenchError> {
    let layer = ratelimiter::RateLimiterLayer::builder().limit_for_period(usize::MAX >> 1);
    let layer = layer.refresh_period(Duration::from_secs(1)).build();
    Ok(through(layer.map_err(BenchError::setup("tower-resilience's rate limiter"))?))
}

fn caches() -> Result<Work, BenchError> {
    let cache = TracedCache::<u32, u32>::builder("bench.layer.cache").build().map_err(BenchError::setup("cache"))?;
    Ok(through(TracedCacheLayer::new(cache, |request: &u32| Some(*request))))
}

fn peer_caches() -> Result<Work, BenchError> {
    let layer = cache::CacheLayer::builder().max_size(10_000).key_extractor(|request: &u32| *request).build();
    Ok(through(layer.map_err(BenchError::setup("tower-resilience's cache"))?))
}
