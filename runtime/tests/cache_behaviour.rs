//! Caches through the attribute, the value and the layer, on clocks that a test moves.
#![cfg(feature = "cache")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otelgen::{
    Clock, ManualTime, PatternConfigError, TracedCache, TracedCacheBuilder, traced_cache,
};
use tokio::sync::{Semaphore, oneshot};

/// An error as most are: not `Clone`.
#[derive(Debug)]
struct Down(#[allow(dead_code, reason = "what makes it unique")] std::io::Error);

fn down() -> Down {
    Down(std::io::Error::other("down"))
}

fn timed(name: &str) -> (TracedCacheBuilder<String, u32>, ManualTime) {
    let (clock, time) = Clock::manual();
    let builder = TracedCache::builder(name)
        .ttl(Duration::from_secs(60))
        .ttl_jitter(0.0)
        .clock(clock);
    (builder, time)
}

fn seconds(time: &ManualTime, count: u64) {
    time.advance(Duration::from_secs(count));
}

#[test]
fn a_value_is_loaded_once_until_it_is_too_old() {
    let (builder, time) = timed("cache.ttl");
    let cache = builder.build().expect("the cache is valid");
    let mut loads = 0;
    let mut load = |cache: &TracedCache<String, u32>| {
        cache
            .get_or_load("key", || {
                loads += 1;
                Ok::<_, Down>(loads)
            })
            .expect("loading succeeds")
    };
    assert_eq!((load(&cache), load(&cache)), (1, 1));
    seconds(&time, 59);
    assert_eq!(load(&cache), 1);
    seconds(&time, 1);
    assert_eq!(load(&cache), 2);
    let totals = cache.totals();
    assert_eq!((totals.hit, totals.miss), (2, 2));
}

#[tokio::test]
async fn a_thousand_readers_of_a_key_share_one_load() {
    let cache = TracedCache::<u32, u32>::builder("cache.herd")
        .build()
        .expect("the cache is valid");
    let loads = Arc::new(AtomicU32::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let (cache, loads, gate) = (cache.clone(), Arc::clone(&loads), Arc::clone(&gate));
        readers.spawn(async move {
            cache
                .get_or_load_async(&1, || async {
                    loads.fetch_add(1, Ordering::SeqCst);
                    let _open = gate.acquire().await;
                    Ok::<_, Down>(7)
                })
                .await
        });
    }
    while loads.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    for value in readers.join_all().await {
        assert!(matches!(value, Ok(7)));
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    let totals = cache.totals();
    assert_eq!(totals.miss, 1);
    assert_eq!(totals.coalesced + totals.hit, 999);
}

#[test]
fn threads_share_one_load_too() {
    let cache = TracedCache::<u32, u32>::builder("cache.threads")
        .build()
        .expect("the cache is valid");
    let loads = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let value = cache.get_or_load(&1, || {
                    std::thread::yield_now();
                    Ok::<_, Down>(loads.fetch_add(1, Ordering::SeqCst))
                });
                assert!(matches!(value, Ok(0)));
            });
        }
    });
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn those_who_wait_survive_the_one_that_loads() {
    let cache = TracedCache::<u32, u32>::builder("cache.leader")
        .build()
        .expect("the cache is valid");
    let leader = {
        let cache = cache.clone();
        tokio::spawn(async move {
            cache
                .get_or_load_async(&1, std::future::pending::<Result<u32, Down>>)
                .await
        })
    };
    tokio::task::yield_now().await;
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..3 {
        let cache = cache.clone();
        waiting.spawn(async move {
            cache
                .get_or_load_async(&1, || async move { Ok::<_, Down>(number) })
                .await
                .expect("loading succeeds")
        });
        tokio::task::yield_now().await;
    }
    leader.abort();
    assert!(leader.await.is_err());
    assert_eq!(waiting.join_all().await, [0, 0, 0]);
}

#[tokio::test]
async fn those_who_wait_survive_a_panic_of_the_one_that_loads() {
    let cache = TracedCache::<u32, u32>::builder("cache.panic")
        .build()
        .expect("the cache is valid");
    let (panic_now, told) = oneshot::channel::<()>();
    let leader = {
        let cache = cache.clone();
        tokio::spawn(async move {
            cache
                .get_or_load_async(&1, || async {
                    told.await.expect("it is told");
                    let broken = true;
                    assert!(!broken, "on purpose");
                    Ok::<_, Down>(0)
                })
                .await
        })
    };
    tokio::task::yield_now().await;
    let waiting = {
        let cache = cache.clone();
        tokio::spawn(async move {
            cache
                .get_or_load_async(&1, || async { Ok::<_, Down>(5) })
                .await
        })
    };
    tokio::task::yield_now().await;
    panic_now.send(()).expect("it waits");
    assert!(leader.await.is_err());
    assert!(matches!(waiting.await.expect("it ends"), Ok(5)));
}

#[tokio::test]
async fn a_failed_load_reaches_everybody_who_waited_if_its_error_can() {
    let cache = TracedCache::<u32, u32>::builder("cache.error")
        .build()
        .expect("the cache is valid");
    let loads = AtomicU32::new(0);
    let call = || {
        cache.get_or_load_shared_async(&1, || async {
            loads.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Err::<u32, _>("down")
        })
    };
    let (first, second, third) = tokio::join!(call(), call(), call());
    assert_eq!(
        (first, second, third),
        (Err("down"), Err("down"), Err("down"))
    );
    assert_eq!(loads.load(Ordering::SeqCst), 1);

    let loads = AtomicU32::new(0);
    let call = || {
        cache.get_or_load_async(&2, || async {
            loads.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Err::<u32, _>(down())
        })
    };
    let (first, second) = tokio::join!(call(), call());
    assert!(first.is_err() && second.is_err());
    assert_eq!(loads.load(Ordering::SeqCst), 2, "each error is its own");
    assert_eq!(cache.get(&1), None, "errors are not kept");
}

#[test]
fn a_failed_load_is_covered_by_a_value_that_is_not_too_stale() {
    let (builder, time) = timed("cache.stale");
    let cache = builder
        .stale_if_error(Duration::from_secs(600))
        .build()
        .expect("the cache is valid");
    let fails = || cache.get_or_load("key", || Err::<u32, _>(down()));
    cache.insert("key".to_owned(), 1);
    seconds(&time, 61);
    assert_eq!(cache.get("key"), None, "stale is not fresh");
    assert!(matches!(fails(), Ok(1)));
    seconds(&time, 598);
    assert!(
        matches!(fails(), Ok(1)),
        "covering does not make it older or younger"
    );
    seconds(&time, 1);
    assert!(fails().is_err());
    assert_eq!(cache.totals().stale, 2);
}

#[test]
fn a_stale_value_never_takes_the_place_of_a_newer_one() {
    let (builder, time) = timed("cache.newer");
    let cache = builder
        .stale_if_error(Duration::from_secs(600))
        .build()
        .expect("the cache is valid");
    cache.insert("key".to_owned(), 1);
    seconds(&time, 61);
    let answered = cache.get_or_load("key", || {
        cache.insert("key".to_owned(), 2);
        Err::<u32, _>(down())
    });
    assert!(
        matches!(answered, Ok(2)),
        "the newer value is also the better answer"
    );
    assert_eq!(cache.get("key"), Some(2));
}

#[test]
fn a_load_does_not_take_the_place_of_what_was_written_meanwhile() {
    let cache = TracedCache::<u32, u32>::builder("cache.written")
        .build()
        .expect("the cache is valid");
    let loaded = cache.get_or_load(&1, || {
        cache.insert(1, 2);
        Ok::<_, Down>(1)
    });
    assert!(matches!(loaded, Ok(1)));
    assert_eq!(cache.get(&1), Some(2));

    let loaded = cache.get_or_load(&3, || {
        cache.invalidate(&3);
        Ok::<_, Down>(1)
    });
    assert!(matches!(loaded, Ok(1)));
    assert_eq!(cache.get(&3), None, "what was invalidated is not kept");

    let loaded = cache.get_or_load(&4, || {
        cache.invalidate_all();
        Ok::<_, Down>(1)
    });
    assert!(matches!(loaded, Ok(1)));
    assert_eq!(cache.get(&4), None);
}

#[tokio::test]
async fn one_call_refreshes_ahead_and_the_others_do_not_wait() {
    let (builder, time) = timed("cache.ahead");
    let cache = builder
        .refresh_ahead(Duration::from_secs(20))
        .build()
        .expect("the cache is valid");
    cache.insert("key".to_owned(), 1);
    seconds(&time, 39);
    let early = cache
        .get_or_load_async("key", || async { Ok::<_, Down>(9) })
        .await;
    assert!(matches!(early, Ok(1)));
    seconds(&time, 1);
    let (release, released) = oneshot::channel();
    let refresh = cache.get_or_load_async("key", || async { released.await.map_err(|_| down()) });
    let others = async {
        for _ in 0..3 {
            let value = cache
                .get_or_load_async("key", || async { Ok::<_, Down>(9) })
                .await;
            assert!(matches!(value, Ok(1)));
        }
        release.send(2).expect("the refresh waits");
    };
    let (refreshed, ()) = tokio::join!(refresh, others);
    assert!(matches!(refreshed, Ok(2)));
    assert_eq!(cache.get("key"), Some(2));

    seconds(&time, 45);
    let failed = cache
        .get_or_load_async("key", || async { Err::<u32, _>(down()) })
        .await;
    assert!(
        matches!(failed, Ok(2)),
        "a refresh that fails is covered by the value that is there"
    );
}

static LOADS: AtomicU32 = AtomicU32::new(0);

struct Shop {
    store: TracedCache<(u32, String), u32>,
}

impl Shop {
    #[traced_cache(name = "cache.shop.price", key = item, ttl = "1h", max_entries = 100)]
    async fn price(&self, item: &str, currency: String) -> Result<u32, Down> {
        LOADS.fetch_add(1, Ordering::SeqCst);
        if item.is_empty() {
            return Err(down());
        }
        let _owned = currency;
        Ok(item.len() as u32)
    }

    #[traced_cache(key = (tenant, item.to_owned()), store = self.store)]
    fn shared(&mut self, tenant: u32, item: &str) -> std::io::Result<u32> {
        Ok(tenant + item.len() as u32)
    }
}

static PLAIN: AtomicU32 = AtomicU32::new(0);
static KEPT: AtomicU32 = AtomicU32::new(0);

#[traced_cache(key = n)]
fn plain(n: u32) -> Option<u32> {
    PLAIN.fetch_add(1, Ordering::SeqCst);
    n.checked_sub(1)
}

#[traced_cache(key = n, cache_err = true)]
async fn keeps_errors(n: u32) -> Result<u32, String> {
    KEPT.fetch_add(1, Ordering::SeqCst);
    Err(format!("no {n}"))
}

type Fallible = Result<u32, String>;

#[traced_cache(key = n)]
fn hidden_result(n: u32, calls: &AtomicU32) -> Fallible {
    if calls.fetch_add(1, Ordering::SeqCst) == 0 {
        Err("first".to_owned())
    } else {
        Ok(n)
    }
}

#[tokio::test]
async fn a_function_is_cached_by_its_key() {
    let store = TracedCache::builder("cache.shop.shared")
        .build()
        .expect("the cache is valid");
    let mut shop = Shop { store };
    for _ in 0..3 {
        assert!(matches!(shop.price("bolts", "EUR".to_owned()).await, Ok(5)));
        assert!(matches!(shop.price("nut", "EUR".to_owned()).await, Ok(3)));
    }
    assert_eq!(LOADS.load(Ordering::SeqCst), 2);
    assert!(shop.price("", String::new()).await.is_err());
    assert!(shop.price("", String::new()).await.is_err());
    assert_eq!(LOADS.load(Ordering::SeqCst), 4, "errors are not kept");

    assert!(matches!(shop.shared(1, "ab"), Ok(3)));
    assert_eq!(shop.store.get(&(1, "ab".to_owned())), Some(3));
    shop.store.insert((1, "ab".to_owned()), 99);
    assert!(matches!(shop.shared(1, "ab"), Ok(99)));
}

#[tokio::test]
async fn what_is_no_result_is_kept_as_it_is_and_errors_where_they_should() {
    assert_eq!([plain(0), plain(0), plain(2)], [None, None, Some(1)]);
    assert_eq!(PLAIN.load(Ordering::SeqCst), 2);
    for _ in 0..2 {
        assert_eq!(keeps_errors(4).await, Err("no 4".to_owned()));
    }
    assert_eq!(KEPT.load(Ordering::SeqCst), 1);
    let calls = AtomicU32::new(0);
    assert_eq!(hidden_result(1, &calls), Err("first".to_owned()));
    assert_eq!(
        hidden_result(1, &calls),
        Ok(1),
        "an error is not kept by any other name"
    );
    assert_eq!(hidden_result(1, &calls), Ok(1));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let stale = TracedCache::<u32, u32>::builder("cache.no_ttl")
        .stale_if_error(Duration::from_secs(1))
        .build();
    assert!(matches!(
        stale,
        Err(PatternConfigError::Conflict {
            field: "stale_if_error",
            ..
        })
    ));
    let _first = TracedCache::<u32, u32>::builder("cache.taken").build();
    let types = TracedCache::<u32, String>::builder("cache.taken").build();
    assert!(matches!(types, Err(PatternConfigError::NameTaken { .. })));
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn a_layer_keeps_responses() {
    use otelgen::TracedCacheLayer;
    use tower::{ServiceBuilder, ServiceExt};

    let calls = Arc::new(AtomicU32::new(0));
    let cache = TracedCache::builder("cache.layer")
        .build()
        .expect("the cache is valid");
    let service = ServiceBuilder::new()
        .layer(TracedCacheLayer::new(cache, |item: &u32| {
            (*item != 0).then_some(*item)
        }))
        .service_fn({
            let calls = Arc::clone(&calls);
            move |item: u32| {
                calls.fetch_add(1, Ordering::SeqCst);
                async move { Ok::<_, std::io::Error>(item * 2) }
            }
        });
    for item in [1, 1, 0, 0] {
        assert!(matches!(service.clone().oneshot(item).await, Ok(doubled) if doubled == item * 2));
    }
    assert_eq!(
        calls.load(Ordering::SeqCst),
        3,
        "what has no key is not kept"
    );
}
