//! Events on their way into a store and out of it: JSON with a name, a version and metadata.
//! Knows nothing of any database.

use std::collections::BTreeMap;
use std::time::SystemTime;

use uuid::Uuid;

use super::{DecodeError, DomainEvent, EventStoreError, Position, StreamId, event};

/// Texts that travel with an event: who caused it, and the trace in which it was written.
pub type Metadata = BTreeMap<String, String>;

/// The metadata key under which [`TracedEventStore`](super::TracedEventStore) keeps the W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// The metadata key for the business transaction an event belongs to.
pub const CORRELATION_ID: &str = "correlation_id";
/// The metadata key for the event that led to this one.
pub const CAUSATION_ID: &str = "causation_id";

/// An event that is ready to be saved. Its id lets the store recognise it when it is saved a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Unique; a UUID of version 7.
    pub event_id: Uuid,
    /// The name of its type.
    pub event_type: String,
    /// The schema version of its payload.
    pub event_version: u32,
    /// JSON, stored and returned to the byte.
    pub payload: String,
    /// What travels with it.
    pub metadata: Metadata,
}

impl NewEvent {
    /// Writes a domain event down under a new id.
    ///
    /// # Errors
    /// [`EventStoreError::Encode`] when serde cannot write it as JSON.
    pub fn of<E: DomainEvent>(event: &E) -> Result<Self, EventStoreError> {
        let event_type = event.event_type();
        let payload = serde_json::to_string(event).map_err(|source| EventStoreError::Encode {
            what: format!("event `{event_type}`"),
            source,
        })?;
        Ok(Self {
            event_id: Uuid::now_v7(),
            event_type: event_type.to_owned(),
            event_version: event.event_version(),
            payload,
            metadata: Metadata::new(),
        })
    }

    /// Adds one text to the metadata.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Records that this event was written because of `cause`, within the same business transaction.
    #[must_use]
    pub fn caused_by(self, cause: &RecordedEvent) -> Self {
        let correlation = cause.metadata.get(CORRELATION_ID).cloned();
        let correlation = correlation.unwrap_or_else(|| cause.event_id.to_string());
        self.with_metadata(CORRELATION_ID, correlation)
            .with_metadata(CAUSATION_ID, cause.event_id.to_string())
    }

    /// Checks what a database could not store or an index could not hold; every store calls it.
    ///
    /// # Errors
    /// [`EventStoreError::InvalidEvent`] says what is wrong.
    pub fn validate(&self) -> Result<(), EventStoreError> {
        let reason = if self.event_type.is_empty() {
            "its type is empty"
        } else if self.event_type.len() > 255 {
            "its type is longer than 255 bytes"
        } else if self.event_type.contains('\0') {
            "its type contains a NUL character"
        } else if i32::try_from(self.event_version).is_err() {
            "its schema version is beyond 2147483647"
        } else if serde_json::from_str::<serde::de::IgnoredAny>(&self.payload).is_err() {
            "its payload is not JSON"
        } else {
            return Ok(());
        };
        Err(EventStoreError::InvalidEvent {
            event_type: self.event_type.clone(),
            reason,
        })
    }
}

/// An event as a store returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream; the first is 1.
    pub version: u64,
    /// Its place among all events of the store.
    pub position: Position,
    /// The id it was saved under.
    pub event_id: Uuid,
    /// The name of its type.
    pub event_type: String,
    /// The schema version of its payload.
    pub event_version: u32,
    /// JSON, as it was saved.
    pub payload: String,
    /// What travels with it.
    pub metadata: Metadata,
    /// When the store took it, by the store's clock.
    pub recorded_at: SystemTime,
}

impl RecordedEvent {
    /// Reads the payload as an event of the program, through its upcasts.
    ///
    /// # Errors
    /// [`EventStoreError::Decode`] says which event and why.
    pub fn decode<E: DomainEvent>(&self) -> Result<E, EventStoreError> {
        event::decode(&self.event_type, self.event_version, &self.payload).map_err(|source| {
            EventStoreError::Decode {
                stream: self.stream.clone(),
                position: self.position,
                source,
            }
        })
    }

    /// Like [`decode`](Self::decode), but `None` for a type of event that `E` does not know: what a projection
    /// wants that reads streams of several types.
    ///
    /// # Errors
    /// [`EventStoreError::Decode`] when `E` knows the event but cannot read it.
    pub fn decode_known<E: DomainEvent>(&self) -> Result<Option<E>, EventStoreError> {
        match self.decode() {
            Ok(event) => Ok(Some(event)),
            Err(EventStoreError::Decode {
                source: DecodeError::Unknown { .. },
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What a store says about events it has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The version of the stream's last event after the append.
    pub version: u64,
    /// The position of the last appended event; [`Position::START`] when there was nothing to append.
    pub position: Position,
    /// The very same events were there already: a save whose answer had been lost was repeated.
    pub repeated: bool,
}

/// The state of an aggregate at one version, kept so that loading need not start at the first event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// Which state it is; a stream may have one snapshot for each.
    pub kind: String,
    /// The version of the state's own schema; a snapshot of another version is ignored.
    pub schema_version: u32,
    /// The version of the last event that the state contains.
    pub version: u64,
    /// JSON.
    pub state: String,
}

#[cfg(any(feature = "event-store-sqlite", feature = "event-store-postgres"))]
pub(super) use columns::*;

/// How the two databases' columns become the types above.
#[cfg(any(feature = "event-store-sqlite", feature = "event-store-postgres"))]
mod columns {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::Metadata;
    use crate::event_store::EventStoreError;

    pub(crate) fn from_micros(micros: i64) -> SystemTime {
        let distance = Duration::from_micros(micros.unsigned_abs());
        if micros < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        }
    }

    pub(crate) fn metadata_to_json(metadata: &Metadata) -> Result<String, EventStoreError> {
        serde_json::to_string(metadata).map_err(|source| EventStoreError::Encode {
            what: "metadata".into(),
            source,
        })
    }

    /// Databases count in `i64`; nothing here ever comes near its end.
    pub(crate) fn to_column(number: u64) -> i64 {
        i64::try_from(number).unwrap_or(i64::MAX)
    }

    pub(crate) fn from_column(number: i64) -> u64 {
        u64::try_from(number).unwrap_or(0)
    }
}
