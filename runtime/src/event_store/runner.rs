//! Runs a projection: reads, applies, moves the checkpoint, tries again, and says how far behind it is.
//! Knows the `ProjectionStore` contract and the recorder, no database.

use std::future::Future;
use std::time::Duration;

use tracing::Instrument;

use super::subscription::Arrivals;
use super::telemetry::ProjectionTelemetry;
use super::{BoxError, EventStoreError, Position, Projection, ProjectionStore, RecordedEvent};

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Keeps one projection up to date with a store.
///
/// Run one per projection name; a second one is refused with [`EventStoreError::CheckpointMoved`] before its
/// writes take effect.
///
/// ```
/// # use async_trait::async_trait;
/// # use otelgen::event_store::*;
/// # #[derive(Default)]
/// # struct CountEvents { count: u64 }
/// # #[async_trait]
/// # impl<T: Send> Projection<T> for CountEvents {
/// #     fn name(&self) -> &str { "count-events" }
/// #     async fn apply(&mut self, _: &RecordedEvent, _: &mut T) -> Result<(), BoxError> {
/// #         self.count += 1;
/// #         Ok(())
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), EventStoreError> {
/// let store = AtLeastOnce(MemoryEventStore::new());
/// let mut runner = ProjectionRunner::new(&store, CountEvents::default());
/// assert_eq!(runner.catch_up().await?, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ProjectionRunner<S, P> {
    store: S,
    projection: P,
    name: String,
    batch: usize,
    attempts: u32,
    arrivals: Arrivals,
    telemetry: ProjectionTelemetry,
    /// `None` until it is read, and again whenever it is in doubt.
    checkpoint: Option<Position>,
}

/// An event that could not be applied, and where in its batch it stands.
struct Failed {
    index: usize,
    position: Position,
    source: BoxError,
}

impl<S, P> ProjectionRunner<S, P>
where
    S: ProjectionStore,
    P: Projection<S::Transaction>,
{
    /// Starts where the projection's checkpoint stands.
    pub fn new(store: S, projection: P) -> Self {
        let name = projection.name().to_owned();
        let arrivals = Arrivals::of(&store);
        let telemetry = ProjectionTelemetry::new(&name);
        Self {
            store,
            projection,
            name,
            batch: 500,
            attempts: 5,
            arrivals,
            telemetry,
            checkpoint: None,
        }
    }

    /// How many events one transaction takes; 500 unless set, at least 1.
    #[must_use]
    pub fn batch(mut self, batch: usize) -> Self {
        self.batch = batch.max(1);
        self
    }

    /// How often [`run`](Self::run) tries an event that cannot be applied; 5 unless set, at least 1.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How long to wait for events of other processes before asking again; 100 ms unless set.
    #[must_use]
    pub fn poll_interval(mut self, poll_interval: Duration) -> Self {
        self.arrivals.poll_interval = poll_interval.max(Duration::from_millis(1));
        self
    }

    /// The projection.
    pub fn projection(&self) -> &P {
        &self.projection
    }

    /// How many events the projection is behind the store's last committed one; numbers that failed appends
    /// left unused count along.
    ///
    /// # Errors
    /// What the database says.
    pub async fn lag(&mut self) -> Result<u64, EventStoreError> {
        let checkpoint = self.checkpoint().await?;
        let head = self.store.head().await?;
        Ok(if head <= checkpoint {
            0
        } else {
            head.sequence().saturating_sub(checkpoint.sequence()).max(1)
        })
    }

    /// Applies the next batch of events, if there is one, and returns how many events it passed.
    ///
    /// # Errors
    /// [`EventStoreError::Projection`] when the very next event cannot be applied; what the database says.
    pub async fn step(&mut self) -> Result<usize, EventStoreError> {
        self.arrivals.mark();
        let from = self.checkpoint().await?;
        let events = self.store.read_all(from, self.batch).await?;
        let passed = match self.advance(from, &events).await? {
            Ok(()) => events.len(),
            Err(failed) if failed.index == 0 => return Err(self.failure(failed)),
            Err(failed) => {
                // What came before the event that failed is good: keep it, and meet the event alone next time.
                let (good, _) = events.split_at(failed.index);
                if let Err(failed) = self.advance(from, good).await? {
                    return Err(self.failure(failed));
                }
                good.len()
            }
        };
        let lag = self.lag().await?;
        self.telemetry.lag(lag);
        Ok(passed)
    }

    /// Applies all events that can be read now, and returns how many there were.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub async fn catch_up(&mut self) -> Result<u64, EventStoreError> {
        let mut total = 0;
        loop {
            match self.step().await? {
                0 => return Ok(total),
                passed => total += passed as u64,
            }
        }
    }

    /// Follows the store until `until` is ready. A database that is away is waited for.
    ///
    /// # Errors
    /// [`EventStoreError::Projection`] after all attempts at one event; any error that does not pass by itself.
    /// The checkpoint then stands before the event; nothing is skipped.
    pub async fn run(&mut self, until: impl Future<Output = ()>) -> Result<(), EventStoreError> {
        let mut until = std::pin::pin!(until);
        loop {
            tokio::select! {
                biased;
                () = &mut until => return Ok(()),
                followed = self.follow() => followed?,
            }
        }
    }

    /// Empties the read model and builds it anew from the first event; returns how many events were read.
    ///
    /// # Errors
    /// [`EventStoreError::Projection`] from [`Projection::clear`]; those of [`step`](Self::step).
    pub async fn rebuild(&mut self) -> Result<u64, EventStoreError> {
        let from = self.checkpoint().await?;
        let mut transaction = self.store.begin().await?;
        if let Err(source) = self.projection.clear(&mut transaction).await {
            return Err(EventStoreError::Projection {
                projection: self.name.clone(),
                position: Position::START,
                source,
            });
        }
        self.commit(transaction, from, Position::START).await?;
        self.catch_up().await
    }

    /// Returns after a step that moved on, or with an error that waiting does not cure.
    async fn follow(&mut self) -> Result<(), EventStoreError> {
        let (mut failures, mut delay) = (0, FIRST_DELAY);
        loop {
            match self.step().await {
                Ok(0) => self.arrivals.wait().await,
                Ok(_) => return Ok(()),
                Err(error) => {
                    let passes = match &error {
                        EventStoreError::Projection { .. } => {
                            failures += 1;
                            failures < self.attempts
                        }
                        error => error.is_transient(),
                    };
                    if !passes {
                        return Err(error);
                    }
                    self.telemetry.retrying(&error, delay);
                    tokio::time::sleep(delay).await;
                    delay = (delay * 2).min(LONGEST_DELAY);
                }
            }
        }
    }

    async fn checkpoint(&mut self) -> Result<Position, EventStoreError> {
        match self.checkpoint {
            Some(checkpoint) => Ok(checkpoint),
            None => Ok(*self
                .checkpoint
                .insert(self.store.load_checkpoint(&self.name).await?)),
        }
    }

    /// The outer error is the store's, the inner one the projection's.
    async fn advance(
        &mut self,
        from: Position,
        events: &[RecordedEvent],
    ) -> Result<Result<(), Failed>, EventStoreError> {
        let Some(last) = events.last() else {
            return Ok(Ok(()));
        };
        let span = self.telemetry.batch(events.len());
        self.apply_and_commit(from, events, last.position)
            .instrument(span)
            .await
    }

    async fn apply_and_commit(
        &mut self,
        from: Position,
        events: &[RecordedEvent],
        to: Position,
    ) -> Result<Result<(), Failed>, EventStoreError> {
        let filter = self.projection.filter();
        let mut transaction = self.store.begin().await?;
        for (index, event) in events
            .iter()
            .enumerate()
            .filter(|(_, event)| filter.matches(event))
        {
            if let Err(source) = self.projection.apply(event, &mut transaction).await {
                return Ok(Err(Failed {
                    index,
                    position: event.position,
                    source,
                }));
            }
        }
        self.commit(transaction, from, to).await?;
        Ok(Ok(()))
    }

    async fn commit(
        &mut self,
        transaction: S::Transaction,
        from: Position,
        to: Position,
    ) -> Result<(), EventStoreError> {
        self.checkpoint = None;
        self.store.commit(transaction, &self.name, from, to).await?;
        self.checkpoint = Some(to);
        Ok(())
    }

    fn failure(&self, failed: Failed) -> EventStoreError {
        EventStoreError::Projection {
            projection: self.name.clone(),
            position: failed.position,
            source: failed.source,
        }
    }
}
