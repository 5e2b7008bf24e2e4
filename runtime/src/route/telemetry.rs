//! What routes count and time.

use super::ROUTES;
use super::config::RouteSide;
use super::names;
use crate::clock::Clock;
use crate::names::{NAME, OUTCOME};
use crate::pattern::meter::Meter;
use crate::recorder::{Counts, Durations, Kind, Level, Observed, Timed};
use crate::shard::Counters;

/// The route metrics that are read at collection.
pub(crate) const OBSERVED: &[Observed] = &[
    Observed {
        name: names::ROUTE_CALLS,
        description: "Calls of a route, by the side that answered and how they ended.",
        unit: "{call}",
        kind: Kind::Counter,
        read: |observe| {
            for core in ROUTES.all() {
                for (side, route) in names::ROUTE_SIDES.into_iter().enumerate() {
                    for (outcome, ended) in names::ROUTE_OUTCOMES.into_iter().enumerate() {
                        observe(
                            core.meter.calls.sum(index(side, outcome)),
                            &[(NAME, core.name), (names::ROUTE, route), (OUTCOME, ended)],
                        );
                    }
                }
            }
        },
    },
    Observed {
        name: names::ROUTE_SHADOWS,
        description: "Shadow calls of a route, by how they compare with the answer.",
        unit: "{call}",
        kind: Kind::Counter,
        read: |observe| {
            for core in ROUTES.all() {
                if core.config.shadow.is_none() {
                    continue;
                }
                for (outcome, compared) in names::SHADOW_OUTCOMES.into_iter().enumerate() {
                    observe(
                        core.meter.shadows.sum(outcome),
                        &[(NAME, core.name), (OUTCOME, compared)],
                    );
                }
            }
        },
    },
    Observed {
        name: names::ROUTE_PERCENT,
        description: "Share of calls that a route sends to the new side.",
        unit: "%",
        kind: Kind::UpDownCounter,
        read: |observe| {
            for core in ROUTES.all() {
                observe(
                    u64::from(core.effective().div_ceil(100)),
                    &[(NAME, core.name)],
                );
            }
        },
    },
];

const DURATION: Timed = Timed {
    name: names::ROUTE_DURATION,
    description: "Duration of a route's calls, by the side that answered.",
};
const SHADOW_DURATION: Timed = Timed {
    name: names::ROUTE_SHADOW_DURATION,
    description: "Duration of a route's shadow calls, by the side that was shadowed.",
};

const fn index(side: usize, outcome: usize) -> usize {
    side * names::ROUTE_OUTCOMES.len() + outcome
}

/// In the order of [`names::ROUTE_OUTCOMES`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Success,
    Failure,
    Cancelled,
}

/// In the order of [`names::SHADOW_OUTCOMES`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ShadowOutcome {
    Match,
    Mismatch,
    Failure,
    Recovered,
    Timeout,
    Skipped,
    Cancelled,
}

impl ShadowOutcome {
    pub(super) fn as_str(self) -> &'static str {
        names::SHADOW_OUTCOMES
            .get(self as usize)
            .copied()
            .unwrap_or_default()
    }
}

/// The counts and durations of one route.
#[derive(Debug)]
pub(super) struct RouteMeter {
    #[cfg_attr(
        not(feature = "metrics"),
        allow(dead_code, reason = "pushed to the facade only")
    )]
    name: &'static str,
    calls: Counters<6>,
    shadows: Meter<7>,
    durations: Durations<2>,
    shadow_durations: Durations<2>,
    percent: Level,
}

impl RouteMeter {
    pub(super) fn new(name: &'static str) -> Self {
        let sides = names::ROUTE_SIDES;
        Self {
            name,
            calls: Counters::per_thread(),
            shadows: Meter::new(Counts::new(
                names::ROUTE_SHADOWS,
                name,
                names::SHADOW_OUTCOMES,
            )),
            durations: Durations::labelled(DURATION, name, names::ROUTE, sides),
            shadow_durations: Durations::labelled(SHADOW_DURATION, name, names::ROUTE, sides),
            percent: Level::new(names::ROUTE_PERCENT, name),
        }
    }

    pub(super) fn call(&self, side: RouteSide, outcome: Outcome, started: Option<u64>) {
        self.calls.add(index(side as usize, outcome as usize));
        #[cfg(feature = "metrics")]
        self.push(side, outcome);
        if let Some(stamp) = started {
            self.durations
                .record(side as usize, Clock::system().since(stamp));
        }
    }

    /// The facade collects nothing. Its handles are looked up for each call, since they have three labels.
    #[cfg(feature = "metrics")]
    fn push(&self, side: RouteSide, outcome: Outcome) {
        static METADATA: metrics::Metadata<'static> =
            metrics::Metadata::new(crate::names::SCOPE, metrics::Level::INFO, None);
        if !crate::recorder::is_active() {
            return;
        }
        let ended = names::ROUTE_OUTCOMES.get(outcome as usize);
        let labels = vec![
            metrics::Label::from_static_parts(NAME, self.name),
            metrics::Label::from_static_parts(names::ROUTE, side.as_str()),
            metrics::Label::from_static_parts(OUTCOME, ended.copied().unwrap_or_default()),
        ];
        let key = metrics::Key::from_parts(names::ROUTE_CALLS, labels);
        metrics::with_recorder(|recorder| {
            recorder.register_counter(&key, &METADATA).increment(1);
        });
    }

    pub(super) fn shadow(&self, outcome: ShadowOutcome) {
        self.shadows.add(outcome as usize);
    }

    pub(super) fn shadow_took(&self, side: RouteSide, nanos: u64) {
        self.shadow_durations.record(side as usize, nanos);
    }

    pub(super) fn show_percent(&self, percent: impl Fn() -> u64) {
        self.percent.follow(percent);
    }

    pub(super) fn calls(&self, side: RouteSide, outcome: Outcome) -> u64 {
        self.calls.sum(index(side as usize, outcome as usize))
    }

    pub(super) fn shadows(&self, outcome: ShadowOutcome) -> u64 {
        self.shadows.sum(outcome as usize)
    }
}
