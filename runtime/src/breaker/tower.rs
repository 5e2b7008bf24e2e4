//! The breaker as a Tower layer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Span;

use crate::breaker::TracedCircuitBreaker;
use crate::breaker::call::{Guarded, JudgeResult};
use crate::breaker::core::Core;
use crate::breaker::error::{BreakerOpen, CircuitBreakerError};

/// Guards a Tower service with a breaker.
///
/// ```
/// use otelgen::{TracedCircuitBreaker, TracedCircuitBreakerLayer};
/// use tower::ServiceBuilder;
///
/// let breaker = TracedCircuitBreaker::builder("stock.tower").build()?;
/// let service = ServiceBuilder::new()
///     .layer(TracedCircuitBreakerLayer::new(breaker))
///     .service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item) });
/// # drop(service);
/// # Ok::<(), otelgen::BreakerConfigError>(())
/// ```
///
/// An open breaker answers with [`CircuitBreakerError::Open`] and the service is not called. It is still
/// asked for readiness, since a permit is taken by a call, not by `poll_ready`.
#[derive(Clone, Debug)]
pub struct TracedCircuitBreakerLayer<J = ()> {
    breaker: TracedCircuitBreaker,
    judge: J,
}

impl TracedCircuitBreakerLayer {
    /// Every error of the service counts as a failure.
    #[must_use]
    pub fn new(breaker: TracedCircuitBreaker) -> Self {
        Self { breaker, judge: () }
    }
}

impl<J> TracedCircuitBreakerLayer<J> {
    /// `judge` says what a result means, such as a response with status 503.
    #[must_use]
    pub fn judged<J2>(self, judge: J2) -> TracedCircuitBreakerLayer<J2> {
        TracedCircuitBreakerLayer {
            breaker: self.breaker,
            judge,
        }
    }
}

impl<S, J: Clone> Layer<S> for TracedCircuitBreakerLayer<J> {
    type Service = TracedCircuitBreakerService<S, J>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedCircuitBreakerService {
            inner,
            breaker: self.breaker.clone(),
            judge: self.judge.clone(),
        }
    }
}

/// A service behind a breaker: see [`TracedCircuitBreakerLayer`].
#[derive(Clone, Debug)]
pub struct TracedCircuitBreakerService<S, J = ()> {
    inner: S,
    breaker: TracedCircuitBreaker,
    judge: J,
}

impl<S, J, R> Service<R> for TracedCircuitBreakerService<S, J>
where
    S: Service<R>,
    J: JudgeResult<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = CircuitBreakerError<S::Error>;
    type Future = TracedCircuitBreakerFuture<S::Future, J>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner
            .poll_ready(context)
            .map_err(CircuitBreakerError::Inner)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let answer = match self.breaker.enter_owned() {
            Ok(call) => {
                let span = call.span().clone();
                let response = span.in_scope(|| self.inner.call(request));
                Answer::Passed {
                    response: call.run_async_judged(response, self.judge.clone()),
                }
            }
            Err(rejected) => Answer::Rejected {
                open: rejected.into_error(),
            },
        };
        TracedCircuitBreakerFuture { answer }
    }
}

pin_project! {
    /// The response of a [`TracedCircuitBreakerService`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct TracedCircuitBreakerFuture<F, J> {
        #[pin]
        answer: Answer<F, J>,
    }
}

pin_project! {
    #[project = AnswerProjected]
    #[derive(Debug)]
    enum Answer<F, J> {
        Passed {
            #[pin]
            response: Guarded<Arc<Core>, Span, F, J>,
        },
        Rejected {
            open: BreakerOpen,
        },
    }
}

impl<F, J, T, E> Future for TracedCircuitBreakerFuture<F, J>
where
    F: Future<Output = Result<T, E>>,
    J: JudgeResult<T, E>,
{
    type Output = Result<T, CircuitBreakerError<E>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().answer.project() {
            AnswerProjected::Passed { response } => {
                response.poll(context).map_err(CircuitBreakerError::Inner)
            }
            AnswerProjected::Rejected { open } => {
                Poll::Ready(Err(CircuitBreakerError::Open(*open)))
            }
        }
    }
}
