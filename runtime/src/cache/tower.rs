//! The cache as a Tower layer.

use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::cache::TracedCache;

/// Keeps the responses of a Tower service. Requests without a key go past the cache.
///
/// ```
/// use otelgen::{TracedCache, TracedCacheLayer};
/// use tower::ServiceBuilder;
///
/// let cache = TracedCache::<u32, String>::builder("stock.cache.tower").build()?;
/// let service = ServiceBuilder::new()
///     .layer(TracedCacheLayer::new(cache, |item: &u32| Some(*item)))
///     .service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item.to_string()) });
/// # drop(service);
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
///
/// A response that is there is returned by `call`; the service behind is still asked for readiness.
#[derive(Clone, Debug)]
pub struct TracedCacheLayer<K, V, F> {
    cache: TracedCache<K, V>,
    key: F,
}

impl<K, V, F> TracedCacheLayer<K, V, F> {
    /// `key` names the key of a request, or `None` for one that must not be cached.
    #[must_use]
    pub fn new(cache: TracedCache<K, V>, key: F) -> Self {
        Self { cache, key }
    }
}

impl<S, K, V, F: Clone> Layer<S> for TracedCacheLayer<K, V, F> {
    type Service = TracedCacheService<S, K, V, F>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedCacheService {
            inner,
            cache: self.cache.clone(),
            key: self.key.clone(),
        }
    }
}

/// A service whose responses are kept: see [`TracedCacheLayer`].
#[derive(Clone, Debug)]
pub struct TracedCacheService<S, K, V, F> {
    inner: S,
    cache: TracedCache<K, V>,
    key: F,
}

impl<S, K, V, F, R> Service<R> for TracedCacheService<S, K, V, F>
where
    S: Service<R, Response = V> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Fn(&R) -> Option<K>,
    R: Send + 'static,
{
    type Response = V;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<V, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Some(key) = (self.key)(&request) else {
            return Box::pin(self.inner.call(request));
        };
        let cache = self.cache.clone();
        // The service that is ready is the one to call, if anything is to be loaded.
        let fresh = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            cache
                .get_or_load_async(&key, move || ready.call(request))
                .await
        })
    }
}
