//! The retry as a Tower layer.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::retry::{RetryError, RetryVerdict, TracedRetry, retry_if_err};

/// Tries a Tower service's requests again.
///
/// ```
/// use otelgen::{TracedRetry, TracedRetryLayer};
/// use tower::ServiceBuilder;
///
/// let retry = TracedRetry::builder("stock.retry.tower").build()?;
/// let service = ServiceBuilder::new()
///     .layer(TracedRetryLayer::new(retry))
///     .service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item) });
/// # drop(service);
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
///
/// Requests are cloned for each attempt, and so is the service, which is awaited to be ready each time.
#[derive(Clone, Debug)]
pub struct TracedRetryLayer<J = ()> {
    retry: TracedRetry,
    judge: J,
}

impl TracedRetryLayer {
    /// Every error of the service is worth another attempt.
    #[must_use]
    pub fn new(retry: TracedRetry) -> Self {
        Self { retry, judge: () }
    }
}

impl<J> TracedRetryLayer<J> {
    /// `judge` says which result is worth another attempt, such as a response with status 503.
    #[must_use]
    pub fn judged<J2>(self, judge: J2) -> TracedRetryLayer<J2> {
        TracedRetryLayer {
            retry: self.retry,
            judge,
        }
    }
}

impl<S, J: Clone> Layer<S> for TracedRetryLayer<J> {
    type Service = TracedRetryService<S, J>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedRetryService {
            inner,
            retry: self.retry.clone(),
            judge: self.judge.clone(),
        }
    }
}

/// A service whose requests are tried again: see [`TracedRetryLayer`].
#[derive(Clone, Debug)]
pub struct TracedRetryService<S, J = ()> {
    inner: S,
    retry: TracedRetry,
    judge: J,
}

/// Judges what an attempt returned; `()` tries again after every error.
pub trait JudgeAttempt<T, E>: Clone {
    /// What to do with the result.
    fn judge(&self, result: &Result<T, E>) -> RetryVerdict;
}

impl<T, E> JudgeAttempt<T, E> for () {
    fn judge(&self, result: &Result<T, E>) -> RetryVerdict {
        retry_if_err(result)
    }
}

impl<T, E, F> JudgeAttempt<T, E> for F
where
    F: Fn(&Result<T, E>) -> RetryVerdict + Clone,
{
    fn judge(&self, result: &Result<T, E>) -> RetryVerdict {
        self(result)
    }
}

impl<S, J, R> Service<R> for TracedRetryService<S, J>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
    J: JudgeAttempt<S::Response, S::Error> + Send + Sync + 'static,
    R: Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = RetryError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(RetryError::Inner)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let retry = self.retry.clone();
        let judge = self.judge.clone();
        // The service that is ready makes the first attempt; later ones wait for it to be ready again.
        let fresh = self.inner.clone();
        let mut service = std::mem::replace(&mut self.inner, fresh);
        let mut is_ready = true;
        Box::pin(async move {
            let attempt = move || {
                let fresh = service.clone();
                let service = std::mem::replace(&mut service, fresh);
                attempt_with(service, request.clone(), std::mem::take(&mut is_ready))
            };
            retry
                .call_async_judged(attempt, |result| judge.judge(result))
                .await
        })
    }
}

async fn attempt_with<S: Service<R>, R>(
    mut service: S,
    request: R,
    is_ready: bool,
) -> Result<S::Response, S::Error> {
    if !is_ready {
        poll_fn(|context| service.poll_ready(context)).await?;
    }
    service.call(request).await
}
