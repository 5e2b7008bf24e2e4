//! The values: moka holds them and throws the least used out; when a value is fresh, to be refreshed or
//! stale, and which of two is the newer, is decided here. Knows no telemetry.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::ops::compute::Op;

use crate::cache::config::CacheConfig;
use crate::clock::{Clock, nanos};

/// The values of one cache.
pub(crate) struct Store<K, V> {
    entries: moka::sync::Cache<K, Entry<V>>,
    clock: Clock,
    ttl: Option<u64>,
    tti: Option<u64>,
    stale_if_error: u64,
    refresh_ahead: Option<u64>,
    ttl_jitter: f64,
    /// Numbers writes and the starts of loads, in the order in which they happened.
    versions: AtomicU64,
}

#[derive(Clone)]
struct Entry<V> {
    value: V,
    version: u64,
    times: Times,
    /// When the value was last asked for, where that matters.
    used: Option<Arc<AtomicU64>>,
}

/// When a value is what; nanoseconds of the clock.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Times {
    refresh_at: u64,
    fresh_until: u64,
    stale_until: u64,
}

/// What was found under a key.
pub(crate) enum Found<V> {
    Fresh(V),
    /// Fresh, and it is time to load it anew.
    Due(V),
    Nothing,
}

impl<K, V> Store<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(
        config: &CacheConfig,
        clock: Clock,
        evicted: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let builder = moka::sync::Cache::builder()
            .max_capacity(config.max_entries)
            .eviction_listener(move |_, _, cause| {
                if cause.was_evicted() {
                    evicted();
                }
            });
        let builder = match config.tti {
            Some(tti) => builder.time_to_idle(tti),
            None => builder,
        };
        // Memory is given back by the machine's clock, whatever clock decides what is fresh.
        let builder = match config.ttl {
            Some(_) => builder.expire_after(ByTimes(clock.clone())),
            None => builder,
        };
        Self {
            entries: builder.build(),
            clock,
            ttl: config.ttl.map(nanos),
            tti: config.tti.map(nanos),
            stale_if_error: config.stale_if_error.map_or(0, nanos),
            refresh_ahead: config.refresh_ahead.map(nanos),
            ttl_jitter: config.ttl_jitter,
            versions: AtomicU64::new(1),
        }
    }

    #[inline]
    pub(crate) fn find<Q>(&self, key: &Q) -> Found<V>
    where
        Q: Hash + Eq + ?Sized,
        K: Borrow<Q>,
    {
        let Some(entry) = self.entries.get(key) else {
            return Found::Nothing;
        };
        if self.ttl.is_none() && self.tti.is_none() {
            return Found::Fresh(entry.value);
        }
        let now = self.clock.fine();
        if now >= entry.times.fresh_until || !self.is_in_use(&entry, now) {
            return Found::Nothing;
        }
        if now >= entry.times.refresh_at {
            return Found::Due(entry.value);
        }
        Found::Fresh(entry.value)
    }

    /// Whether the entry is asked for often enough; asking is a use.
    fn is_in_use(&self, entry: &Entry<V>, now: u64) -> bool {
        match (self.tti, &entry.used) {
            (Some(tti), Some(used)) => {
                let last = used.load(Ordering::Relaxed);
                let in_use = now.saturating_sub(last) < tti;
                if in_use {
                    used.fetch_max(now, Ordering::Relaxed);
                }
                in_use
            }
            _ => true,
        }
    }

    /// What is there after loading has failed: `true` if it is stale.
    pub(crate) fn find_for_failure<Q>(&self, key: &Q) -> Option<(V, bool)>
    where
        Q: Hash + Eq + ?Sized,
        K: Borrow<Q>,
    {
        let entry = self.entries.get(key)?;
        let now = self.clock.fine();
        if now < entry.times.fresh_until {
            return Some((entry.value, false));
        }
        (now < entry.times.stale_until).then_some((entry.value, true))
    }

    /// A load starts: whatever is written from here on is newer than what it will find.
    pub(crate) fn begin(&self) -> u64 {
        self.next_version()
    }

    fn next_version(&self) -> u64 {
        self.versions.fetch_add(1, Ordering::SeqCst)
    }

    /// Keeps what a load found, unless something newer was written meanwhile; the version it has now.
    pub(crate) fn keep_loaded(&self, key: K, value: V, begun: u64) -> Option<u64> {
        self.write(key, value, |existing| existing.version < begun)
    }

    /// Keeps a value.
    pub(crate) fn insert(&self, key: K, value: V) {
        self.write(key, value, |_| true);
    }

    fn write(&self, key: K, value: V, replaces: impl FnOnce(&Entry<V>) -> bool) -> Option<u64> {
        let mut written = None;
        // Computing on the key keeps writers apart, so that the newer one is known.
        self.entries.entry(key).and_compute_with(|existing| {
            if existing.is_some_and(|existing| !replaces(existing.value())) {
                return Op::Nop;
            }
            let version = self.next_version();
            written = Some(version);
            Op::Put(self.entry(value, version))
        });
        written
    }

    fn entry(&self, value: V, version: u64) -> Entry<V> {
        let now = self.clock.fine();
        let random = if self.ttl.is_some() {
            fastrand::f64()
        } else {
            0.0
        };
        Entry {
            value,
            version,
            times: self.times(now, random),
            used: self.tti.map(|_| Arc::new(AtomicU64::new(now))),
        }
    }

    /// `random` is from [0, 1).
    fn times(&self, now: u64, random: f64) -> Times {
        let Some(ttl) = self.ttl else {
            return Times {
                refresh_at: u64::MAX,
                fresh_until: u64::MAX,
                stale_until: u64::MAX,
            };
        };
        let shortened = (ttl as f64 * self.ttl_jitter * random) as u64;
        let fresh_until = now.saturating_add(ttl.saturating_sub(shortened));
        Times {
            refresh_at: self
                .refresh_ahead
                .map_or(u64::MAX, |ahead| fresh_until.saturating_sub(ahead)),
            fresh_until,
            stale_until: fresh_until.saturating_add(self.stale_if_error),
        }
    }

    /// Takes out what was written as that version.
    pub(crate) fn take_back(&self, key: K, version: u64) {
        self.entries
            .entry(key)
            .and_compute_with(|existing| match existing {
                Some(existing) if existing.value().version == version => Op::Remove,
                _ => Op::Nop,
            });
    }

    pub(crate) fn remove<Q>(&self, key: &Q)
    where
        Q: Hash + Eq + ?Sized,
        K: Borrow<Q>,
    {
        self.entries.invalidate(key);
    }

    pub(crate) fn remove_all(&self) {
        self.entries.invalidate_all();
    }

    /// Reads how many entries there are; it outlives the store.
    pub(crate) fn counter(&self) -> impl Fn() -> u64 + Send + Sync + use<K, V> {
        let entries = self.entries.clone();
        move || {
            entries.run_pending_tasks();
            entries.entry_count()
        }
    }
}

/// When memory is given back.
struct ByTimes(Clock);

impl ByTimes {
    fn left<V>(&self, entry: &Entry<V>) -> Option<Duration> {
        let now = self.0.fine();
        Some(Duration::from_nanos(
            entry.times.stale_until.saturating_sub(now),
        ))
    }
}

impl<K, V> Expiry<K, Entry<V>> for ByTimes {
    fn expire_after_create(&self, _: &K, entry: &Entry<V>, _: Instant) -> Option<Duration> {
        self.left(entry)
    }

    fn expire_after_update(
        &self,
        _: &K,
        entry: &Entry<V>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.left(entry)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::ManualTime;

    fn store(config: &CacheConfig) -> (Store<u8, u32>, ManualTime) {
        let (clock, time) = Clock::manual();
        (Store::new(config, clock, || {}), time)
    }

    fn is_fresh(store: &Store<u8, u32>) -> bool {
        matches!(store.find(&1), Found::Fresh(_) | Found::Due(_))
    }

    proptest! {
        #[test]
        fn a_value_expires_within_its_jitter_and_goes_stale_after(
            ttl in 10_u64..100_000,
            jitter in 0.0_f64..0.9,
            stale in 1_u64..100_000,
            random in 0.0_f64..1.0,
            now in 0_u64..u64::from(u32::MAX),
        ) {
            let (store, _) = store(&CacheConfig {
                ttl: Some(Duration::from_millis(ttl)),
                ttl_jitter: jitter,
                stale_if_error: Some(Duration::from_millis(stale)),
                ..CacheConfig::DEFAULT
            });
            let times = store.times(now, random);
            let full = ttl * 1_000_000;
            let shortest = (full as f64 * (1.0 - jitter)) as u64;
            prop_assert!(times.fresh_until <= now + full);
            prop_assert!(times.fresh_until + 1 >= now + shortest);
            prop_assert_eq!(times.stale_until, times.fresh_until + stale * 1_000_000);
        }

        #[test]
        fn a_value_is_fresh_until_its_time_and_never_after(
            ttl in 2_u64..10_000,
            steps in proptest::collection::vec(1_u64..2_000, 1..20),
        ) {
            let (store, time) = store(&CacheConfig {
                ttl: Some(Duration::from_millis(ttl)),
                ttl_jitter: 0.0,
                ..CacheConfig::DEFAULT
            });
            store.insert(1, 7);
            let mut age = 0;
            for step in steps {
                time.advance(Duration::from_millis(step));
                age += step;
                prop_assert_eq!(is_fresh(&store), age < ttl, "{} of {}", age, ttl);
            }
        }
    }

    #[test]
    fn the_ends_of_values_are_spread_evenly() {
        const VALUES: usize = 10_000;
        let (store, _) = store(&CacheConfig {
            ttl: Some(Duration::from_secs(100)),
            ttl_jitter: 0.1,
            ..CacheConfig::DEFAULT
        });
        let mut random = fastrand::Rng::with_seed(3);
        let mut tenths = [0_usize; 10];
        for _ in 0..VALUES {
            let left = store.times(0, random.f64()).fresh_until;
            // From 90 to 100 seconds.
            let tenth = (left.saturating_sub(90_000_000_000) / 1_000_000_000).min(9);
            tenths[tenth as usize] += 1;
        }
        for (tenth, count) in tenths.into_iter().enumerate() {
            assert!(
                count.abs_diff(VALUES / 10) < 200,
                "{count} in tenth {tenth}"
            );
        }
    }

    #[test]
    fn what_nobody_asks_for_goes_and_asking_keeps_it() {
        let (store, time) = store(&CacheConfig {
            tti: Some(Duration::from_secs(10)),
            ..CacheConfig::DEFAULT
        });
        store.insert(1, 7);
        for _ in 0..5 {
            time.advance(Duration::from_secs(9));
            assert!(is_fresh(&store));
        }
        time.advance(Duration::from_secs(10));
        assert!(!is_fresh(&store));
    }

    #[test]
    fn a_load_does_not_replace_what_was_written_after_it_began() {
        let (store, _) = store(&CacheConfig::DEFAULT);
        let begun = store.begin();
        store.insert(1, 2);
        assert_eq!(store.keep_loaded(1, 1, begun), None);
        assert!(matches!(store.find(&1), Found::Fresh(2)));
        let begun = store.begin();
        let version = store
            .keep_loaded(1, 3, begun)
            .expect("nothing newer is there");
        store.insert(1, 4);
        store.take_back(1, version);
        assert!(matches!(store.find(&1), Found::Fresh(4)));
    }

    #[test]
    fn never_more_entries_than_allowed() {
        let (store, _) = store(&CacheConfig {
            max_entries: 10,
            ..CacheConfig::DEFAULT
        });
        for key in 0..=255 {
            store.insert(key, 0);
        }
        let count = store.counter();
        assert!(count() <= 10, "{}", count());
    }
}
