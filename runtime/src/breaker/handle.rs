//! A breaker in the hands of an operator: look at it, force it, reset it.

use std::sync::Arc;
use std::time::Duration;

use crate::breaker::config::BreakerConfig;
use crate::breaker::core::Core;
use crate::breaker::outcome::Outcome;
use crate::breaker::state::BreakerState;

/// Observes and overrides one breaker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BreakerHandle {
    core: Arc<Core>,
    key: Option<Arc<str>>,
}

/// A breaker at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BreakerSnapshot {
    /// The state.
    pub state: BreakerState,
    /// Calls in the window.
    pub calls: u64,
    /// Failed calls in the window.
    pub failures: u64,
    /// Slow calls in the window.
    pub slow_calls: u64,
    /// `failures` of `calls`, 0 where there were none.
    pub failure_rate: f64,
    /// `slow_calls` of `calls`, 0 where there were none.
    pub slow_rate: f64,
    /// How long until an open breaker lets probes through.
    pub retry_after: Option<Duration>,
    /// Probes under way.
    pub probes: u32,
    /// Calls since the breaker was made, by how they ended.
    pub totals: BreakerTotals,
}

/// Calls since the breaker was made, by how they ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct BreakerTotals {
    /// The operation succeeded, or failed in a way that is no failure of the dependency.
    pub success: u64,
    /// The operation failed or panicked.
    pub failure: u64,
    /// The operation ended in a way that says nothing about the dependency.
    pub ignored: u64,
    /// The breaker was open.
    pub rejected: u64,
    /// The caller gave up.
    pub cancelled: u64,
}

impl BreakerHandle {
    pub(crate) fn new(core: Arc<Core>, key: Option<Arc<str>>) -> Self {
        Self { core, key }
    }

    /// Name of the breaker.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.core.name()
    }

    /// The key, for one of several breakers behind a name.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &BreakerConfig {
        &self.core.config
    }

    /// The state. An open breaker whose time is over stays open until the next call probes.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.core.state()
    }

    /// Everything at one moment.
    #[must_use]
    pub fn snapshot(&self) -> BreakerSnapshot {
        let window = self.core.window_now();
        let total = |outcome| self.core.total(outcome);
        BreakerSnapshot {
            state: self.core.state(),
            calls: window.calls(),
            failures: window.failed,
            slow_calls: window.slow,
            failure_rate: window.failure_rate(),
            slow_rate: window.slow_rate(),
            retry_after: self.core.opens_in(),
            probes: self.core.probes_under_way(),
            totals: BreakerTotals {
                success: total(Outcome::Success),
                failure: total(Outcome::Failure),
                ignored: total(Outcome::Ignored),
                rejected: total(Outcome::Rejected),
                cancelled: total(Outcome::Cancelled),
            },
        }
    }

    /// Rejects every call until [`Self::reset`] or another order.
    pub fn force_open(&self) {
        self.core.force(BreakerState::ForcedOpen);
    }

    /// Lets every call through, and does not open, until [`Self::reset`] or another order.
    pub fn force_close(&self) {
        self.core.force(BreakerState::ForcedClosed);
    }

    /// Switches the breaker off: calls pass and are counted, not judged.
    pub fn disable(&self) {
        self.core.force(BreakerState::Disabled);
    }

    /// Closes the breaker with an empty window, whatever state it is in. Results of calls that are
    /// under way are not counted in it.
    pub fn reset(&self) {
        self.core.force(BreakerState::Closed);
    }
}
