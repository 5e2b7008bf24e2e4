//! Following a store: every committed event once, in order, without ever skipping one.
//! Knows only the `EventStore` contract, whose `read_all` makes the order safe.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::sync::watch;

use super::{EventStore, EventStoreError, Position, RecordedEvent};

/// Which events a subscription or a replay hands out. Each condition that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    tenant: Option<String>,
    stream_types: BTreeSet<String>,
    event_types: BTreeSet<String>,
}

impl Filter {
    /// Every event.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only events of one tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Only events of these types of stream.
    #[must_use]
    pub fn stream_types<T: Into<String>>(
        mut self,
        stream_types: impl IntoIterator<Item = T>,
    ) -> Self {
        self.stream_types
            .extend(stream_types.into_iter().map(Into::into));
        self
    }

    /// Only events of these types.
    #[must_use]
    pub fn event_types<T: Into<String>>(
        mut self,
        event_types: impl IntoIterator<Item = T>,
    ) -> Self {
        self.event_types
            .extend(event_types.into_iter().map(Into::into));
        self
    }

    /// Whether an event passes.
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        let within = |set: &BTreeSet<String>, value: &str| set.is_empty() || set.contains(value);
        self.tenant
            .as_deref()
            .is_none_or(|tenant| tenant == event.stream.tenant())
            && within(&self.stream_types, event.stream.stream_type())
            && within(&self.event_types, &event.event_type)
    }
}

/// Follows a store from a position on, waiting for events that are not there yet.
///
/// Appends made through the same store object are seen at once, those of other processes at the next poll. On
/// PostgreSQL an event is handed out once every transaction that began writing before it has ended, so a
/// transaction that is left open anywhere in the cluster delays subscriptions; it never makes them skip.
///
/// ```
/// # use std::borrow::Cow;
/// # use otelgen::event_store::*;
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Opened { account: String }
/// # impl DomainEvent for Opened {
/// #     const SCHEMAS: &'static [EventSchema] = &[EventSchema { event_type: "Opened", version: 1 }];
/// #     fn event_type(&self) -> &'static str { "Opened" }
/// #     fn aggregate_id(&self) -> Cow<'_, str> { Cow::Borrowed(&self.account) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), EventStoreError> {
/// let store = MemoryEventStore::new();
/// let mut events = store.subscribe(Position::START).filter(Filter::all().stream_types(["account"]));
/// store.append(&StreamId::new("account", "1"), Expected::Any, &Opened { account: "1".into() }).await?;
/// assert_eq!(events.next().await?.event_type, "Opened");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Subscription<S> {
    store: S,
    filter: Filter,
    batch: usize,
    arrivals: Arrivals,
    read: Position,
    waiting: VecDeque<RecordedEvent>,
}

impl<S: EventStore> Subscription<S> {
    /// Starts after a position: [`Position::START`], or the position of the last event that was dealt with.
    pub fn new(store: S, after: Position) -> Self {
        let arrivals = Arrivals::of(&store);
        Self {
            store,
            filter: Filter::all(),
            batch: 500,
            arrivals,
            read: after,
            waiting: VecDeque::new(),
        }
    }

    /// Hands out only some events.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// How many events are read at a time; 500 unless set, at least 1.
    #[must_use]
    pub fn batch(mut self, batch: usize) -> Self {
        self.batch = batch.max(1);
        self
    }

    /// How long to wait for events of other processes before asking again; 100 ms unless set.
    #[must_use]
    pub fn poll_interval(mut self, poll_interval: Duration) -> Self {
        self.arrivals.poll_interval = poll_interval.max(Duration::from_millis(1));
        self
    }

    /// The next event, as soon as there is one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// What the database says; calling again continues at the same place.
    pub async fn next(&mut self) -> Result<RecordedEvent, EventStoreError> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(event);
            }
            self.fill().await?;
        }
    }

    /// All events that are read and not handed out yet, at least one, as soon as there is one.
    ///
    /// # Errors
    /// What the database says; calling again continues at the same place.
    pub async fn next_batch(&mut self) -> Result<Vec<RecordedEvent>, EventStoreError> {
        while self.waiting.is_empty() {
            self.fill().await?;
        }
        Ok(self.waiting.drain(..).collect())
    }

    async fn fill(&mut self) -> Result<(), EventStoreError> {
        self.arrivals.mark();
        let events = self.store.read_all(self.read, self.batch).await?;
        match events.last() {
            Some(last) => self.read = last.position,
            None => self.arrivals.wait().await,
        }
        let filter = &self.filter;
        self.waiting
            .extend(events.into_iter().filter(|event| filter.matches(event)));
        Ok(())
    }
}

/// Waiting for events that are not there yet: until the next append in this process, or the next poll.
#[derive(Debug)]
pub(super) struct Arrivals {
    appends: Option<watch::Receiver<u64>>,
    pub(super) poll_interval: Duration,
}

impl Arrivals {
    pub(super) fn of(store: &impl EventStore) -> Self {
        Self {
            appends: store.appends(),
            poll_interval: Duration::from_millis(100),
        }
    }

    /// Call before reading: appends made since then end the wait.
    pub(super) fn mark(&mut self) {
        if let Some(appends) = &mut self.appends {
            appends.mark_unchanged();
        }
    }

    pub(super) async fn wait(&mut self) {
        let changed = async {
            match &mut self.appends {
                Some(appends) => appends.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        if tokio::time::timeout(self.poll_interval, changed).await == Ok(false) {
            self.appends = None;
        }
    }
}
