//! The OpenTelemetry metrics API: instruments of the global meter provider, made anew when that is replaced.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue, global};

use super::{Attributes, CONSUMER, End, PRODUCER};

struct Instruments {
    messages: Counter<u64>,
    duration: Histogram<f64>,
}

struct Ends {
    producer: Instruments,
    consumer: Instruments,
}

/// The provider the instruments belong to, held weakly: otelgen must not keep a provider from shutting down.
type Bound = (Weak<dyn MeterProvider + Send + Sync>, Arc<Ends>);

fn ends() -> Arc<Ends> {
    static BOUND: Mutex<Option<Bound>> = Mutex::new(None);
    let provider = global::meter_provider();
    let mut bound = BOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, ends)) = &*bound
        && Weak::ptr_eq(known, &Arc::downgrade(&provider))
    {
        return Arc::clone(ends);
    }
    let scope = InstrumentationScope::builder(crate::names::SCOPE)
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    let meter = provider.meter_with_scope(scope);
    let ends = Arc::new(Ends {
        producer: Instruments::new(&meter, &PRODUCER),
        consumer: Instruments::new(&meter, &CONSUMER),
    });
    *bound = Some((Arc::downgrade(&provider), Arc::clone(&ends)));
    ends
}

impl Instruments {
    fn new(meter: &Meter, end: &End) -> Self {
        Self {
            messages: meter
                .u64_counter(end.messages)
                .with_description(end.messages_description)
                .with_unit("{message}")
                .build(),
            duration: meter
                .f64_histogram(end.duration)
                .with_description(end.duration_description)
                .with_unit("s")
                .with_boundaries(crate::names::DURATION_BOUNDARIES.to_vec())
                .build(),
        }
    }
}

impl Ends {
    fn of(&self, end: &End) -> &Instruments {
        if end.messages == PRODUCER.messages {
            &self.producer
        } else {
            &self.consumer
        }
    }
}

fn key_values(attributes: Attributes<'_>) -> Vec<KeyValue> {
    attributes
        .iter()
        .map(|(key, value)| KeyValue::new(*key, *value))
        .collect()
}

pub(super) fn add(end: &End, count: u64, attributes: Attributes<'_>) {
    ends().of(end).messages.add(count, &key_values(attributes));
}

pub(super) fn record(end: &End, seconds: f64, attributes: Attributes<'_>) {
    ends()
        .of(end)
        .duration
        .record(seconds, &key_values(attributes));
}
