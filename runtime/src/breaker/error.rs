//! What a caller gets when a breaker stands in the way.

use std::time::Duration;

use thiserror::Error;

/// A call was rejected because the breaker is open.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("circuit breaker `{name}` is open{}", retry_hint(.retry_after))]
pub struct BreakerOpen {
    name: &'static str,
    retry_after: Option<Duration>,
}

fn retry_hint(retry_after: &Option<Duration>) -> String {
    match retry_after {
        Some(after) => format!("; it takes calls again in {} ms", after.as_millis()),
        None => String::new(),
    }
}

impl BreakerOpen {
    pub(crate) const fn new(name: &'static str, retry_after: Option<Duration>) -> Self {
        Self { name, retry_after }
    }

    /// Name of the breaker.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// How long until the breaker lets a probe through; `None` while probes are under way or where
    /// it was forced open. What a `Retry-After` header wants.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// What [`TracedCircuitBreaker::call`](crate::TracedCircuitBreaker::call) fails with.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum CircuitBreakerError<E> {
    /// The breaker is open, the operation was not started.
    #[error(transparent)]
    Open(BreakerOpen),
    /// The operation was run and failed.
    #[error(transparent)]
    Inner(E),
}

impl<E> CircuitBreakerError<E> {
    /// Whether the breaker rejected the call.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// The operation's own error, if it was run.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Open(_) => None,
            Self::Inner(error) => Some(error),
        }
    }
}

impl<E> From<BreakerOpen> for CircuitBreakerError<E> {
    fn from(open: BreakerOpen) -> Self {
        Self::Open(open)
    }
}
