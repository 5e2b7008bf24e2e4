//! Time for everything that waits, rolls or measures: the machine's, tokio's (which tests can pause),
//! or one that a test moves by hand.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A source of time. Cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use otelgen::{Clock, TracedCircuitBreaker};
///
/// let (clock, time) = Clock::manual();
/// let breaker = TracedCircuitBreaker::builder("payments.manual").clock(clock).build()?;
/// time.advance(Duration::from_secs(30));
/// # Ok::<(), otelgen::BreakerConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<AtomicU64>),
    Tokio(tokio::time::Instant),
}

/// The hand that moves a [`Clock::manual`].
#[derive(Clone, Debug)]
pub struct ManualTime(Arc<AtomicU64>);

impl ManualTime {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(nanos(by), Ordering::SeqCst);
    }
}

impl Clock {
    /// The machine's monotonic clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved.
    #[must_use]
    pub fn manual() -> (Self, ManualTime) {
        let time = Arc::new(AtomicU64::new(0));
        (Self(Source::Manual(Arc::clone(&time))), ManualTime(time))
    }

    /// Tokio's clock, which `tokio::time::pause` stops and `advance` moves.
    #[must_use]
    pub fn tokio() -> Self {
        Self(Source::Tokio(tokio::time::Instant::now()))
    }

    /// Whether both show the same time.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Source::System, Source::System) | (Source::Tokio(_), Source::Tokio(_)) => true,
            (Source::Manual(time), Source::Manual(other)) => Arc::ptr_eq(time, other),
            _ => false,
        }
    }

    /// Nanoseconds since some moment before the first call, to a few milliseconds.
    #[inline]
    pub(crate) fn coarse(&self) -> u64 {
        match &self.0 {
            Source::System => system::coarse(),
            _ => self.of_a_test(),
        }
    }

    /// Nanoseconds in the same count as [`Self::coarse`], as fine as the machine's clock.
    #[inline]
    pub(crate) fn fine(&self) -> u64 {
        match &self.0 {
            Source::System => system::fine(),
            _ => self.of_a_test(),
        }
    }

    /// A stamp that only [`Self::since`] understands; the cheapest precise reading there is.
    #[inline]
    pub(crate) fn stamp(&self) -> u64 {
        match &self.0 {
            Source::System => system::stamp(),
            _ => self.of_a_test(),
        }
    }

    /// Nanoseconds since a stamp.
    #[inline]
    pub(crate) fn since(&self, stamp: u64) -> u64 {
        match &self.0 {
            Source::System => system::since(stamp),
            _ => self.of_a_test().saturating_sub(stamp),
        }
    }

    #[cold]
    #[inline(never)]
    fn of_a_test(&self) -> u64 {
        match &self.0 {
            Source::System => system::fine(),
            Source::Manual(time) => time.load(Ordering::Relaxed),
            Source::Tokio(start) => nanos(start.elapsed()),
        }
    }
}

/// Whole nanoseconds, at most `u64::MAX` (584 years).
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn base() -> Instant {
    static BASE: OnceLock<Instant> = OnceLock::new();
    *BASE.get_or_init(Instant::now)
}

/// Readings of `Instant` alone.
#[cfg(not(feature = "fast-clock"))]
mod system {
    use super::{base, nanos};

    pub(super) fn coarse() -> u64 {
        fine()
    }

    pub(super) fn fine() -> u64 {
        nanos(base().elapsed())
    }

    pub(super) fn stamp() -> u64 {
        fine()
    }

    pub(super) fn since(stamp: u64) -> u64 {
        fine().saturating_sub(stamp)
    }
}

/// The kernel's coarse clock where a few milliseconds do, the processor's counter where they do not.
#[cfg(feature = "fast-clock")]
mod system {
    use std::sync::OnceLock;

    use super::{base, nanos};

    /// How far `Instant` was ahead of the coarse clock when both were first read.
    fn coarse_base() -> u64 {
        static BASE: OnceLock<u64> = OnceLock::new();
        *BASE.get_or_init(|| {
            let _ = base();
            coarsetime::Instant::now_without_cache_update().as_ticks()
        })
    }

    #[inline]
    pub(super) fn coarse() -> u64 {
        let now = coarsetime::Instant::now_without_cache_update().as_ticks();
        // Ticks are 2^-32 s.
        let ticks = now.saturating_sub(coarse_base());
        let seconds = ticks >> 32;
        let fraction = ticks & 0xffff_ffff;
        seconds
            .saturating_mul(1_000_000_000)
            .saturating_add((fraction * 1_000_000_000) >> 32)
    }

    pub(super) fn fine() -> u64 {
        nanos(base().elapsed())
    }

    fn counter() -> &'static quanta::Clock {
        static COUNTER: OnceLock<quanta::Clock> = OnceLock::new();
        COUNTER.get_or_init(quanta::Clock::new)
    }

    #[inline]
    pub(super) fn stamp() -> u64 {
        counter().raw()
    }

    #[inline]
    pub(super) fn since(stamp: u64) -> u64 {
        let counter = counter();
        counter.delta_as_nanos(stamp, counter.raw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_until_it_is_moved() {
        let (clock, time) = Clock::manual();
        let start = clock.coarse();
        assert_eq!(clock.coarse(), start);
        time.advance(Duration::from_millis(5));
        assert_eq!(clock.coarse() - start, 5_000_000);
        assert_eq!(clock.since(start), 5_000_000);
    }

    #[test]
    fn the_coarse_and_the_fine_clock_count_from_the_same_moment() {
        let clock = Clock::system();
        let _ = clock.coarse();
        let fine = clock.fine();
        let coarse = clock.coarse();
        assert!(fine.abs_diff(coarse) < 1_000_000_000, "{fine} and {coarse}");
    }

    #[tokio::test(start_paused = true)]
    async fn tokios_clock_follows_pause_and_advance() {
        let clock = Clock::tokio();
        let start = clock.coarse();
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(clock.coarse() - start, 7_000_000_000);
    }
}
