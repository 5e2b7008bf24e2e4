//! The state of one route: who answers, who is shadowed, and what has been counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::config::{RouteConfig, RouteSide, STEPS, ShadowConfig, ShadowSide, steps};
use super::split;
use super::telemetry::RouteMeter;
use crate::recorder;

/// Who answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RouteMode {
    /// The new side answers its share.
    Split,
    /// Legacy answers everything.
    ForcedLegacy,
    /// The new side answers everything.
    ForcedNew,
}

impl RouteMode {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::ForcedLegacy => "forced_legacy",
            Self::ForcedNew => "forced_new",
        }
    }
}

const MODE_SHIFT: u32 = 16;
const SHARE: u32 = 0xffff;

#[derive(Debug)]
pub(crate) struct Core {
    pub(super) name: &'static str,
    pub(super) config: RouteConfig,
    /// Share and mode together, so that a call sees one decision and a change is one store.
    control: AtomicU32,
    turn: AtomicU64,
    shadow_turn: AtomicU64,
    shadowing: AtomicBool,
    shadows: AtomicU32,
    pub(super) meter: RouteMeter,
}

impl Core {
    pub(super) fn new(name: &'static str, config: RouteConfig) -> Self {
        recorder::look();
        let core = Self {
            name,
            config,
            control: AtomicU32::new(steps(config.percent)),
            turn: AtomicU64::new(0),
            shadow_turn: AtomicU64::new(0),
            shadowing: AtomicBool::new(true),
            shadows: AtomicU32::new(0),
            meter: RouteMeter::new(name),
        };
        core.show();
        core
    }

    /// Who answers a call of that place, or of none.
    #[inline]
    pub(super) fn choose(&self, place: Option<u64>) -> RouteSide {
        let share = self.effective();
        let is_new = match share {
            0 => false,
            STEPS => true,
            share => {
                let place =
                    place.unwrap_or_else(|| split::turn(self.turn.fetch_add(1, Ordering::Relaxed)));
                split::within(place, share)
            }
        };
        if is_new {
            RouteSide::New
        } else {
            RouteSide::Legacy
        }
    }

    /// The share of the new side as it is applied now.
    pub(super) fn effective(&self) -> u32 {
        let control = self.control.load(Ordering::Relaxed);
        match mode(control) {
            RouteMode::Split => control & SHARE,
            RouteMode::ForcedLegacy => 0,
            RouteMode::ForcedNew => STEPS,
        }
    }

    pub(super) fn share(&self) -> u32 {
        self.control.load(Ordering::Relaxed) & SHARE
    }

    pub(super) fn mode(&self) -> RouteMode {
        mode(self.control.load(Ordering::Relaxed))
    }

    /// Changes share, mode or both, from the next call on.
    pub(super) fn control(&self, share: Option<u32>, to: Option<RouteMode>) {
        let changed = |control: u32| {
            let share = share.unwrap_or(control & SHARE);
            bits(to.unwrap_or(mode(control))) | share
        };
        let before = self
            .control
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |control| {
                Some(changed(control))
            })
            .unwrap_or_else(|control| control);
        let after = changed(before);
        if after != before {
            tracing::event!(
                name: "otelgen.route.changed",
                target: "otelgen",
                tracing::Level::INFO,
                { "otelgen.route.name" } = self.name,
                { "otelgen.route.mode.from" } = mode(before).as_str(),
                { "otelgen.route.mode.to" } = mode(after).as_str(),
                { "otelgen.route.percent.from" } = percent_of(before & SHARE),
                { "otelgen.route.percent.to" } = percent_of(after & SHARE),
                "route changed"
            );
            self.show();
        }
    }

    /// For worlds where nobody collects.
    fn show(&self) {
        self.meter
            .show_percent(|| u64::from(self.effective().div_ceil(100)));
    }

    pub(super) fn set_shadowing(&self, on: bool) {
        self.shadowing.store(on, Ordering::Relaxed);
    }

    pub(super) fn is_shadowing(&self) -> bool {
        self.config.shadow.is_some() && self.shadowing.load(Ordering::Relaxed)
    }

    /// How the side that does not answer is to be called, if it is this call's turn.
    pub(super) fn shadow_of(&self, answers: RouteSide) -> Option<&ShadowConfig> {
        let shadow = self.config.shadow.as_ref()?;
        let wanted = match (shadow.side, answers) {
            (ShadowSide::Both, _)
            | (ShadowSide::New, RouteSide::Legacy)
            | (ShadowSide::Legacy, RouteSide::New) => self.is_shadowing(),
            _ => false,
        };
        let share = steps(shadow.percent);
        let chosen = wanted
            && (share == STEPS
                || split::within(
                    split::turn(self.shadow_turn.fetch_add(1, Ordering::Relaxed)),
                    share,
                ));
        chosen.then_some(shadow)
    }

    pub(super) fn shadows_under_way(&self) -> u32 {
        self.shadows.load(Ordering::Relaxed)
    }
}

/// A place among the shadow calls under way.
#[derive(Debug)]
pub(super) struct ShadowPermit(Arc<Core>);

impl ShadowPermit {
    pub(super) fn take(core: &Arc<Core>, limit: u32) -> Option<Self> {
        core.shadows
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |under_way| {
                (under_way < limit).then_some(under_way + 1)
            })
            .ok()
            .map(|_| Self(Arc::clone(core)))
    }

    pub(super) fn core(&self) -> &Core {
        &self.0
    }
}

impl Drop for ShadowPermit {
    fn drop(&mut self) {
        self.0.shadows.fetch_sub(1, Ordering::Relaxed);
    }
}

const fn mode(control: u32) -> RouteMode {
    match control >> MODE_SHIFT {
        1 => RouteMode::ForcedLegacy,
        2 => RouteMode::ForcedNew,
        _ => RouteMode::Split,
    }
}

const fn bits(mode: RouteMode) -> u32 {
    match mode {
        RouteMode::Split => 0,
        RouteMode::ForcedLegacy => 1 << MODE_SHIFT,
        RouteMode::ForcedNew => 2 << MODE_SHIFT,
    }
}

pub(super) fn percent_of(steps: u32) -> f64 {
    f64::from(steps) * 100.0 / f64::from(STEPS)
}
