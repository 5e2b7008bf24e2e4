//! The OpenTelemetry metrics API: observable instruments over what patterns count themselves, and
//! histograms, bound to their attributes where the feature `bound-instruments` allows it.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};

use opentelemetry::metrics::{AsyncInstrument, Histogram, Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue, global};

use super::rebind::Rebindable;
use super::{ACTIVE, EPOCH, Kind, OBSERVED, Observed, Timed, epoch};
use crate::names;

/// What the instruments are bound to.
#[derive(Default)]
struct Binding {
    provider: Option<Weak<dyn MeterProvider + Send + Sync>>,
    /// Dropped with the last callback: alive as long as a provider really collects. The API's no-op
    /// provider drops callbacks at once, which is how it is told from a real one.
    collected: Weak<()>,
    meter: Option<Meter>,
    histograms: HashMap<&'static str, Histogram<f64>>,
}

static BINDING: Mutex<Option<Binding>> = Mutex::new(None);

/// Binds to the provider that is set now, unless another thread is at it.
pub(super) fn bind_if_changed() {
    match BINDING.try_lock() {
        Ok(mut binding) => bind(&mut binding),
        Err(TryLockError::Poisoned(poisoned)) => bind(&mut poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => {}
    }
}

/// Binds to the provider that is set now.
pub(super) fn bind_now() {
    bind(&mut BINDING.lock().unwrap_or_else(PoisonError::into_inner));
}

fn bind(binding: &mut Option<Binding>) {
    let binding = binding.get_or_insert_default();
    let provider = global::meter_provider();
    let known = binding
        .provider
        .as_ref()
        .is_some_and(|known| Weak::ptr_eq(known, &Arc::downgrade(&provider)));
    if !known {
        let scope = InstrumentationScope::builder(names::SCOPE)
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = provider.meter_with_scope(scope);
        let collected = Arc::new(());
        for observed in OBSERVED.iter().copied().flatten() {
            observe(&meter, observed, &collected);
        }
        *binding = Binding {
            provider: Some(Arc::downgrade(&provider)),
            collected: Arc::downgrade(&collected),
            meter: Some(meter),
            histograms: HashMap::new(),
        };
        drop(collected);
        EPOCH.fetch_add(1, Ordering::AcqRel);
    }
    ACTIVE.store(binding.collected.strong_count() > 0, Ordering::Relaxed);
}

fn observe(meter: &Meter, observed: &Observed, collected: &Arc<()>) {
    let read = observed.read;
    let held = Arc::clone(collected);
    match observed.kind {
        Kind::Counter => {
            meter
                .u64_observable_counter(observed.name)
                .with_description(observed.description)
                .with_unit(observed.unit)
                .with_callback(move |instrument: &dyn AsyncInstrument<u64>| {
                    let _ = &held;
                    read(&mut |value, attributes| {
                        instrument.observe(value, &key_values(attributes));
                    });
                })
                .build();
        }
        Kind::UpDownCounter => {
            meter
                .i64_observable_up_down_counter(observed.name)
                .with_description(observed.description)
                .with_unit(observed.unit)
                .with_callback(move |instrument: &dyn AsyncInstrument<i64>| {
                    let _ = &held;
                    read(&mut |value, attributes| {
                        let value = i64::try_from(value).unwrap_or(i64::MAX);
                        instrument.observe(value, &key_values(attributes));
                    });
                })
                .build();
        }
    }
}

fn key_values(attributes: &[(&'static str, &'static str)]) -> Vec<KeyValue> {
    attributes
        .iter()
        .map(|(key, value)| KeyValue::new(*key, *value))
        .collect()
}

/// The process's histogram of that name; `None` before the first binding.
fn histogram(timed: Timed) -> Option<Histogram<f64>> {
    let mut guard = BINDING.lock().unwrap_or_else(PoisonError::into_inner);
    let binding = guard.as_mut()?;
    let meter = binding.meter.as_ref()?;
    let histogram = binding.histograms.entry(timed.name).or_insert_with(|| {
        meter
            .f64_histogram(timed.name)
            .with_description(timed.description)
            .with_unit("s")
            .with_boundaries(names::DURATION_BOUNDARIES.to_vec())
            .build()
    });
    Some(histogram.clone())
}

/// The durations of one breaker, function …: a series for each outcome.
#[derive(Debug)]
pub(crate) struct Durations<const N: usize> {
    timed: Timed,
    name: &'static str,
    key: &'static str,
    outcomes: [&'static str; N],
    series: [Rebindable<Option<Series>>; N],
}

impl<const N: usize> Durations<N> {
    pub(crate) fn new(timed: Timed, name: &'static str, outcomes: [&'static str; N]) -> Self {
        Self::labelled(timed, name, names::OUTCOME, outcomes)
    }

    /// As [`Self::new`], under another attribute than the outcome.
    pub(crate) fn labelled(
        timed: Timed,
        name: &'static str,
        key: &'static str,
        outcomes: [&'static str; N],
    ) -> Self {
        Self {
            timed,
            name,
            key,
            outcomes,
            series: std::array::from_fn(|_| Rebindable::new()),
        }
    }

    /// Records a duration under the outcome of that index.
    #[inline]
    pub(crate) fn record(&self, outcome: usize, nanos: u64) {
        if let Some(series) = self.series.get(outcome)
            && let Some(series) = series.get(epoch(), || self.bind(outcome))
        {
            series.record(nanos as f64 * 1e-9);
        }
    }

    #[cold]
    fn bind(&self, outcome: usize) -> Option<Series> {
        let outcome = self.outcomes.get(outcome).copied().unwrap_or_default();
        let attributes = [
            KeyValue::new(names::NAME, self.name),
            KeyValue::new(self.key, outcome),
        ];
        Some(Series::new(histogram(self.timed)?, attributes))
    }
}

/// A histogram with its attributes, resolved once.
#[cfg(feature = "bound-instruments")]
#[derive(Debug)]
struct Series(opentelemetry::metrics::BoundHistogram<f64>);

#[cfg(feature = "bound-instruments")]
impl Series {
    fn new(histogram: Histogram<f64>, attributes: [KeyValue; 2]) -> Self {
        Self(histogram.bind(&attributes))
    }

    #[inline]
    fn record(&self, seconds: f64) {
        self.0.record(seconds);
    }
}

/// A histogram with its attributes, looked up by the SDK for each value.
#[cfg(not(feature = "bound-instruments"))]
#[derive(Debug)]
struct Series {
    histogram: Histogram<f64>,
    attributes: [KeyValue; 2],
}

#[cfg(not(feature = "bound-instruments"))]
impl Series {
    fn new(histogram: Histogram<f64>, attributes: [KeyValue; 2]) -> Self {
        Self {
            histogram,
            attributes,
        }
    }

    #[inline]
    fn record(&self, seconds: f64) {
        self.histogram.record(seconds, &self.attributes);
    }
}

/// Counts that are pushed; here they are read at collection instead.
#[derive(Debug)]
pub(crate) struct Counts<const N: usize>;

impl<const N: usize> Counts<N> {
    pub(crate) const fn new(_: &'static str, _: &'static str, _: [&'static str; N]) -> Self {
        Self
    }

    pub(crate) const fn labelled(
        _: &'static str,
        _: &'static str,
        _: &'static str,
        _: [&'static str; N],
    ) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn add(&self, _: usize) {}
}

/// Sets the gauges of one metric; here they are read at collection instead.
pub(crate) fn publish(_: &Observed) {}

/// State changes that are pushed; here they are read at collection instead.
#[derive(Debug)]
pub(crate) struct States;

impl States {
    pub(crate) const fn new(_: &'static str) -> Self {
        Self
    }

    pub(crate) fn change(&self, _: &'static str, _: &'static str) {}
}

/// A number that goes up and down and is pushed; here it is read at collection instead.
#[derive(Debug)]
pub(crate) struct Level;

impl Level {
    pub(crate) const fn new(_: &'static str, _: &'static str) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn follow(&self, _: impl Fn() -> u64) {}
}
