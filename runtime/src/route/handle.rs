//! A route in the hands of an operator: look at it, move its share, roll back.

use std::sync::Arc;

use super::config::{RouteConfig, RouteSide, percent, steps};
use super::core::{Core, RouteMode, percent_of};
use super::telemetry::{Outcome, ShadowOutcome};
use crate::pattern::PatternConfigError;

/// Observes and changes one route while it runs. Cheap to clone. A change applies from the next call on, to every clone
/// and attribute of that name in the process.
#[derive(Clone, Debug)]
pub struct RouteHandle(Arc<Core>);

impl RouteHandle {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    /// Name of the route.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The settings it was made with.
    #[must_use]
    pub fn config(&self) -> &RouteConfig {
        &self.0.config
    }

    /// Who answers.
    #[must_use]
    pub fn mode(&self) -> RouteMode {
        self.0.mode()
    }

    /// The new side's share, from 0 to 100, which holds while nothing is forced.
    #[must_use]
    pub fn percent(&self) -> f64 {
        percent_of(self.0.share())
    }

    /// Sets the new side's share, in steps of 0.01. What is forced stays forced.
    ///
    /// # Errors
    /// The share is not from 0 to 100.
    pub fn set_percent(&self, share: f64) -> Result<(), PatternConfigError> {
        percent("percent", share)?;
        self.0.control(Some(steps(share)), None);
        Ok(())
    }

    /// Rolls back: legacy answers everything, until [`Self::resume`] or another order.
    pub fn force_legacy(&self) {
        self.0.control(None, Some(RouteMode::ForcedLegacy));
    }

    /// The new side answers everything, until [`Self::resume`] or another order.
    pub fn force_new(&self) {
        self.0.control(None, Some(RouteMode::ForcedNew));
    }

    /// Goes back to the share.
    pub fn resume(&self) {
        self.0.control(None, Some(RouteMode::Split));
    }

    /// Switches shadow calls off, and on again where the settings have them.
    pub fn set_shadowing(&self, on: bool) {
        self.0.set_shadowing(on);
    }

    /// Whether shadow calls are made.
    #[must_use]
    pub fn is_shadowing(&self) -> bool {
        self.0.is_shadowing()
    }

    /// Shadow calls under way.
    #[must_use]
    pub fn shadows_under_way(&self) -> u32 {
        self.0.shadows_under_way()
    }

    /// What was called since the route was made.
    #[must_use]
    pub fn totals(&self) -> RouteTotals {
        let side = |side| {
            let calls = |outcome| self.0.meter.calls(side, outcome);
            SideTotals {
                success: calls(Outcome::Success),
                failure: calls(Outcome::Failure),
                cancelled: calls(Outcome::Cancelled),
            }
        };
        let shadows = |outcome| self.0.meter.shadows(outcome);
        RouteTotals {
            legacy: side(RouteSide::Legacy),
            new: side(RouteSide::New),
            shadows: ShadowTotals {
                matched: shadows(ShadowOutcome::Match),
                mismatched: shadows(ShadowOutcome::Mismatch),
                failed: shadows(ShadowOutcome::Failure),
                recovered: shadows(ShadowOutcome::Recovered),
                timed_out: shadows(ShadowOutcome::Timeout),
                skipped: shadows(ShadowOutcome::Skipped),
                cancelled: shadows(ShadowOutcome::Cancelled),
            },
        }
    }
}

/// What was called since a route was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RouteTotals {
    /// Answered by legacy.
    pub legacy: SideTotals,
    /// Answered by the new side.
    pub new: SideTotals,
    /// Called in the shadow of an answer.
    pub shadows: ShadowTotals,
}

/// The calls that one side answered, by how they ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SideTotals {
    /// With success.
    pub success: u64,
    /// With an error or a panic.
    pub failure: u64,
    /// The caller gave up.
    pub cancelled: u64,
}

/// Shadow calls, by how they compare with the answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ShadowTotals {
    /// The sides agree, or failed both.
    pub matched: u64,
    /// Both answered, and differently.
    pub mismatched: u64,
    /// Only the shadow failed.
    pub failed: u64,
    /// Only the side that was asked failed.
    pub recovered: u64,
    /// It took too long.
    pub timed_out: u64,
    /// Too many were under way, or there was no runtime to leave it to.
    pub skipped: u64,
    /// The program ended first.
    pub cancelled: u64,
}
