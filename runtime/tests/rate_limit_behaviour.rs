//! Rate limits through the attribute, the value and the layer, on clocks that a test moves.
#![cfg(feature = "rate-limit")]

use std::time::Duration;

use otelgen::{
    Clock, PatternConfigError, RateLimitError, RateLimited, TracedRateLimit, traced_rate_limit,
};
use tokio::time::Instant;

#[derive(Debug, PartialEq)]
struct TooMany(Duration);

impl From<RateLimited> for TooMany {
    fn from(limited: RateLimited) -> Self {
        Self(limited.retry_after())
    }
}

fn passes(limit: &TracedRateLimit) -> bool {
    limit.call(|| Ok::<_, ()>(())).is_ok()
}

#[test]
fn a_burst_passes_and_then_the_rate() {
    let (clock, time) = Clock::manual();
    let limit = TracedRateLimit::builder("limit.burst", 10.0)
        .burst(3)
        .clock(clock)
        .build()
        .expect("the limit is valid");
    let burst: Vec<bool> = (0..5).map(|_| passes(&limit)).collect();
    assert_eq!(burst, [true, true, true, false, false]);
    for _ in 0..20 {
        time.advance(Duration::from_millis(100));
        assert!(passes(&limit));
        assert!(!passes(&limit));
    }
    let totals = limit.totals();
    assert_eq!((totals.allowed, totals.rejected), (23, 22));
}

#[test]
fn a_rejection_says_when_to_come_back() {
    let (clock, time) = Clock::manual();
    let limit = TracedRateLimit::builder("limit.retry_after", 0.5)
        .clock(clock)
        .build()
        .expect("the limit is valid");
    assert!(limit.check().is_ok());
    time.advance(Duration::from_millis(500));
    let limited = limit.check().expect_err("one in two seconds");
    assert_eq!(limited.retry_after(), Duration::from_millis(1_500));
    time.advance(limited.retry_after());
    assert!(limit.check().is_ok());
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_served_in_turn_at_the_rate() {
    let limit = TracedRateLimit::builder("limit.waits", 10.0)
        .burst(1)
        .max_wait(Duration::from_secs(10))
        .clock(Clock::tokio())
        .build()
        .expect("the limit is valid");
    let start = Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..5_u32 {
        let limit = limit.clone();
        calls.spawn(async move {
            let result = limit.call_async(|| async { Ok::<_, ()>(number) }).await;
            (result, start.elapsed())
        });
        tokio::task::yield_now().await;
    }
    let ended = calls.join_all().await;
    for (result, elapsed) in ended {
        let number = result.expect("there is time enough");
        let turn = Duration::from_millis(100) * number;
        assert!(
            elapsed >= turn && elapsed < turn + Duration::from_millis(20),
            "{number}: {elapsed:?}"
        );
    }
    let totals = limit.totals();
    assert_eq!((totals.allowed, totals.delayed, totals.rejected), (1, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn who_could_not_be_served_in_time_is_rejected_at_once() {
    let limit = TracedRateLimit::builder("limit.max_wait", 1.0)
        .max_wait(Duration::from_millis(1_500))
        .clock(Clock::tokio())
        .build()
        .expect("the limit is valid");
    let start = Instant::now();
    assert!(limit.call_async(|| async { Ok::<_, ()>(0) }).await.is_ok());
    let waits = {
        let limit = limit.clone();
        tokio::spawn(async move { limit.call_async(|| async { Ok::<_, ()>(1) }).await })
    };
    tokio::task::yield_now().await;
    // The second after that would come in two seconds, and a third one later still.
    let second = limit.call_async(|| async { Ok::<_, ()>(2) }).await;
    let third = limit.call_async(|| async { Ok::<_, ()>(3) }).await;
    assert!(waits.await.expect("it ends").is_ok());
    assert!(
        start.elapsed() <= Duration::from_millis(1_600),
        "{:?}",
        start.elapsed()
    );
    assert!(second.is_err() && third.is_err());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_takes_no_turn() {
    let limit = TracedRateLimit::builder("limit.gives_up", 1.0)
        .max_wait(Duration::from_secs(60))
        .clock(Clock::tokio())
        .build()
        .expect("the limit is valid");
    assert!(limit.call_async(|| async { Ok::<_, ()>(0) }).await.is_ok());
    {
        let call = limit.call_async(|| async { Ok::<_, ()>(1) });
        assert!(
            tokio::time::timeout(Duration::from_millis(500), call)
                .await
                .is_err()
        );
    }
    let start = Instant::now();
    assert!(limit.call_async(|| async { Ok::<_, ()>(2) }).await.is_ok());
    assert!(
        start.elapsed() <= Duration::from_millis(510),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(limit.totals().cancelled, 1);
}

#[traced_rate_limit(name = "limit.keyed", per_second = 0.001, burst = 2, key = client, max_keys = 16)]
async fn search(client: &str, words: String) -> Result<usize, TooMany> {
    Ok(words.len())
}

#[traced_rate_limit(per_second = 1000, on_limit = "wait", max_wait = "5s")]
fn steady(number: u32) -> Result<u32, TooMany> {
    Ok(number)
}

#[traced_rate_limit(per_second = 0.001, map = denied)]
fn once() -> Result<(), String> {
    Ok(())
}

fn denied(limited: RateLimited) -> String {
    limited.to_string()
}

#[tokio::test]
async fn each_key_has_a_limit_of_its_own() {
    for _ in 0..2 {
        assert_eq!(search("ada", "bolts".to_owned()).await, Ok(5));
        assert_eq!(search("bob", "nuts".to_owned()).await, Ok(4));
    }
    assert!(search("ada", String::new()).await.is_err());
    assert!(search("bob", String::new()).await.is_err());
    assert!(search("eve", String::new()).await.is_ok());
}

#[test]
fn a_blocking_function_waits_or_is_told() {
    assert_eq!(
        (0..5)
            .map(|number| steady(number).expect("it waits"))
            .sum::<u32>(),
        10
    );
    assert_eq!(once(), Ok(()));
    let error = once().expect_err("the next one may come in a quarter of an hour");
    assert!(error.contains("too many requests"), "{error}");
}

#[test]
fn the_number_of_keys_is_bounded() {
    let limits = TracedRateLimit::builder("limit.bounded", 0.001)
        .burst(1)
        .build_keyed(100)
        .expect("the limits are valid");
    for key in 0..10_000 {
        assert!(limits.get(&key).check().is_ok());
        assert!(limits.len() <= 100);
    }
}

#[test]
fn settings_that_cannot_work_are_named() {
    let nan = TracedRateLimit::builder("limit.nan", f64::NAN).build();
    assert!(matches!(
        nan,
        Err(PatternConfigError::OutOfRange {
            field: "per_second",
            ..
        })
    ));
    let no_keys = TracedRateLimit::builder("limit.no_keys", 1.0).build_keyed(0);
    assert!(matches!(
        no_keys,
        Err(PatternConfigError::OutOfRange {
            field: "max_keys",
            ..
        })
    ));
    let _first = TracedRateLimit::builder("limit.taken", 1.0).build();
    let second = TracedRateLimit::builder("limit.taken", 2.0).build();
    assert!(matches!(second, Err(PatternConfigError::NameTaken { .. })));
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn a_layer_limits_requests() {
    use otelgen::TracedRateLimitLayer;
    use tower::{ServiceBuilder, ServiceExt};

    let limit = TracedRateLimit::builder("limit.layer", 0.001)
        .build()
        .expect("the limit is valid");
    let service = ServiceBuilder::new()
        .layer(TracedRateLimitLayer::new(limit))
        .service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item) });
    assert!(matches!(service.clone().oneshot(1).await, Ok(1)));
    assert!(matches!(
        service.oneshot(2).await,
        Err(RateLimitError::Limited(_))
    ));
}
