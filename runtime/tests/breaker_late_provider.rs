//! A meter provider that is set after breakers were used. A process of its own, since the provider is
//! the process's.
#![cfg(not(feature = "metrics"))]

mod breaker_support;

use breaker_support::Metrics;
use otelgen::{TracedCircuitBreaker, names};

#[test]
fn breakers_report_to_a_provider_that_is_set_later_and_to_one_that_replaces_it() {
    let early = TracedCircuitBreaker::builder("early")
        .build()
        .expect("valid settings");
    let idle = TracedCircuitBreaker::builder("idle")
        .build()
        .expect("valid settings");
    for _ in 0..3 {
        assert!(early.call(|| Ok::<_, ()>(())).is_ok());
        assert!(idle.call(|| Ok::<_, ()>(())).is_ok());
    }

    let metrics = Metrics::new();
    opentelemetry::global::set_meter_provider(metrics.provider.clone());
    let calls = |metrics: &Metrics, name| {
        let attributes = [(names::NAME, name), (names::OUTCOME, "success")];
        metrics.value(names::BREAKER_CALLS, &attributes)
    };

    // By itself, with the calls that come.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let mut made = 3.0;
    while calls(&metrics, "early").is_none() {
        assert!(
            std::time::Instant::now() < deadline,
            "it never bound itself"
        );
        assert!(early.call(|| Ok::<_, ()>(())).is_ok());
        made += 1.0;
    }
    assert_eq!(
        calls(&metrics, "early"),
        Some(made),
        "with the calls made before"
    );
    assert_eq!(calls(&metrics, "idle"), Some(3.0), "the idle one too");
    assert!(early.call(|| Ok::<_, ()>(())).is_ok());
    let attributes = [(names::NAME, "early"), (names::OUTCOME, "success")];
    let timed = metrics.value(names::BREAKER_DURATION, &attributes);
    assert!(timed.is_some_and(|count| count >= 1.0), "{timed:?}");

    // At once, when it is told.
    let replacement = Metrics::new();
    opentelemetry::global::set_meter_provider(replacement.provider.clone());
    otelgen::bind_metrics();
    assert_eq!(calls(&replacement, "idle"), Some(3.0));
    assert!(early.call(|| Ok::<_, ()>(())).is_ok());
    assert_eq!(
        replacement.value(names::BREAKER_DURATION, &attributes),
        Some(1.0)
    );
}
