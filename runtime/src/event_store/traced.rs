//! Spans and metrics around any event store.
//! Knows the `EventStore` contract and the names of the telemetry, no database.

use std::borrow::Cow;
use std::time::Instant;

use async_trait::async_trait;
use opentelemetry::trace::TraceContextExt;
use tokio::sync::watch;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::projection::ProjectionStore;
use super::record::TRACEPARENT;
use super::telemetry;
use super::{
    Appended, EventStore, EventStoreError, Expected, NewEvent, Position, RecordedEvent,
    SnapshotRecord, StreamId,
};

/// A store whose calls leave spans and metrics: what a Tower layer is to a service.
///
/// | call | span | metrics |
/// |---|---|---|
/// | saving | `append {stream type}`, client | `otelgen.event_store.appended`, `.append.duration`, `.conflicts` |
/// | reading a stream | `load {stream type}`, client | `otelgen.event_store.replayed` |
/// | reading all, snapshots, checkpoints | at debug level | `otelgen.event_store.replayed` |
///
/// Saved events carry the trace context of the span (metadata `traceparent`), so that what they cause elsewhere
/// can be linked to it. A conflict is an answer, not a failure: it marks the span with `error.type`, and leaves
/// its status alone.
///
/// ```
/// use otelgen::event_store::{MemoryEventStore, TracedEventStore};
///
/// let store = TracedEventStore::new(MemoryEventStore::new());
/// # let _ = store;
/// ```
#[derive(Debug, Clone)]
pub struct TracedEventStore<S> {
    store: S,
}

impl<S: EventStore> TracedEventStore<S> {
    /// Wraps a store.
    pub fn new(store: S) -> Self {
        Self { store }
    }

    /// The store inside.
    pub fn get_ref(&self) -> &S {
        &self.store
    }

    /// The store inside, unwrapped.
    pub fn into_inner(self) -> S {
        self.store
    }

    fn span_of_stream(&self, operation: &'static str, stream: &StreamId) -> Span {
        let span = tracing::info_span!(
            "event_store",
            "otel.name" = %format_args!("{operation} {}", stream.stream_type()),
            "otel.kind" = "client",
            "db.system.name" = self.store.system(),
            "db.operation.name" = operation,
            "otelgen.event_store.stream_type" = stream.stream_type(),
            "otelgen.event_store.stream_id" = stream.id(),
            "otelgen.event_store.tenant" = Empty,
            "otelgen.event_store.events" = Empty,
            "otelgen.event_store.version" = Empty,
            "error.type" = Empty,
            "otel.status_code" = Empty,
        );
        if !stream.tenant().is_empty() {
            span.record("otelgen.event_store.tenant", stream.tenant());
        }
        span
    }

    fn span_of_store(&self, operation: &'static str) -> Span {
        tracing::debug_span!(
            "event_store",
            "otel.name" = operation,
            "otel.kind" = "client",
            "db.system.name" = self.store.system(),
            "db.operation.name" = operation,
            "otelgen.event_store.events" = Empty,
            "error.type" = Empty,
            "otel.status_code" = Empty,
        )
    }
}

/// Runs a call in its span and marks the span when the call failed.
async fn within<T>(
    span: Span,
    call: impl Future<Output = Result<T, EventStoreError>>,
) -> Result<T, EventStoreError> {
    let result = call.instrument(span.clone()).await;
    if let Err(error) = &result {
        span.record("error.type", error.error_type());
        if !error.is_conflict() {
            span.record("otel.status_code", "ERROR");
        }
    }
    result
}

/// OpenTelemetry's integers are signed; unsigned ones would become texts.
fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// The events with the current trace context in their metadata, unless they carry one already.
fn with_trace_context(events: &[NewEvent]) -> Cow<'_, [NewEvent]> {
    let context = opentelemetry::Context::current();
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return Cow::Borrowed(events);
    }
    let flags = span.trace_flags().to_u8();
    let traceparent = format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id());
    let mut events = events.to_vec();
    for event in &mut events {
        event
            .metadata
            .entry(TRACEPARENT.to_owned())
            .or_insert_with(|| traceparent.clone());
    }
    Cow::Owned(events)
}

#[async_trait]
impl<S: EventStore> EventStore for TracedEventStore<S> {
    fn system(&self) -> &'static str {
        self.store.system()
    }

    async fn save_events(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, EventStoreError> {
        let span = self.span_of_stream("append", stream);
        span.record("otelgen.event_store.events", integer(events.len()));
        let begun = Instant::now();
        let result = within(span.clone(), async {
            self.store
                .save_events(stream, expected, &with_trace_context(events))
                .await
        })
        .await;
        match &result {
            Ok(appended) => {
                span.record("otelgen.event_store.version", integer(appended.version));
                telemetry::append_took(stream.stream_type(), begun.elapsed());
                if !appended.repeated {
                    telemetry::appended(stream.stream_type(), events);
                }
            }
            Err(error) if error.is_conflict() => {
                telemetry::append_took(stream.stream_type(), begun.elapsed());
                telemetry::conflict(stream.stream_type());
            }
            Err(_) => {}
        }
        result
    }

    async fn load_events(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError> {
        let span = self.span_of_stream("load", stream);
        let events = within(span.clone(), self.store.load_events(stream, after, limit)).await?;
        span.record("otelgen.event_store.events", integer(events.len()));
        if let Some(last) = events.last() {
            span.record("otelgen.event_store.version", integer(last.version));
        }
        telemetry::replayed(&events);
        Ok(events)
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<u64, EventStoreError> {
        within(
            self.span_of_store("stream version"),
            self.store.stream_version(stream),
        )
        .await
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError> {
        let span = self.span_of_store("read all");
        let events = within(span.clone(), self.store.read_all(after, limit)).await?;
        span.record("otelgen.event_store.events", integer(events.len()));
        telemetry::replayed(&events);
        Ok(events)
    }

    async fn head(&self) -> Result<Position, EventStoreError> {
        within(self.span_of_store("head"), self.store.head()).await
    }

    async fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: &SnapshotRecord,
    ) -> Result<(), EventStoreError> {
        within(
            self.span_of_store("save snapshot"),
            self.store.save_snapshot(stream, snapshot),
        )
        .await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        kind: &str,
    ) -> Result<Option<SnapshotRecord>, EventStoreError> {
        within(
            self.span_of_store("load snapshot"),
            self.store.load_snapshot(stream, kind),
        )
        .await
    }

    async fn load_checkpoint(&self, projection: &str) -> Result<Position, EventStoreError> {
        within(
            self.span_of_store("load checkpoint"),
            self.store.load_checkpoint(projection),
        )
        .await
    }

    async fn move_checkpoint(
        &self,
        projection: &str,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError> {
        within(
            self.span_of_store("move checkpoint"),
            self.store.move_checkpoint(projection, from, to),
        )
        .await
    }

    fn appends(&self) -> Option<watch::Receiver<u64>> {
        self.store.appends()
    }
}

#[async_trait]
impl<S: ProjectionStore> ProjectionStore for TracedEventStore<S> {
    type Transaction = S::Transaction;

    async fn begin(&self) -> Result<Self::Transaction, EventStoreError> {
        self.store.begin().await
    }

    async fn commit(
        &self,
        transaction: Self::Transaction,
        projection: &str,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError> {
        let span = self.span_of_store("move checkpoint");
        within(span, self.store.commit(transaction, projection, from, to)).await
    }
}
