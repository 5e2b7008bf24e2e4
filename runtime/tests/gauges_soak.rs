//! Whatever ends a call, on two threads at once: no gauge keeps anything of it. Bounded by a count of operations.
#![cfg(all(
    feature = "retry",
    feature = "rate-limit",
    feature = "cache",
    feature = "route"
))]

#[cfg(not(feature = "metrics"))]
#[path = "breaker_support/mod.rs"]
mod support;

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::task::{Context, Waker};
use std::time::Duration;

use otelgen::{
    BreakerOpen, BulkheadFull, Clock, Elapsed, IgnoreAnswers, KeyedCircuitBreakers, ManualTime,
    RateLimited, RouteSide, ShadowConfig, ShadowSide, TracedBulkhead, TracedCache,
    TracedCircuitBreaker, TracedRoute, TracedTimeout, traced, traced_breaker, traced_bulkhead,
    traced_cache, traced_rate_limit, traced_retry, traced_timeout,
};

const THREADS: u64 = 2;
const OPERATIONS: u64 = 10_000;
const PANIC: &str = "a panic of the soak";

#[derive(Clone, Debug, PartialEq)]
enum Failed {
    Down,
    Refused,
}

macro_rules! refused {
    ($($cause:ty),*) => {$(
        impl From<$cause> for Failed {
            fn from(_: $cause) -> Self {
                Self::Refused
            }
        }
    )*};
}

refused!(BreakerOpen, BulkheadFull, RateLimited, Elapsed);

/// How a call of the soak goes.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Success,
    Failure,
    Panic,
    /// Cancelled half-way; a blocking call cannot be, so it fails.
    Endless,
}

impl Fate {
    fn of(number: u64) -> Self {
        match number % 4 {
            0 => Self::Success,
            1 => Self::Failure,
            2 => Self::Panic,
            _ => Self::Endless,
        }
    }

    fn meet(self) -> Result<u64, Failed> {
        match self {
            Self::Success => Ok(1),
            Self::Failure | Self::Endless => Err(Failed::Down),
            Self::Panic => std::panic::panic_any(PANIC),
        }
    }

    async fn meet_async(self) -> Result<u64, Failed> {
        tokio::task::yield_now().await;
        match self {
            Self::Endless => pending().await,
            fate => fate.meet(),
        }
    }
}

/// Numbers in no order anybody expects, the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }
}

type Cache = TracedCache<u64, u64>;

fn cache(name: &str) -> Cache {
    let builder = TracedCache::builder(name).max_entries(8);
    builder.build().expect("valid settings")
}

static STACK: LazyLock<Cache> = LazyLock::new(|| cache("soak.stack"));
static BLOCKING: LazyLock<Cache> = LazyLock::new(|| cache("soak.blocking"));

#[traced(name = "soak.stack")]
#[traced_cache(store = STACK, key = key)]
#[traced_retry(name = "soak.stack", attempts = 2, base = "1ms", jitter = "none")]
#[traced_breaker(name = "soak.stack", min_calls = 1000000)]
#[traced_rate_limit(name = "soak.stack", per_second = 1000000000)]
#[traced_bulkhead(name = "soak.stack", max_concurrent = 1, max_wait = "1ms")]
#[traced_timeout(name = "soak.stack", after = "1h")]
async fn stacked(key: u64, fate: Fate) -> Result<u64, Failed> {
    fate.meet_async().await
}

#[traced_cache(store = BLOCKING, key = key)]
#[traced_retry(name = "soak.blocking", attempts = 2, base = "1ms", jitter = "none", when = never)]
#[traced_bulkhead(name = "soak.blocking", max_concurrent = 1)]
fn stacked_blocking(key: u64, fate: Fate) -> Result<u64, Failed> {
    fate.meet()
}

const fn never(_: &Failed) -> bool {
    false
}

struct Soaked {
    time: ManualTime,
    breaker: TracedCircuitBreaker,
    keyed: KeyedCircuitBreakers,
    bulkhead: TracedBulkhead,
    timeout: TracedTimeout,
    cache: TracedCache<u64, u64>,
    route: TracedRoute,
}

impl Soaked {
    fn new() -> Self {
        let (clock, time) = Clock::manual();
        let breaker = |name| {
            TracedCircuitBreaker::builder(name)
                .clock(clock.clone())
                .min_calls(2)
                .half_open_permits(2)
        };
        Self {
            breaker: breaker("soak.breaker").build().expect("valid settings"),
            keyed: breaker("soak.keyed")
                .build_keyed(4)
                .expect("valid settings"),
            bulkhead: TracedBulkhead::builder("soak.bulkhead")
                .max_concurrent(2)
                .max_wait(Duration::from_millis(1))
                .build()
                .expect("valid settings"),
            timeout: TracedTimeout::builder("soak.timeout")
                .after(Duration::from_millis(5))
                .build()
                .expect("valid settings"),
            cache: TracedCache::builder("soak.cache")
                .ttl(Duration::from_secs(10))
                .max_entries(8)
                .clock(clock)
                .build()
                .expect("valid settings"),
            route: TracedRoute::builder("soak.route")
                .percent(50.0)
                .shadow(ShadowConfig {
                    side: ShadowSide::Both,
                    max_concurrent: 4,
                    ..ShadowConfig::DEFAULT
                })
                .build()
                .expect("valid settings"),
            time,
        }
    }

    fn blocking(&self, kind: u64, key: u64, fate: Fate) {
        match kind {
            0 => drop(self.breaker.call(|| fate.meet())),
            1 => drop(self.keyed.get(key.to_string()).call(|| fate.meet())),
            2 => drop(self.bulkhead.call(|| fate.meet())),
            3 => drop(self.cache.get_or_load(&key, || fate.meet())),
            4 => drop(self.route.start().run(|_| fate.meet())),
            _ => drop(stacked_blocking(key, fate)),
        }
    }

    async fn waiting(&self, kind: u64, key: u64, fate: Fate) {
        match kind {
            0 => drop(self.breaker.call_async(|| fate.meet_async()).await),
            1 => drop(
                self.keyed
                    .get(key.to_string())
                    .call_async(|| fate.meet_async())
                    .await,
            ),
            2 => drop(self.bulkhead.call_async(|| fate.meet_async()).await),
            3 => drop(
                self.cache
                    .get_or_load_async(&key, || fate.meet_async())
                    .await,
            ),
            4 => {
                let sides = move |side| async move {
                    match side {
                        RouteSide::Legacy => fate.meet_async().await,
                        RouteSide::New => Fate::of(key).meet_async().await,
                    }
                };
                drop(
                    self.route
                        .start()
                        .run_async_shadowed(sides, IgnoreAnswers)
                        .await,
                );
            }
            5 => drop(self.timeout.call_async(|| fate.meet_async()).await),
            _ => drop(stacked(key, fate).await),
        }
    }

    /// One thread's share.
    fn soak(&self, seed: u64) -> u64 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let mut numbers = Numbers(seed);
        let mut panics = 0;
        for _ in 0..OPERATIONS {
            let (fate, kind, key) = (
                Fate::of(numbers.next()),
                numbers.next() % 7,
                numbers.next() % 16,
            );
            let polls = numbers.next() % 5;
            self.time
                .advance(Duration::from_millis(numbers.next() % 500));
            let how = numbers.next() % 3;
            let ended = catch_unwind(AssertUnwindSafe(|| match how {
                0 => self.blocking(kind, key, fate),
                // Given up after a few polls, wherever it stands then.
                1 => {
                    let _entered = runtime.enter();
                    let mut call = Box::pin(self.waiting(kind, key, fate));
                    for _ in 0..polls {
                        if call
                            .as_mut()
                            .poll(&mut Context::from_waker(Waker::noop()))
                            .is_ready()
                        {
                            break;
                        }
                    }
                }
                // Given up by its caller's own timeout, together with others of its kind.
                _ => runtime.block_on(async {
                    let both = async {
                        tokio::join!(
                            self.waiting(kind, key, fate),
                            self.waiting(kind, key, Fate::Endless)
                        );
                    };
                    drop(tokio::time::timeout(Duration::from_millis(20), both).await);
                }),
            }));
            panics += u64::from(ended.is_err());
        }
        // Shadow calls that still run end with their runtime, as at the end of a program.
        drop(runtime);
        panics
    }
}

#[test]
fn no_gauge_keeps_anything_of_what_panicked_failed_or_was_given_up() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&PANIC) {
            usual(panic);
        }
    }));
    let shown = Shown::new();
    let soaked = Soaked::new();
    let panics: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|seed| {
                scope.spawn({
                    let soaked = &soaked;
                    move || soaked.soak(seed)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("it ends"))
            .sum()
    });
    assert!(panics > OPERATIONS / 20, "{panics} panics came through");
    let totals = soaked.breaker.handle().snapshot().totals;
    assert!(
        totals.success > 0 && totals.failure > 0 && totals.rejected > 0 && totals.cancelled > 0
    );

    // Places that were left behind would keep these from passing.
    for _ in 0..2 {
        soaked.breaker.handle().reset();
        assert!(soaked.breaker.call(|| Ok::<_, Failed>(())).is_ok());
    }
    let both = soaked.bulkhead.call(|| {
        soaked
            .bulkhead
            .call(|| Ok::<_, Failed>(()))
            .map_err(|_| Failed::Refused)
    });
    assert_eq!(both.map_err(|_| Failed::Refused), Ok(()));
    assert_eq!(
        (soaked.bulkhead.in_flight(), soaked.bulkhead.waiting()),
        (0, 0)
    );
    assert_eq!(soaked.route.handle().shadows_under_way(), 0);

    for cache in [&soaked.cache, &*STACK, &*BLOCKING] {
        assert!(cache.totals().miss > 0);
        cache.invalidate_all();
        assert_eq!(cache.len(), 0);
    }
    soaked.route.handle().set_percent(0.0).expect("a share");
    for breaker in otelgen::breakers() {
        breaker.reset();
    }
    let gauges = shown.gauges();
    for (series, value) in &gauges {
        // A breaker is always in one of its states, a keyed one counts its keys.
        if series.contains("closed") {
            assert!(*value >= 1.0, "{series} = {value}");
        } else {
            assert_eq!(*value, 0.0, "{series}");
        }
    }
    // Three states of three breakers, three bulkheads, three caches, one route.
    assert_eq!(gauges.len(), 16, "{gauges:#?}");
}

/// What an exporter shows.
#[cfg(not(feature = "metrics"))]
struct Shown(support::Metrics);

#[cfg(not(feature = "metrics"))]
impl Shown {
    fn new() -> Self {
        let metrics = support::Metrics::new();
        opentelemetry::global::set_meter_provider(metrics.provider.clone());
        otelgen::bind_metrics();
        Self(metrics)
    }

    fn gauges(&self) -> Vec<(String, f64)> {
        let points = self.0.collect().into_iter();
        points
            .filter(|point| point.kind == "updowncounter")
            .map(|point| {
                (
                    format!("{} {:?}", point.metric, point.attributes),
                    point.value,
                )
            })
            .collect()
    }
}

/// What an exporter shows.
#[cfg(feature = "metrics")]
struct Shown(metrics_exporter_prometheus::PrometheusHandle);

#[cfg(feature = "metrics")]
impl Shown {
    fn new() -> Self {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).expect("the only recorder");
        otelgen::bind_metrics();
        Self(handle)
    }

    fn gauges(&self) -> Vec<(String, f64)> {
        let page = self.0.render();
        let gauges: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" gauge"))
            .collect();
        page.lines()
            .filter(|line| {
                gauges
                    .iter()
                    .any(|gauge| line.starts_with(&format!("{gauge}{{")))
            })
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(series, value)| (series.to_owned(), value.parse().expect("a number")))
            .collect()
    }
}
