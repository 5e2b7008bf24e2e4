//! The one way from a pattern to its metrics, whichever world they go to: the OpenTelemetry metrics
//! API, or with the feature `metrics` the `metrics` facade. Patterns know this module and no other.
//!
//! Counts live with the patterns and are read when metrics are collected ([`Observed`]); durations are
//! recorded as they happen ([`Durations`]). The facade has no collection, so there patterns also push
//! ([`Counts`], [`States`]), which the OpenTelemetry side leaves out.

mod rebind;

#[cfg(feature = "metrics")]
mod facade;
#[cfg(not(feature = "metrics"))]
mod otel;

#[cfg(feature = "metrics")]
use facade as world;
#[cfg(not(feature = "metrics"))]
use otel as world;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

pub(crate) use world::{Counts, Durations, Level, States, publish};

/// Whether a value may only grow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Counter,
    UpDownCounter,
}

/// Receives one value and its attributes.
pub(crate) type Observe<'a> = dyn FnMut(u64, &[(&'static str, &'static str)]) + 'a;

/// A metric that is read when metrics are collected.
#[cfg_attr(
    feature = "metrics",
    allow(dead_code, reason = "the facade has units of its own")
)]
pub(crate) struct Observed {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) kind: Kind,
    /// Reports every series of the metric.
    pub(crate) read: fn(&mut Observe<'_>),
}

/// What a duration histogram is called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
}

/// Every metric that is read at collection, pattern by pattern.
const OBSERVED: &[&[Observed]] = &[
    crate::breaker::OBSERVED,
    crate::function::OBSERVED,
    crate::bulkhead::OBSERVED,
    #[cfg(feature = "cache")]
    crate::cache::OBSERVED,
    #[cfg(feature = "rate-limit")]
    crate::rate_limit::OBSERVED,
    #[cfg(feature = "retry")]
    crate::retry::OBSERVED,
    #[cfg(feature = "route")]
    crate::route::OBSERVED,
    crate::timeout::OBSERVED,
];

/// Whether anybody collects. Read on every call.
static ACTIVE: AtomicBool = AtomicBool::new(false);
/// Counts the times that instruments were bound to a provider; 0 before the first.
static EPOCH: AtomicU32 = AtomicU32::new(0);

/// Whether a meter provider (or a facade recorder) is there to take values.
#[inline]
pub(crate) fn is_active() -> bool {
    ACTIVE.load(Ordering::Relaxed)
}

#[inline]
fn epoch() -> u32 {
    EPOCH.load(Ordering::Acquire)
}

/// Binds the instruments if the provider has changed; returns in how many nanoseconds to look again.
///
/// The API has no way to be told, so patterns call this from their slow paths: often while nobody
/// collects, once a second after that.
pub(crate) fn look() -> u64 {
    world::bind_if_changed();
    if is_active() {
        1_000_000_000
    } else {
        10_000_000
    }
}

/// Binds otelgen's instruments to the global meter provider (or facade recorder) that is set now.
///
/// Call it after `opentelemetry::global::set_meter_provider`, so that breakers and functions that were
/// used before are exported even if they are never used again. Without it they bind themselves on a
/// call about ten milliseconds later, and counts made in the meantime are not lost.
pub fn bind_metrics() {
    world::bind_now();
}
