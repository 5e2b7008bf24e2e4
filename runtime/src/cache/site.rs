//! What `#[traced_cache]` expands into: a static that finds its cache at the first call, when the types
//! of key and value are known.

use std::any::Any;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, OnceLock};

use tracing::Span;

use crate::cache::call::SharedError;
use crate::cache::{CacheConfig, TracedCache};
use crate::clock::Clock;
use crate::site::{Site, SiteNames};

/// The place of a `#[traced_cache]`.
#[derive(Debug)]
pub struct CacheSite {
    site: Site,
    config: CacheConfig,
    resolved: OnceLock<ResolvedCache>,
}

/// The cache of a place.
#[derive(Debug)]
pub struct ResolvedCache {
    names: SiteNames,
    config: CacheConfig,
    /// `TracedCache<K, V>`, or nothing where there can be none.
    cache: OnceLock<Option<Box<dyn Any + Send + Sync>>>,
}

impl CacheSite {
    /// As [`Site::new`], with the settings.
    #[must_use]
    pub const fn new(
        module: &'static str,
        function: &'static str,
        name: Option<&'static str>,
        config: CacheConfig,
    ) -> Self {
        Self {
            site: Site::new(module, function, name),
            config,
            resolved: OnceLock::new(),
        }
    }

    /// The place by name; the cache follows when its types are known.
    #[inline]
    pub fn resolve(&self, self_type: Option<fn() -> &'static str>) -> &ResolvedCache {
        self.resolved.get_or_init(|| ResolvedCache {
            names: *self.site.resolve(self_type),
            config: self.config,
            cache: OnceLock::new(),
        })
    }
}

impl ResolvedCache {
    /// See [`SiteNames::name`].
    #[inline]
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.names.name()
    }

    /// See [`SiteNames::function`].
    #[inline]
    #[must_use]
    pub const fn function(&self) -> &'static str {
        self.names.function()
    }

    /// The cache; nothing if its name belongs to another one, which is reported.
    fn cache<K, V>(&self) -> Option<&TracedCache<K, V>>
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let cache = self.cache.get_or_init(|| {
            match TracedCache::<K, V>::find_or_make(self.name(), &self.config, Clock::system()) {
                Ok(cache) => Some(Box::new(cache)),
                Err(error) => {
                    crate::registry::report(error);
                    None
                }
            }
        });
        let typed = cache.as_ref()?.downcast_ref();
        if typed.is_none() {
            // A generic function, whose second set of types asks for the first one's name.
            let other =
                TracedCache::<K, V>::find_or_make(self.name(), &self.config, Clock::system());
            if let Err(error) = other {
                crate::registry::report(error);
            }
        }
        typed
    }
}

/// What `store = …` may be, and what an attribute uses without it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cache of `{K}` to `{V}`",
    note = "`store` takes a `TracedCache<{K}, {V}>`, a reference to one, or one in an `Arc` or `LazyLock`; a value must be `Clone`"
)]
pub trait AsCache<K, V> {
    /// The cache, if there is one.
    fn as_cache(&self) -> Option<&TracedCache<K, V>>;
}

impl<K, V> AsCache<K, V> for ResolvedCache
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    #[inline]
    fn as_cache(&self) -> Option<&TracedCache<K, V>> {
        self.cache()
    }
}

impl<K, V> AsCache<K, V> for TracedCache<K, V> {
    #[inline]
    fn as_cache(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<K, V, C: AsCache<K, V> + ?Sized> AsCache<K, V> for &C {
    #[inline]
    fn as_cache(&self) -> Option<&TracedCache<K, V>> {
        (**self).as_cache()
    }
}

impl<K, V, C: AsCache<K, V> + ?Sized> AsCache<K, V> for Arc<C> {
    #[inline]
    fn as_cache(&self) -> Option<&TracedCache<K, V>> {
        (**self).as_cache()
    }
}

impl<K, V, C: AsCache<K, V>> AsCache<K, V> for LazyLock<C> {
    #[inline]
    fn as_cache(&self) -> Option<&TracedCache<K, V>> {
        (**self).as_cache()
    }
}

/// The name of the cache behind `store = …`, for its span.
pub fn cache_name<K, V>(cache: &impl AsCache<K, V>) -> &'static str
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    cache.as_cache().map_or("", TracedCache::name)
}

/// The value of the key, from the cache or from `load`.
///
/// # Errors
/// That of `load`.
#[inline]
pub fn cached<C, Q, V, E>(
    cache: &C,
    key: &Q,
    span: Span,
    metrics: bool,
    load: impl FnOnce() -> Result<V, E>,
    share: impl Fn(&E) -> Option<SharedError>,
) -> Result<V, E>
where
    C: AsCache<Q::Owned, V> + ?Sized,
    Q: Hash + Eq + ToOwned + ?Sized,
    Q::Owned: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: 'static,
{
    match cache.as_cache() {
        Some(cache) => {
            let request = cache.request(span, metrics);
            cache.inner.get_or_load_blocking(key, request, load, share)
        }
        None => span.in_scope(load),
    }
}

/// The value of the key, from the cache or from `load`.
///
/// # Errors
/// That of `load`.
#[inline]
pub async fn cached_async<C, Q, V, F, E>(
    cache: &C,
    key: &Q,
    span: Span,
    metrics: bool,
    load: F,
    share: impl Fn(&E) -> Option<SharedError>,
) -> Result<V, E>
where
    C: AsCache<Q::Owned, V> + ?Sized,
    Q: Hash + Eq + ToOwned + ?Sized,
    Q::Owned: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Result<V, E>>,
    E: 'static,
{
    match cache.as_cache() {
        Some(cache) => {
            let request = cache.request(span, metrics);
            cache.inner.get_or_load(key, request, load, share).await
        }
        None => tracing::Instrument::instrument(load, span).await,
    }
}

/// What `key = …` is, asked by method resolution: what a reference points to, or the value itself.
#[derive(Debug)]
pub struct KeyOf<'k, X>(pub &'k X);

/// The answer of a reference.
pub trait RefKey<'q, Q: ?Sized> {
    /// What it points to.
    fn cache_key(&self) -> &'q Q;
}

impl<'q, Q: ToOwned + ?Sized> RefKey<'q, Q> for &KeyOf<'_, &'q Q> {
    #[inline]
    fn cache_key(&self) -> &'q Q {
        self.0
    }
}

/// The answer of anything else.
pub trait AnyKey<'k, X> {
    /// Itself.
    fn cache_key(&self) -> &'k X;
}

impl<'k, X> AnyKey<'k, X> for KeyOf<'k, X> {
    #[inline]
    fn cache_key(&self) -> &'k X {
        self.0
    }
}
