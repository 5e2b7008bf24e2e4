//! Retry, cache, rate limit and bulkhead with their counts exported, against the crates that do the bare work.

use std::hint::black_box;
use std::num::NonZeroU32;

use backon::{BlockingRetryable as _, Retryable as _};
use otelgen::{TracedBulkhead, TracedCache, TracedRateLimit, TracedRetry};

use crate::functions::Exported;
use crate::measure::{Allowed, BenchError, Comparison, Operation, Target, at_once, time_operations};

const BACKON: &str = "backon, first try succeeds";
const RETRY: &str = "otelgen retry, first try succeeds";
const BACKON_BLOCKING: &str = "backon, blocking, first try succeeds";
const RETRY_BLOCKING: &str = "otelgen retry, blocking, first try succeeds";
const MOKA: &str = "moka, hit";
const CACHE: &str = "otelgen cache, hit";
const GOVERNOR: &str = "governor, admitted";
const LIMIT: &str = "otelgen rate limit, admitted";
const SEMAPHORE: &str = "tokio Semaphore::try_acquire";
const BULKHEAD: &str = "otelgen bulkhead, admitted";

const PLENTY: u32 = 1_000_000_000;
const BURST: u32 = 1_000_000;

/// The path that nearly every call takes: success, hit, admitted.
pub fn against_peers() -> Result<Comparison, BenchError> {
    let _exported = Exported::metrics();
    let backoff = backon::ExponentialBuilder::default();
    let retry = TracedRetry::builder("bench.retry").span(false).build().map_err(BenchError::setup("retry"))?;
    let moka = moka::sync::Cache::<u64, u64>::new(10_000);
    moka.insert(7, 7);
    let cache = TracedCache::<u64, u64>::builder("bench.cache").span(false).build();
    let cache = cache.map_err(BenchError::setup("cache"))?;
    cache.insert(7, 7);
    let quota = governor::Quota::per_second(NonZeroU32::new(PLENTY).unwrap_or(NonZeroU32::MIN));
    let governor = governor::RateLimiter::direct(quota);
    let limit = TracedRateLimit::builder("bench.limit", f64::from(PLENTY)).burst(BURST).span(false).build();
    let limit = limit.map_err(BenchError::setup("rate limit"))?;
    let semaphore = tokio::sync::Semaphore::new(64);
    let bulkhead = TracedBulkhead::builder("bench.bulkhead").max_concurrent(64).span(false).build();
    let bulkhead = bulkhead.map_err(BenchError::setup("bulkhead"))?;

    let rows = time_operations(vec![
        Operation::new(BACKON, || {
            let _ = black_box(at_once((|| async { Ok::<u32, ()>(black_box(1)) }).retry(backoff)));
        }),
        Operation::new(RETRY, || {
            let _ = black_box(at_once(retry.call_async(|| async { Ok::<u32, ()>(black_box(1)) })));
        }),
        Operation::new(BACKON_BLOCKING, || {
            let _ = black_box((|| Ok::<u32, ()>(black_box(1))).retry(backoff).call());
        }),
        Operation::new(RETRY_BLOCKING, || {
            let _ = black_box(retry.call(|| Ok::<u32, ()>(black_box(1))));
        }),
        Operation::new(MOKA, || {
            let _ = black_box(moka.get(&black_box(7)));
        }),
        Operation::new(CACHE, || {
            let _ = black_box(cache.get_or_load(&black_box(7), || Ok::<u64, ()>(7)));
        }),
        Operation::new(GOVERNOR, || {
            let _ = black_box(governor.check());
        }),
        Operation::new(LIMIT, || {
            let _ = black_box(limit.check());
        }),
        Operation::new(SEMAPHORE, || {
            let _ = black_box(semaphore.try_acquire());
        }),
        Operation::new(BULKHEAD, || {
            let _ = black_box(bulkhead.call(|| Ok::<u32, ()>(black_box(1))));
        }),
    ]);
    Ok(Comparison {
        title: "The call that nearly every call is: success, hit, admitted. otelgen's with their counts exported \
                (best of 300 alternating rounds of 4,000 calls)."
            .to_owned(),
        rows,
        targets: vec![
            Target {
                text: "retry, first try: no slower than backon",
                rows: (RETRY, BACKON),
                allowed: Allowed::Times(1.0),
            },
            Target {
                text: "blocking retry, first try: no slower than backon",
                rows: (RETRY_BLOCKING, BACKON_BLOCKING),
                allowed: Allowed::Times(1.0),
            },
            Target { text: "cache hit: at most 30 ns over moka", rows: (CACHE, MOKA), allowed: Allowed::More(30.0) },
            Target {
                text: "rate limit: at most 15 ns over governor",
                rows: (LIMIT, GOVERNOR),
                allowed: Allowed::More(15.0),
            },
            Target {
                text: "bulkhead: at most 15 ns over a Semaphore",
                rows: (BULKHEAD, SEMAPHORE),
                allowed: Allowed::More(15.0),
            },
        ],
    })
}
