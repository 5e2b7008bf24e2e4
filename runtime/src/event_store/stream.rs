//! Where an event lives: its stream, its version in it, and its position among all events.
//! Knows nothing of payloads or of any database.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::EventStoreError;

/// The longest tenant, stream type or stream id, in bytes; it keeps index entries small.
const MAX_PART: usize = 255;

/// The name of one stream: all events of one aggregate, in one tenant.
///
/// `stream_type` becomes a metric attribute, so it must be one of a few (`account`, `order`); `id` may be any
/// text. Streams of different tenants never meet, whatever their type and id.
///
/// ```
/// use otelgen::event_store::StreamId;
///
/// let stream = StreamId::new("account", "42").for_tenant("acme");
/// assert_eq!(stream.to_string(), "acme/account-42");
/// assert_eq!(StreamId::from(("account", 42)).id(), "42");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Parts", into = "Parts")]
pub struct StreamId(
    /// Shared, because every event that is read carries the name of its stream.
    Arc<Parts>,
);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename = "StreamId")]
struct Parts {
    #[serde(default)]
    tenant: String,
    stream_type: String,
    id: String,
}

impl From<Parts> for StreamId {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl From<StreamId> for Parts {
    fn from(stream: StreamId) -> Self {
        Arc::unwrap_or_clone(stream.0)
    }
}

impl StreamId {
    /// Names a stream without a tenant. Unusable names (empty, over 255 bytes, with a NUL) are reported by
    /// the store as [`EventStoreError::InvalidStream`].
    pub fn new(stream_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self(Arc::new(Parts {
            tenant: String::new(),
            stream_type: stream_type.into(),
            id: id.into(),
        }))
    }

    /// The same stream in a tenant.
    #[must_use]
    pub fn for_tenant(mut self, tenant: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).tenant = tenant.into();
        self
    }

    /// The tenant; empty for a stream that belongs to none.
    pub fn tenant(&self) -> &str {
        &self.0.tenant
    }

    /// The kind of aggregate.
    pub fn stream_type(&self) -> &str {
        &self.0.stream_type
    }

    /// Which aggregate of its kind.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Checks the three parts; every store calls it before it touches the database.
    ///
    /// # Errors
    /// [`EventStoreError::InvalidStream`] names the part and what is wrong with it.
    pub fn validate(&self) -> Result<(), EventStoreError> {
        check_part("stream type", self.stream_type(), true)?;
        check_part("stream id", self.id(), true)?;
        check_part("tenant", self.tenant(), false)
    }
}

fn check_part(field: &'static str, text: &str, required: bool) -> Result<(), EventStoreError> {
    let reason = if required && text.is_empty() {
        "is empty"
    } else if text.len() > MAX_PART {
        "is longer than 255 bytes"
    } else if text.contains('\0') {
        "contains a NUL character"
    } else {
        return Ok(());
    };
    Err(EventStoreError::InvalidStream { field, reason })
}

impl fmt::Display for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.tenant().is_empty() {
            write!(formatter, "{}/", self.tenant())?;
        }
        write!(formatter, "{}-{}", self.stream_type(), self.id())
    }
}

impl<T: Into<String>, I: ToString> From<(T, I)> for StreamId {
    fn from((stream_type, id): (T, I)) -> Self {
        Self::new(stream_type, id.to_string())
    }
}

impl From<&StreamId> for StreamId {
    fn from(stream: &StreamId) -> Self {
        stream.clone()
    }
}

/// What a writer believes about the stream it appends to. The first event of a stream has version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expected {
    /// The stream has no event yet.
    NoStream,
    /// The last event of the stream has exactly this version; 0 is the same as [`Expected::NoStream`].
    Version(u64),
    /// Append at the end, whatever it is. A save repeated after a lost answer is then not recognised.
    Any,
}

impl Expected {
    /// The version after which the first event is written, unless any will do.
    pub fn version(self) -> Option<u64> {
        match self {
            Self::NoStream => Some(0),
            Self::Version(version) => Some(version),
            Self::Any => None,
        }
    }
}

impl From<u64> for Expected {
    fn from(version: u64) -> Self {
        Self::Version(version)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version() {
            Some(0) => formatter.write_str("no stream"),
            Some(version) => write!(formatter, "version {version}"),
            None => formatter.write_str("any version"),
        }
    }
}

/// A place in the order in which a store hands out all its events.
///
/// The order is one in which nothing can later appear before what has been read: on PostgreSQL the
/// transaction that wrote the event comes first, then the sequence number; on SQLite, with its single
/// writer, the sequence number is enough. Compare positions of one store only.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Position {
    transaction: u64,
    sequence: u64,
}

impl Position {
    /// Before the first event.
    pub const START: Self = Self {
        transaction: 0,
        sequence: 0,
    };

    /// The position of an event, for those who write a store.
    pub const fn new(transaction: u64, sequence: u64) -> Self {
        Self {
            transaction,
            sequence,
        }
    }

    /// The id of the transaction that wrote the event; 0 where the store has a single writer.
    pub const fn transaction(self) -> u64 {
        self.transaction
    }

    /// The number the store gave the event; numbers of failed appends stay unused.
    pub const fn sequence(self) -> u64 {
        self.sequence
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.transaction, self.sequence)
    }
}

/// A text that is no position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a position: expected two numbers such as 741:12")]
pub struct InvalidPosition(String);

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidPosition(text.to_owned());
        let (transaction, sequence) = text.split_once(':').ok_or_else(invalid)?;
        Ok(Self {
            transaction: transaction.parse().map_err(|_| invalid())?,
            sequence: sequence.parse().map_err(|_| invalid())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_being_written_and_read() {
        let position = Position::new(741, 12);
        assert_eq!(position.to_string().parse(), Ok(position));
        assert!("741".parse::<Position>().is_err());
        assert!("a:b".parse::<Position>().is_err());
    }

    #[test]
    fn positions_order_by_transaction_before_sequence() {
        assert!(Position::new(10, 2) < Position::new(11, 1));
    }

    #[test]
    fn unusable_stream_names_are_told_apart() {
        let reason = |stream: StreamId| stream.validate().map_err(|error| error.to_string());
        assert!(reason(StreamId::new("account", "1")).is_ok());
        assert!(
            reason(StreamId::new("", "1")).is_err_and(|text| text.contains("stream type is empty"))
        );
        assert!(reason(StreamId::new("a", "x\0")).is_err_and(|text| text.contains("NUL")));
        let long = StreamId::new("a", "1").for_tenant("t".repeat(256));
        assert!(reason(long).is_err_and(|text| text.contains("tenant is longer")));
    }
}
