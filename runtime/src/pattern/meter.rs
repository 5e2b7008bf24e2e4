//! Counts of one instance by outcome: a cell each, read at collection, pushed where nobody collects.

use crate::recorder::Counts;
use crate::shard::Counters;

/// The counts of one instance.
#[derive(Debug)]
pub(crate) struct Meter<const N: usize> {
    counters: Counters<N>,
    counts: Counts<N>,
}

impl<const N: usize> Meter<N> {
    pub(crate) fn new(counts: Counts<N>) -> Self {
        Self {
            counters: Counters::per_thread(),
            counts,
        }
    }

    #[inline]
    pub(crate) fn add(&self, index: usize) {
        self.counters.add(index);
        self.counts.add(index);
    }

    pub(crate) fn sum(&self, index: usize) -> u64 {
        self.counters.sum(index)
    }
}
