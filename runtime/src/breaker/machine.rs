//! The state machine: who may pass, which results count, when the state changes.
//! Knows no window, no telemetry and no clock; times are nanoseconds it is told. Model-checked below.

use crate::breaker::config::BreakerConfig;
use crate::breaker::state::{BreakerState, Reason, Ticket, Transition};
use crate::clock::nanos;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// Whether a call may pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Admission {
    /// Pass. The ticket's state says what for: in a closed breaker the result counts in the window, in a
    /// half-open one the call holds a permit that must be settled or released, in others it is not judged.
    Passed(Ticket),
    /// Do not pass; probes are let through after this many nanoseconds, if that is known.
    Rejected(Option<u64>),
}

/// How a probe ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Probed {
    Succeeded {
        slow: bool,
    },
    Failed,
    /// Cancelled or ignored: says nothing about the dependency.
    Released,
}

/// What only transitions and probes touch.
#[derive(Debug, Default)]
struct Inner {
    /// Openings since the breaker was last closed.
    openings: u32,
    probes: Probes,
}

#[derive(Debug, Default)]
struct Probes {
    under_way: u32,
    succeeded: u32,
    slow: u32,
    /// When the last permit was taken.
    last_taken: u64,
}

/// The state machine of one breaker.
#[derive(Debug)]
pub(crate) struct Machine {
    word: AtomicU64,
    /// When an open breaker lets probes through; written before the word that says open.
    open_until: AtomicU64,
    inner: Mutex<Inner>,
    settings: Settings,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    open_for: u64,
    open_backoff: f64,
    open_max: u64,
    permits: u32,
    probe_timeout: u64,
    slow_rate: f64,
}

impl Machine {
    pub(crate) fn new(config: &BreakerConfig) -> Self {
        Self {
            word: AtomicU64::new(0),
            open_until: AtomicU64::new(0),
            inner: Mutex::new(Inner::default()),
            settings: Settings {
                open_for: nanos(config.open_for),
                open_backoff: config.open_backoff,
                open_max: nanos(config.open_max),
                permits: config.half_open_permits,
                probe_timeout: nanos(config.half_open_timeout),
                slow_rate: config.slow_rate,
            },
        }
    }

    /// The current word.
    #[inline]
    pub(crate) fn current(&self) -> Ticket {
        Ticket::from_word(self.word.load(Ordering::Acquire))
    }

    /// Whether a call may pass now. A transition that this caused must be reported.
    #[inline]
    pub(crate) fn admit(&self, now: impl FnOnce() -> u64) -> (Admission, Option<Transition>) {
        let ticket = self.current();
        match ticket.state() {
            BreakerState::Closed | BreakerState::ForcedClosed | BreakerState::Disabled => {
                (Admission::Passed(ticket), None)
            }
            BreakerState::ForcedOpen => (Admission::Rejected(None), None),
            BreakerState::Open => {
                let now = now();
                let until = self.open_until.load(Ordering::Acquire);
                if now < until {
                    (Admission::Rejected(Some(until - now)), None)
                } else {
                    self.admit_probe(now)
                }
            }
            BreakerState::HalfOpen => self.admit_probe(now()),
        }
    }

    #[cold]
    fn admit_probe(&self, now: u64) -> (Admission, Option<Transition>) {
        let mut inner = lock(&self.inner);
        let ticket = self.current();
        match ticket.state() {
            // Another call was faster.
            BreakerState::Closed | BreakerState::ForcedClosed | BreakerState::Disabled => {
                (Admission::Passed(ticket), None)
            }
            BreakerState::ForcedOpen => (Admission::Rejected(None), None),
            BreakerState::Open => {
                let until = self.open_until.load(Ordering::Acquire);
                if now < until {
                    return (Admission::Rejected(Some(until - now)), None);
                }
                inner.probes = Probes {
                    under_way: 1,
                    last_taken: now,
                    ..Probes::default()
                };
                let (next, transition) =
                    self.change(ticket, BreakerState::HalfOpen, Reason::OpenElapsed);
                (Admission::Passed(next), Some(transition))
            }
            BreakerState::HalfOpen => {
                let probes = &mut inner.probes;
                if probes.under_way + probes.succeeded < self.settings.permits {
                    probes.under_way += 1;
                    probes.last_taken = now;
                    return (Admission::Passed(ticket), None);
                }
                let waited = now.saturating_sub(probes.last_taken);
                if waited < self.settings.probe_timeout {
                    return (Admission::Rejected(None), None);
                }
                let (transition, until) = self.open(&mut inner, ticket, now, Reason::ProbeTimedOut);
                (
                    Admission::Rejected(Some(until.saturating_sub(now))),
                    Some(transition),
                )
            }
        }
    }

    /// Settles a probe that [`Self::admit`] let through; `closing` runs before the breaker is seen
    /// closed. A probe of an earlier generation changes nothing.
    pub(crate) fn settle_probe(
        &self,
        ticket: Ticket,
        probed: Probed,
        now: u64,
        closing: impl FnOnce(Ticket),
    ) -> Option<Transition> {
        let mut inner = lock(&self.inner);
        if !self.current().same_generation(ticket) {
            return None;
        }
        let probes = &mut inner.probes;
        probes.under_way = probes.under_way.saturating_sub(1);
        match probed {
            Probed::Released => None,
            Probed::Failed => Some(self.open(&mut inner, ticket, now, Reason::ProbeFailed).0),
            Probed::Succeeded { slow } => {
                probes.succeeded += 1;
                probes.slow += u32::from(slow);
                if probes.succeeded < self.settings.permits {
                    return None;
                }
                let slow_rate = f64::from(probes.slow) / f64::from(probes.succeeded);
                if slow_rate >= self.settings.slow_rate {
                    return Some(self.open(&mut inner, ticket, now, Reason::ProbeSlow).0);
                }
                inner.openings = 0;
                closing(ticket.followed_by(BreakerState::Closed));
                Some(
                    self.change(ticket, BreakerState::Closed, Reason::ProbeSucceeded)
                        .1,
                )
            }
        }
    }

    /// Opens the breaker, unless its state changed since `ticket` was issued.
    pub(crate) fn trip(&self, ticket: Ticket, now: u64, reason: Reason) -> Option<Transition> {
        let mut inner = lock(&self.inner);
        let current = self.current();
        if !current.same_generation(ticket) {
            return None;
        }
        Some(self.open(&mut inner, current, now, reason).0)
    }

    /// Puts the breaker into `state` by hand; `closing` as in [`Self::settle_probe`].
    pub(crate) fn force(
        &self,
        state: BreakerState,
        closing: impl FnOnce(Ticket),
    ) -> Option<Transition> {
        let mut inner = lock(&self.inner);
        let current = self.current();
        if current.state() == state && state != BreakerState::Closed {
            return None;
        }
        *inner = Inner::default();
        if state == BreakerState::Closed {
            closing(current.followed_by(state));
        }
        let transition = self.change(current, state, Reason::Handle).1;
        (transition.from != transition.to).then_some(transition)
    }

    /// Marks the word, so that calls that succeed take the slow path and judge the window too.
    pub(crate) fn watch(&self, ticket: Ticket, on: bool) {
        let current = self.current();
        if !current.same_generation(ticket) {
            return;
        }
        let wanted = current.watched(on);
        if wanted != current {
            // Failing means that the generation ended, or that another call has marked it.
            let _ = self.word.compare_exchange(
                current.word(),
                wanted.word(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
        }
    }

    /// Time until an open breaker lets probes through, in nanoseconds.
    pub(crate) fn opens_in(&self, now: u64) -> Option<u64> {
        (self.current().state() == BreakerState::Open)
            .then(|| self.open_until.load(Ordering::Acquire).saturating_sub(now))
    }

    /// Probes under way.
    pub(crate) fn probes_under_way(&self) -> u32 {
        let inner = lock(&self.inner);
        match self.current().state() {
            BreakerState::HalfOpen => inner.probes.under_way,
            _ => 0,
        }
    }

    fn open(
        &self,
        inner: &mut Inner,
        current: Ticket,
        now: u64,
        reason: Reason,
    ) -> (Transition, u64) {
        let exponent = i32::try_from(inner.openings).unwrap_or(i32::MAX);
        let factor = self.settings.open_backoff.powi(exponent);
        // `as` saturates, and the factor is at least 1.
        let longer = (self.settings.open_for as f64 * factor) as u64;
        let open_for = longer.min(self.settings.open_max.max(self.settings.open_for));
        inner.openings = inner.openings.saturating_add(1);
        inner.probes = Probes::default();
        let until = now.saturating_add(open_for);
        self.open_until.store(until, Ordering::Release);
        (self.change(current, BreakerState::Open, reason).1, until)
    }

    /// Publishes the next word. Callers hold the lock, and only `watch` writes without it: an exchange
    /// comes after its mark wherever they meet.
    fn change(&self, current: Ticket, to: BreakerState, reason: Reason) -> (Ticket, Transition) {
        let next = current.followed_by(to);
        self.word.swap(next.word(), Ordering::AcqRel);
        let transition = Transition {
            from: current.state(),
            to,
            reason,
        };
        (next, transition)
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
