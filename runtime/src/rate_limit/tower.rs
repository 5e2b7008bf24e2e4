//! The rate limit as a Tower layer.

use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::rate_limit::{RateLimitError, TracedRateLimit};

/// Bounds how many calls of a Tower service start in a time.
///
/// ```
/// use otelgen::{TracedRateLimit, TracedRateLimitLayer};
/// use tower::ServiceBuilder;
///
/// let limit = TracedRateLimit::builder("stock.limit.tower", 100.0)
///     .burst(8)
///     .build()?;
/// let service = ServiceBuilder::new()
///     .layer(TracedRateLimitLayer::new(limit))
///     .service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item) });
/// # drop(service);
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TracedRateLimitLayer(TracedRateLimit);

impl TracedRateLimitLayer {
    /// Calls through the layer go through `limit`.
    #[must_use]
    pub fn new(limit: TracedRateLimit) -> Self {
        Self(limit)
    }
}

impl<S> Layer<S> for TracedRateLimitLayer {
    type Service = TracedRateLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedRateLimitService {
            inner,
            limit: self.0.clone(),
        }
    }
}

/// A service behind a rate limit: see [`TracedRateLimitLayer`].
#[derive(Clone, Debug)]
pub struct TracedRateLimitService<S> {
    inner: S,
    limit: TracedRateLimit,
}

impl<S, R> Service<R> for TracedRateLimitService<S>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = RateLimitError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner
            .poll_ready(context)
            .map_err(RateLimitError::Inner)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let limit = self.limit.clone();
        // The service that is ready is the one to call, when the rate allows it; its clone becomes ready anew.
        let waiting = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, waiting);
        Box::pin(async move { limit.call_async(|| ready.call(request)).await })
    }
}
