//! Retry: an operation that failed is tried again, later and later, as often as it makes sense and no
//! more. A refusal of a circuit breaker is never tried again.
//!
//! `config` and `backoff` and `budget` → `call` → this module's API.

mod backoff;
mod budget;
mod call;
mod config;
#[cfg(feature = "tower")]
mod tower;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tracing::Span;

use crate::names;
use crate::pattern::meter::Meter;
use crate::pattern::{Pattern, PatternConfigError};
use crate::recorder::{self, Counts, Kind, Observed};
use crate::registry::Registry;
use crate::timeout::Elapsed;

pub use budget::RetryBudget;
pub use call::RetryVerdict;
pub use config::{Jitter, RetryConfig};
#[cfg(feature = "tower")]
pub use tower::{JudgeAttempt, TracedRetryLayer, TracedRetryService};

/// What attributes expand into.
pub(crate) mod private {
    pub use super::call::{Attempted, Attempts, Ended, RetryCall, WholeCall, judge_error, no_hint};
}

use self::call::{Outcome, RetryCall};
use self::config::CHECK;

/// The retry metrics that are read at collection.
pub(crate) const OBSERVED: &[Observed] = &[
    Observed {
        name: names::RETRY_CALLS,
        description: "Calls with retries, by how they ended.",
        unit: "{call}",
        kind: Kind::Counter,
        read: |observe| {
            for core in RETRIES.all() {
                for (index, outcome) in names::RETRY_OUTCOMES.into_iter().enumerate() {
                    observe(
                        core.calls.sum(index),
                        &[(names::NAME, core.name), (names::OUTCOME, outcome)],
                    );
                }
            }
        },
    },
    Observed {
        name: names::RETRY_ATTEMPTS,
        description: "Attempts of calls with retries, by how they ended.",
        unit: "{attempt}",
        kind: Kind::Counter,
        read: |observe| {
            for core in RETRIES.all() {
                for (index, outcome) in names::ATTEMPT_OUTCOMES.into_iter().enumerate() {
                    observe(
                        core.attempts.sum(index),
                        &[(names::NAME, core.name), (names::OUTCOME, outcome)],
                    );
                }
            }
        },
    },
];

static RETRIES: Registry<Core> = Registry::new();

#[derive(Debug)]
pub(crate) struct Core {
    name: &'static str,
    config: RetryConfig,
    budget: Option<RetryBudget>,
    calls: Meter<8>,
    attempts: Meter<4>,
}

impl Core {
    fn new(name: &'static str, config: RetryConfig) -> Self {
        recorder::look();
        let calls = Counts::new(names::RETRY_CALLS, name, names::RETRY_OUTCOMES);
        let attempts = Counts::new(names::RETRY_ATTEMPTS, name, names::ATTEMPT_OUTCOMES);
        let budget = config
            .budget
            .map(|ratio| RetryBudget::checked(ratio, RetryConfig::BUDGET_RESERVE));
        Self {
            name,
            config,
            budget,
            calls: Meter::new(calls),
            attempts: Meter::new(attempts),
        }
    }
}

/// What [`TracedRetry::call_async`] fails with.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum RetryError<E> {
    /// The last attempt had no result within `attempt_timeout`.
    #[error(transparent)]
    Elapsed(Elapsed),
    /// The last attempt failed.
    #[error(transparent)]
    Inner(E),
}

impl<E> RetryError<E> {
    /// The error of the last attempt, if it had one.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Elapsed(_) => None,
            Self::Inner(error) => Some(error),
        }
    }
}

impl<E> From<Elapsed> for RetryError<E> {
    fn from(elapsed: Elapsed) -> Self {
        Self::Elapsed(elapsed)
    }
}

/// A retry with its spans and metrics. Cheap to clone; clones count together.
///
/// ```
/// use std::time::Duration;
/// use otelgen::TracedRetry;
///
/// let retry = TracedRetry::builder("stock.retry")
///     .attempts(5)
///     .base(Duration::from_millis(1))
///     .build()?;
///
/// let mut failures = 2;
/// let answer = retry.call(|| {
///     if failures == 0 {
///         return Ok(7);
///     }
///     failures -= 1;
///     Err("connection refused")
/// });
/// assert_eq!(answer, Ok(7));
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
///
/// A call makes a span `retry`, and each attempt a child span `attempt`. The error of an attempt is
/// recorded on the attempt's span; the call's own fails only if the call does.
///
/// Whatever an error is turned into, one that comes from a circuit breaker's refusal during the attempt
/// is not tried again, unless a fallback answered it.
#[derive(Clone, Debug)]
pub struct TracedRetry {
    core: Arc<Core>,
    budget: Option<RetryBudget>,
    span: bool,
    metrics: bool,
}

impl TracedRetry {
    /// Starts a retry of that name, with [`RetryConfig::DEFAULT`].
    pub fn builder(name: impl Into<String>) -> TracedRetryBuilder {
        TracedRetryBuilder {
            name: name.into(),
            config: RetryConfig::DEFAULT,
            budget: None,
            span: true,
            metrics: true,
        }
    }

    fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            budget: None,
            span: true,
            metrics: true,
        }
    }

    /// Name of the retry.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.core.name
    }

    /// Runs `operation` until it succeeds or its attempts are used up; blocks the thread in between.
    ///
    /// `attempt_timeout` plays no part here: a thread cannot be taken away from an operation.
    ///
    /// # Errors
    /// That of the last attempt.
    pub fn call<T, E>(&self, operation: impl FnMut() -> Result<T, E>) -> Result<T, E> {
        self.call_judged(operation, retry_if_err)
    }

    /// As [`Self::call`]; `judge` says whether a result is worth another attempt, and when.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_judged<T, E>(
        &self,
        operation: impl FnMut() -> Result<T, E>,
        judge: impl Fn(&Result<T, E>) -> RetryVerdict,
    ) -> Result<T, E> {
        self.enter(self.new_span(), self.metrics)
            .run(operation, judge)
    }

    /// Awaits the futures that `operation` makes until one succeeds or the attempts are used up.
    ///
    /// # Errors
    /// [`RetryError::Inner`] with that of the last attempt, or [`RetryError::Elapsed`].
    pub async fn call_async<T, E, F>(
        &self,
        operation: impl FnMut() -> F,
    ) -> Result<T, RetryError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_async_judged(operation, retry_if_err).await
    }

    /// As [`Self::call_async`]; `judge` says whether a result is worth another attempt, and when.
    ///
    /// # Errors
    /// As [`Self::call_async`].
    pub async fn call_async_judged<T, E, F>(
        &self,
        operation: impl FnMut() -> F,
        judge: impl Fn(&Result<T, E>) -> RetryVerdict,
    ) -> Result<T, RetryError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.enter(self.new_span(), self.metrics)
            .run_mapped(operation, judge, RetryError::Inner, RetryError::Elapsed)
            .await
    }

    /// Starts a call; for attributes and layers, which bring their own span.
    #[doc(hidden)]
    #[inline]
    pub fn enter(&self, span: Span, metrics: bool) -> RetryCall<'_> {
        RetryCall::new(&self.core, self.budget.as_ref(), span, metrics)
    }

    /// As [`Self::enter`], with a budget that others share.
    #[doc(hidden)]
    #[inline]
    pub fn enter_with_budget<'r>(
        &'r self,
        budget: &'r RetryBudget,
        span: Span,
        metrics: bool,
    ) -> RetryCall<'r> {
        RetryCall::new(&self.core, Some(budget), span, metrics)
    }

    #[inline]
    fn new_span(&self) -> Span {
        if !self.span {
            return Span::none();
        }
        tracing::info_span!(
            target: "otelgen",
            "retry",
            otel.name = self.name(),
            otelgen.retry.name = self.name(),
            otelgen.retry.outcome = tracing::field::Empty,
            otelgen.retry.attempts = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        )
    }

    /// Calls since the retry was made, by how they ended.
    #[must_use]
    pub fn totals(&self) -> RetryTotals {
        let sum = |outcome: Outcome| self.core.calls.sum(outcome as usize);
        RetryTotals {
            success: sum(Outcome::Success),
            recovered: sum(Outcome::Recovered),
            exhausted: sum(Outcome::Exhausted),
            permanent: sum(Outcome::Permanent),
            rejected: sum(Outcome::Rejected),
            deadline: sum(Outcome::Deadline),
            budget: sum(Outcome::Budget),
            cancelled: sum(Outcome::Cancelled),
            attempts: (0..names::ATTEMPT_OUTCOMES.len())
                .map(|index| self.core.attempts.sum(index))
                .sum(),
        }
    }
}

#[inline]
fn retry_if_err<T, E>(result: &Result<T, E>) -> RetryVerdict {
    match result {
        Ok(_) => RetryVerdict::Done,
        Err(_) => RetryVerdict::Retry,
    }
}

/// Calls since a retry was made, by how they ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RetryTotals {
    /// The first attempt succeeded.
    pub success: u64,
    /// A later attempt succeeded.
    pub recovered: u64,
    /// The attempts were used up.
    pub exhausted: u64,
    /// The error was not worth another attempt, or the operation panicked.
    pub permanent: u64,
    /// A circuit breaker refused.
    pub rejected: u64,
    /// The next attempt would have been too late, or the dependency asked for more than `max_delay`.
    pub deadline: u64,
    /// The budget was spent.
    pub budget: u64,
    /// The caller gave up.
    pub cancelled: u64,
    /// Attempts of all of these.
    pub attempts: u64,
}

/// Sets up a [`TracedRetry`]. The settings are those of [`RetryConfig`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TracedRetryBuilder {
    name: String,
    config: RetryConfig,
    budget: Option<RetryBudget>,
    span: bool,
    metrics: bool,
}

impl TracedRetryBuilder {
    /// All settings at once.
    pub fn config(mut self, config: RetryConfig) -> Self {
        self.config = config;
        self
    }

    /// See [`RetryConfig::attempts`].
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.config.attempts = attempts;
        self
    }

    /// See [`RetryConfig::base`].
    pub fn base(mut self, base: Duration) -> Self {
        self.config.base = base;
        self
    }

    /// See [`RetryConfig::factor`].
    pub fn factor(mut self, factor: f64) -> Self {
        self.config.factor = factor;
        self
    }

    /// See [`RetryConfig::max_delay`].
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.config.max_delay = delay;
        self
    }

    /// See [`RetryConfig::jitter`].
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.config.jitter = jitter;
        self
    }

    /// See [`RetryConfig::deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.config.deadline = Some(deadline);
        self
    }

    /// See [`RetryConfig::attempt_timeout`].
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.config.attempt_timeout = Some(timeout);
        self
    }

    /// See [`RetryConfig::budget`].
    pub fn budget_ratio(mut self, ratio: f64) -> Self {
        self.config.budget = Some(ratio);
        self
    }

    /// A budget that several retries may share; it takes the place of
    /// [`budget_ratio`](Self::budget_ratio).
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Whether calls through this instance make spans.
    pub fn span(mut self, span: bool) -> Self {
        self.span = span;
        self
    }

    /// Whether calls through this instance are counted.
    pub fn metrics(mut self, metrics: bool) -> Self {
        self.metrics = metrics;
        self
    }

    /// The retry of this name: a new one, or the one that exists with the same settings.
    ///
    /// # Errors
    /// A setting that cannot work, or a name that belongs to a retry with other settings.
    pub fn build(self) -> Result<TracedRetry, PatternConfigError> {
        let retry = TracedRetry::find_or_make(&self.name, &self.config).map_err(|error| error.0)?;
        Ok(TracedRetry {
            budget: self.budget,
            span: self.span,
            metrics: self.metrics,
            ..retry
        })
    }
}

impl Pattern for TracedRetry {
    type Config = RetryConfig;

    fn find_or_make(
        name: &str,
        config: &RetryConfig,
    ) -> Result<Self, (PatternConfigError, Option<Self>)> {
        let name = CHECK.name(name).map_err(|error| (error, None))?;
        config.validate().map_err(|error| (error, None))?;
        RETRIES
            .find_or_make(
                name,
                |core| core.config == *config,
                || Core::new(name, *config),
            )
            .map(Self::new)
            .map_err(|existing| {
                let error = CHECK.taken(name, &existing.config, config);
                (error, Some(Self::new(existing)))
            })
    }

    fn unlisted(name: &'static str) -> Self {
        Self::new(Arc::new(Core::new(name, RetryConfig::DEFAULT)))
    }
}
