//! Retries through the attribute, the value and the layer, on tokio's paused clock.
#![cfg(feature = "retry")]

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otelgen::{
    BreakerOpen, Elapsed, Jitter, PatternConfigError, RetryBudget, RetryVerdict,
    TracedCircuitBreaker, TracedRetry, TracedRetryBuilder, traced_breaker, traced_retry,
};
use tokio::time::Instant;

#[derive(Clone, Debug, PartialEq)]
enum Error {
    Down,
    Busy(Duration),
    Broken,
    TooSlow,
    /// Says nothing of where it comes from.
    Opaque(String),
}

impl Error {
    fn is_transient(&self) -> bool {
        !matches!(self, Self::Broken)
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(wait) => Some(*wait),
            _ => None,
        }
    }
}

impl From<Elapsed> for Error {
    fn from(_: Elapsed) -> Self {
        Self::TooSlow
    }
}

impl From<BreakerOpen> for Error {
    fn from(open: BreakerOpen) -> Self {
        Self::Opaque(open.to_string())
    }
}

/// Answers one after the other, and counts.
#[derive(Default)]
struct Dependency {
    calls: u32,
    answers: Vec<Result<u32, Error>>,
}

impl Dependency {
    fn of(answers: &[Result<u32, Error>]) -> Self {
        Self {
            calls: 0,
            answers: answers.iter().rev().cloned().collect(),
        }
    }

    #[traced_retry(
        name = "retry.get",
        attempts = 3,
        jitter = "none",
        base = "1s",
        factor = 3.0,
        when = Error::is_transient,
        retry_after = Error::retry_after,
    )]
    async fn get(&mut self, path: &str) -> Result<u32, Error> {
        self.calls += 1;
        tokio::task::yield_now().await;
        let answer = self.answers.pop().unwrap_or(Ok(0))?;
        Ok(answer + path.len() as u32)
    }

    #[traced_retry(name = "retry.blocking", base = "1ms", jitter = "none", when = Error::is_transient)]
    fn get_blocking(&mut self) -> Result<u32, Error> {
        self.calls += 1;
        let answer = self.answers.pop().unwrap_or(Ok(0))?;
        Ok(answer)
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_is_tried_again_after_growing_waits() {
    let start = Instant::now();
    let mut dependency = Dependency::of(&[Err(Error::Down), Err(Error::Down), Ok(7)]);
    assert_eq!(dependency.get("").await, Ok(7));
    assert_eq!(dependency.calls, 3);
    assert_eq!(start.elapsed(), Duration::from_secs(1 + 3));
}

#[tokio::test(start_paused = true)]
async fn the_last_error_is_returned_when_attempts_are_used_up() {
    let mut dependency = Dependency::of(&[
        Err(Error::Down),
        Err(Error::Down),
        Err(Error::TooSlow),
        Ok(7),
    ]);
    assert_eq!(dependency.get("").await, Err(Error::TooSlow));
    assert_eq!(dependency.calls, 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_not_worth_it_is_returned_at_once() {
    let mut dependency = Dependency::of(&[Err(Error::Broken), Ok(7)]);
    assert_eq!(dependency.get("").await, Err(Error::Broken));
    assert_eq!(dependency.calls, 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_dependency_asks_for_is_kept_to() {
    let start = Instant::now();
    let mut dependency = Dependency::of(&[Err(Error::Busy(Duration::from_secs(7))), Ok(7)]);
    assert_eq!(dependency.get("").await, Ok(7));
    assert_eq!(start.elapsed(), Duration::from_secs(7));

    let hour = Error::Busy(Duration::from_secs(3_600));
    let mut dependency = Dependency::of(&[Err(hour.clone()), Ok(7)]);
    assert_eq!(
        dependency.get("").await,
        Err(hour),
        "longer than max_delay is not waited for"
    );
}

#[test]
fn a_blocking_function_is_tried_again() {
    let mut dependency = Dependency::of(&[Err(Error::Down), Ok(7)]);
    assert_eq!(dependency.get_blocking(), Ok(7));
    assert_eq!(dependency.calls, 2);
    let mut dependency = Dependency::of(&[Err(Error::Broken), Ok(7)]);
    assert_eq!(dependency.get_blocking(), Err(Error::Broken));
}

fn quick(name: &str) -> TracedRetryBuilder {
    TracedRetry::builder(name)
        .jitter(Jitter::None)
        .base(Duration::from_secs(1))
        .factor(1.0)
}

fn breaker(name: &str) -> TracedCircuitBreaker {
    TracedCircuitBreaker::builder(name)
        .consecutive(1)
        .min_calls(1_000)
        .build()
        .expect("the breaker is valid")
}

static GUARDED: AtomicU32 = AtomicU32::new(0);

#[traced_retry(name = "retry.over_breaker", attempts = 5, base = "1ms")]
#[traced_breaker(name = "retry.over_breaker", consecutive = 1)]
async fn guarded() -> Result<(), Error> {
    GUARDED.fetch_add(1, Ordering::SeqCst);
    Err(Error::Down)
}

#[tokio::test(start_paused = true)]
async fn the_refusal_of_a_breaker_ends_the_retries_whatever_error_it_became() {
    let error = guarded().await.expect_err("it always fails");
    assert!(matches!(error, Error::Opaque(_)), "{error:?}");
    assert_eq!(
        GUARDED.load(Ordering::SeqCst),
        1,
        "the breaker opened after the first attempt"
    );
    let retry = TracedRetry::builder("retry.over_breaker")
        .attempts(5)
        .base(Duration::from_millis(1))
        .build()
        .expect("the settings are those of the attribute");
    assert_eq!(retry.totals().rejected, 1);
    assert_eq!(retry.totals().attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_counts_even_if_its_error_takes_a_while_to_come_out() {
    let retry = quick("retry.late_refusal")
        .build()
        .expect("the retry is valid");
    let breaker = breaker("retry.late_refusal");
    breaker.handle().force_open();
    let result = retry
        .call_async(|| async {
            let refused = breaker.call_async(|| async { Ok::<_, Error>(1) }).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            refused.map_err(|_| "refused")
        })
        .await;
    assert!(result.is_err());
    assert_eq!(retry.totals().attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_another_call_on_the_same_thread_is_none_of_ours() {
    let retry = quick("retry.neighbour")
        .build()
        .expect("the retry is valid");
    let breaker = breaker("retry.neighbour");
    breaker.handle().force_open();
    let ours = retry.call_async(|| async {
        tokio::task::yield_now().await;
        Err::<(), _>(Error::Down)
    });
    let neighbour = async {
        for _ in 0..10 {
            assert!(
                breaker
                    .call_async(|| async { Ok::<_, Error>(1) })
                    .await
                    .is_err()
            );
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let (result, ()) = tokio::join!(ours, neighbour);
    assert!(result.is_err());
    assert_eq!(retry.totals().attempts, 3);
}

#[tokio::test(start_paused = true)]
async fn no_attempt_starts_after_the_deadline() {
    let retry = quick("retry.deadline")
        .attempts(100)
        .deadline(Duration::from_millis(2_500))
        .build()
        .expect("the retry is valid");
    let start = Instant::now();
    let result = retry
        .call_async(|| async { Err::<(), _>(Error::Down) })
        .await;
    assert!(result.is_err());
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    assert_eq!((retry.totals().deadline, retry.totals().attempts), (1, 3));
}

#[traced_retry(
    name = "retry.timed",
    attempts = 2,
    base = "1ms",
    attempt_timeout = "2s"
)]
async fn timed(calls: &AtomicU32) -> Result<u32, Error> {
    if calls.fetch_add(1, Ordering::SeqCst) == 0 {
        pending::<()>().await;
    }
    Ok(9)
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_dropped_and_tried_again() {
    let calls = AtomicU32::new(0);
    assert_eq!(timed(&calls).await, Ok(9));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

static SHARED: std::sync::LazyLock<RetryBudget> =
    std::sync::LazyLock::new(|| RetryBudget::new(0.1, 2).expect("the budget is valid"));

#[traced_retry(name = "retry.shared_budget", attempts = 100, base = "1ms", budget = *SHARED)]
async fn spends(calls: &AtomicU32) -> Result<(), Error> {
    calls.fetch_add(1, Ordering::SeqCst);
    Err(Error::Down)
}

#[tokio::test(start_paused = true)]
async fn a_budget_ends_the_retries_of_everybody_who_shares_it() {
    let calls = AtomicU32::new(0);
    for _ in 0..3 {
        assert_eq!(spends(&calls).await, Err(Error::Down));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3 + 2);

    let retry = quick("retry.own_budget")
        .attempts(1_000)
        .budget_ratio(0.5)
        .build()
        .expect("the retry is valid");
    assert!(
        retry
            .call_async(|| async { Err::<(), _>(Error::Down) })
            .await
            .is_err()
    );
    assert_eq!((retry.totals().budget, retry.totals().attempts), (1, 11));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_is_counted_as_such() {
    let retry = quick("retry.cancelled")
        .build()
        .expect("the retry is valid");
    {
        let call = retry.call_async(pending::<Result<(), Error>>);
        assert!(
            tokio::time::timeout(Duration::from_secs(9), call)
                .await
                .is_err()
        );
    }
    {
        let call = retry.call_async(|| async { Err::<(), _>(Error::Down) });
        assert!(
            tokio::time::timeout(Duration::from_millis(500), call)
                .await
                .is_err()
        );
    }
    assert_eq!((retry.totals().cancelled, retry.totals().attempts), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_no_error_can_be_worth_another_attempt() {
    let retry = quick("retry.judged").build().expect("the retry is valid");
    let mut statuses = [503, 503, 200].into_iter();
    let status = retry
        .call_async_judged(
            || std::future::ready(statuses.next().ok_or(())),
            |status| match status {
                Ok(503) => RetryVerdict::Retry,
                _ => RetryVerdict::Done,
            },
        )
        .await;
    assert_eq!(status, Ok(200));
    assert_eq!(retry.totals().recovered, 1);
}

#[tokio::test(start_paused = true)]
async fn the_future_of_a_retried_function_can_be_spawned() {
    let answer = tokio::spawn(async {
        let mut dependency = Dependency::of(&[Err(Error::Down), Ok(1)]);
        dependency.get("/items").await
    });
    assert_eq!(answer.await.expect("it ends"), Ok(7));
}

#[test]
fn settings_that_cannot_work_are_named() {
    let zero = TracedRetry::builder("retry.zero").attempts(0).build();
    assert!(matches!(
        zero,
        Err(PatternConfigError::OutOfRange {
            field: "attempts",
            ..
        })
    ));
    let _first = TracedRetry::builder("retry.taken").build();
    let second = TracedRetry::builder("retry.taken").attempts(7).build();
    assert!(matches!(second, Err(PatternConfigError::NameTaken { .. })));
}

#[cfg(feature = "tower")]
#[tokio::test(start_paused = true)]
async fn a_layer_tries_requests_again() {
    use std::sync::Arc;

    use otelgen::TracedRetryLayer;
    use tower::{ServiceBuilder, ServiceExt};

    let calls = Arc::new(AtomicU32::new(0));
    let retry = quick("retry.layer").build().expect("the retry is valid");
    let service = ServiceBuilder::new()
        .layer(
            TracedRetryLayer::new(retry).judged(|result: &Result<u32, Error>| match result {
                Ok(503) => RetryVerdict::Retry,
                _ => RetryVerdict::Done,
            }),
        )
        .service_fn({
            let calls = Arc::clone(&calls);
            move |status: u32| {
                let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
                async move { Ok::<_, Error>(if first { status } else { 200 }) }
            }
        });
    assert!(matches!(service.oneshot(503).await, Ok(200)));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}
