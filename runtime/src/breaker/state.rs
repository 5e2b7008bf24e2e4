//! The vocabulary of the state machine: states, why they change, and a call's ticket for one.

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

    /// Whether it is closed and a success changes nothing but counts: no mark that it must be judged.
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

    /// The word as it is stored.
    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The same with or without the mark that successes must be judged too.
    pub(crate) const fn watched(self, on: bool) -> Self {
        if on {
            Self(self.0 | WATCH)
        } else {
            Self(self.0 & !WATCH)
        }
    }

    /// The first ticket of the next generation, in that state.
    pub(crate) const fn followed_by(self, state: BreakerState) -> Self {
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
