//! Commands: load a state, decide, append what was decided, and decide anew when another writer was faster.
//! Knows only the `EventStore` contract. `#[traced_event]` on a handler expands into this.

use std::future::Future;
use std::time::Duration;

use uuid::Uuid;

use super::{
    Aggregate, EventStore, EventStoreError, EventStoreExt, Events, Expected, Loaded, NewEvent,
    Snapshot, StreamId, telemetry,
};

/// One command on one stream.
///
/// ```
/// # use std::borrow::Cow;
/// # use otelgen::event_store::*;
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Withdrawn { account: String, amount: u64 }
/// # impl DomainEvent for Withdrawn {
/// #     const SCHEMAS: &'static [EventSchema] = &[EventSchema { event_type: "Withdrawn", version: 1 }];
/// #     fn event_type(&self) -> &'static str { "Withdrawn" }
/// #     fn aggregate_id(&self) -> Cow<'_, str> { Cow::Borrowed(&self.account) }
/// # }
/// # #[derive(Default)]
/// # struct Account { withdrawn: u64 }
/// # impl Aggregate for Account {
/// #     type Event = Withdrawn;
/// #     fn apply(&mut self, event: Withdrawn) { self.withdrawn += event.amount; }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), EventStoreError> {
/// let store = MemoryEventStore::new();
/// let withdrawn: Withdrawn = Command::new(&store, ("account", 42))
///     .retry_conflict(3)
///     .decide(|account: Loaded<Account>| async move {
///         let amount = 100 - account.withdrawn;
///         Ok::<_, EventStoreError>(Withdrawn { account: "42".into(), amount })
///     })
///     .await?;
/// assert_eq!(withdrawn.amount, 100);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Command<S, L = WholeStream> {
    store: S,
    stream: StreamId,
    retries: u32,
    loading: L,
}

/// Rebuilds the state from all events of the stream.
#[derive(Debug, Clone, Copy)]
pub struct WholeStream;

/// Rebuilds the state from its snapshot and the events since, and keeps a new snapshot every so many events.
#[derive(Debug, Clone, Copy)]
pub struct FromSnapshot {
    every: u64,
}

/// How a command comes by the state it is decided on.
pub trait Loading<A: Aggregate>: sealed::Sealed + Send + Sync {
    /// Loads the state.
    #[doc(hidden)]
    fn load<S: EventStore>(
        &self,
        store: &S,
        stream: &StreamId,
    ) -> impl Future<Output = Result<Loaded<A>, EventStoreError>> + Send;

    /// Runs after an append that took the stream from one version to another.
    #[doc(hidden)]
    fn appended<S: EventStore>(
        &self,
        store: &S,
        stream: &StreamId,
        before: u64,
        after: u64,
    ) -> impl Future<Output = ()> + Send;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::WholeStream {}
    impl Sealed for super::FromSnapshot {}
}

impl<A: Aggregate> Loading<A> for WholeStream {
    async fn load<S: EventStore>(
        &self,
        store: &S,
        stream: &StreamId,
    ) -> Result<Loaded<A>, EventStoreError> {
        EventStoreExt::load(store, stream).await
    }

    async fn appended<S: EventStore>(
        &self,
        _store: &S,
        _stream: &StreamId,
        _before: u64,
        _after: u64,
    ) {
    }
}

impl<A: Snapshot> Loading<A> for FromSnapshot {
    async fn load<S: EventStore>(
        &self,
        store: &S,
        stream: &StreamId,
    ) -> Result<Loaded<A>, EventStoreError> {
        store.load_from_snapshot(stream).await
    }

    async fn appended<S: EventStore>(&self, store: &S, stream: &StreamId, before: u64, after: u64) {
        if before / self.every != after / self.every
            && let Err(error) = store.take_snapshot::<A>(stream).await
        {
            telemetry::snapshot_failed(stream, &error);
        }
    }
}

impl<S: EventStore> Command<S> {
    /// A command that appends to a stream.
    pub fn new(store: S, stream: impl Into<StreamId>) -> Self {
        Self {
            store,
            stream: stream.into(),
            retries: 0,
            loading: WholeStream,
        }
    }

    /// Loads from snapshots, and keeps one whenever the stream passes a multiple of `every` events (at least 1).
    #[must_use]
    pub fn snapshot_every(self, every: u64) -> Command<S, FromSnapshot> {
        let Self {
            store,
            stream,
            retries,
            loading: WholeStream,
        } = self;
        Command {
            store,
            stream,
            retries,
            loading: FromSnapshot {
                every: every.max(1),
            },
        }
    }

    /// Appends what `decide` returns to a stream that is where `expected` says, without loading it. Both are
    /// called again when another writer was faster and retries are left.
    ///
    /// # Errors
    /// Those of `decide` and of [`EventStore::save_events`].
    pub async fn append<D, F, E>(
        &self,
        mut expected: impl FnMut() -> Expected,
        mut decide: impl FnMut() -> F,
    ) -> Result<D, E>
    where
        D: Events,
        F: Future<Output = Result<D, E>>,
        E: From<EventStoreError>,
    {
        let mut retries = Retries::new(self.retries);
        loop {
            let expected = expected();
            let decided = decide().await?;
            match self.save(expected, &decided).await {
                Ok(_) => return Ok(decided),
                Err(error) => retries.after(error).await?,
            }
        }
    }

    /// [`append`](Self::append) for a `decide` that can run only once; conflicts are not retried.
    ///
    /// # Errors
    /// Those of `decide` and of [`EventStore::save_events`].
    pub async fn append_once<D, F, E>(
        &self,
        expected: Expected,
        decide: impl FnOnce() -> F,
    ) -> Result<D, E>
    where
        D: Events,
        F: Future<Output = Result<D, E>>,
        E: From<EventStoreError>,
    {
        let decided = decide().await?;
        self.save(expected, &decided).await?;
        Ok(decided)
    }
}

impl<S: EventStore, L> Command<S, L> {
    /// How often the command is decided anew, on a freshly loaded state, when another writer was faster; 0 unless
    /// set. Short random waits lie between.
    #[must_use]
    pub fn retry_conflict(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Loads the state, lets `decide` turn it into events, and appends them behind the state's version.
    ///
    /// # Errors
    /// Those of `decide`, of loading, and of [`EventStore::save_events`].
    // Not `AsyncFnMut`: futures of such closures cannot be shown to be `Send` where they are spawned.
    pub async fn decide<A, D, F, E>(&self, mut decide: impl FnMut(Loaded<A>) -> F) -> Result<D, E>
    where
        A: Aggregate,
        L: Loading<A>,
        D: Events<Event = A::Event>,
        F: Future<Output = Result<D, E>>,
        E: From<EventStoreError>,
    {
        let mut retries = Retries::new(self.retries);
        loop {
            match self.attempt(&mut decide).await? {
                Ok(decided) => return Ok(decided),
                Err(error) => retries.after(error).await?,
            }
        }
    }

    /// [`decide`](Self::decide) for a closure that can run only once; conflicts are not retried.
    ///
    /// # Errors
    /// Those of `decide`, of loading, and of [`EventStore::save_events`].
    pub async fn decide_once<A, D, F, E>(&self, decide: impl FnOnce(Loaded<A>) -> F) -> Result<D, E>
    where
        A: Aggregate,
        L: Loading<A>,
        D: Events<Event = A::Event>,
        F: Future<Output = Result<D, E>>,
        E: From<EventStoreError>,
    {
        Ok(self.attempt(decide).await??)
    }

    /// The outer error ends the command; the inner one is the save's, which may be worth another attempt.
    async fn attempt<A, D, F, E>(
        &self,
        decide: impl FnOnce(Loaded<A>) -> F,
    ) -> Result<Result<D, EventStoreError>, E>
    where
        A: Aggregate,
        L: Loading<A>,
        D: Events<Event = A::Event>,
        F: Future<Output = Result<D, E>>,
        E: From<EventStoreError>,
    {
        let state = self.loading.load(&self.store, &self.stream).await?;
        let before = state.version();
        let decided = decide(state).await?;
        match self.save(Expected::Version(before), &decided).await {
            Ok(after) => {
                self.loading
                    .appended(&self.store, &self.stream, before, after)
                    .await;
                Ok(Ok(decided))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    /// Returns the version of the stream after the append.
    async fn save<D: Events>(
        &self,
        expected: Expected,
        decided: &D,
    ) -> Result<u64, EventStoreError> {
        let events = decided
            .as_events()
            .iter()
            .map(NewEvent::of)
            .collect::<Result<Vec<_>, _>>()?;
        if events.is_empty() {
            return Ok(expected.version().unwrap_or_default());
        }
        Ok(self
            .store
            .save_events(&self.stream, expected, &events)
            .await?
            .version)
    }
}

/// The retries that are left, and the wait before each.
struct Retries {
    left: u32,
    bound: Duration,
}

impl Retries {
    fn new(left: u32) -> Self {
        Self {
            left,
            bound: Duration::from_millis(2),
        }
    }

    /// Waits if the error is a conflict that may be retried; returns it otherwise.
    async fn after(&mut self, error: EventStoreError) -> Result<(), EventStoreError> {
        if !error.is_conflict() || self.left == 0 {
            return Err(error);
        }
        self.left -= 1;
        tracing::debug!(
            retries_left = self.left,
            error = &error as &dyn std::error::Error,
            "command decides anew"
        );
        tokio::time::sleep(random_up_to(self.bound)).await;
        self.bound = (self.bound * 2).min(Duration::from_millis(250));
        Ok(())
    }
}

/// Spreads writers that met each other. The low half of a version 7 UUID is random.
fn random_up_to(bound: Duration) -> Duration {
    let (_, random) = Uuid::now_v7().as_u64_pair();
    let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX).max(1);
    Duration::from_micros((random & 0xffff_ffff) % micros)
}
