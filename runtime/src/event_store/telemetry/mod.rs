//! The event store's metrics and log events, whichever world the metrics go to.
//! Their attributes are known only at run time, which is why they do not pass through the recorder of patterns.

#[cfg(feature = "metrics")]
mod facade;
#[cfg(not(feature = "metrics"))]
mod otel;

#[cfg(feature = "metrics")]
use facade as world;
#[cfg(not(feature = "metrics"))]
use otel as world;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{EventStoreError, NewEvent, RecordedEvent, StreamId, names};

/// What a metric is called.
pub(super) struct Metric {
    name: &'static str,
    description: &'static str,
    /// UCUM; the facade has units of its own.
    #[cfg_attr(
        feature = "metrics",
        allow(dead_code, reason = "the facade has units of its own")
    )]
    unit: &'static str,
}

const APPENDED: Metric = Metric {
    name: names::APPENDED,
    description: "Events saved.",
    unit: "{event}",
};
const APPEND_DURATION: Metric = Metric {
    name: names::APPEND_DURATION,
    description: "Duration of saves that succeeded or met a conflict.",
    unit: "s",
};
const CONFLICTS: Metric = Metric {
    name: names::CONFLICTS,
    description: "Saves that another writer was faster than.",
    unit: "{conflict}",
};
const REPLAYED: Metric = Metric {
    name: names::REPLAYED,
    description: "Events read back.",
    unit: "{event}",
};
const PROJECTION_LAG: Metric = Metric {
    name: names::PROJECTION_LAG,
    description: "Events that a projection is behind the last committed one.",
    unit: "{event}",
};

/// Counts events that were saved, by type.
pub(super) fn appended(stream_type: &str, events: &[NewEvent]) {
    let mut by_type = BTreeMap::<&str, u64>::new();
    for event in events {
        *by_type.entry(&event.event_type).or_default() += 1;
    }
    for (event_type, count) in by_type {
        world::add(
            &APPENDED,
            count,
            &[
                (names::EVENT_TYPE, event_type),
                (names::STREAM_TYPE, stream_type),
            ],
        );
    }
}

/// Records how long a save took.
pub(super) fn append_took(stream_type: &str, duration: Duration) {
    world::record(
        &APPEND_DURATION,
        duration,
        &[(names::STREAM_TYPE, stream_type)],
    );
}

/// Counts a save that another writer was faster than.
pub(super) fn conflict(stream_type: &str) {
    world::add(&CONFLICTS, 1, &[(names::STREAM_TYPE, stream_type)]);
}

/// Counts events that were read back.
pub(super) fn replayed(events: &[RecordedEvent]) {
    let mut by_stream = BTreeMap::<&str, u64>::new();
    for event in events {
        *by_stream.entry(event.stream.stream_type()).or_default() += 1;
    }
    for (stream_type, count) in by_stream {
        world::add(&REPLAYED, count, &[(names::STREAM_TYPE, stream_type)]);
    }
}

/// What one projection reports.
#[derive(Debug)]
pub(super) struct ProjectionTelemetry {
    name: String,
}

impl ProjectionTelemetry {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }

    pub(super) fn lag(&self, events: u64) {
        world::set(&PROJECTION_LAG, events, &[(names::PROJECTION, &self.name)]);
    }

    /// The span of one batch.
    pub(super) fn batch(&self, events: usize) -> tracing::Span {
        tracing::info_span!(
            "event_store.project",
            "otel.name" = %format_args!("project {}", self.name),
            "otelgen.event_store.projection" = self.name,
            "otelgen.event_store.events" = i64::try_from(events).unwrap_or(i64::MAX),
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
pub(super) fn snapshot_failed(stream: &StreamId, error: &EventStoreError) {
    tracing::warn!(
        "otelgen.event_store.stream_type" = stream.stream_type(),
        "otelgen.event_store.stream_id" = stream.id(),
        "error.type" = error.error_type(),
        error = error as &dyn std::error::Error,
        "snapshot could not be kept",
    );
}
