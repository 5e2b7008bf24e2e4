//! The OpenTelemetry metrics API: instruments of the global meter provider, made anew when that is replaced.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use opentelemetry::metrics::{Counter, Gauge, Histogram, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue, global};

use super::{APPEND_DURATION, APPENDED, CONFLICTS, Metric, PROJECTION_LAG, REPLAYED};

type Attributes<'a> = &'a [(&'static str, &'a str)];

struct Instruments {
    counters: [(&'static str, Counter<u64>); 3],
    append_duration: Histogram<f64>,
    projection_lag: Gauge<u64>,
}

/// The provider the instruments belong to, held weakly: otelgen must not keep a provider from shutting down.
type Bound = (Weak<dyn MeterProvider + Send + Sync>, Arc<Instruments>);

fn instruments() -> Arc<Instruments> {
    static BOUND: Mutex<Option<Bound>> = Mutex::new(None);
    let provider = global::meter_provider();
    let mut bound = BOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, instruments)) = &*bound
        && Weak::ptr_eq(known, &Arc::downgrade(&provider))
    {
        return Arc::clone(instruments);
    }
    let instruments = Arc::new(Instruments::of(&*provider));
    *bound = Some((Arc::downgrade(&provider), Arc::clone(&instruments)));
    instruments
}

impl Instruments {
    fn of(provider: &(dyn MeterProvider + Send + Sync)) -> Self {
        let scope = InstrumentationScope::builder(crate::names::SCOPE)
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = provider.meter_with_scope(scope);
        let counter = |metric: Metric| {
            let counter = meter
                .u64_counter(metric.name)
                .with_description(metric.description);
            (metric.name, counter.with_unit(metric.unit).build())
        };
        Self {
            counters: [counter(APPENDED), counter(CONFLICTS), counter(REPLAYED)],
            append_duration: meter
                .f64_histogram(APPEND_DURATION.name)
                .with_description(APPEND_DURATION.description)
                .with_unit(APPEND_DURATION.unit)
                .with_boundaries(crate::names::DURATION_BOUNDARIES.to_vec())
                .build(),
            projection_lag: meter
                .u64_gauge(PROJECTION_LAG.name)
                .with_description(PROJECTION_LAG.description)
                .with_unit(PROJECTION_LAG.unit)
                .build(),
        }
    }
}

fn key_values(attributes: Attributes<'_>) -> Vec<KeyValue> {
    attributes
        .iter()
        .map(|(key, value)| KeyValue::new(*key, (*value).to_owned()))
        .collect()
}

pub(super) fn add(metric: &Metric, count: u64, attributes: Attributes<'_>) {
    let instruments = instruments();
    if let Some((_, counter)) = instruments
        .counters
        .iter()
        .find(|(name, _)| *name == metric.name)
    {
        counter.add(count, &key_values(attributes));
    }
}

/// The event store has one histogram.
pub(super) fn record(_: &Metric, duration: Duration, attributes: Attributes<'_>) {
    instruments()
        .append_duration
        .record(duration.as_secs_f64(), &key_values(attributes));
}

/// The event store has one gauge.
pub(super) fn set(_: &Metric, value: u64, attributes: Attributes<'_>) {
    instruments()
        .projection_lag
        .record(value, &key_values(attributes));
}
