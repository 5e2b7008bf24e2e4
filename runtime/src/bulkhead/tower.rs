//! The bulkhead as a Tower layer.

use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::bulkhead::{BulkheadError, TracedBulkhead};

/// Bounds how many calls of a Tower service run at once.
///
/// ```
/// use otelgen::{TracedBulkhead, TracedBulkheadLayer};
/// use tower::ServiceBuilder;
///
/// let bulkhead = TracedBulkhead::builder("stock.bulkhead.tower")
///     .max_concurrent(8)
///     .build()?;
/// let service = ServiceBuilder::new()
///     .layer(TracedBulkheadLayer::new(bulkhead))
///     .service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item) });
/// # drop(service);
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TracedBulkheadLayer(TracedBulkhead);

impl TracedBulkheadLayer {
    /// Calls through the layer go through `bulkhead`.
    #[must_use]
    pub fn new(bulkhead: TracedBulkhead) -> Self {
        Self(bulkhead)
    }
}

impl<S> Layer<S> for TracedBulkheadLayer {
    type Service = TracedBulkheadService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedBulkheadService {
            inner,
            bulkhead: self.0.clone(),
        }
    }
}

/// A service inside a bulkhead: see [`TracedBulkheadLayer`].
#[derive(Clone, Debug)]
pub struct TracedBulkheadService<S> {
    inner: S,
    bulkhead: TracedBulkhead,
}

impl<S, R> Service<R> for TracedBulkheadService<S>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BulkheadError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(BulkheadError::Inner)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let bulkhead = self.bulkhead.clone();
        // The service that is ready is the one to call, when it is its turn; its clone becomes ready anew.
        let waiting = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, waiting);
        Box::pin(async move { bulkhead.call_async(|| ready.call(request)).await })
    }
}
