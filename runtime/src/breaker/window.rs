//! What a closed breaker looks back on: the results of some time, or of some number of calls.
//! Knows totals and times, nothing of states.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};

/// Results since some moment, or within a window.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Totals {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    /// Of both, those that were slow.
    pub(crate) slow: u64,
}

impl Totals {
    fn since(self, earlier: Self) -> Self {
        Self {
            succeeded: self.succeeded.saturating_sub(earlier.succeeded),
            failed: self.failed.saturating_sub(earlier.failed),
            slow: self.slow.saturating_sub(earlier.slow),
        }
    }

    pub(crate) fn calls(self) -> u64 {
        self.succeeded.saturating_add(self.failed)
    }

    /// Share of failed calls, 0 where there were none.
    pub(crate) fn failure_rate(self) -> f64 {
        share(self.failed, self.calls())
    }

    /// Share of slow calls, 0 where there were none.
    pub(crate) fn slow_rate(self) -> f64 {
        share(self.slow, self.calls())
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Steps in which a time window rolls.
pub(crate) const STEPS: usize = 10;

/// The results of the last `STEPS` steps, the current one included. It keeps no results: it remembers
/// what the totals were at the start of each step, so that counting a result touches nothing here.
#[derive(Debug)]
pub(crate) struct TimeWindow {
    step: u64,
    ring: Mutex<Ring>,
}

#[derive(Debug)]
struct Ring {
    /// Totals at the start of each step, at the index `step number % STEPS`.
    starts: [Totals; STEPS],
    current: u64,
}

impl TimeWindow {
    /// `length` in nanoseconds.
    pub(crate) fn new(length: u64) -> Self {
        Self {
            step: (length / STEPS as u64).max(1),
            ring: Mutex::new(Ring {
                starts: [Totals::default(); STEPS],
                current: 0,
            }),
        }
    }

    /// Starts the steps between the last call of this and `now`; returns when the next one starts.
    pub(crate) fn roll(&self, now: u64, totals: Totals) -> u64 {
        let mut ring = lock_ring(&self.ring);
        let step = now / self.step;
        let missed = step.saturating_sub(ring.current).min(STEPS as u64);
        for back in 0..missed {
            if let Some(start) = ring.starts.get_mut(index(step.saturating_sub(back))) {
                *start = totals;
            }
        }
        ring.current = ring.current.max(step);
        ring.current.saturating_add(1).saturating_mul(self.step)
    }

    /// The results within the window.
    pub(crate) fn sum(&self, totals: Totals) -> Totals {
        let ring = lock_ring(&self.ring);
        // The oldest start is the next to be overwritten.
        let oldest = ring.starts.get(index(ring.current.wrapping_add(1)));
        totals.since(oldest.copied().unwrap_or_default())
    }

    /// Forgets everything up to `totals`.
    pub(crate) fn clear(&self, now: u64, totals: Totals) {
        let mut ring = lock_ring(&self.ring);
        ring.starts = [totals; STEPS];
        ring.current = now / self.step;
    }
}

fn index(step: u64) -> usize {
    (step % STEPS as u64) as usize
}

fn lock_ring(ring: &Mutex<Ring>) -> std::sync::MutexGuard<'_, Ring> {
    ring.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The results of the last calls: one byte a call, so that counting one is an exchange of a byte.
#[derive(Debug)]
pub(crate) struct CallWindow {
    next: AtomicU64,
    results: Box<[AtomicU8]>,
    failed: AtomicI64,
    slow: AtomicI64,
}

const FAILED: u8 = 0b01;
const SLOW: u8 = 0b10;

impl CallWindow {
    pub(crate) fn new(calls: u32) -> Self {
        Self {
            next: AtomicU64::new(0),
            results: (0..calls.max(1)).map(|_| AtomicU8::new(0)).collect(),
            failed: AtomicI64::new(0),
            slow: AtomicI64::new(0),
        }
    }

    /// Counts one result in the place of the oldest.
    #[inline]
    pub(crate) fn push(&self, failed: bool, slow: bool) {
        let number = self.next.fetch_add(1, Ordering::AcqRel);
        let index = (number % self.results.len() as u64) as usize;
        let Some(place) = self.results.get(index) else {
            return;
        };
        let result = u8::from(failed) * FAILED + u8::from(slow) * SLOW;
        // Most results equal those they replace, and reading does not take the cache line away.
        if place.load(Ordering::Relaxed) == result {
            return;
        }
        let replaced = place.swap(result, Ordering::AcqRel);
        adjust(&self.failed, result & FAILED, replaced & FAILED);
        adjust(&self.slow, result & SLOW, replaced & SLOW);
    }

    /// The results within the window.
    pub(crate) fn sum(&self) -> Totals {
        let calls = self
            .next
            .load(Ordering::Acquire)
            .min(self.results.len() as u64);
        let count = |counter: &AtomicI64| {
            u64::try_from(counter.load(Ordering::Acquire))
                .unwrap_or(0)
                .min(calls)
        };
        let failed = count(&self.failed);
        Totals {
            succeeded: calls - failed,
            failed,
            slow: count(&self.slow),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        for place in &self.results {
            place.store(0, Ordering::Relaxed);
        }
        self.failed.store(0, Ordering::Relaxed);
        self.slow.store(0, Ordering::Relaxed);
        self.next.store(0, Ordering::Release);
    }
}

fn adjust(counter: &AtomicI64, now: u8, before: u8) {
    match (now != 0, before != 0) {
        (true, false) => {
            counter.fetch_add(1, Ordering::AcqRel);
        }
        (false, true) => {
            counter.fetch_sub(1, Ordering::AcqRel);
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
