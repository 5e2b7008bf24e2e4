//! The state machine: who may pass, which results count, when the state changes.
//! Knows no window, no telemetry and no clock; times are nanoseconds it is told. Model-checked below.

use crate::breaker::config::BreakerConfig;
use crate::clock::nanos;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum BreakerState {
    /// Calls pass and are counted.
    Closed,
    /// Calls are rejected.
    Open,
    /// A few probes pass to see whether the dependency is back.
    HalfOpen,
    /// Opened by [`BreakerHandle::force_open`](crate::BreakerHandle::force_open): calls are rejected
    /// until told otherwise.
    ForcedOpen,
    /// Closed by [`BreakerHandle::force_close`](crate::BreakerHandle::force_close): calls pass and
    /// nothing opens the breaker until told otherwise.
    ForcedClosed,
    /// Switched off by [`BreakerHandle::disable`](crate::BreakerHandle::disable): calls pass and are
    /// not judged.
    Disabled,
}

impl BreakerState {
    /// The word for people and status pages: `closed`, `open`, `half_open`, `forced_open`,
    /// `forced_closed`, `disabled`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            Self::Disabled => "disabled",
        }
    }

    /// The state as metrics know it, where a forced or disabled breaker counts as what it behaves like.
    #[must_use]
    pub const fn observed(self) -> Self {
        match self {
            Self::Open | Self::ForcedOpen => Self::Open,
            Self::HalfOpen => Self::HalfOpen,
            Self::Closed | Self::ForcedClosed | Self::Disabled => Self::Closed,
        }
    }

    const fn bits(self) -> u64 {
        match self {
            Self::Closed => 0,
            Self::Open => 1,
            Self::HalfOpen => 2,
            Self::ForcedOpen => 3,
            Self::ForcedClosed => 4,
            Self::Disabled => 5,
        }
    }
}

/// Why the state changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    FailureRate,
    SlowRate,
    Consecutive,
    OpenElapsed,
    ProbeSucceeded,
    ProbeFailed,
    ProbeSlow,
    ProbeTimedOut,
    Handle,
}

impl Reason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::FailureRate => "failure_rate",
            Self::SlowRate => "slow_rate",
            Self::Consecutive => "consecutive_failures",
            Self::OpenElapsed => "open_elapsed",
            Self::ProbeSucceeded => "probe_succeeded",
            Self::ProbeFailed => "probe_failed",
            Self::ProbeSlow => "probe_slow",
            Self::ProbeTimedOut => "probe_timed_out",
            Self::Handle => "handle",
        }
    }
}

/// A change of state that happened, for whoever reports it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(crate) struct Transition {
    pub(crate) from: BreakerState,
    pub(crate) to: BreakerState,
    pub(crate) reason: Reason,
}

/// State, generation and flags in one word, so that one load tells a call all it needs.
///
/// From the lowest bit: 3 state, 1 watch, 16 closed period, 44 generation. Every transition starts a
/// generation; every closing starts a period, whose parity chooses the counters that results go to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ticket(u64);

const STATE_MASK: u64 = 0b111;
const WATCH: u64 = 0b1000;
const PERIOD_SHIFT: u32 = 4;
const GENERATION_SHIFT: u32 = 20;

impl Ticket {
    #[inline]
    pub(crate) const fn state(self) -> BreakerState {
        match self.0 & STATE_MASK {
            0 => BreakerState::Closed,
            1 => BreakerState::Open,
            2 => BreakerState::HalfOpen,
            3 => BreakerState::ForcedOpen,
            4 => BreakerState::ForcedClosed,
            _ => BreakerState::Disabled,
        }
    }

    /// Whether its state is [`BreakerState::Closed`].
    #[inline]
    pub(crate) const fn is_closed(self) -> bool {
        self.0 & STATE_MASK == BreakerState::Closed.bits()
    }

    /// 0 or 1: the counters of this closed period.
    #[inline]
    pub(crate) const fn parity(self) -> usize {
        ((self.0 >> PERIOD_SHIFT) & 1) as usize
    }

    /// Whether it is closed and a success changes nothing but counts: no mark of [`Machine::watch`].
    #[inline]
    pub(crate) const fn is_plainly_closed(self) -> bool {
        self.0 & (STATE_MASK | WATCH) == BreakerState::Closed.bits()
    }

    const fn generation(self) -> u64 {
        self.0 >> GENERATION_SHIFT
    }

    /// Whether both were issued in the same generation.
    pub(crate) const fn same_generation(self, other: Self) -> bool {
        self.generation() == other.generation()
    }

    const fn followed_by(self, state: BreakerState) -> Self {
        let period = self.0 & (0xffff << PERIOD_SHIFT);
        let period = match state {
            BreakerState::Closed => {
                period.wrapping_add(1 << PERIOD_SHIFT) & (0xffff << PERIOD_SHIFT)
            }
            _ => period,
        };
        let generation = (self.generation() + 1) << GENERATION_SHIFT;
        Self(generation | period | state.bits())
    }
}

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
        Ticket(self.word.load(Ordering::Acquire))
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
        let wanted = if on {
            current.0 | WATCH
        } else {
            current.0 & !WATCH
        };
        if wanted != current.0 {
            // Failing means that the generation ended, or that another call has marked it.
            let _ =
                self.word
                    .compare_exchange(current.0, wanted, Ordering::AcqRel, Ordering::Relaxed);
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
        self.word.swap(next.0, Ordering::AcqRel);
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
