//! The state of a rate limit for each key, bounded: governor keeps the arithmetic, this keeps the keys.
//!
//! A key is kept as a 64-bit hash under a random seed. A key whose time has passed is as good as new, so
//! forgetting it changes nothing; if there are too many others, those that are nearest to that go first,
//! and whoever floods a limit with keys cannot wash off what he owes under his own.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;

/// Above this many keys a lock for all of them would be in the way.
const ONE_SHARD: usize = 1_024;
const SHARDS: usize = 16;

/// The keys of one rate limit.
#[derive(Debug)]
pub(crate) struct Keys {
    shards: Box<[Mutex<Shard>]>,
    per_shard: usize,
    /// How long one request occupies the limit; nanoseconds.
    period: u64,
    seed: RandomState,
}

type Shard = HashMap<u64, u64, BuildHasherDefault<AsItIs>>;

/// The keys are hashes already.
#[derive(Debug, Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Keys {
    pub(crate) fn new(max_keys: usize, period: u64) -> Self {
        let shards = if max_keys <= ONE_SHARD { 1 } else { SHARDS };
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            per_shard: (max_keys / shards).max(1),
            period,
            seed: RandomState::new(),
        }
    }

    /// What stands for the key from here on.
    #[inline]
    pub(crate) fn hash<K: Hash + ?Sized>(&self, key: &K) -> u64 {
        self.seed.hash_one(key)
    }

    /// Keys that are kept now.
    pub(crate) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len())
            .sum()
    }

    /// Makes room in a full shard.
    #[cold]
    fn make_room(&self, shard: &mut Shard, now: u64) {
        shard.retain(|_, arrival| *arrival > now);
        if shard.len() < self.per_shard {
            return;
        }
        let mut arrivals: Vec<u64> = shard.values().copied().collect();
        let leaving = (arrivals.len() / 16).max(1);
        let (_, last, _) = arrivals.select_nth_unstable(leaving - 1);
        let last = *last;
        let mut left = 0;
        shard.retain(|_, arrival| {
            let leaves = *arrival <= last && left < leaving;
            left += usize::from(leaves);
            !leaves
        });
    }
}

/// The keys as governor's state.
#[derive(Clone, Debug)]
pub(crate) struct SharedKeys(pub(crate) Arc<Keys>);

impl StateStore for SharedKeys {
    type Key = u64;

    #[inline]
    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.update(key, decide)
    }
}

impl Keys {
    fn update<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // The upper bits: the map below uses the lower ones.
        let index = (*key >> 32) as usize % self.shards.len().max(1);
        let Some(shard) = self.shards.get(index) else {
            return decide(None).map(|(answer, _)| answer);
        };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shard.get(key).copied();
        let (answer, arrival) = decide(known.map(Nanos::from))?;
        if known.is_none() && shard.len() >= self.per_shard {
            // A first request occupies the limit from now on.
            let now = arrival.as_u64().saturating_sub(self.period);
            self.make_room(&mut shard, now);
        }
        shard.insert(*key, arrival.as_u64());
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: u64 = 10;

    fn request(keys: &Keys, key: u64, now: u64) {
        let allowed: Result<(), ()> = keys.update(&key, |arrival| {
            let arrival = arrival.map_or(now, Nanos::as_u64).max(now);
            Ok(((), Nanos::from(arrival + PERIOD)))
        });
        assert_eq!(allowed, Ok(()));
    }

    #[test]
    fn never_more_keys_than_allowed() {
        for max_keys in [1, 7, 1_024, 5_000] {
            let keys = Keys::new(max_keys, PERIOD);
            for key in 0..20_000_u64 {
                request(&keys, keys.hash(&key), 0);
            }
            assert!(keys.len() <= max_keys, "{} of {max_keys}", keys.len());
        }
    }

    #[test]
    fn keys_whose_time_has_passed_go_first() {
        let keys = Keys::new(10, PERIOD);
        for key in 0..9 {
            request(&keys, key, 0);
        }
        request(&keys, 100, 50);
        request(&keys, 101, 50);
        assert_eq!(keys.len(), 2, "the nine from before are as good as new");
    }

    #[test]
    fn a_flood_of_keys_does_not_wash_off_what_one_key_owes() {
        let keys = Keys::new(64, PERIOD);
        for _ in 0..20 {
            request(&keys, 7, 0);
        }
        for key in 1_000..3_000 {
            request(&keys, key, 1);
        }
        let owed: Result<u64, ()> = keys.update(&7, |arrival| {
            let arrival = arrival.map_or(0, Nanos::as_u64);
            Ok((arrival, Nanos::from(arrival)))
        });
        assert_eq!(owed, Ok(20 * PERIOD));
    }
}
