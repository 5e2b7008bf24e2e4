//! The breaker as a Tower layer.
#![cfg(feature = "tower")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use otelgen::{
    BreakerState, BreakerVerdict, CircuitBreakerError, TracedCircuitBreaker,
    TracedCircuitBreakerLayer,
};
use tower::{Service, ServiceBuilder, ServiceExt};

fn breaker(name: &str) -> TracedCircuitBreaker {
    let builder = TracedCircuitBreaker::builder(name).min_calls(1);
    builder.build().expect("valid settings")
}

#[tokio::test]
async fn an_open_breaker_answers_without_calling_the_service() {
    let breaker = breaker("tower.open");
    let called = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&called);
    let mut service = ServiceBuilder::new()
        .layer(TracedCircuitBreakerLayer::new(breaker.clone()))
        .service_fn(move |fail: bool| {
            count.fetch_add(1, Ordering::Relaxed);
            async move { if fail { Err("down") } else { Ok(7) } }
        });
    let ready = service.ready().await.expect("it is ready");
    assert_eq!(ready.call(false).await, Ok(7));
    let failed = service.ready().await.expect("it is ready").call(true).await;
    assert_eq!(failed, Err(CircuitBreakerError::Inner("down")));
    assert_eq!(breaker.handle().state(), BreakerState::Open, "half of two");
    let rejected = service
        .ready()
        .await
        .expect("it is ready")
        .call(false)
        .await;
    assert!(rejected.is_err_and(|error| error.is_open()));
    assert_eq!(called.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn responses_are_judged_and_dropped_responses_are_cancelled() {
    let breaker = breaker("tower.judged");
    let judge = |result: &Result<u16, &str>| match result {
        Ok(status) if *status >= 500 => BreakerVerdict::Failure,
        Ok(_) => BreakerVerdict::Success,
        Err(_) => BreakerVerdict::Ignored,
    };
    let mut service = ServiceBuilder::new()
        .layer(TracedCircuitBreakerLayer::new(breaker.clone()).judged(judge))
        .service_fn(|status: u16| async move {
            tokio::task::yield_now().await;
            if status == 0 {
                Err("no answer")
            } else {
                Ok(status)
            }
        });
    drop(service.ready().await.expect("it is ready").call(200));
    assert_eq!(breaker.handle().snapshot().totals.cancelled, 1);
    let answer = service.ready().await.expect("it is ready").call(0).await;
    assert_eq!(answer, Err(CircuitBreakerError::Inner("no answer")));
    assert_eq!(breaker.handle().snapshot().totals.ignored, 1);
    let answer = service.ready().await.expect("it is ready").call(503).await;
    assert_eq!(answer, Ok(503));
    assert_eq!(breaker.handle().state(), BreakerState::Open);
    let answer = service.ready().await.expect("it is ready").call(200).await;
    assert!(answer.is_err_and(|error| error.is_open()));
}
