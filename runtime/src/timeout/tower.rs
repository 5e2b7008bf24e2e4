//! The timeout as a Tower layer.

use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::timeout::{TimeoutError, TracedTimeout};

/// Bounds the time of a Tower service's responses.
///
/// ```
/// use std::time::Duration;
/// use otelgen::{TracedTimeout, TracedTimeoutLayer};
/// use tower::ServiceBuilder;
///
/// let timeout = TracedTimeout::builder("stock.timeout.tower")
///     .after(Duration::from_secs(2))
///     .build()?;
/// let service = ServiceBuilder::new()
///     .layer(TracedTimeoutLayer::new(timeout))
///     .service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item) });
/// # drop(service);
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TracedTimeoutLayer(TracedTimeout);

impl TracedTimeoutLayer {
    /// Calls through the layer have the time of `timeout`.
    #[must_use]
    pub fn new(timeout: TracedTimeout) -> Self {
        Self(timeout)
    }
}

impl<S> Layer<S> for TracedTimeoutLayer {
    type Service = TracedTimeoutService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedTimeoutService {
            inner,
            timeout: self.0.clone(),
        }
    }
}

/// A service under a timeout: see [`TracedTimeoutLayer`].
#[derive(Clone, Debug)]
pub struct TracedTimeoutService<S> {
    inner: S,
    timeout: TracedTimeout,
}

impl<S, R> Service<R> for TracedTimeoutService<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
{
    type Response = S::Response;
    type Error = TimeoutError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(TimeoutError::Inner)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let timeout = self.timeout.clone();
        let response = self.inner.call(request);
        Box::pin(async move { timeout.call_async(|| response).await })
    }
}
