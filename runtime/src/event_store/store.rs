//! The contract of an event store, and how references to a store are stores too.
//! Knows nothing of any database; what the methods promise here, the conformance tests hold every store to.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{
    Appended, EventStoreError, Expected, NewEvent, Position, RecordedEvent, SnapshotRecord,
    StreamId,
};

/// Keeps events, one append-only stream per aggregate, and hands them out again per stream and all in order.
///
/// The trait is about stored JSON and can be a trait object (`Arc<dyn EventStore>`); the typed calls that
/// programs make are in [`EventStoreExt`](super::EventStoreExt). Implementations carry `#[async_trait]`.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// The database, as OpenTelemetry's `db.system.name` calls it.
    fn system(&self) -> &'static str;

    /// Appends events to a stream, all or none, if the stream is where the writer expects it.
    ///
    /// Saving the same events (the same ids) at the same place again succeeds with [`Appended::repeated`], so a
    /// save whose answer was lost may be repeated. No events is no append; it always succeeds.
    ///
    /// # Errors
    /// [`EventStoreError::Conflict`] when the stream is elsewhere; invalid names and events; what the database says.
    async fn save_events(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, EventStoreError>;

    /// Reads up to `limit` events of a stream, those after version `after`, in order.
    ///
    /// # Errors
    /// What the database says.
    async fn load_events(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError>;

    /// The version of a stream's last event; 0 for a stream that does not exist.
    ///
    /// # Errors
    /// What the database says.
    async fn stream_version(&self, stream: &StreamId) -> Result<u64, EventStoreError>;

    /// Reads up to `limit` events of all streams, those after a position, in the order of positions.
    ///
    /// Never returns an event while an earlier one may still appear; events of a stream come in its order.
    ///
    /// # Errors
    /// What the database says.
    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError>;

    /// The position of the last committed event; [`Position::START`] when there is none.
    ///
    /// # Errors
    /// What the database says.
    async fn head(&self) -> Result<Position, EventStoreError>;

    /// Keeps a snapshot, unless a newer one of the same kind and schema is there.
    ///
    /// # Errors
    /// What the database says.
    async fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: &SnapshotRecord,
    ) -> Result<(), EventStoreError>;

    /// The latest snapshot of a kind.
    ///
    /// # Errors
    /// What the database says.
    async fn load_snapshot(
        &self,
        stream: &StreamId,
        kind: &str,
    ) -> Result<Option<SnapshotRecord>, EventStoreError>;

    /// Up to where a projection has read; [`Position::START`] for one that never ran.
    ///
    /// # Errors
    /// What the database says.
    async fn load_checkpoint(&self, projection: &str) -> Result<Position, EventStoreError>;

    /// Moves a projection's checkpoint, if it still stands at `from`.
    ///
    /// # Errors
    /// [`EventStoreError::CheckpointMoved`] when it does not; what the database says.
    async fn move_checkpoint(
        &self,
        projection: &str,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError>;

    /// Changes with every append made through this store object, so that subscriptions in the same process
    /// need not wait for their next poll.
    fn appends(&self) -> Option<watch::Receiver<u64>> {
        None
    }
}

/// Makes a pointer to a store a store; the type is anything that dereferences to `S`.
macro_rules! forward_event_store {
    ($pointer:ty) => {
        forward_event_store!($pointer, S: Sized);
    };
    ($pointer:ty, S: $($sized:tt)+) => {
        #[async_trait]
        impl<S: EventStore + $($sized)+> EventStore for $pointer {
            fn system(&self) -> &'static str {
                (**self).system()
            }

            async fn save_events(
                &self,
                stream: &StreamId,
                expected: Expected,
                events: &[NewEvent],
            ) -> Result<Appended, EventStoreError> {
                (**self).save_events(stream, expected, events).await
            }

            async fn load_events(
                &self,
                stream: &StreamId,
                after: u64,
                limit: usize,
            ) -> Result<Vec<RecordedEvent>, EventStoreError> {
                (**self).load_events(stream, after, limit).await
            }

            async fn stream_version(&self, stream: &StreamId) -> Result<u64, EventStoreError> {
                (**self).stream_version(stream).await
            }

            async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, EventStoreError> {
                (**self).read_all(after, limit).await
            }

            async fn head(&self) -> Result<Position, EventStoreError> {
                (**self).head().await
            }

            async fn save_snapshot(
                &self,
                stream: &StreamId,
                snapshot: &SnapshotRecord,
            ) -> Result<(), EventStoreError> {
                (**self).save_snapshot(stream, snapshot).await
            }

            async fn load_snapshot(
                &self,
                stream: &StreamId,
                kind: &str,
            ) -> Result<Option<SnapshotRecord>, EventStoreError> {
                (**self).load_snapshot(stream, kind).await
            }

            async fn load_checkpoint(&self, projection: &str) -> Result<Position, EventStoreError> {
                (**self).load_checkpoint(projection).await
            }

            async fn move_checkpoint(
                &self,
                projection: &str,
                from: Position,
                to: Position,
            ) -> Result<(), EventStoreError> {
                (**self).move_checkpoint(projection, from, to).await
            }

            fn appends(&self) -> Option<watch::Receiver<u64>> {
                (**self).appends()
            }
        }
    };
}
pub(super) use forward_event_store;

forward_event_store!(&S, S: ?Sized);
forward_event_store!(Arc<S>, S: ?Sized);
forward_event_store!(Box<S>, S: ?Sized);

/// Checks what every store checks before it touches its database.
pub(super) fn validate(stream: &StreamId, events: &[NewEvent]) -> Result<(), EventStoreError> {
    stream.validate()?;
    events.iter().try_for_each(NewEvent::validate)
}
