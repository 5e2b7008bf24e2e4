//! The `metrics` facade: counts and states are pushed as they happen, through handles that are
//! resolved once. Names stay dotted and without suffixes; exporters map them to their own habits.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError, TryLockError};

use metrics::{Counter, Gauge, Histogram, Key, Label, Metadata, Recorder, Unit};

use super::rebind::Rebindable;
use super::{ACTIVE, EPOCH, Kind, OBSERVED, Observed, Timed, epoch};
use crate::names;

static METADATA: Metadata<'static> = Metadata::new(names::SCOPE, metrics::Level::INFO, None);

/// Address of the recorder that handles come from.
static BOUND: Mutex<Option<usize>> = Mutex::new(None);

/// Binds to the recorder that is installed now, unless another thread is at it.
pub(super) fn bind_if_changed() {
    match BOUND.try_lock() {
        Ok(mut bound) => bind(&mut bound),
        Err(TryLockError::Poisoned(poisoned)) => bind(&mut poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => {}
    }
}

/// Binds to the recorder that is installed now.
pub(super) fn bind_now() {
    bind(&mut BOUND.lock().unwrap_or_else(PoisonError::into_inner));
}

fn bind(bound: &mut Option<usize>) {
    let (address, active) = metrics::with_recorder(|recorder| {
        let address = std::ptr::from_ref(recorder).cast::<()>().addr();
        // The recorder that stands in before one is installed has no fields, real ones do.
        (address, size_of_val(recorder) > 0)
    });
    if *bound != Some(address) {
        *bound = Some(address);
        if active {
            metrics::with_recorder(describe);
            EPOCH.fetch_add(1, Ordering::AcqRel);
        }
        ACTIVE.store(active, Ordering::Relaxed);
        let gauges = OBSERVED.iter().copied().flatten();
        for observed in gauges.filter(|observed| observed.kind == Kind::UpDownCounter) {
            publish(observed);
        }
    }
    ACTIVE.store(active, Ordering::Relaxed);
}

fn describe(recorder: &dyn Recorder) {
    for observed in OBSERVED.iter().copied().flatten() {
        let (name, description) = (observed.name.into(), observed.description.into());
        match observed.kind {
            Kind::Counter => recorder.describe_counter(name, Some(Unit::Count), description),
            Kind::UpDownCounter => recorder.describe_gauge(name, Some(Unit::Count), description),
        }
    }
}

fn key(metric: &'static str, attributes: [(&'static str, &'static str); 2]) -> Key {
    let labels: Vec<Label> = attributes
        .into_iter()
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| Label::from_static_parts(key, value))
        .collect();
    Key::from_parts(metric, labels)
}

/// The durations of one breaker, function …: a series for each outcome.
pub(crate) struct Durations<const N: usize> {
    timed: Timed,
    name: &'static str,
    key: &'static str,
    outcomes: [&'static str; N],
    series: [Rebindable<Histogram>; N],
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
        if let Some(series) = self.series.get(outcome) {
            series
                .get(epoch(), || self.bind(outcome))
                .record(nanos as f64 * 1e-9);
        }
    }

    #[cold]
    fn bind(&self, outcome: usize) -> Histogram {
        let outcome = self.outcomes.get(outcome).copied().unwrap_or_default();
        let attributes = [(names::NAME, self.name), (self.key, outcome)];
        metrics::with_recorder(|recorder| {
            recorder.describe_histogram(
                self.timed.name.into(),
                Some(Unit::Seconds),
                self.timed.description.into(),
            );
            recorder.register_histogram(&key(self.timed.name, attributes), &METADATA)
        })
    }
}

/// Counts that are pushed.
pub(crate) struct Counts<const N: usize> {
    metric: &'static str,
    name: &'static str,
    key: &'static str,
    outcomes: [&'static str; N],
    series: [Rebindable<Counter>; N],
}

impl<const N: usize> Counts<N> {
    pub(crate) fn new(
        metric: &'static str,
        name: &'static str,
        outcomes: [&'static str; N],
    ) -> Self {
        Self::labelled(metric, name, names::OUTCOME, outcomes)
    }

    /// As [`Self::new`], under another attribute than the outcome; without one if `key` is empty.
    pub(crate) fn labelled(
        metric: &'static str,
        name: &'static str,
        key: &'static str,
        outcomes: [&'static str; N],
    ) -> Self {
        Self {
            metric,
            name,
            key,
            outcomes,
            series: std::array::from_fn(|_| Rebindable::new()),
        }
    }

    /// Counts one; nothing where no recorder is installed yet, as everywhere with the facade.
    #[inline]
    pub(crate) fn add(&self, outcome: usize) {
        if !super::is_active() {
            return;
        }
        if let Some(series) = self.series.get(outcome) {
            series.get(epoch(), || self.bind(outcome)).increment(1);
        }
    }

    #[cold]
    fn bind(&self, outcome: usize) -> Counter {
        let outcome = self.outcomes.get(outcome).copied().unwrap_or_default();
        let attributes = [(names::NAME, self.name), (self.key, outcome)];
        metrics::with_recorder(|recorder| {
            recorder.register_counter(&key(self.metric, attributes), &METADATA)
        })
    }
}

/// State changes that are pushed; the states themselves are set anew with each.
pub(crate) struct States {
    name: &'static str,
}

impl States {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name }
    }

    /// A breaker went from one state to another. Rare, so no handle is kept.
    pub(crate) fn change(&self, from: &'static str, to: &'static str) {
        if !super::is_active() {
            return;
        }
        let labels = vec![
            Label::from_static_parts(names::NAME, self.name),
            Label::from_static_parts(names::FROM, from),
            Label::from_static_parts(names::TO, to),
        ];
        let transition = Key::from_parts(names::BREAKER_TRANSITIONS, labels);
        metrics::with_recorder(|recorder| {
            recorder
                .register_counter(&transition, &METADATA)
                .increment(1);
        });
    }
}

/// Sets the gauges of one metric to what is true now.
pub(crate) fn publish(observed: &Observed) {
    if !super::is_active() {
        return;
    }
    (observed.read)(&mut |value, attributes| {
        let labels = attributes
            .iter()
            .map(|(key, value)| Label::from_static_parts(key, value))
            .collect::<Vec<_>>();
        let key = Key::from_parts(observed.name, labels);
        metrics::with_recorder(|recorder| {
            recorder.register_gauge(&key, &METADATA).set(value as f64);
        });
    });
}

/// A number that goes up and down and is pushed.
pub(crate) struct Level {
    metric: &'static str,
    name: &'static str,
    gauge: Rebindable<Gauge>,
}

impl Level {
    pub(crate) fn new(metric: &'static str, name: &'static str) -> Self {
        Self {
            metric,
            name,
            gauge: Rebindable::new(),
        }
    }

    fn gauge(&self) -> Option<&Gauge> {
        super::is_active().then(|| self.gauge.get(epoch(), || self.bind()))
    }

    #[cold]
    fn bind(&self) -> Gauge {
        let attributes = [(names::NAME, self.name), ("", "")];
        metrics::with_recorder(|recorder| {
            recorder.register_gauge(&key(self.metric, attributes), &METADATA)
        })
    }

    /// Shows what `read` says, and says again after it was shown: of several threads that do this at once
    /// the last one leaves the truth.
    pub(crate) fn follow(&self, read: impl Fn() -> u64) {
        let Some(gauge) = self.gauge() else {
            return;
        };
        let mut shown = read();
        loop {
            gauge.set(shown as f64);
            let now = read();
            if now == shown {
                return;
            }
            shown = now;
        }
    }
}

macro_rules! debug_by_name {
    ($($kind:ident $(<$count:ident>)?),*) => {$(
        impl$(<const $count: usize>)? std::fmt::Debug for $kind$(<$count>)? {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter
                    .debug_struct(stringify!($kind))
                    .field("name", &self.name)
                    .finish_non_exhaustive()
            }
        }
    )*};
}

debug_by_name!(Durations<N>, Counts<N>, States, Level);
