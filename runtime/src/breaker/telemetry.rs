//! What a breaker tells the world: its metrics, the event of a state change, the fields of its span.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Span;

use crate::breaker::outcome::Outcome;
use crate::breaker::registry;
use crate::breaker::state::{BreakerState, Transition};
use crate::breaker::window::Totals;
use crate::names;
use crate::recorder::{self, Counts, Durations, Kind, Observed, States, Timed};

/// The breaker metrics that are read at collection.
pub(crate) const OBSERVED: &[Observed] = &[CALLS, STATE, TRANSITIONS];

const CALLS: Observed = Observed {
    name: names::BREAKER_CALLS,
    description: "Calls of a circuit breaker, by how they ended.",
    unit: "{call}",
    kind: Kind::Counter,
    read: |observe| {
        registry::each_family(|family| {
            for outcome in Outcome::ALL {
                observe(
                    family.total(outcome),
                    &[
                        (names::NAME, family.name()),
                        (names::OUTCOME, outcome.as_str()),
                    ],
                );
            }
        });
    },
};

const STATE: Observed = Observed {
    name: names::BREAKER_STATE,
    description: "State of a circuit breaker: 1 for the state it is in, 0 for the others.",
    unit: "1",
    kind: Kind::UpDownCounter,
    read: |observe| {
        registry::each_family(|family| {
            for state in OBSERVED_STATES {
                observe(
                    family.in_state(state),
                    &[(names::NAME, family.name()), (names::STATE, state.as_str())],
                );
            }
        });
    },
};

const TRANSITIONS: Observed = Observed {
    name: names::BREAKER_TRANSITIONS,
    description: "State changes of a circuit breaker.",
    unit: "{transition}",
    kind: Kind::Counter,
    read: |observe| {
        registry::each_family(|family| {
            for from in OBSERVED_STATES {
                for to in OBSERVED_STATES {
                    let count = family.transitions(from, to);
                    if count > 0 {
                        observe(
                            count,
                            &[
                                (names::NAME, family.name()),
                                (names::FROM, from.as_str()),
                                (names::TO, to.as_str()),
                            ],
                        );
                    }
                }
            }
        });
    },
};

/// Tells worlds without collection which states the breakers are in now. Holds no lock of the caller's.
pub(crate) fn publish_states() {
    recorder::publish(&STATE);
}

const DURATION: Timed = Timed {
    name: names::BREAKER_DURATION,
    description: "Duration of the calls that a circuit breaker let through.",
};

/// The states that metrics know.
pub(crate) const OBSERVED_STATES: [BreakerState; 3] = [
    BreakerState::Closed,
    BreakerState::Open,
    BreakerState::HalfOpen,
];

fn state_index(state: BreakerState) -> usize {
    match state.observed() {
        BreakerState::Open => 1,
        BreakerState::HalfOpen => 2,
        _ => 0,
    }
}

/// The metrics of one breaker, or of all breakers of one name.
#[derive(Debug)]
pub(crate) struct BreakerMeter {
    name: &'static str,
    durations: Durations<5>,
    counts: Counts<5>,
    states: States,
    transitions: [AtomicU64; 9],
}

impl BreakerMeter {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            durations: Durations::new(DURATION, name, names::BREAKER_OUTCOMES),
            counts: Counts::new(names::BREAKER_CALLS, name, names::BREAKER_OUTCOMES),
            states: States::new(name),
            transitions: Default::default(),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    #[inline]
    pub(crate) fn measure(&self, outcome: Outcome, nanos: u64) {
        self.durations.record(outcome.index(), nanos);
    }

    #[inline]
    pub(crate) fn count(&self, outcome: Outcome) {
        self.counts.add(outcome.index());
    }

    pub(crate) fn transition(&self, transition: Transition) {
        let (from, to) = (transition.from.observed(), transition.to.observed());
        if from == to {
            return;
        }
        let index = state_index(from) * OBSERVED_STATES.len() + state_index(to);
        if let Some(count) = self.transitions.get(index) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.states.change(from.as_str(), to.as_str());
        publish_states();
    }

    pub(crate) fn transitions(&self, from: BreakerState, to: BreakerState) -> u64 {
        let index = state_index(from) * OBSERVED_STATES.len() + state_index(to);
        self.transitions
            .get(index)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

/// Reports a change of state: one event, which is a log record and, inside a span, a span event. Its message is its
/// name, because the bridge to OpenTelemetry names span events by their message.
/// The field names are those of [`names`], which a macro cannot take from constants.
pub(crate) fn log(name: &'static str, transition: Transition, window: Totals) {
    tracing::event!(
        name: "otelgen.circuit_breaker.transition",
        target: "otelgen",
        tracing::Level::INFO,
        { "otelgen.circuit_breaker.name" } = name,
        { "otelgen.circuit_breaker.state.from" } = transition.from.as_str(),
        { "otelgen.circuit_breaker.state.to" } = transition.to.as_str(),
        { "otelgen.circuit_breaker.reason" } = transition.reason.as_str(),
        { "otelgen.circuit_breaker.window.calls" } = number(window.calls()),
        { "otelgen.circuit_breaker.window.failures" } = number(window.failed),
        { "otelgen.circuit_breaker.window.slow" } = number(window.slow),
        "otelgen.circuit_breaker.transition",
    );
}

/// The bridge records signed integers as numbers and unsigned ones as text.
fn number(count: impl Into<u64>) -> i64 {
    i64::try_from(count.into()).unwrap_or(i64::MAX)
}

/// Writes how a call ended into its span.
pub(crate) fn record(span: &Span, outcome: Outcome, error_type: Option<&'static str>) {
    if span.is_disabled() {
        return;
    }
    span.record(names::SPAN_BREAKER_OUTCOME, outcome.as_str());
    if let Some(error_type) = error_type {
        crate::span::fail(span, error_type);
    }
}
