//! Bulkheads through the attribute, the value and the layer, on tokio's paused clock.

use std::future::pending;
use std::sync::mpsc;
use std::time::Duration;

use otelgen::{BulkheadError, BulkheadFull, PatternConfigError, TracedBulkhead, traced_bulkhead};
use tokio::sync::oneshot;

#[derive(Debug, PartialEq)]
struct Busy(String);

impl From<BulkheadFull> for Busy {
    fn from(full: BulkheadFull) -> Self {
        Self(full.name().to_owned())
    }
}

fn bulkhead(name: &str, max_concurrent: u32, max_wait: Duration) -> TracedBulkhead {
    TracedBulkhead::builder(name)
        .max_concurrent(max_concurrent)
        .max_wait(max_wait)
        .build()
        .expect("the bulkhead is valid")
}

#[traced_bulkhead(name = "bulkhead.one", max_concurrent = 1)]
async fn one_at_a_time(release: oneshot::Receiver<u32>) -> Result<u32, Busy> {
    release.await.map_err(|_| Busy("released".to_owned()))
}

#[traced_bulkhead(max_concurrent = 2, map = full)]
fn nested(depth: u32) -> Result<u32, String> {
    if depth == 0 {
        Ok(0)
    } else {
        Ok(nested(depth - 1)? + 1)
    }
}

fn full(full: BulkheadFull) -> String {
    full.to_string()
}

#[tokio::test]
async fn a_call_too_many_is_rejected_until_one_ends() {
    let (release, released) = oneshot::channel();
    let running = tokio::spawn(one_at_a_time(released));
    tokio::task::yield_now().await;
    let (_second, never) = oneshot::channel();
    assert_eq!(
        one_at_a_time(never).await,
        Err(Busy("bulkhead.one".to_owned()))
    );
    release.send(7).expect("the first call waits");
    assert_eq!(running.await.expect("the first call ends"), Ok(7));
    let (release, released) = oneshot::channel();
    release.send(8).expect("nobody has dropped it");
    assert_eq!(one_at_a_time(released).await, Ok(8));
}

#[test]
fn a_blocking_function_is_counted_while_it_runs() {
    assert_eq!(nested(1), Ok(1));
    let error = nested(2).expect_err("three at once are one too many");
    assert!(error.contains("2 calls are under way"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_turn_and_no_longer_than_it_may() {
    let bulkhead = bulkhead("bulkhead.waits", 1, Duration::from_secs(2));
    let hold = |seconds| {
        let bulkhead = bulkhead.clone();
        tokio::spawn(async move {
            bulkhead
                .call_async(|| async {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    Ok::<_, ()>(seconds)
                })
                .await
        })
    };
    let first = hold(1);
    tokio::task::yield_now().await;
    let second = hold(10);
    tokio::task::yield_now().await;
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (1, 1));
    let third = bulkhead.call_async(|| async { Ok::<_, ()>(0) }).await;
    assert!(
        third
            .expect_err("the second call takes ten seconds")
            .is_full()
    );
    assert_eq!(first.await.expect("it ends"), Ok(1));
    assert_eq!(second.await.expect("it ends"), Ok(10));
    assert_eq!(
        (
            bulkhead.in_flight(),
            bulkhead.waiting(),
            bulkhead.rejected()
        ),
        (0, 0, 1)
    );
}

#[test]
fn a_thread_waits_for_its_turn() {
    let bulkhead = bulkhead("bulkhead.thread", 1, Duration::from_secs(60));
    let (release, released) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| bulkhead.call(move || released.recv()));
        while bulkhead.in_flight() == 0 {
            std::thread::yield_now();
        }
        let waiter = scope.spawn(|| bulkhead.call(|| Ok::<_, ()>(2)));
        while bulkhead.waiting() == 0 {
            std::thread::yield_now();
        }
        release.send(()).expect("the holder waits");
        assert!(holder.join().expect("it ends").is_ok());
        assert_eq!(waiter.join().expect("it ends"), Ok(2));
    });
}

#[tokio::test(start_paused = true)]
async fn whatever_ends_a_call_gives_its_permit_back() {
    let bulkhead = bulkhead("bulkhead.gives_back", 1, Duration::ZERO);
    {
        let call = bulkhead.call_async(pending::<Result<(), ()>>);
        let given_up = tokio::time::timeout(Duration::from_millis(5), call).await;
        assert!(given_up.is_err());
    }
    assert_eq!(bulkhead.in_flight(), 0, "after a dropped future");
    let panicked = {
        let bulkhead = bulkhead.clone();
        std::thread::spawn(move || {
            bulkhead.call(|| -> Result<(), ()> {
                std::panic::resume_unwind(Box::new("on purpose"));
            })
        })
    };
    assert!(panicked.join().is_err());
    assert_eq!(bulkhead.in_flight(), 0, "after a panic");
    assert_eq!(
        bulkhead.call(|| Err::<(), _>(1)),
        Err(BulkheadError::Inner(1))
    );
    assert_eq!(bulkhead.in_flight(), 0, "after an error");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_leaves_the_line() {
    let bulkhead = bulkhead("bulkhead.line", 1, Duration::from_secs(60));
    let holder = {
        let bulkhead = bulkhead.clone();
        tokio::spawn(async move { bulkhead.call_async(pending::<Result<(), ()>>).await })
    };
    tokio::task::yield_now().await;
    {
        let call = bulkhead.call_async(|| async { Ok::<_, ()>(1) });
        assert!(
            tokio::time::timeout(Duration::from_secs(1), call)
                .await
                .is_err()
        );
    }
    assert_eq!(bulkhead.waiting(), 0);
    holder.abort();
    assert!(holder.await.is_err());
    assert_eq!(
        bulkhead.call_async(|| async { Ok::<_, ()>(1) }).await,
        Ok(1)
    );
}

#[test]
fn a_soak_of_two_threads_ends_with_nothing_in_flight() {
    let bulkhead = bulkhead("bulkhead.soak", 1, Duration::from_secs(60));
    let inside = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    let entered = bulkhead.call(|| {
                        let others = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        if others == 0 { Ok(()) } else { Err(others) }
                    });
                    assert_eq!(entered, Ok(()));
                }
            });
        }
    });
    assert_eq!(
        (
            bulkhead.in_flight(),
            bulkhead.waiting(),
            bulkhead.rejected()
        ),
        (0, 0, 0)
    );
}

#[test]
fn settings_that_cannot_work_are_named() {
    let missing = TracedBulkhead::builder("bulkhead.missing").build();
    assert!(matches!(
        missing,
        Err(PatternConfigError::Missing {
            field: "max_concurrent",
            ..
        })
    ));
    let zero = TracedBulkhead::builder("bulkhead.zero")
        .max_concurrent(0)
        .build();
    assert!(matches!(
        zero,
        Err(PatternConfigError::OutOfRange {
            field: "max_concurrent",
            ..
        })
    ));
    let endless = TracedBulkhead::builder("bulkhead.endless")
        .max_concurrent(1)
        .max_wait(Duration::MAX)
        .build();
    assert!(matches!(
        endless,
        Err(PatternConfigError::OutOfRange {
            field: "max_wait",
            ..
        })
    ));
}

#[cfg(feature = "tower")]
#[tokio::test(start_paused = true)]
async fn a_layer_does_not_call_the_service_before_its_turn() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use otelgen::TracedBulkheadLayer;
    use tower::{ServiceBuilder, ServiceExt};

    let started = Arc::new(AtomicU32::new(0));
    let service = ServiceBuilder::new()
        .layer(TracedBulkheadLayer::new(bulkhead(
            "bulkhead.layer",
            1,
            Duration::from_secs(5),
        )))
        .service_fn({
            let started = Arc::clone(&started);
            move |wait: u64| {
                started.fetch_add(1, Ordering::SeqCst);
                async move {
                    tokio::time::sleep(Duration::from_secs(wait)).await;
                    Ok::<_, std::io::Error>(wait)
                }
            }
        });
    let first = tokio::spawn(service.clone().oneshot(1));
    tokio::task::yield_now().await;
    let second = tokio::spawn(service.clone().oneshot(9));
    tokio::task::yield_now().await;
    assert_eq!(started.load(Ordering::SeqCst), 1);
    assert!(matches!(
        service.oneshot(0).await,
        Err(BulkheadError::Full(_))
    ));
    assert!(first.await.expect("it ends").is_ok());
    assert!(second.await.expect("it ends").is_ok());
}
