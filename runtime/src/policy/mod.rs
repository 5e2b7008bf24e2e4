//! A policy: retry, circuit breaker and timeout under one name, made once and used for every call to one
//! dependency. From outside to inside: retry → breaker → timeout, so each attempt has its own time and
//! asks the breaker, and a refusal of the breaker ends the retries.

#[cfg(feature = "tower")]
mod tower;

use std::time::Duration;

use thiserror::Error;

use crate::breaker::{
    BreakerOpen, CircuitBreakerError, TracedCircuitBreaker, TracedCircuitBreakerBuilder,
};
use crate::pattern::Check;
use crate::registry::ConfigurationError;
use crate::retry::{RetryError, RetryVerdict, TracedRetry, TracedRetryBuilder};
use crate::timeout::{Elapsed, TimeoutError, TracedTimeout};

#[cfg(feature = "tower")]
pub use tower::{PolicyLayer, PolicyService};

/// What [`Policy::call`] fails with.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum PolicyError<E> {
    /// The circuit breaker is open.
    #[error(transparent)]
    Open(BreakerOpen),
    /// The last attempt had no result in time.
    #[error(transparent)]
    Elapsed(Elapsed),
    /// The last attempt failed.
    #[error(transparent)]
    Inner(E),
}

impl<E> PolicyError<E> {
    /// The operation's own error, if it had one.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Open(_) | Self::Elapsed(_) => None,
            Self::Inner(error) => Some(error),
        }
    }
}

impl<E> From<RetryError<Self>> for PolicyError<E> {
    fn from(error: RetryError<Self>) -> Self {
        match error {
            RetryError::Elapsed(elapsed) => Self::Elapsed(elapsed),
            RetryError::Inner(error) => error,
        }
    }
}

impl<E> From<CircuitBreakerError<Self>> for PolicyError<E> {
    fn from(error: CircuitBreakerError<Self>) -> Self {
        match error {
            CircuitBreakerError::Open(open) => Self::Open(open),
            CircuitBreakerError::Inner(error) => error,
        }
    }
}

impl<E> From<TimeoutError<E>> for PolicyError<E> {
    fn from(error: TimeoutError<E>) -> Self {
        match error {
            TimeoutError::Elapsed(elapsed) => Self::Elapsed(elapsed),
            TimeoutError::Inner(error) => Self::Inner(error),
        }
    }
}

/// Retry, circuit breaker and timeout for one dependency. Cheap to clone; clones are the same policy.
///
/// ```
/// use std::time::Duration;
/// use otelgen::Policy;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let payments = Policy::builder("payments.policy")
///     .retry(|retry| retry.attempts(3))
///     .circuit_breaker(|breaker| breaker.min_calls(10))
///     .timeout(Duration::from_secs(2))
///     .build()?;
///
/// let answer = payments.call_async(|| async { Ok::<_, std::io::Error>(7) }).await?;
/// assert_eq!(answer, 7);
/// # Ok(())
/// # }
/// ```
///
/// What is left out is not done. Each part has the policy's name, its own span and its own metrics.
#[derive(Clone, Debug)]
pub struct Policy {
    retry: Option<TracedRetry>,
    breaker: Option<TracedCircuitBreaker>,
    timeout: Option<TracedTimeout>,
}

impl Policy {
    /// Starts a policy whose parts have that name.
    pub fn builder(name: impl Into<String>) -> PolicyBuilder {
        PolicyBuilder {
            name: name.into(),
            retry: None,
            breaker: None,
            timeout: None,
        }
    }

    /// The retry, if there is one.
    #[must_use]
    pub fn retry(&self) -> Option<&TracedRetry> {
        self.retry.as_ref()
    }

    /// The circuit breaker, if there is one.
    #[must_use]
    pub fn circuit_breaker(&self) -> Option<&TracedCircuitBreaker> {
        self.breaker.as_ref()
    }

    /// The timeout, if there is one.
    #[must_use]
    pub fn timeout(&self) -> Option<&TracedTimeout> {
        self.timeout.as_ref()
    }

    /// Runs `operation` under the policy; the timeout plays no part, since a thread cannot be taken away
    /// from an operation.
    ///
    /// # Errors
    /// The refusal of the breaker, or the operation's own.
    pub fn call<T, E>(
        &self,
        mut operation: impl FnMut() -> Result<T, E>,
    ) -> Result<T, PolicyError<E>> {
        let mut attempt = || {
            let mut operation = || operation().map_err(PolicyError::Inner);
            match &self.breaker {
                Some(breaker) => breaker.call(operation).map_err(PolicyError::from),
                None => operation(),
            }
        };
        match &self.retry {
            Some(retry) => retry.call(attempt),
            None => attempt(),
        }
    }

    /// Awaits the futures that `operation` makes under the policy. Every error is worth another attempt,
    /// except the refusal of the breaker.
    ///
    /// # Errors
    /// The refusal of the breaker, that the time was over, or the operation's own.
    pub async fn call_async<T, E, F>(
        &self,
        operation: impl FnMut() -> F,
    ) -> Result<T, PolicyError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_async_judged(operation, |result| match result {
            Ok(_) => RetryVerdict::Done,
            Err(_) => RetryVerdict::Retry,
        })
        .await
    }

    /// As [`Self::call_async`]; `judge` says whether a result is worth another attempt, and when.
    ///
    /// # Errors
    /// As [`Self::call_async`].
    pub async fn call_async_judged<T, E, F>(
        &self,
        mut operation: impl FnMut() -> F,
        judge: impl Fn(&Result<T, PolicyError<E>>) -> RetryVerdict,
    ) -> Result<T, PolicyError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        match &self.retry {
            Some(retry) => retry
                .call_async_judged(|| self.attempt(operation()), judge)
                .await
                .map_err(PolicyError::from),
            None => self.attempt(operation()).await,
        }
    }

    async fn attempt<T, E, F>(&self, operation: F) -> Result<T, PolicyError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let timed = async {
            match &self.timeout {
                Some(timeout) => timeout
                    .call_async(|| operation)
                    .await
                    .map_err(PolicyError::from),
                None => operation.await.map_err(PolicyError::Inner),
            }
        };
        match &self.breaker {
            Some(breaker) => breaker
                .call_async(|| timed)
                .await
                .map_err(PolicyError::from),
            None => timed.await,
        }
    }
}

/// Sets up a [`Policy`].
#[derive(Clone, Debug)]
#[must_use]
pub struct PolicyBuilder {
    name: String,
    retry: Option<TracedRetryBuilder>,
    breaker: Option<TracedCircuitBreakerBuilder>,
    timeout: Option<Duration>,
}

impl PolicyBuilder {
    /// Failed operations are tried again; `set` changes the defaults.
    pub fn retry(mut self, set: impl FnOnce(TracedRetryBuilder) -> TracedRetryBuilder) -> Self {
        self.retry = Some(set(TracedRetry::builder(self.name.as_str())));
        self
    }

    /// A dependency that fails is left alone for a while; `set` changes the defaults.
    pub fn circuit_breaker(
        mut self,
        set: impl FnOnce(TracedCircuitBreakerBuilder) -> TracedCircuitBreakerBuilder,
    ) -> Self {
        self.breaker = Some(set(TracedCircuitBreaker::builder(self.name.as_str())));
        self
    }

    /// How long each attempt may take.
    pub fn timeout(mut self, after: Duration) -> Self {
        self.timeout = Some(after);
        self
    }

    /// The policy.
    ///
    /// # Errors
    /// That of the first part that cannot be made, or that there is none.
    pub fn build(self) -> Result<Policy, ConfigurationError> {
        if self.retry.is_none() && self.breaker.is_none() && self.timeout.is_none() {
            let advice = "set at least one of `retry`, `circuit_breaker` and `timeout`";
            return Err(Check("policy").missing("retry", advice).into());
        }
        let timeout = self
            .timeout
            .map(|after| {
                TracedTimeout::builder(self.name.as_str())
                    .after(after)
                    .build()
            })
            .transpose()?;
        Ok(Policy {
            retry: self.retry.map(TracedRetryBuilder::build).transpose()?,
            breaker: self
                .breaker
                .map(TracedCircuitBreakerBuilder::build)
                .transpose()?,
            timeout,
        })
    }
}
