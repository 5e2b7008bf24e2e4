//! Span, counts and durations of any Tower service.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Span;

use super::{FunctionMeter, Progress, TracedFunction, abandon, settle, started};
use crate::pattern::{Abandoned, Watched, Watcher};
use crate::span::error_of;

/// Traces a Tower service's calls: a span, and calls, durations and errors as metrics.
///
/// ```
/// use otelgen::{TracedFunction, TracedLayer};
/// use tower::ServiceBuilder;
///
/// let function = TracedFunction::builder("stock.traced.tower").build()?;
/// let service = ServiceBuilder::new()
///     .layer(TracedLayer::new(function))
///     .service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item) });
/// # drop(service);
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
///
/// Requests and responses of any type; for those of HTTP the feature `http` has a layer with HTTP's own conventions.
#[derive(Clone, Debug)]
pub struct TracedLayer(TracedFunction);

impl TracedLayer {
    /// Calls through the layer are calls of `function`.
    #[must_use]
    pub fn new(function: TracedFunction) -> Self {
        Self(function)
    }
}

impl<S> Layer<S> for TracedLayer {
    type Service = TracedService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedService {
            inner,
            function: self.0.clone(),
        }
    }
}

/// A service whose calls are traced: see [`TracedLayer`].
#[derive(Clone, Debug)]
pub struct TracedService<S> {
    inner: S,
    function: TracedFunction,
}

impl<S: Service<R>, R> Service<R> for TracedService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = TracedServiceFuture<S::Future, S::Response, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let meter = self.function.meter();
        let watch = Watch {
            started: started(meter.is_some()),
            meter,
        };
        let span = self.function.new_span();
        TracedServiceFuture {
            response: Watched::start(watch, span, || self.inner.call(request), settled),
        }
    }
}

pin_project! {
    /// The response of a [`TracedService`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct TracedServiceFuture<F, T, E> {
        #[pin]
        response: Watched<F, Watch, Settled<T, E>>,
    }
}

impl<F: Future<Output = Result<T, E>>, T, E> Future for TracedServiceFuture<F, T, E> {
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().response.poll(context)
    }
}

#[derive(Debug)]
struct Watch {
    meter: Option<Arc<FunctionMeter>>,
    started: Option<u64>,
}

type Settled<T, E> = fn(&Result<T, E>, &Watch, &Span);

fn settled<T, E>(result: &Result<T, E>, watch: &Watch, span: &Span) {
    settle(
        watch.meter.as_deref(),
        watch.started,
        span,
        error_of(result),
    );
}

impl Watcher for Watch {
    #[cold]
    fn abandoned(&self, how: Abandoned, span: &Span) {
        let progress = match how {
            Abandoned::Cancelled => Progress::Waiting,
            Abandoned::Panicked => Progress::Running,
        };
        abandon(self.meter.as_deref(), self.started, span, progress);
    }
}
