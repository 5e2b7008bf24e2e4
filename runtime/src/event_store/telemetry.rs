//! The event store's metrics and log events. The only file here that knows how metrics are recorded.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::metrics::{Counter, Gauge, Histogram};
use opentelemetry::{KeyValue, global};

use super::{EventStoreError, NewEvent, RecordedEvent, names};

/// The instruments. Made at first use, which is after the program has installed its meter provider.
struct Instruments {
    appended: Counter<u64>,
    append_duration: Histogram<f64>,
    conflicts: Counter<u64>,
    replayed: Counter<u64>,
    projection_lag: Gauge<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("otelgen");
    Instruments {
        appended: meter.u64_counter(names::APPENDED).with_unit("{event}").build(),
        append_duration: meter.f64_histogram(names::APPEND_DURATION).with_unit("s").build(),
        conflicts: meter.u64_counter(names::CONFLICTS).with_unit("{conflict}").build(),
        replayed: meter.u64_counter(names::REPLAYED).with_unit("{event}").build(),
        projection_lag: meter.u64_gauge(names::PROJECTION_LAG).with_unit("{event}").build(),
    }
});

fn stream_type(name: &str) -> KeyValue {
    KeyValue::new(names::STREAM_TYPE, name.to_owned())
}

/// Counts events that were saved, by type.
pub(super) fn appended(stream: &str, events: &[NewEvent]) {
    let mut by_type = BTreeMap::<&str, u64>::new();
    for event in events {
        *by_type.entry(&event.event_type).or_default() += 1;
    }
    for (event_type, count) in by_type {
        let attributes = [KeyValue::new(names::EVENT_TYPE, event_type.to_owned()), stream_type(stream)];
        INSTRUMENTS.appended.add(count, &attributes);
    }
}

/// Records how long a save took.
pub(super) fn append_took(stream: &str, duration: Duration) {
    INSTRUMENTS.append_duration.record(duration.as_secs_f64(), &[stream_type(stream)]);
}

/// Counts a save that another writer was faster than.
pub(super) fn conflict(stream: &str) {
    INSTRUMENTS.conflicts.add(1, &[stream_type(stream)]);
}

/// Counts events that were read back.
pub(super) fn replayed(events: &[RecordedEvent]) {
    let mut by_stream = BTreeMap::<&str, u64>::new();
    for event in events {
        *by_stream.entry(event.stream.stream_type()).or_default() += 1;
    }
    for (stream, count) in by_stream {
        INSTRUMENTS.replayed.add(count, &[stream_type(stream)]);
    }
}

/// What one projection reports.
#[derive(Debug)]
pub(super) struct ProjectionTelemetry {
    name: String,
    attributes: [KeyValue; 1],
}

impl ProjectionTelemetry {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), attributes: [KeyValue::new(names::PROJECTION, name.to_owned())] }
    }

    pub(super) fn lag(&self, events: u64) {
        INSTRUMENTS.projection_lag.record(events, &self.attributes);
    }

    /// The span of one batch.
    pub(super) fn batch(&self, events: usize) -> tracing::Span {
        tracing::info_span!(
            "event_store.project",
            "otel.name" = %format_args!("project {}", self.name),
            "otelgen.event_store.projection" = self.name,
            "otelgen.event_store.events" = events,
        )
    }

    pub(super) fn retrying(&self, error: &EventStoreError, delay: Duration) {
        tracing::warn!(
            "otelgen.event_store.projection" = self.name,
            "error.type" = error.error_type(),
            error = error as &dyn std::error::Error,
            delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            "projection waits before it tries again",
        );
    }
}

/// A snapshot only saves time, so its failure is told and not returned.
pub(super) fn snapshot_failed(stream: &super::StreamId, error: &EventStoreError) {
    tracing::warn!(
        "otelgen.event_store.stream_type" = stream.stream_type(),
        "otelgen.event_store.stream_id" = stream.id(),
        "error.type" = error.error_type(),
        error = error as &dyn std::error::Error,
        "snapshot could not be kept",
    );
}
