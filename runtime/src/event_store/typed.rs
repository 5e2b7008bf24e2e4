//! The typed calls on any event store: domain events in, domain events and states out.
//! Knows only the `EventStore` contract.

use std::future::Future;

use super::{
    Aggregate, Appended, DomainEvent, EventStore, EventStoreError, Events, Expected, Filter,
    Loaded, NewEvent, Position, RecordedEvent, Snapshot, SnapshotRecord, StreamId, Subscription,
    Tenant,
};

/// How many events are read at a time where a whole stream or a whole store is read.
const PAGE: usize = 1_000;

/// What programs call on an event store. Implemented for every [`EventStore`].
///
/// ```
/// # use std::borrow::Cow;
/// # use otelgen::event_store::*;
/// # #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// # struct Deposited { account: String, amount: u64 }
/// # impl DomainEvent for Deposited {
/// #     const SCHEMAS: &'static [EventSchema] = &[EventSchema { event_type: "Deposited", version: 1 }];
/// #     fn event_type(&self) -> &'static str { "Deposited" }
/// #     fn aggregate_id(&self) -> Cow<'_, str> { Cow::Borrowed(&self.account) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), EventStoreError> {
/// let store = MemoryEventStore::new();
/// let stream = StreamId::new("account", "42");
/// store.append(&stream, Expected::NoStream, &Deposited { account: "42".into(), amount: 5 }).await?;
///
/// let error = store.append(&stream, Expected::NoStream, &Deposited { account: "42".into(), amount: 7 }).await;
/// assert!(error.is_err_and(|error| error.is_conflict()));
///
/// let history: Vec<Deposited> = store.history(&stream).await?;
/// assert_eq!(history, [Deposited { account: "42".into(), amount: 5 }]);
/// # Ok(())
/// # }
/// ```
pub trait EventStoreExt: EventStore {
    /// Appends domain events (one, an array, a vector, an option) to a stream.
    ///
    /// # Errors
    /// Those of [`EventStore::save_events`], and [`EventStoreError::Encode`].
    fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: &impl Events,
    ) -> impl Future<Output = Result<Appended, EventStoreError>> + Send {
        async move {
            let events = events
                .as_events()
                .iter()
                .map(NewEvent::of)
                .collect::<Result<Vec<_>, _>>()?;
            self.save_events(stream, expected, &events).await
        }
    }

    /// All events of a stream.
    ///
    /// # Errors
    /// Those of [`EventStore::load_events`], and [`EventStoreError::Decode`].
    fn history<E: DomainEvent>(
        &self,
        stream: &StreamId,
    ) -> impl Future<Output = Result<Vec<E>, EventStoreError>> + Send {
        async move {
            let mut history = Vec::new();
            for_each_event(self, stream, 0, |event| {
                history.push(event.decode()?);
                Ok(())
            })
            .await?;
            Ok(history)
        }
    }

    /// The state of an aggregate, from all its events.
    ///
    /// # Errors
    /// Those of [`EventStore::load_events`], and [`EventStoreError::Decode`].
    fn load<A: Aggregate>(
        &self,
        stream: &StreamId,
    ) -> impl Future<Output = Result<Loaded<A>, EventStoreError>> + Send {
        fold(self, Loaded::new(stream.clone()))
    }

    /// The state of an aggregate, from its latest snapshot and the events since.
    ///
    /// A snapshot of another schema version, or one that cannot be read, is passed over: events are the truth.
    ///
    /// # Errors
    /// Those of [`EventStore::load_events`], and [`EventStoreError::Decode`].
    fn load_from_snapshot<A: Snapshot>(
        &self,
        stream: &StreamId,
    ) -> impl Future<Output = Result<Loaded<A>, EventStoreError>> + Send {
        async move {
            let snapshot = self.load_snapshot(stream, A::KIND).await?;
            fold(self, Loaded::from_snapshot(stream.clone(), snapshot)).await
        }
    }

    /// Loads the state of an aggregate and keeps it as a snapshot; returns the version it contains.
    ///
    /// # Errors
    /// Those of [`load_from_snapshot`](Self::load_from_snapshot), and [`EventStoreError::Encode`].
    fn take_snapshot<A: Snapshot>(
        &self,
        stream: &StreamId,
    ) -> impl Future<Output = Result<u64, EventStoreError>> + Send {
        async move {
            let loaded = self.load_from_snapshot::<A>(stream).await?;
            let state =
                serde_json::to_string(&*loaded).map_err(|source| EventStoreError::Encode {
                    what: format!("state `{}`", A::KIND),
                    source,
                })?;
            let snapshot = SnapshotRecord {
                kind: A::KIND.to_owned(),
                schema_version: A::SCHEMA_VERSION,
                version: loaded.version(),
                state,
            };
            self.save_snapshot(stream, &snapshot).await?;
            Ok(loaded.version())
        }
    }

    /// Hands every event that can be read now and passes the filter to `visit`, in order; returns how many.
    ///
    /// # Errors
    /// Those of [`EventStore::read_all`] and of `visit`, which stops the replay.
    fn replay<F>(
        &self,
        after: Position,
        filter: &Filter,
        mut visit: F,
    ) -> impl Future<Output = Result<u64, EventStoreError>> + Send
    where
        F: FnMut(&RecordedEvent) -> Result<(), EventStoreError> + Send,
    {
        async move {
            let end = self.head().await?;
            let (mut after, mut count) = (after, 0);
            loop {
                let page = self.read_all(after, PAGE).await?;
                let Some(last) = page.last() else {
                    return Ok(count);
                };
                after = last.position;
                for event in page
                    .iter()
                    .filter(|event| event.position <= end && filter.matches(event))
                {
                    visit(event)?;
                    count += 1;
                }
                if after >= end {
                    return Ok(count);
                }
            }
        }
    }

    /// Follows the store from a position on; see [`Subscription`].
    fn subscribe(&self, after: Position) -> Subscription<&Self> {
        Subscription::new(self, after)
    }

    /// A view of the store that is confined to one tenant; see [`Tenant`].
    fn tenant(&self, tenant: impl Into<String>) -> Tenant<&Self> {
        Tenant::new(self, tenant)
    }
}

impl<S: EventStore + ?Sized> EventStoreExt for S {}

async fn fold<A: Aggregate>(
    store: &(impl EventStore + ?Sized),
    mut loaded: Loaded<A>,
) -> Result<Loaded<A>, EventStoreError> {
    let stream = loaded.stream().clone();
    let after = loaded.version();
    for_each_event(store, &stream, after, |event| loaded.apply(event)).await?;
    Ok(loaded)
}

async fn for_each_event(
    store: &(impl EventStore + ?Sized),
    stream: &StreamId,
    mut after: u64,
    mut visit: impl FnMut(&RecordedEvent) -> Result<(), EventStoreError> + Send,
) -> Result<(), EventStoreError> {
    loop {
        let page = store.load_events(stream, after, PAGE).await?;
        page.iter().try_for_each(&mut visit)?;
        match page.last() {
            Some(last) if page.len() == PAGE => after = last.version,
            _ => return Ok(()),
        }
    }
}
