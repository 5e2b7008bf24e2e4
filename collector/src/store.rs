//! The bounded store. It holds what arrived, evicts the oldest of whoever uses most, and tells who waits for a change.
//! It knows the model, and nothing of how telemetry comes in.

mod interner;
mod record;
mod service;
mod state;
mod table;

pub use service::{Counts, ServiceStats, Signal, StoreStats};

pub(crate) use record::Record;
pub(crate) use state::State;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::{LogRecord, MetricPoint, Span};
use crate::query::{LogQuery, MetricQuery, SpanQuery};

/// Everything received and still kept, shared by all clones.
///
/// The store never holds more than the bytes it was given. Where a new record does not fit, the service that
/// uses most loses its oldest records, of the signal that uses most; so a service below its fair share
/// (the bound divided by the number of services) loses nothing, however noisy the others are.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

/// The condition that was waited for did not come true in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing that meets the condition was received within {0:?}")]
pub struct WaitError(pub Duration);

impl Store {
    pub(crate) fn new(max_bytes: usize) -> Self {
        let state = Mutex::new(State::new(max_bytes));
        Self { shared: Arc::new(Shared { state, changed: watch::Sender::new(()) }) }
    }

    /// Asks for spans.
    pub fn spans(&self) -> SpanQuery<'_> {
        SpanQuery::new(self)
    }

    /// Asks for metric data points.
    pub fn metrics(&self) -> MetricQuery<'_> {
        MetricQuery::new(self)
    }

    /// Asks for log records.
    pub fn logs(&self) -> LogQuery<'_> {
        LogQuery::new(self)
    }

    /// How much is kept, and how much each service has sent and lost.
    pub fn stats(&self) -> StoreStats {
        self.state().stats()
    }

    /// Waits until the condition holds. It is asked at once, and then after each change of the store.
    ///
    /// # Errors
    /// Where it does not hold within `timeout`.
    pub async fn wait_until(
        &self,
        mut condition: impl FnMut(&Self) -> bool,
        timeout: Duration,
    ) -> Result<(), WaitError> {
        let mut changes = self.shared.changed.subscribe();
        let wait = async {
            while !condition(self) {
                // The sender lives as long as this store, so this ends with a change only.
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(timeout, wait).await.map_err(|_| WaitError(timeout))
    }

    pub(crate) fn add_spans(&self, spans: Vec<Span>) {
        self.add(spans);
    }

    pub(crate) fn add_metrics(&self, points: Vec<MetricPoint>) {
        self.add(points);
    }

    pub(crate) fn add_logs(&self, logs: Vec<LogRecord>) {
        self.add(logs);
    }

    fn add<T: Record>(&self, records: Vec<T>) {
        if records.is_empty() {
            return;
        }
        let mut state = self.state();
        for record in records {
            state.insert(record);
        }
        drop(state);
        self.shared.changed.send_replace(());
    }

    /// Nothing under this lock calls foreign code, so a poisoned one still holds a consistent state.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("stats", &self.stats()).finish()
    }
}

#[cfg(test)]
mod tests;
