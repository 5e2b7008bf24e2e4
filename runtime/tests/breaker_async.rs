//! Guarded futures: dropped, panicking, timed by tokio's paused clock, moved between threads.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_catch::CatchUnwind;
use otelgen::{BreakerState, CircuitBreakerError, Clock, TracedCircuitBreaker};
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn breaker() -> otelgen::TracedCircuitBreakerBuilder {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("async-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    TracedCircuitBreaker::builder(name)
        .clock(Clock::tokio())
        .min_calls(1)
        .open_for(10 * SECOND)
}

async fn fail(breaker: &TracedCircuitBreaker) {
    let result = breaker.call_async(|| async { Err::<(), _>("down") }).await;
    assert_eq!(result, Err(CircuitBreakerError::Inner("down")));
}

/// A panic as a value, so that it can be awaited.
mod futures_catch {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    pub struct CatchUnwind<F>(pub Pin<Box<F>>);

    impl<F: Future> Future for CatchUnwind<F> {
        type Output = Result<F::Output, ()>;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
                Err(_) => Poll::Ready(Err(())),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_opens_probes_and_closes_on_tokios_clock() {
    let breaker = breaker().build().expect("valid settings");
    fail(&breaker).await;
    let rejected = breaker.call_async(|| async { Ok::<_, ()>(1) }).await;
    assert!(rejected.is_err_and(|error| error.is_open()));
    tokio::time::advance(10 * SECOND).await;
    let passed = breaker.call_async(|| async { Ok::<_, ()>(2) }).await;
    assert_eq!(passed, Ok(2));
    assert_eq!(breaker.handle().state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_is_cancelled_and_counts_neither_way() {
    let breaker = breaker().build().expect("valid settings");
    let call = breaker.call_async(|| async {
        sleep(60 * SECOND).await;
        Err::<(), _>("too late")
    });
    assert!(timeout(SECOND, call).await.is_err());
    let snapshot = breaker.handle().snapshot();
    assert_eq!(snapshot.totals.cancelled, 1);
    assert_eq!((snapshot.calls, snapshot.totals.failure), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_probe_gives_its_permit_back() {
    let breaker = breaker().build().expect("valid settings");
    fail(&breaker).await;
    tokio::time::advance(10 * SECOND).await;
    let probe = breaker.call_async(|| async {
        sleep(60 * SECOND).await;
        Ok::<_, &str>(())
    });
    {
        tokio::pin!(probe);
        assert!(timeout(SECOND, &mut probe).await.is_err());
        let snapshot = breaker.handle().snapshot();
        assert_eq!(
            (snapshot.state, snapshot.probes),
            (BreakerState::HalfOpen, 1)
        );
        let second = breaker.call_async(|| async { Ok::<_, &str>(()) }).await;
        assert!(second.is_err(), "the only permit is taken");
    }
    assert_eq!(breaker.handle().snapshot().probes, 0);
    let next = breaker.call_async(|| async { Ok::<_, &str>(()) }).await;
    assert_eq!(next, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_aborted_makes_room_for_the_next() {
    let breaker = breaker().build().expect("valid settings");
    fail(&breaker).await;
    tokio::time::advance(10 * SECOND).await;
    let shared = breaker.clone();
    let probe = tokio::spawn(async move {
        shared
            .call_async(|| async {
                std::future::pending::<()>().await;
                Ok::<_, &str>(())
            })
            .await
    });
    while breaker.handle().snapshot().probes == 0 {
        tokio::task::yield_now().await;
    }
    probe.abort();
    assert!(probe.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(breaker.handle().snapshot().probes, 0);
    let next = breaker.call_async(|| async { Ok::<_, &str>(()) }).await;
    assert_eq!(next, Ok(()));
    assert_eq!(breaker.handle().state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_settles_times_out() {
    let breaker = breaker()
        .half_open_timeout(5 * SECOND)
        .build()
        .expect("valid settings");
    fail(&breaker).await;
    tokio::time::advance(10 * SECOND).await;
    let stuck = breaker.call_async(|| async {
        std::future::pending::<()>().await;
        Ok::<_, &str>(())
    });
    tokio::pin!(stuck);
    assert!(timeout(5 * SECOND, &mut stuck).await.is_err());
    let rejected = breaker.call_async(|| async { Ok::<_, &str>(()) }).await;
    assert!(rejected.is_err());
    assert_eq!(breaker.handle().state(), BreakerState::Open);
    assert_eq!(breaker.handle().snapshot().retry_after, Some(10 * SECOND));
}

#[tokio::test]
async fn a_panic_inside_a_future_is_a_failure_not_a_cancellation() {
    let breaker = breaker().build().expect("valid settings");
    let call = breaker.call_async(|| async {
        tokio::task::yield_now().await;
        panic!("inside the operation");
        #[allow(unreachable_code)]
        Ok::<(), &str>(())
    });
    assert!(CatchUnwind(Box::pin(call)).await.is_err());
    let snapshot = breaker.handle().snapshot();
    assert_eq!((snapshot.totals.failure, snapshot.totals.cancelled), (1, 0));
    assert_eq!(snapshot.state, BreakerState::Open);
}

#[tokio::test]
async fn a_future_dropped_while_something_else_panics_is_cancelled() {
    struct DropsWhilePanicking<F>(Option<F>);
    impl<F> Drop for DropsWhilePanicking<F> {
        fn drop(&mut self) {
            drop(self.0.take());
        }
    }
    let breaker = breaker().build().expect("valid settings");
    let mut call = Box::pin(breaker.call_async(|| async {
        std::future::pending::<()>().await;
        Ok::<(), &str>(())
    }));
    assert!(futures_poll(&mut call).await);
    let dropped = DropsWhilePanicking(Some(call));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _dropped = dropped;
        panic!("somewhere else");
    }));
    assert!(panicked.is_err());
    let totals = breaker.handle().snapshot().totals;
    assert_eq!((totals.cancelled, totals.failure), (1, 0));
}

/// Polls once; true when it is pending.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soak_on_two_threads_loses_no_call_and_ends_without_probes() {
    let breaker = breaker()
        .clock(Clock::system())
        .min_calls(20)
        .open_for(Duration::from_millis(1))
        .half_open_permits(2)
        .build()
        .expect("valid settings");
    let tasks = (0..8).map(|task| {
        let breaker = breaker.clone();
        tokio::spawn(async move {
            let mut ended = 0_u64;
            for number in 0..2_000_u32 {
                let call = breaker.call_async(|| async {
                    tokio::task::yield_now().await;
                    // Outages that come and go.
                    if (number / 100) % 3 == 0 && number % 2 == task % 2 {
                        Err("down")
                    } else {
                        Ok(())
                    }
                });
                if number % 17 == 0 {
                    let mut call = Box::pin(call);
                    let _ = futures_poll(&mut call).await;
                } else {
                    let _ = call.await;
                }
                ended += 1;
            }
            ended
        })
    });
    let mut calls = 0;
    for task in tasks.collect::<Vec<_>>() {
        calls += task.await.expect("no task panics");
    }
    let snapshot = breaker.handle().snapshot();
    let totals = snapshot.totals;
    let counted = totals.success + totals.failure + totals.rejected + totals.cancelled;
    assert_eq!(counted, calls);
    assert!(totals.rejected > 0 && totals.cancelled > 0, "{totals:?}");
    assert_eq!(snapshot.probes, 0);
}

#[tokio::test]
async fn guarded_futures_can_be_sent() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    let breaker = breaker().build().expect("valid settings");
    let call = sent(breaker.call_async(|| async { Ok::<_, ()>(3) }));
    assert_eq!(call.await, Ok(3));
}
