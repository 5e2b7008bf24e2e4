//! One request to a rate limit: let through at once, after a wait, or not.

use std::any::type_name;

use tracing::Span;

use crate::names;
use crate::pattern::{Abandoned, Watched, Watcher, watch};
use crate::rate_limit::limiter::Answer;
use crate::rate_limit::{Core, RateLimited};
use crate::recorder;

/// In the order of [`names::RATE_LIMIT_RESULTS`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Allowed,
    Delayed,
    Rejected,
    Cancelled,
}

/// A request that may run.
#[derive(Debug)]
#[must_use]
pub struct AdmittedCall {
    span: Span,
}

/// A request beyond the rate.
#[derive(Debug)]
#[must_use]
pub struct LimitedCall {
    limited: RateLimited,
    span: Span,
}

impl LimitedCall {
    /// The rejection as the call's error.
    pub fn into_error(self) -> RateLimited {
        if !self.span.is_disabled() {
            crate::span::fail(&self.span, names::ERROR_RATE_LIMITED);
        }
        self.limited
    }
}

/// Counts what the limit said, once.
struct Request<'l> {
    core: &'l Core,
    metrics: bool,
    span: &'l Span,
    /// When it began to wait.
    waiting: Option<u64>,
    settled: bool,
}

impl Request<'_> {
    #[inline]
    fn settle(&mut self, outcome: Outcome) {
        self.settled = true;
        let index = outcome as usize;
        if self.metrics {
            self.core.meter.add(index);
            if let Some(since) = self.waiting {
                self.core.queue.record(index, self.core.clock.since(since));
            }
        }
        if !self.span.is_disabled() {
            self.span.record(
                names::SPAN_RATE_LIMIT_RESULT,
                names::RATE_LIMIT_RESULTS.get(index),
            );
        }
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.settle(Outcome::Cancelled);
        }
    }
}

impl AdmittedCall {
    #[inline]
    pub(crate) fn enter(
        core: &Core,
        key: u64,
        span: Span,
        metrics: bool,
    ) -> Result<Self, LimitedCall> {
        let mut request = Request::new(core, metrics, &span);
        let answer = match (core.limiter.pass(key), core.config.max_wait) {
            (Ok(()), _) => Answer::Allowed,
            (Err(wait), None) => Answer::Rejected(wait),
            (Err(wait), Some(at_most)) => {
                request.starts_waiting();
                core.limiter.wait_blocking(key, wait, at_most)
            }
        };
        let limited = request.answered(answer);
        drop(request);
        Self::answered(limited, span)
    }

    #[inline]
    pub(crate) async fn enter_async(
        core: &Core,
        key: u64,
        span: Span,
        metrics: bool,
    ) -> Result<Self, LimitedCall> {
        let mut request = Request::new(core, metrics, &span);
        let answer = match (core.limiter.pass(key), core.config.max_wait) {
            (Ok(()), _) => Answer::Allowed,
            (Err(wait), None) => Answer::Rejected(wait),
            (Err(wait), Some(at_most)) => {
                request.starts_waiting();
                core.limiter.wait(key, wait, at_most).await
            }
        };
        let limited = request.answered(answer);
        drop(request);
        Self::answered(limited, span)
    }

    #[inline]
    fn answered(limited: Option<RateLimited>, span: Span) -> Result<Self, LimitedCall> {
        match limited {
            None => Ok(Self { span }),
            Some(limited) => Err(LimitedCall { limited, span }),
        }
    }

    /// Runs the operation.
    ///
    /// # Errors
    /// The operation's own.
    #[inline]
    pub fn run<T, E>(self, operation: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        watch(Running, self.span, operation, Running::settle)
    }

    /// Awaits the operation.
    #[inline]
    pub fn run_async<F, T, E>(self, operation: F) -> impl Future<Output = Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        Watched::new(Running, self.span, operation, Running::settle)
    }
}

impl<'l> Request<'l> {
    #[inline]
    fn new(core: &'l Core, metrics: bool, span: &'l Span) -> Self {
        Self {
            core,
            metrics,
            span,
            waiting: None,
            settled: false,
        }
    }

    #[cold]
    fn starts_waiting(&mut self) {
        recorder::look();
        if self.metrics && recorder::is_active() {
            self.waiting = Some(self.core.clock.stamp());
        }
    }

    /// Counts the answer; the rejection, if it is one.
    #[inline]
    fn answered(&mut self, answer: Answer) -> Option<RateLimited> {
        match answer {
            Answer::Allowed => self.settle(Outcome::Allowed),
            Answer::Delayed => self.settle(Outcome::Delayed),
            Answer::Rejected(wait) => {
                self.settle(Outcome::Rejected);
                return Some(RateLimited {
                    name: self.core.name,
                    retry_after: wait,
                });
            }
        }
        None
    }
}

/// Marks the span of a call that fails.
#[derive(Debug)]
struct Running;

impl Running {
    #[inline]
    fn settle<T, E>(result: &Result<T, E>, _: &Self, span: &Span) {
        if result.is_err() && !span.is_disabled() {
            crate::span::fail(span, type_name::<E>());
        }
    }
}

impl Watcher for Running {
    #[cold]
    fn abandoned(&self, how: Abandoned, span: &Span) {
        if how == Abandoned::Panicked && !span.is_disabled() {
            crate::span::fail(span, names::ERROR_PANIC);
        }
    }
}

/// An error type that has a way to say that there were too many requests.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that there were too many requests",
    label = "the error type of this function",
    note = "implement `From<otelgen::RateLimited>` for `{Self}`, or name a function that makes the error with `map = path`"
)]
pub trait AnswersLimited: Sized {
    /// The error for a rejected request.
    fn from_limited(limited: RateLimited) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<RateLimited>> AnswersLimited for E {
    fn from_limited(limited: RateLimited) -> Self {
        Self::from(limited)
    }
}

/// The default of `map`.
#[inline]
pub fn limited<E: AnswersLimited>(limited: RateLimited) -> E {
    E::from_limited(limited)
}
