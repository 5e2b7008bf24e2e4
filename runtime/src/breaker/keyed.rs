//! One breaker for each key (a tenant, a host, a shard), bounded in number: a key that was not used
//! for longest goes first, and its counts stay in the totals of the name.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::breaker::TracedCircuitBreaker;
use crate::breaker::config::BreakerConfig;
use crate::breaker::core::Core;
use crate::breaker::outcome::Outcome;
use crate::breaker::registry::Family;
use crate::breaker::state::BreakerState;
use crate::breaker::telemetry::{BreakerMeter, publish_states};
use crate::clock::Clock;
use crate::shard::Counters;

/// The breakers behind one name.
#[derive(Debug)]
pub(crate) struct Keyed {
    config: BreakerConfig,
    max_keys: usize,
    clock: Clock,
    meter: Arc<BreakerMeter>,
    members: RwLock<HashMap<Arc<str>, Member>>,
    retired: Mutex<Retired>,
    uses: AtomicU64,
}

#[derive(Debug)]
struct Member {
    core: Arc<Core>,
    /// The number of the last use: larger is later.
    used: AtomicU64,
}

/// Breakers that were evicted: those with calls under way, and the totals of the others.
#[derive(Debug, Default)]
struct Retired {
    lingering: Vec<Arc<Core>>,
    totals: [u64; 5],
}

impl Keyed {
    pub(crate) fn new(
        name: &'static str,
        config: BreakerConfig,
        max_keys: usize,
        clock: Clock,
    ) -> Self {
        Self {
            config,
            max_keys,
            clock,
            meter: Arc::new(BreakerMeter::new(name)),
            members: RwLock::default(),
            retired: Mutex::default(),
            uses: AtomicU64::new(0),
        }
    }

    pub(crate) fn is(&self, config: &BreakerConfig, max_keys: usize, clock: &Clock) -> bool {
        self.config == *config && self.max_keys == max_keys && self.clock.same(clock)
    }

    pub(crate) fn describe(&self) -> String {
        format!("{:?} for each of {} keys", self.config, self.max_keys)
    }

    /// The breaker of that key.
    pub(crate) fn get(&self, key: &str) -> Arc<Core> {
        let use_number = self.uses.fetch_add(1, Ordering::Relaxed);
        {
            let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(member) = members.get(key) {
                member.used.store(use_number, Ordering::Relaxed);
                return Arc::clone(&member.core);
            }
        }
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(member) = members.get(key) {
            return Arc::clone(&member.core);
        }
        if members.len() >= self.max_keys {
            self.evict(&mut members);
        }
        let core = Arc::new(Core::new(
            self.config,
            self.clock.clone(),
            Counters::compact(),
            Arc::clone(&self.meter),
        ));
        let member = Member {
            core: Arc::clone(&core),
            used: AtomicU64::new(use_number),
        };
        members.insert(Arc::from(key), member);
        drop(members);
        crate::recorder::look();
        publish_states();
        core
    }

    /// Makes room by a sixteenth, so that looking for the oldest is paid once for many keys.
    fn evict(&self, members: &mut HashMap<Arc<str>, Member>) {
        let mut by_use: Vec<(u64, Arc<str>)> = members
            .iter()
            .map(|(key, member)| (member.used.load(Ordering::Relaxed), Arc::clone(key)))
            .collect();
        let count = (members.len() / 16).max(1).min(by_use.len());
        by_use.select_nth_unstable(count.saturating_sub(1));
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, key) in by_use.into_iter().take(count) {
            if let Some(member) = members.remove(&key) {
                retired.lingering.push(member.core);
            }
        }
        retired.settle();
    }

    pub(crate) fn members(&self) -> Vec<(Arc<str>, Arc<Core>)> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = members
            .iter()
            .map(|(key, member)| (Arc::clone(key), Arc::clone(&member.core)))
            .collect();
        all.sort_by(|left, right| left.0.cmp(&right.0));
        all
    }
}

impl Retired {
    /// Adds up those that nobody can count in any more.
    fn settle(&mut self) {
        let totals = &mut self.totals;
        self.lingering.retain(|core| {
            let in_use = Arc::strong_count(core) > 1;
            if !in_use {
                for (total, outcome) in totals.iter_mut().zip(Outcome::ALL) {
                    *total = total.wrapping_add(core.total(outcome));
                }
            }
            in_use
        });
    }
}

impl Family for Keyed {
    fn name(&self) -> &'static str {
        self.meter.name()
    }

    fn total(&self, outcome: Outcome) -> u64 {
        // Members first: one that is evicted meanwhile waits for the lock that is held here.
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = retired.totals.get(outcome.index()).copied().unwrap_or(0);
        members
            .values()
            .map(|member| &member.core)
            .chain(&retired.lingering)
            .map(|core| core.total(outcome))
            .fold(settled, u64::wrapping_add)
    }

    fn in_state(&self, state: BreakerState) -> u64 {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let count = members
            .values()
            .filter(|member| member.core.state().observed() == state)
            .count();
        count as u64
    }

    fn transitions(&self, from: BreakerState, to: BreakerState) -> u64 {
        self.meter.transitions(from, to)
    }
}

/// Breakers that share a name and settings, one for each key.
///
/// A key that fails opens only its own breaker. At most `max_keys` are kept; the one that was not used
/// for longest makes room, and starts closed if it comes back. Metrics carry the name, never the key.
#[derive(Clone, Debug)]
pub struct KeyedCircuitBreakers(Arc<Keyed>);

impl KeyedCircuitBreakers {
    pub(crate) fn new(keyed: Arc<Keyed>) -> Self {
        Self(keyed)
    }

    /// The breaker of that key, closed if the key is new.
    #[must_use]
    pub fn get(&self, key: impl AsRef<str>) -> TracedCircuitBreaker {
        TracedCircuitBreaker::new(self.0.get(key.as_ref()))
    }

    /// How many keys are kept now.
    #[must_use]
    pub fn len(&self) -> usize {
        let members = &self.0.members;
        members.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
