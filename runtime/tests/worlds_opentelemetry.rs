//! The OpenTelemetry world: a program that uses every pattern, as the SDK's in-memory exporter sees it.
#![cfg(all(
    not(feature = "metrics"),
    feature = "retry",
    feature = "rate-limit",
    feature = "cache",
    feature = "messaging",
    feature = "route",
    feature = "event-store"
))]

mod breaker_support;
mod worlds_support;

use breaker_support::Metrics;
use worlds_support::{Kind, Shown};

#[test]
fn opentelemetry_shows_every_pattern_as_the_other_world_does() {
    let metrics = Metrics::new();
    opentelemetry::global::set_meter_provider(metrics.provider.clone());
    otelgen::bind_metrics();
    let _running = worlds_support::run().expect("the program runs");
    let shown: Shown = metrics
        .collect()
        .into_iter()
        .filter(|point| point.value != 0.0)
        .map(|point| {
            let kind = match point.kind {
                "counter" => Kind::Counter,
                "histogram" => Kind::Histogram,
                _ => Kind::Gauge,
            };
            ((kind, point.metric, point.attributes), point.value)
        })
        .collect();
    worlds_support::assert_shown(&shown);
}
