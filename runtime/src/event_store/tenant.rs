//! One tenant's view of a store: it cannot name, read or follow what belongs to another.
//! Knows only the `EventStore` contract.

use async_trait::async_trait;
use tokio::sync::watch;

use super::{
    Appended, EventStore, EventStoreError, Expected, NewEvent, Position, RecordedEvent,
    SnapshotRecord, StreamId,
};

/// A store confined to one tenant.
///
/// Streams without a tenant are taken to be this tenant's; those of another are refused with
/// [`EventStoreError::WrongTenant`]. Events of all streams are read with the others' left out, and projections
/// keep a checkpoint per tenant.
///
/// ```
/// # use otelgen::event_store::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), EventStoreError> {
/// let store = MemoryEventStore::new();
/// let acme = store.tenant("acme");
/// let foreign = StreamId::new("account", "1").for_tenant("globex");
/// assert!(matches!(acme.stream_version(&foreign).await, Err(EventStoreError::WrongTenant { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Tenant<S> {
    store: S,
    tenant: String,
}

impl<S: EventStore> Tenant<S> {
    /// Confines a store.
    pub fn new(store: S, tenant: impl Into<String>) -> Self {
        Self {
            store,
            tenant: tenant.into(),
        }
    }

    fn own(&self, stream: &StreamId) -> Result<StreamId, EventStoreError> {
        if stream.tenant() == self.tenant {
            Ok(stream.clone())
        } else if stream.tenant().is_empty() {
            Ok(stream.clone().for_tenant(&self.tenant))
        } else {
            Err(EventStoreError::WrongTenant {
                stream: stream.clone(),
                tenant: self.tenant.clone(),
            })
        }
    }

    fn checkpoint(&self, projection: &str) -> String {
        format!("{projection}@{}", self.tenant)
    }
}

#[async_trait]
impl<S: EventStore> EventStore for Tenant<S> {
    fn system(&self) -> &'static str {
        self.store.system()
    }

    async fn save_events(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<Appended, EventStoreError> {
        self.store
            .save_events(&self.own(stream)?, expected, events)
            .await
    }

    async fn load_events(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError> {
        self.store
            .load_events(&self.own(stream)?, after, limit)
            .await
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<u64, EventStoreError> {
        self.store.stream_version(&self.own(stream)?).await
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, EventStoreError> {
        let mut after = after;
        loop {
            let mut events = self.store.read_all(after, limit).await?;
            let Some(last) = events.last() else {
                return Ok(events);
            };
            after = last.position;
            events.retain(|event| event.stream.tenant() == self.tenant);
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    async fn head(&self) -> Result<Position, EventStoreError> {
        self.store.head().await
    }

    async fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: &SnapshotRecord,
    ) -> Result<(), EventStoreError> {
        self.store.save_snapshot(&self.own(stream)?, snapshot).await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        kind: &str,
    ) -> Result<Option<SnapshotRecord>, EventStoreError> {
        self.store.load_snapshot(&self.own(stream)?, kind).await
    }

    async fn load_checkpoint(&self, projection: &str) -> Result<Position, EventStoreError> {
        self.store
            .load_checkpoint(&self.checkpoint(projection))
            .await
    }

    async fn move_checkpoint(
        &self,
        projection: &str,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError> {
        self.store
            .move_checkpoint(&self.checkpoint(projection), from, to)
            .await
    }

    fn appends(&self) -> Option<watch::Receiver<u64>> {
        self.store.appends()
    }
}
