//! Cache-aside in memory: a value is loaded once and then returned until it is too old. Calls that miss
//! at the same time share one load, and a failed load can be covered by a value that is not too stale.
//!
//! `config` → `store` (values and their times) and `flight` (who loads) → `call` → this module's API.

mod call;
mod config;
mod flight;
mod site;
mod store;
#[cfg(feature = "tower")]
mod tower;

use std::any::Any;
use std::borrow::Borrow;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use crate::clock::Clock;
use crate::names;
use crate::pattern::PatternConfigError;
use crate::pattern::meter::Meter;
use crate::recorder::{self, Counts, Durations, Kind, Level, Observed, Timed};
use crate::registry::Registry;

pub use call::SharedError;
pub use config::CacheConfig;
#[cfg(feature = "tower")]
pub use tower::{TracedCacheLayer, TracedCacheService};

/// What attributes expand into.
pub(crate) mod private {
    pub use super::call::{AnyFailure, Failure, ShareableFailure};
    pub use super::site::{
        AnyKey, AsCache, CacheSite, KeyOf, RefKey, ResolvedCache, cache_name, cached, cached_async,
    };
}

use self::call::{Landed, Request, Source, keep_error};
use self::config::CHECK;
use self::flight::Flights;
use self::store::{Found, Store};

/// The cache metrics that are read at collection.
pub(crate) const OBSERVED: &[Observed] = &[
    Observed {
        name: names::CACHE_REQUESTS,
        description: "Requests to a cache, by where the value came from.",
        unit: "{request}",
        kind: Kind::Counter,
        read: |observe| {
            for cache in CACHES.all() {
                for (index, result) in names::CACHE_RESULTS.into_iter().enumerate() {
                    observe(
                        cache.meters.requests.sum(index),
                        &[(names::NAME, cache.meters.name), (names::RESULT, result)],
                    );
                }
            }
        },
    },
    Observed {
        name: names::CACHE_EVICTIONS,
        description: "Entries that left a cache because it was full or they were too old.",
        unit: "{entry}",
        kind: Kind::Counter,
        read: |observe| {
            for cache in CACHES.all() {
                observe(
                    cache.meters.evictions.sum(0),
                    &[(names::NAME, cache.meters.name)],
                );
            }
        },
    },
    Observed {
        name: names::CACHE_ENTRIES,
        description: "Entries in a cache.",
        unit: "{entry}",
        kind: Kind::UpDownCounter,
        read: |observe| {
            for cache in CACHES.all() {
                observe(
                    (cache.meters.count_entries)(),
                    &[(names::NAME, cache.meters.name)],
                );
            }
        },
    },
];

const LOAD_DURATION: Timed = Timed {
    name: names::CACHE_LOAD_DURATION,
    description: "Duration of a cache's loads.",
};

static CACHES: Registry<Named> = Registry::new();

/// A cache of any types under its name.
struct Named {
    config: CacheConfig,
    meters: Arc<Meters>,
    /// `Arc<Inner<K, V>>`
    inner: Box<dyn Any + Send + Sync>,
    types: &'static str,
}

/// What is counted of a cache.
struct Meters {
    name: &'static str,
    clock: Clock,
    requests: Meter<4>,
    loads: Durations<3>,
    evictions: Arc<Meter<1>>,
    entries: Level,
    count_entries: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl Meters {
    /// For worlds where nobody collects.
    #[inline]
    fn show_entries(&self) {
        self.entries.follow(&self.count_entries);
    }
}

struct Inner<K, V> {
    store: Store<K, V>,
    flights: Flights<K, Landed<V>>,
    single_flight: bool,
    meters: Arc<Meters>,
}

/// A cache in memory with its span and metrics. Cheap to clone; clones are the same cache.
///
/// ```
/// use std::time::Duration;
/// use otelgen::TracedCache;
///
/// let stock = TracedCache::<String, u32>::builder("stock.cache")
///     .ttl(Duration::from_secs(60))
///     .stale_if_error(Duration::from_secs(600))
///     .build()?;
///
/// let load = || Ok::<_, std::io::Error>(7);
/// assert_eq!(stock.get_or_load("bolts", load).ok(), Some(7));
/// assert_eq!(stock.get("bolts"), Some(7));
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
///
/// A value that is loaded while another one is written by [`insert`](Self::insert), or while the key is
/// invalidated, is returned to those who asked for it and not kept.
pub struct TracedCache<K, V> {
    inner: Arc<Inner<K, V>>,
    /// Keeps the name.
    named: Arc<Named>,
    span: bool,
    metrics: bool,
}

impl<K, V> Clone for TracedCache<K, V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            named: Arc::clone(&self.named),
            span: self.span,
            metrics: self.metrics,
        }
    }
}

impl<K, V> std::fmt::Debug for TracedCache<K, V> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TracedCache")
            .field("name", &self.named.meters.name)
            .field("config", &self.named.config)
            .finish_non_exhaustive()
    }
}

impl<K, V> TracedCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Starts a cache of that name, with [`CacheConfig::DEFAULT`].
    pub fn builder(name: impl Into<String>) -> TracedCacheBuilder<K, V> {
        TracedCacheBuilder {
            name: name.into(),
            config: CacheConfig::DEFAULT,
            clock: Clock::system(),
            span: true,
            metrics: true,
            types: PhantomData,
        }
    }

    /// Name of the cache.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.inner.meters.name
    }

    /// The value of the key, if it is there and fresh. Counts as a request; makes no span.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Eq + ?Sized,
        K: Borrow<Q>,
    {
        let (value, source) = match self.inner.store.find(key) {
            Found::Fresh(value) | Found::Due(value) => (Some(value), Source::Hit),
            Found::Nothing => (None, Source::Miss),
        };
        if self.metrics {
            self.inner.meters.requests.add(source as usize);
        }
        value
    }

    /// Keeps a value; a load of the same key that is under way does not replace it.
    pub fn insert(&self, key: K, value: V) {
        self.inner.store.insert(key, value);
        self.inner.meters.show_entries();
    }

    /// Forgets the value of the key; a load of it that is under way is not kept.
    pub fn invalidate<Q>(&self, key: &Q)
    where
        Q: Hash + Eq + ?Sized,
        K: Borrow<Q>,
    {
        self.inner.flights.detach(key);
        self.inner.store.remove(key);
        self.inner.meters.show_entries();
    }

    /// Forgets every value.
    pub fn invalidate_all(&self) {
        self.inner.flights.detach_all();
        self.inner.store.remove_all();
        self.inner.meters.show_entries();
    }

    /// Entries that are kept now, stale ones included.
    #[must_use]
    pub fn len(&self) -> u64 {
        (self.inner.meters.count_entries)()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of the key: from the cache, or what `load` returns, which is then kept.
    ///
    /// A failed load is not kept. Calls that waited for it get a value that is not too stale, as the one
    /// that made it does, or load by themselves; see [`get_or_load_shared`](Self::get_or_load_shared).
    ///
    /// # Errors
    /// That of `load`.
    pub fn get_or_load<Q, E>(&self, key: &Q, load: impl FnOnce() -> Result<V, E>) -> Result<V, E>
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
        E: 'static,
    {
        let request = self.request(self.new_span(), self.metrics);
        self.inner
            .get_or_load_blocking(key, request, load, keep_error)
    }

    /// As [`Self::get_or_load`]; calls that waited for a load that failed get a clone of its error.
    ///
    /// # Errors
    /// That of `load`.
    pub fn get_or_load_shared<Q, E>(
        &self,
        key: &Q,
        load: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E>
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
        E: Clone + Send + Sync + 'static,
    {
        let request = self.request(self.new_span(), self.metrics);
        self.inner
            .get_or_load_blocking(key, request, load, |error| Some(SharedError::of(error)))
    }

    /// As [`Self::get_or_load`], with the future that `load` makes.
    ///
    /// # Errors
    /// That of `load`.
    pub async fn get_or_load_async<Q, E, F>(
        &self,
        key: &Q,
        load: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
        E: 'static,
        F: Future<Output = Result<V, E>>,
    {
        let request = self.request(self.new_span(), self.metrics);
        let load = async { load().await };
        self.inner.get_or_load(key, request, load, keep_error).await
    }

    /// As [`Self::get_or_load_async`]; calls that waited for a load that failed get a clone of its error.
    ///
    /// # Errors
    /// That of `load`.
    pub async fn get_or_load_shared_async<Q, E, F>(
        &self,
        key: &Q,
        load: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: Borrow<Q>,
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<V, E>>,
    {
        let request = self.request(self.new_span(), self.metrics);
        let load = async { load().await };
        self.inner
            .get_or_load(key, request, load, |error| Some(SharedError::of(error)))
            .await
    }

    #[inline]
    fn request(&self, span: Span, metrics: bool) -> Request<'_> {
        Request::new(&self.inner.meters, span, metrics)
    }

    #[inline]
    fn new_span(&self) -> Span {
        if !self.span {
            return Span::none();
        }
        tracing::info_span!(
            target: "otelgen",
            "cache",
            otel.name = self.name(),
            otelgen.cache.name = self.name(),
            otelgen.cache.result = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        )
    }

    /// Requests since the cache was made, by where the value came from.
    #[must_use]
    pub fn totals(&self) -> CacheTotals {
        let meters = &self.inner.meters;
        let sum = |source: Source| meters.requests.sum(source as usize);
        CacheTotals {
            hit: sum(Source::Hit),
            miss: sum(Source::Miss),
            coalesced: sum(Source::Coalesced),
            stale: sum(Source::Stale),
            evictions: meters.evictions.sum(0),
        }
    }

    fn find_or_make(
        name: &str,
        config: &CacheConfig,
        clock: Clock,
    ) -> Result<Self, PatternConfigError> {
        let name = CHECK.name(name)?;
        config.validate()?;
        let types = std::any::type_name::<(K, V)>();
        let same = |named: &Named| {
            named.config == *config
                && named.meters.clock.same(&clock)
                && named.inner.is::<Arc<Inner<K, V>>>()
        };
        let make = || {
            let inner = Arc::new(Inner::<K, V>::new(name, config, clock.clone()));
            Named {
                config: *config,
                meters: Arc::clone(&inner.meters),
                inner: Box::new(inner),
                types,
            }
        };
        let taken = |existing: &Named| {
            let (is, was) = ((existing.types, existing.config), (types, config));
            CHECK.taken(name, &is, &was)
        };
        let named = CACHES
            .find_or_make(name, same, make)
            .map_err(|existing| taken(&existing))?;
        let Some(inner) = named.inner.downcast_ref::<Arc<Inner<K, V>>>() else {
            return Err(taken(&named));
        };
        Ok(Self {
            inner: Arc::clone(inner),
            named,
            span: true,
            metrics: true,
        })
    }
}

impl<K, V> Inner<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn new(name: &'static str, config: &CacheConfig, clock: Clock) -> Self {
        recorder::look();
        let evictions = Counts::labelled(names::CACHE_EVICTIONS, name, "", [""]);
        let evictions = Arc::new(Meter::new(evictions));
        let evicted = Arc::clone(&evictions);
        let store = Store::new(config, clock.clone(), move || evicted.add(0));
        let (key, results) = (names::RESULT, names::CACHE_RESULTS);
        let requests = Counts::labelled(names::CACHE_REQUESTS, name, key, results);
        let meters = Meters {
            name,
            clock,
            requests: Meter::new(requests),
            loads: Durations::new(LOAD_DURATION, name, names::CACHE_LOAD_OUTCOMES),
            evictions,
            entries: Level::new(names::CACHE_ENTRIES, name),
            count_entries: Box::new(store.counter()),
        };
        Self {
            store,
            flights: Flights::new(),
            single_flight: config.single_flight,
            meters: Arc::new(meters),
        }
    }
}

/// Requests since a cache was made, by where the value came from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CacheTotals {
    /// The value was there.
    pub hit: u64,
    /// It was loaded, or should have been.
    pub miss: u64,
    /// Another call loaded it at the same time.
    pub coalesced: u64,
    /// Loading failed, and a value that was not too stale was returned.
    pub stale: u64,
    /// Entries that left because the cache was full or they were too old.
    pub evictions: u64,
}

/// Sets up a [`TracedCache`]. The settings are those of [`CacheConfig`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TracedCacheBuilder<K, V> {
    name: String,
    config: CacheConfig,
    clock: Clock,
    span: bool,
    metrics: bool,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> TracedCacheBuilder<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// All settings at once.
    pub fn config(mut self, config: CacheConfig) -> Self {
        self.config = config;
        self
    }

    /// See [`CacheConfig::ttl`].
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.config.ttl = Some(ttl);
        self
    }

    /// See [`CacheConfig::tti`].
    pub fn tti(mut self, tti: Duration) -> Self {
        self.config.tti = Some(tti);
        self
    }

    /// See [`CacheConfig::max_entries`].
    pub fn max_entries(mut self, entries: u64) -> Self {
        self.config.max_entries = entries;
        self
    }

    /// See [`CacheConfig::single_flight`].
    pub fn single_flight(mut self, single_flight: bool) -> Self {
        self.config.single_flight = single_flight;
        self
    }

    /// See [`CacheConfig::stale_if_error`].
    pub fn stale_if_error(mut self, stale: Duration) -> Self {
        self.config.stale_if_error = Some(stale);
        self
    }

    /// See [`CacheConfig::refresh_ahead`].
    pub fn refresh_ahead(mut self, ahead: Duration) -> Self {
        self.config.refresh_ahead = Some(ahead);
        self
    }

    /// See [`CacheConfig::ttl_jitter`].
    pub fn ttl_jitter(mut self, share: f64) -> Self {
        self.config.ttl_jitter = share;
        self
    }

    /// The clock to go by; the machine's unless a test says otherwise.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Whether calls through this instance make spans.
    pub fn span(mut self, span: bool) -> Self {
        self.span = span;
        self
    }

    /// Whether calls through this instance are counted.
    pub fn metrics(mut self, metrics: bool) -> Self {
        self.metrics = metrics;
        self
    }

    /// The cache of this name: a new one, or the one that exists with the same settings and types.
    ///
    /// # Errors
    /// A setting that cannot work, or a name that belongs to a cache with other settings or types.
    pub fn build(self) -> Result<TracedCache<K, V>, PatternConfigError> {
        let cache = TracedCache::find_or_make(&self.name, &self.config, self.clock)?;
        Ok(TracedCache {
            span: self.span,
            metrics: self.metrics,
            ..cache
        })
    }
}
