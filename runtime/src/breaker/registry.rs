//! The breakers of the process by name, single and keyed, for metrics and status pages.

use std::sync::Arc;

use crate::breaker::config::{BreakerConfig, BreakerConfigError};
use crate::breaker::core::Core;
use crate::breaker::handle::BreakerHandle;
use crate::breaker::keyed::Keyed;
use crate::breaker::outcome::Outcome;
use crate::breaker::state::BreakerState;
use crate::breaker::telemetry::{BreakerMeter, publish_states};
use crate::clock::Clock;
use crate::intern::intern;
use crate::registry::Registry;
use crate::shard::Counters;

static SINGLE: Registry<Core> = Registry::new();
static KEYED: Registry<Keyed> = Registry::new();

/// The breaker of that name and configuration, made if there is none.
///
/// # Errors
/// The configuration cannot work, or the name belongs to a breaker of another one; that one comes along
/// for those who cannot fail.
pub(crate) fn single(
    name: &str,
    config: BreakerConfig,
    clock: Clock,
) -> Result<Arc<Core>, (BreakerConfigError, Option<Arc<Core>>)> {
    let name = checked(name, &config).map_err(|error| (error, None))?;
    if let Some(keyed) = KEYED.find(name) {
        return Err((taken(name, &keyed.describe(), &config), None));
    }
    let same = |core: &Core| core.config == config && core.clock.same(&clock);
    let found = SINGLE
        .find_or_make(name, same, || {
            let meter = Arc::new(BreakerMeter::new(name));
            Core::new(config, clock.clone(), Counters::per_thread(), meter)
        })
        .map_err(|existing| {
            let error = taken(name, &format!("{:?}", existing.config), &config);
            (error, Some(existing))
        });
    crate::recorder::look();
    publish_states();
    found
}

/// The keyed breakers of that name and configuration, made if there are none.
///
/// # Errors
/// As [`single`].
pub(crate) fn keyed(
    name: &str,
    config: BreakerConfig,
    max_keys: usize,
    clock: Clock,
) -> Result<Arc<Keyed>, (BreakerConfigError, Option<Arc<Keyed>>)> {
    let name = checked(name, &config).map_err(|error| (error, None))?;
    if max_keys == 0 {
        return Err((BreakerConfigError::Zero { field: "max_keys" }, None));
    }
    if let Some(single) = SINGLE.find(name) {
        return Err((taken(name, &format!("{:?}", single.config), &config), None));
    }
    let same = |keyed: &Keyed| keyed.is(&config, max_keys, &clock);
    KEYED
        .find_or_make(name, same, || {
            Keyed::new(name, config, max_keys, clock.clone())
        })
        .map_err(|existing| (taken(name, &existing.describe(), &config), Some(existing)))
}

fn checked(name: &str, config: &BreakerConfig) -> Result<&'static str, BreakerConfigError> {
    if name.trim().is_empty() {
        return Err(BreakerConfigError::EmptyName);
    }
    config.validate()?;
    Ok(intern(name))
}

fn taken(name: &str, existing: &str, requested: &BreakerConfig) -> BreakerConfigError {
    BreakerConfigError::NameTaken {
        name: name.to_owned(),
        existing: existing.to_owned(),
        requested: format!("{requested:?}"),
    }
}

/// The breakers behind one name, as metrics see them.
pub(crate) trait Family {
    fn name(&self) -> &'static str;
    /// Calls that ended so.
    fn total(&self, outcome: Outcome) -> u64;
    /// Breakers in that state, of those that metrics know.
    fn in_state(&self, state: BreakerState) -> u64;
    fn transitions(&self, from: BreakerState, to: BreakerState) -> u64;
}

impl Family for Core {
    fn name(&self) -> &'static str {
        self.name()
    }

    fn total(&self, outcome: Outcome) -> u64 {
        self.total(outcome)
    }

    fn in_state(&self, state: BreakerState) -> u64 {
        u64::from(self.state().observed() == state)
    }

    fn transitions(&self, from: BreakerState, to: BreakerState) -> u64 {
        self.meter.transitions(from, to)
    }
}

/// Visits every name.
pub(crate) fn each_family(mut visit: impl FnMut(&dyn Family)) {
    for core in SINGLE.all() {
        visit(&*core);
    }
    for keyed in KEYED.all() {
        visit(&*keyed);
    }
}

/// Handles of every breaker alive in the process, by name, keyed ones with their keys: what a status
/// route shows.
///
/// ```
/// let payments = otelgen::TracedCircuitBreaker::builder("payments.listed").build()?;
/// for breaker in otelgen::breakers() {
///     println!("{}: {}", breaker.name(), breaker.snapshot().state.as_str());
/// }
/// # drop(payments);
/// # Ok::<(), otelgen::BreakerConfigError>(())
/// ```
#[must_use]
pub fn breakers() -> Vec<BreakerHandle> {
    let single = SINGLE.all().into_iter().map(|core| (core, None));
    let keyed = KEYED.all();
    let keyed = keyed.iter().flat_map(|keyed| keyed.members());
    single
        .chain(keyed.map(|(key, core)| (core, Some(key))))
        .map(|(core, key)| BreakerHandle::new(core, key))
        .collect()
}

/// The handle of the breaker of that name; for keyed breakers see [`breakers`].
#[must_use]
pub fn breaker(name: &str) -> Option<BreakerHandle> {
    SINGLE.find(name).map(|core| BreakerHandle::new(core, None))
}
