//! Counters that cost a load and a store: each thread owns a shard, readers add the shards up.
//! Threads beyond the number of shards share one, with atomic additions.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

const UNASSIGNED: usize = usize::MAX;
/// The slot of threads that own none.
const SHARED: usize = usize::MAX - 1;

thread_local! {
    // Two cells: this one has no destructor, so reading it costs nothing but the load.
    static SLOT: Cell<usize> = const { Cell::new(UNASSIGNED) };
    static LEASE: Lease = Lease::take();
}

/// A thread's ownership of a slot, returned when the thread ends.
struct Lease(usize);

struct Slots {
    next: usize,
    returned: Vec<usize>,
}

static SLOTS: Mutex<Slots> = Mutex::new(Slots {
    next: 0,
    returned: Vec::new(),
});

impl Lease {
    fn take() -> Self {
        let mut slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.returned.pop() {
            return Self(slot);
        }
        if slots.next < owned_slots() {
            slots.next += 1;
            return Self(slots.next - 1);
        }
        Self(SHARED)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Destructors of other thread-locals may still count: they share from here on.
        SLOT.set(SHARED);
        if self.0 != SHARED {
            // The lock orders this thread's last store before the next owner's first load.
            let mut slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
            slots.returned.push(self.0);
        }
    }
}

/// How many threads may own a slot: those that run in parallel and a few that wait.
fn owned_slots() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let parallel = std::thread::available_parallelism().map_or(4, usize::from);
        (parallel + 2).min(32)
    })
}

#[inline]
fn slot() -> usize {
    match SLOT.get() {
        UNASSIGNED => assign(),
        slot => slot,
    }
}

#[cold]
fn assign() -> usize {
    let slot = LEASE.try_with(|lease| lease.0).unwrap_or(SHARED);
    SLOT.set(slot);
    slot
}

/// One thread's counters, alone on their cache lines.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<const N: usize>([AtomicU64; N]);

impl<const N: usize> Shard<N> {
    fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// `N` counters that only grow.
#[derive(Debug)]
pub(crate) struct Counters<const N: usize> {
    owned: Box<[Shard<N>]>,
    shared: Shard<N>,
}

impl<const N: usize> Counters<N> {
    /// Counters for the hottest paths: a shard for every thread that runs in parallel.
    pub(crate) fn per_thread() -> Self {
        Self {
            owned: (0..owned_slots()).map(|_| Shard::new()).collect(),
            shared: Shard::new(),
        }
    }

    /// Counters that all threads share: small, for what exists a thousand times.
    pub(crate) fn compact() -> Self {
        Self {
            owned: Box::default(),
            shared: Shard::new(),
        }
    }

    /// Counts one of `index`; an index out of range counts nothing.
    #[inline]
    pub(crate) fn add(&self, index: usize) {
        if let Some(shard) = self.owned.get(slot()) {
            if let Some(counter) = shard.0.get(index) {
                // Only this thread stores here, so no increment is lost.
                let count = counter.load(Ordering::Relaxed);
                counter.store(count.wrapping_add(1), Ordering::Relaxed);
            }
        } else if let Some(counter) = self.shared.0.get(index) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The total of `index` over all threads.
    pub(crate) fn sum(&self, index: usize) -> u64 {
        self.owned
            .iter()
            .chain(std::iter::once(&self.shared))
            .filter_map(|shard| shard.0.get(index))
            .map(|counter| counter.load(Ordering::Relaxed))
            .fold(0, u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_increment_is_lost_whatever_the_number_of_threads() {
        let counters = Counters::<2>::per_thread();
        let compact = Counters::<2>::compact();
        // More threads than slots, and more than once, so that slots are handed on.
        for _ in 0..3 {
            std::thread::scope(|scope| {
                for _ in 0..40 {
                    scope.spawn(|| {
                        for _ in 0..1_000 {
                            counters.add(1);
                            compact.add(1);
                        }
                    });
                }
            });
        }
        assert_eq!(counters.sum(1), 120_000);
        assert_eq!(compact.sum(1), 120_000);
        assert_eq!(counters.sum(0), 0);
    }
}
