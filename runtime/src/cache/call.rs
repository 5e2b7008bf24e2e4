//! One request to a cache: found, loaded, loaded by somebody else, or stale after a failed load.
//! No lock is held while a loader runs.

use std::any::{Any, type_name};
use std::borrow::Borrow;
use std::hash::Hash;

use tracing::Span;

use crate::cache::flight::{Arrival, Leading, Role};
use crate::cache::store::Found;
use crate::cache::{Inner, Meters};
use crate::names;
use crate::pattern::{Abandoned, Watched, Watcher, watch};
use crate::recorder;

/// In the order of [`names::CACHE_RESULTS`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    Hit,
    Miss,
    Coalesced,
    Stale,
}

/// In the order of [`names::CACHE_LOAD_OUTCOMES`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum LoadOutcome {
    Success,
    Failure,
    Cancelled,
}

/// What a flight lands with.
pub(crate) enum Landed<V> {
    Value(V),
    /// Loading failed; with the error, if it can be given to more than one call.
    Failed(Option<SharedError>),
}

/// An error that several calls get.
#[derive(Debug)]
pub struct SharedError {
    error: Box<dyn Any + Send + Sync>,
    /// `fn(&E) -> E`
    clone: Box<dyn Any + Send + Sync>,
}

impl SharedError {
    /// Keeps a clone of the error.
    pub fn of<E: Clone + Send + Sync + 'static>(error: &E) -> Self {
        let clone: fn(&E) -> E = E::clone;
        Self {
            error: Box::new(error.clone()),
            clone: Box::new(clone),
        }
    }

    fn get<E: 'static>(&self) -> Option<E> {
        let error = self.error.downcast_ref::<E>()?;
        let clone = self.clone.downcast_ref::<fn(&E) -> E>()?;
        Some(clone(error))
    }
}

/// How a loader's error reaches the calls that wait for it: not at all, if it cannot be cloned.
#[inline]
pub fn keep_error<E>(_: &E) -> Option<SharedError> {
    None
}

/// An error, asked by method resolution whether it can be shared.
#[derive(Debug)]
pub struct Failure<'e, E>(pub &'e E);

/// The answer of an error that can be cloned.
pub trait ShareableFailure {
    /// A clone for those who wait.
    fn share(&self) -> Option<SharedError>;
}

impl<E: Clone + Send + Sync + 'static> ShareableFailure for &Failure<'_, E> {
    fn share(&self) -> Option<SharedError> {
        Some(SharedError::of(self.0))
    }
}

/// The answer of any other error.
pub trait AnyFailure {
    /// Nothing.
    fn share(&self) -> Option<SharedError> {
        None
    }
}

impl<E> AnyFailure for Failure<'_, E> {}

/// Counts a request once; one that is dropped before it has its value was a miss.
pub(crate) struct Request<'c> {
    meters: &'c Meters,
    span: Span,
    metrics: bool,
    settled: bool,
}

impl<'c> Request<'c> {
    #[inline]
    pub(crate) fn new(meters: &'c Meters, span: Span, metrics: bool) -> Self {
        Self {
            meters,
            span,
            metrics,
            settled: false,
        }
    }

    #[inline]
    fn settle(&mut self, source: Source) {
        self.settled = true;
        let index = source as usize;
        if self.metrics {
            self.meters.requests.add(index);
        }
        if !self.span.is_disabled() {
            self.span
                .record(names::SPAN_CACHE_RESULT, names::CACHE_RESULTS.get(index));
        }
    }

    /// The call fails with an error of that type.
    #[cold]
    fn fail(&mut self, source: Source, error_type: &'static str) {
        self.settle(source);
        if !self.span.is_disabled() {
            crate::span::fail(&self.span, error_type);
        }
    }

    fn load_watch(&self) -> LoadWatch<'c> {
        recorder::look();
        let timed = self.metrics && recorder::is_active();
        LoadWatch {
            meters: self.meters,
            started: timed.then(|| self.meters.clock.stamp()),
        }
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.settle(Source::Miss);
        }
    }
}

/// Times a load.
struct LoadWatch<'c> {
    meters: &'c Meters,
    started: Option<u64>,
}

impl LoadWatch<'_> {
    fn settle<T, E>(result: &Result<T, E>, watch: &Self, _: &Span) {
        watch.record(match result {
            Ok(_) => LoadOutcome::Success,
            Err(_) => LoadOutcome::Failure,
        });
    }

    fn record(&self, outcome: LoadOutcome) {
        if let Some(started) = self.started {
            let elapsed = self.meters.clock.since(started);
            self.meters.loads.record(outcome as usize, elapsed);
        }
    }
}

impl Watcher for LoadWatch<'_> {
    fn abandoned(&self, how: Abandoned, span: &Span) {
        match how {
            Abandoned::Cancelled => self.record(LoadOutcome::Cancelled),
            Abandoned::Panicked => {
                self.record(LoadOutcome::Failure);
                if !span.is_disabled() {
                    crate::span::fail(span, names::ERROR_PANIC);
                }
            }
        }
    }
}

/// What a request does next.
enum Step<'c, K: Hash + Eq + Clone, V> {
    Return(V),
    Load(Load<'c, K, V>),
    Wait(crate::cache::flight::Waiting<'c, K, Landed<V>>),
}

/// A load that is to be made.
struct Load<'c, K: Hash + Eq + Clone, V> {
    /// Where others wait for it.
    leading: Option<Leading<'c, K, Landed<V>>>,
    /// The value that is there and due to be loaded anew.
    due: Option<V>,
    begun: u64,
}

impl<K, V> Inner<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// The value of the key, from the cache or loaded.
    pub(crate) async fn get_or_load<Q, F, E>(
        &self,
        key: &Q,
        mut request: Request<'_>,
        load: F,
        share: impl Fn(&E) -> Option<SharedError>,
    ) -> Result<V, E>
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
        F: Future<Output = Result<V, E>>,
        E: 'static,
    {
        let mut step = self.first_step(key, &mut request);
        loop {
            step = match step {
                Step::Return(value) => return Ok(value),
                Step::Wait(waiting) => {
                    let arrival = waiting.await;
                    self.arrive(key, &mut request, arrival)?
                }
                Step::Load(plan) => {
                    let (watch, span) = (request.load_watch(), request.span.clone());
                    let loaded = Watched::new(watch, span, load, LoadWatch::settle).await;
                    return self.loaded(key, &mut request, plan, loaded, share);
                }
            };
        }
    }

    /// As [`Self::get_or_load`], with the thread.
    pub(crate) fn get_or_load_blocking<Q, E>(
        &self,
        key: &Q,
        mut request: Request<'_>,
        load: impl FnOnce() -> Result<V, E>,
        share: impl Fn(&E) -> Option<SharedError>,
    ) -> Result<V, E>
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
        E: 'static,
    {
        let mut step = self.first_step(key, &mut request);
        loop {
            step = match step {
                Step::Return(value) => return Ok(value),
                Step::Wait(waiting) => self.arrive(key, &mut request, waiting.block())?,
                Step::Load(plan) => {
                    let span = request.span.clone();
                    let loaded = watch(request.load_watch(), span, load, LoadWatch::settle);
                    return self.loaded(key, &mut request, plan, loaded, share);
                }
            };
        }
    }

    #[inline]
    fn first_step<Q>(&self, key: &Q, request: &mut Request<'_>) -> Step<'_, K, V>
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
    {
        match self.store.find(key) {
            Found::Fresh(value) => {
                request.settle(Source::Hit);
                Step::Return(value)
            }
            Found::Due(value) => match self.flights.try_lead(key.to_owned()) {
                Some(leading) => Step::Load(self.load(Some(leading), Some(value))),
                None => {
                    request.settle(Source::Hit);
                    Step::Return(value)
                }
            },
            Found::Nothing if self.single_flight => match self.flights.join(key.to_owned()) {
                Role::Leads(leading) => self.lead(key, request, leading),
                Role::Waits(waiting) => Step::Wait(waiting),
            },
            Found::Nothing => Step::Load(self.load(None, None)),
        }
    }

    /// Leads, unless another flight has landed since this request found nothing.
    fn lead<'c, Q>(
        &'c self,
        key: &Q,
        request: &mut Request<'_>,
        leading: Leading<'c, K, Landed<V>>,
    ) -> Step<'c, K, V>
    where
        Q: Hash + Eq + ?Sized,
        K: Borrow<Q>,
    {
        match self.store.find(key) {
            Found::Fresh(value) | Found::Due(value) => {
                leading.land(Landed::Value(value.clone()));
                request.settle(Source::Hit);
                Step::Return(value)
            }
            Found::Nothing => Step::Load(self.load(Some(leading), None)),
        }
    }

    fn load<'c>(
        &self,
        leading: Option<Leading<'c, K, Landed<V>>>,
        due: Option<V>,
    ) -> Load<'c, K, V> {
        Load {
            leading,
            due,
            begun: self.store.begin(),
        }
    }

    /// Goes on after a wait for another call's load.
    fn arrive<'c, Q, E>(
        &'c self,
        key: &Q,
        request: &mut Request<'_>,
        arrival: Arrival<'c, K, Landed<V>>,
    ) -> Result<Step<'c, K, V>, E>
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
        E: 'static,
    {
        let landed = match arrival {
            Arrival::Leads(leading) => return Ok(self.lead(key, request, leading)),
            Arrival::Landed(landed) => landed,
        };
        match &*landed {
            Landed::Value(value) => {
                request.settle(Source::Coalesced);
                Ok(Step::Return(value.clone()))
            }
            Landed::Failed(shared) => {
                if let Some(value) = self.fall_back(key, request, type_name::<E>()) {
                    return Ok(Step::Return(value));
                }
                match shared.as_ref().and_then(SharedError::get) {
                    Some(error) => {
                        request.fail(Source::Coalesced, type_name::<E>());
                        Err(error)
                    }
                    // The error cannot be had twice: this call asks for itself.
                    None => Ok(Step::Load(self.load(None, None))),
                }
            }
        }
    }

    /// Keeps what was loaded, or falls back.
    fn loaded<Q, E>(
        &self,
        key: &Q,
        request: &mut Request<'_>,
        plan: Load<'_, K, V>,
        loaded: Result<V, E>,
        share: impl Fn(&E) -> Option<SharedError>,
    ) -> Result<V, E>
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
    {
        match loaded {
            Ok(value) => {
                self.keep(key, &plan, value.clone());
                if let Some(leading) = plan.leading {
                    leading.land(Landed::Value(value.clone()));
                }
                request.settle(Source::Miss);
                Ok(value)
            }
            Err(error) => {
                if let Some(leading) = plan.leading {
                    leading.land(Landed::Failed(share(&error)));
                }
                if let Some(value) = self.fall_back(key, request, type_name::<E>()) {
                    return Ok(value);
                }
                if let Some(value) = plan.due {
                    request.settle(Source::Hit);
                    return Ok(value);
                }
                request.fail(Source::Miss, type_name::<E>());
                Err(error)
            }
        }
    }

    fn keep<Q>(&self, key: &Q, plan: &Load<'_, K, V>, value: V)
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
    {
        let is_detached = || plan.leading.as_ref().is_some_and(Leading::is_detached);
        if is_detached() {
            return;
        }
        let kept = self.store.keep_loaded(key.to_owned(), value, plan.begun);
        // An invalidation either saw the value or is seen here.
        if let Some(version) = kept
            && is_detached()
        {
            self.store.take_back(key.to_owned(), version);
        }
        self.meters.show_entries();
    }

    /// What can be returned after a failed load: a value that came meanwhile, or one not too stale. It is
    /// returned, never written.
    #[cold]
    fn fall_back<Q>(
        &self,
        key: &Q,
        request: &mut Request<'_>,
        error_type: &'static str,
    ) -> Option<V>
    where
        Q: Hash + Eq + ?Sized,
        K: Borrow<Q>,
    {
        let (value, stale) = self.store.find_for_failure(key)?;
        request.settle(if stale { Source::Stale } else { Source::Hit });
        request.span.in_scope(|| {
            tracing::event!(
                name: "otelgen.cache.load_failed",
                target: "otelgen",
                tracing::Level::WARN,
                { "otelgen.cache.name" } = self.meters.name,
                { "error.type" } = error_type,
                "cache could not load a value and returned the one it has",
            );
        });
        Some(value)
    }
}
