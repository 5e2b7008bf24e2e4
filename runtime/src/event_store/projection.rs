//! Read models that follow the events: each with a checkpoint that moves together with what it wrote.
//! Knows the `EventStore` contract and transactions, no database.

use std::ops::Deref;

use async_trait::async_trait;
use tokio::sync::watch;

use super::store::forward_event_store;
use super::{
    Appended, BoxError, EventStore, EventStoreError, Expected, Filter, NewEvent, Position,
    RecordedEvent, SnapshotRecord, StreamId,
};

/// Turns events into a read model. `T` is the transaction the store gives it to write in.
///
/// ```
/// use async_trait::async_trait;
/// use otelgen::event_store::{BoxError, Projection, RecordedEvent};
///
/// #[derive(Default)]
/// struct CountEvents { count: u64 }
///
/// #[async_trait]
/// impl<T: Send> Projection<T> for CountEvents {
///     fn name(&self) -> &str { "count-events" }
///
///     async fn apply(&mut self, _event: &RecordedEvent, _transaction: &mut T) -> Result<(), BoxError> {
///         self.count += 1;
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait Projection<T: Send>: Send {
    /// The name its checkpoint is kept under; unique among the projections of a store.
    fn name(&self) -> &str;

    /// Which events it wants; all unless said otherwise.
    fn filter(&self) -> Filter {
        Filter::all()
    }

    /// Takes one event into the read model, writing through `transaction` where the store has one.
    ///
    /// # Errors
    /// Anything; the batch is rolled back and tried again, and at last the runner stops before this event.
    async fn apply(&mut self, event: &RecordedEvent, transaction: &mut T) -> Result<(), BoxError>;

    /// Empties the read model, before it is built anew from the first event.
    ///
    /// # Errors
    /// Anything; nothing is changed then.
    async fn clear(&mut self, transaction: &mut T) -> Result<(), BoxError> {
        let _ = transaction;
        Ok(())
    }
}

/// A store that can move a checkpoint in the same transaction in which a read model is written, so that every
/// event takes effect exactly once.
#[async_trait]
pub trait ProjectionStore: EventStore {
    /// What a projection writes in; dropping it rolls back.
    type Transaction: Send;

    /// Begins a transaction.
    ///
    /// # Errors
    /// What the database says.
    async fn begin(&self) -> Result<Self::Transaction, EventStoreError>;

    /// Moves the projection's checkpoint within the transaction, and commits.
    ///
    /// # Errors
    /// [`EventStoreError::CheckpointMoved`] when the checkpoint is not at `from`; what the database says.
    async fn commit(
        &self,
        transaction: Self::Transaction,
        projection: &str,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError>;
}

/// Lets a projection follow any event store although its read model lives elsewhere: after a crash, events that
/// had taken effect since the last checkpoint are applied again, so applying must be idempotent.
#[derive(Debug, Clone)]
pub struct AtLeastOnce<S>(pub S);

impl<S> Deref for AtLeastOnce<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

forward_event_store!(AtLeastOnce<S>);

#[async_trait]
impl<S: EventStore> ProjectionStore for AtLeastOnce<S> {
    type Transaction = ();

    async fn begin(&self) -> Result<(), EventStoreError> {
        Ok(())
    }

    async fn commit(
        &self,
        (): (),
        projection: &str,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError> {
        self.0.move_checkpoint(projection, from, to).await
    }
}

macro_rules! forward_projection_store {
    ($($pointer:ty),+) => {$(
        #[async_trait]
        impl<S: ProjectionStore> ProjectionStore for $pointer {
            type Transaction = S::Transaction;

            async fn begin(&self) -> Result<Self::Transaction, EventStoreError> {
                (**self).begin().await
            }

            async fn commit(
                &self,
                transaction: Self::Transaction,
                projection: &str,
                from: Position,
                to: Position,
            ) -> Result<(), EventStoreError> {
                (**self).commit(transaction, projection, from, to).await
            }
        }
    )+};
}

forward_projection_store!(&S, std::sync::Arc<S>, Box<S>);
