//! Policies, and all attributes on one function, on tokio's paused clock.
#![cfg(all(feature = "retry", feature = "rate-limit", feature = "cache"))]

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otelgen::{
    BreakerOpen, BulkheadFull, ConfigurationError, Elapsed, Jitter, Policy, PolicyError,
    RateLimited, traced, traced_breaker, traced_bulkhead, traced_cache, traced_rate_limit,
    traced_retry, traced_timeout,
};

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

fn policy(name: &str) -> Policy {
    Policy::builder(name)
        .retry(|retry| retry.attempts(4).jitter(Jitter::None))
        .circuit_breaker(|breaker| breaker.consecutive(3).min_calls(1_000))
        .timeout(Duration::from_secs(1))
        .build()
        .expect("the policy is valid")
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_time_and_the_breaker_has_the_last_word() {
    let policy = policy("policy.order");
    let calls = AtomicU32::new(0);
    let result = policy
        .call_async(|| async {
            calls.fetch_add(1, Ordering::SeqCst);
            pending::<Result<(), Error>>().await
        })
        .await;
    assert!(matches!(result, Err(PolicyError::Open(_))), "{result:?}");
    assert_eq!(
        calls.load(Ordering::SeqCst),
        3,
        "three attempts took too long, then it opened"
    );
    let totals = policy.timeout().expect("there is one").totals();
    assert_eq!(totals.timeout, 3);
    assert_eq!(policy.retry().expect("there is one").totals().rejected, 1);
}

#[tokio::test(start_paused = true)]
async fn a_policy_returns_what_the_operation_does() {
    let policy = policy("policy.returns");
    let mut answers = vec![Ok(7), Err(Error::Down)];
    let answer = policy
        .call_async(|| std::future::ready(answers.pop().unwrap_or(Err(Error::Full))))
        .await;
    assert_eq!(answer, Ok(7));
    let failed = policy.call(|| Err::<(), _>(Error::Down));
    assert!(matches!(
        failed,
        Err(PolicyError::Open(_) | PolicyError::Inner(Error::Down))
    ));
}

#[test]
fn a_policy_of_nothing_is_a_mistake() {
    let empty = Policy::builder("policy.empty").build();
    assert!(matches!(empty, Err(ConfigurationError::Pattern(_))));
    let broken = Policy::builder("policy.broken")
        .retry(|retry| retry.attempts(0))
        .build();
    assert!(matches!(broken, Err(ConfigurationError::Pattern(_))));
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
async fn the_stack_can_be_spawned() {
    let value = tokio::spawn(async {
        let client = Client {
            calls: AtomicU32::new(1),
        };
        client.get("spawned").await
    });
    assert_eq!(value.await.expect("it ends"), Ok(7));
}

#[cfg(feature = "tower")]
#[tokio::test(start_paused = true)]
async fn a_layer_guards_a_service_with_a_policy() {
    use otelgen::PolicyLayer;
    use tower::{ServiceBuilder, ServiceExt};

    let service = ServiceBuilder::new()
        .layer(PolicyLayer::new(policy("policy.layer")))
        .service_fn(|slow: bool| async move {
            if slow {
                pending::<()>().await;
            }
            Ok::<_, Error>(slow)
        });
    assert!(matches!(service.clone().oneshot(false).await, Ok(false)));
    assert!(matches!(
        service.oneshot(true).await,
        Err(PolicyError::Open(_))
    ));
}
