//! The program under load. It keeps its own books, in plain counters.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use otelgen::{
    BreakerOpen, BulkheadFull, Elapsed, RateLimited, traced, traced_breaker, traced_bulkhead, traced_cache,
    traced_rate_limit, traced_retry, traced_timeout,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument;

/// The span around a request.
pub const REQUEST: &str = "request";
/// The span inside of everything.
pub const WORK: &str = "work";
/// What the work logs when it is done.
pub const FOUND: &str = "item found";

const CALLERS: u64 = 16;
const REQUESTS: u64 = 40;
/// Calls that the bulkhead takes.
const PLACES: u64 = 4;
/// Items that are there; the first time that one in three is looked for, it fails.
const ITEMS: u64 = 60;
/// Items of one thousand share a rate.
const GROUP: u64 = 1_000;
/// The group that more is asked of than the rate allows.
const FLOOD: u64 = GROUP;
/// The group that is never there.
const OUTAGE: u64 = 2 * GROUP;

/// What the program has counted itself.
#[derive(Debug)]
pub struct Counted {
    pub requests: u64,
    pub failed: u64,
    pub bodies: u64,
    pub bodies_failed: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Error {
    Unavailable,
    Busy,
    Open,
}

impl From<BulkheadFull> for Error {
    fn from(_: BulkheadFull) -> Self {
        Self::Busy
    }
}

impl From<RateLimited> for Error {
    fn from(_: RateLimited) -> Self {
        Self::Busy
    }
}

impl From<Elapsed> for Error {
    fn from(_: Elapsed) -> Self {
        Self::Unavailable
    }
}

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self::Open
    }
}

fn is_outage(error: &Error) -> bool {
    *error == Error::Unavailable
}

static REQUESTED: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);
static BODIES: AtomicU64 = AtomicU64::new(0);
static BODIES_FAILED: AtomicU64 = AtomicU64::new(0);
static SEEN: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());
/// Closed while the program fills its bulkhead.
static DOOR: Semaphore = Semaphore::const_new(DOORS as usize);
const DOORS: u32 = 2;
/// Closed until the bulkhead has been full.
static START: Semaphore = Semaphore::const_new(0);

#[traced(name = "stock.traced")]
#[traced_cache(name = "stock.cache", key = item)]
#[traced_retry(name = "stock.retry", attempts = 2, base = "1ms")]
#[traced_breaker(name = "stock.breaker", consecutive = 20, min_calls = 1000000, is_failure = is_outage, open_for = "1h")]
#[traced_rate_limit(name = "stock.limit", per_second = 1, burst = 300, key = item / GROUP)]
#[traced_bulkhead(name = "stock.bulkhead", max_concurrent = 4)] // `PLACES`
#[traced_timeout(name = "stock.timeout", after = "1h")]
async fn look_up(item: u64) -> Result<u64, Error> {
    work(item).instrument(tracing::info_span!("work", %item)).await
}

async fn work(item: u64) -> Result<u64, Error> {
    BODIES.fetch_add(1, Ordering::Relaxed);
    let _through = DOOR.acquire().await;
    tokio::task::yield_now().await;
    let first = SEEN.lock().expect("nobody panics").insert(item);
    if item >= OUTAGE || (first && item < ITEMS && item.is_multiple_of(3)) {
        BODIES_FAILED.fetch_add(1, Ordering::Relaxed);
        return Err(Error::Unavailable);
    }
    tracing::info!(%item, "item found");
    Ok(item)
}

async fn request(item: u64) {
    REQUESTED.fetch_add(1, Ordering::Relaxed);
    let span = tracing::info_span!("request", %item);
    if look_up(item).instrument(span).await.is_err() {
        FAILED.fetch_add(1, Ordering::Relaxed);
    }
}

/// A failure that is recovered from and a hit, then everything at once, more than the rate, and an outage.
pub async fn run() -> Counted {
    request(57).await;
    request(57).await;
    load().await;
    for number in 0..400 {
        request(FLOOD + number).await;
    }
    for number in 0..100 {
        request(OUTAGE + number).await;
    }
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Counted { requests: of(&REQUESTED), failed: of(&FAILED), bodies: of(&BODIES), bodies_failed: of(&BODIES_FAILED) }
}

/// Callers side by side; their first requests fill the bulkhead, four of them, and the others find it full.
async fn load() {
    DOOR.acquire_many(DOORS).await.expect("it is never shut").forget();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(async move {
            for number in 0..REQUESTS {
                request((caller * 7 + number * 13) % ITEMS).await;
                drop(START.acquire().await);
            }
        });
    }
    while FAILED.load(Ordering::Relaxed) < CALLERS - PLACES {
        tokio::task::yield_now().await;
    }
    DOOR.add_permits(DOORS as usize);
    START.add_permits(CALLERS as usize);
    while callers.join_next().await.is_some() {}
}
