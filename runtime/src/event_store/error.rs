//! What can go wrong in an event store, as values a caller can act on.

use super::{Expected, Position, StreamId};

/// Any error, as it comes from a database driver or from the user's own code.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an event store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventStoreError {
    /// Somebody else wrote to the stream first, or it is shorter than expected: load it again and decide anew.
    #[error(
        "stream {stream} is at version {actual}, not at {expected}: load it again and retry the command"
    )]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// What the writer believed.
        expected: Expected,
        /// The version of the last event that is there.
        actual: u64,
    },
    /// A stream's name cannot be stored.
    #[error("{field} {reason}")]
    InvalidStream {
        /// Which part of the name.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An event cannot be stored.
    #[error("event `{event_type}` cannot be stored: {reason}")]
    InvalidEvent {
        /// The event's type.
        event_type: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A stream of another tenant was asked for through a tenant's own view of the store.
    #[error("stream {stream} does not belong to tenant `{tenant}`")]
    WrongTenant {
        /// The stream that was asked for.
        stream: StreamId,
        /// The tenant the view is confined to.
        tenant: String,
    },
    /// A value could not be written as JSON.
    #[error("{what} cannot be written as JSON")]
    Encode {
        /// The event type, or the state's type for a snapshot.
        what: String,
        /// What serde said.
        source: serde_json::Error,
    },
    /// A stored event could not be read as the type that was asked for.
    #[error("event {position} of stream {stream} cannot be read")]
    Decode {
        /// The stream it is in.
        stream: StreamId,
        /// Where it stands.
        position: Position,
        /// Why.
        source: DecodeError,
    },
    /// A projection's checkpoint is not where its runner left it: another runner has the same name.
    #[error(
        "the checkpoint of projection `{projection}` was moved by another runner: run one at a time per name"
    )]
    CheckpointMoved {
        /// The projection.
        projection: String,
    },
    /// A projection could not apply an event, after all its attempts; its checkpoint stands before that event.
    #[error(
        "projection `{projection}` cannot apply event {position}: correct it, then start the runner again"
    )]
    Projection {
        /// The projection.
        projection: String,
        /// The event it stopped at.
        position: Position,
        /// What the projection said.
        source: BoxError,
    },
    /// The disk (or the quota) of the database is full. What was acknowledged before is safe.
    #[error("the event store's disk is full: free space, then retry")]
    StorageFull {
        /// What the driver said.
        source: BoxError,
    },
    /// The database could not be reached, or the connection was lost before the answer came. Saving the *same*
    /// [`NewEvent`](super::NewEvent)s again is safe: the store recognises them.
    #[error("the event store's database is unavailable: retry later")]
    Unavailable {
        /// What the driver said.
        source: BoxError,
    },
    /// The database's tables could not be brought to this version.
    #[error("the event store's tables could not be migrated")]
    Migration {
        /// What the driver said.
        source: BoxError,
    },
    /// Events carry transaction ids this PostgreSQL cluster has not reached: the tables were restored from a
    /// dump. Subscriptions would wait for those ids; `adopt_restored_events` numbers the events anew.
    #[error(
        "the events were restored from another PostgreSQL cluster: call adopt_restored_events once, with writers stopped"
    )]
    RestoredElsewhere,
    /// Anything else the database said.
    #[error("the event store's database reported an error")]
    Storage {
        /// What the driver said.
        source: BoxError,
    },
}

impl EventStoreError {
    /// Whether the same request may succeed later without anybody changing it.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::StorageFull { .. })
    }

    /// Whether another writer was faster.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// A name of few values for the `error.type` attribute of spans and metrics.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "conflict",
            Self::InvalidStream { .. } => "invalid_stream",
            Self::InvalidEvent { .. } => "invalid_event",
            Self::WrongTenant { .. } => "wrong_tenant",
            Self::Encode { .. } => "encode",
            Self::Decode { .. } => "decode",
            Self::CheckpointMoved { .. } => "checkpoint_moved",
            Self::Projection { .. } => "projection",
            Self::StorageFull { .. } => "storage_full",
            Self::Unavailable { .. } => "unavailable",
            Self::Migration { .. } => "migration",
            Self::RestoredElsewhere => "restored_elsewhere",
            Self::Storage { .. } => "storage",
        }
    }
}

/// Why a stored event is not a value of the type that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The type does not know this event.
    #[error("event type `{event_type}` is not known to this program")]
    Unknown {
        /// The stored event's type.
        event_type: String,
    },
    /// A newer program wrote the event.
    #[error(
        "event `{event_type}` has schema version {found}, this program knows {known}: deploy the newer one"
    )]
    Newer {
        /// The stored event's type.
        event_type: String,
        /// Its schema version.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// The upcast from an older version failed.
    #[error("event `{event_type}` cannot be upcast from schema version {found}")]
    Upcast {
        /// The stored event's type.
        event_type: String,
        /// Its schema version.
        found: u32,
        /// What the upcast said.
        source: BoxError,
    },
    /// The payload does not fit the type.
    #[error("the payload of event `{event_type}` (schema version {found}) does not fit its type")]
    Payload {
        /// The stored event's type.
        event_type: String,
        /// Its schema version.
        found: u32,
        /// What serde said.
        source: serde_json::Error,
    },
}
