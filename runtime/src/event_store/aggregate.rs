//! States that are made of events, at a known version, and their snapshots.
//! Knows nothing of how events are stored.

use std::ops::Deref;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DomainEvent, EventStoreError, Expected, RecordedEvent, SnapshotRecord, StreamId};

/// A state that commands are decided on, rebuilt by applying the events of its stream to `Default::default()`.
///
/// ```
/// use otelgen::event_store::Aggregate;
/// # use std::borrow::Cow;
/// # use otelgen::event_store::{DomainEvent, EventSchema};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Deposited { account: String, amount: u64 }
/// # impl DomainEvent for Deposited {
/// #     const SCHEMAS: &'static [EventSchema] = &[EventSchema { event_type: "Deposited", version: 1 }];
/// #     fn event_type(&self) -> &'static str { "Deposited" }
/// #     fn aggregate_id(&self) -> Cow<'_, str> { Cow::Borrowed(&self.account) }
/// # }
///
/// #[derive(Default)]
/// struct Account { balance: u64 }
///
/// impl Aggregate for Account {
///     type Event = Deposited;
///
///     fn apply(&mut self, event: Deposited) {
///         self.balance += event.amount;
///     }
/// }
/// ```
pub trait Aggregate: Default + Send + Sync {
    /// The events the state is made of.
    type Event: DomainEvent;

    /// Takes one event into the state. It has happened: this cannot fail.
    fn apply(&mut self, event: Self::Event);
}

/// An aggregate whose state may be kept as a snapshot. Snapshots only save time; events stay the truth.
pub trait Snapshot: Aggregate + Serialize + DeserializeOwned {
    /// The name of this state among those kept for a stream.
    const KIND: &'static str;

    /// Raise it with every change of the state or of [`Aggregate::apply`]: older snapshots are then passed over.
    const SCHEMA_VERSION: u32;
}

/// An aggregate's state and the version of its stream's last event in it. Dereferences to the state.
#[derive(Debug, Clone)]
pub struct Loaded<A> {
    state: A,
    stream: StreamId,
    version: u64,
}

impl<A> Loaded<A> {
    /// The version of the last event in the state; 0 when there is none.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What to expect of the stream when appending events that were decided on this state.
    pub fn expected(&self) -> Expected {
        Expected::Version(self.version)
    }

    /// The stream the state was loaded from.
    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// The state alone.
    pub fn into_state(self) -> A {
        self.state
    }
}

impl<A: Aggregate> Loaded<A> {
    pub(super) fn new(stream: StreamId) -> Self {
        Self {
            state: A::default(),
            stream,
            version: 0,
        }
    }

    pub(super) fn from_snapshot(stream: StreamId, snapshot: Option<SnapshotRecord>) -> Self
    where
        A: Snapshot,
    {
        let usable = snapshot.filter(|snapshot| snapshot.schema_version == A::SCHEMA_VERSION);
        let read = usable.and_then(|snapshot| {
            Some((
                serde_json::from_str(&snapshot.state).ok()?,
                snapshot.version,
            ))
        });
        match read {
            Some((state, version)) => Self {
                state,
                stream,
                version,
            },
            None => Self::new(stream),
        }
    }

    pub(super) fn apply(&mut self, event: &RecordedEvent) -> Result<(), EventStoreError> {
        self.state.apply(event.decode()?);
        self.version = event.version;
        Ok(())
    }
}

impl<A> Deref for Loaded<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.state
    }
}
