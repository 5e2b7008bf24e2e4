//! Circuit breaker: calls to a dependency that fails are refused for a while, so that neither side
//! drowns in them (M. Nygard, *Release It!*; M. Fowler, "CircuitBreaker").
//!
//! `config` → `state` → `machine` and `window` → `core` → `call` → this module's API; `registry` and `telemetry`
//! show what is there.

mod call;
mod config;
mod core;
mod error;
mod handle;
mod keyed;
mod machine;
mod outcome;
mod registry;
mod site;
mod state;
mod telemetry;
#[cfg(feature = "tower")]
mod tower;
mod window;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use crate::clock::Clock;

pub use call::{BreakerVerdict, JudgeResult};
pub use config::{BreakerConfig, BreakerConfigError, BreakerWindow};
pub use error::{BreakerOpen, CircuitBreakerError};
pub use handle::{BreakerHandle, BreakerSnapshot, BreakerTotals};
pub use keyed::KeyedCircuitBreakers;
pub use registry::{breaker, breakers};
pub use state::BreakerState;
#[cfg(feature = "tower")]
pub use tower::{
    TracedCircuitBreakerFuture, TracedCircuitBreakerLayer, TracedCircuitBreakerService,
};

pub(crate) use telemetry::OBSERVED;

/// What attributes expand into.
pub(crate) mod private {
    pub use super::call::{Guarded, GuardedCall, RejectedCall};
    pub use super::site::{
        AnswersOpen, AsBreaker, BreakerSite, KeyedBreakerSite, reject, reject_as,
    };
}

use self::call::{GuardedCall, RejectedCall};
use self::core::Core;

/// A circuit breaker with its span and metrics. Cheap to clone; clones are the same breaker.
///
/// ```
/// use otelgen::{CircuitBreakerError, TracedCircuitBreaker};
///
/// let breaker = TracedCircuitBreaker::builder("stock")
///     .failure_rate(0.5)
///     .min_calls(4)
///     .build()?;
///
/// for _ in 0..4 {
///     let _ = breaker.call(|| Err::<u32, _>("connection refused"));
/// }
/// match breaker.call(|| Ok::<_, &str>(7)) {
///     Err(CircuitBreakerError::Open(open)) => println!("{open}"),
///     other => panic!("the breaker should be open, and returned {other:?}"),
/// }
/// # Ok::<(), otelgen::BreakerConfigError>(())
/// ```
///
/// Every call makes a span `circuit_breaker` (renamed after the breaker by OpenTelemetry layers), is
/// counted, and, where metrics are collected, timed: see [`names`](crate::names). A change of state is an
/// INFO event inside the span of the call that caused it.
#[derive(Clone, Debug)]
pub struct TracedCircuitBreaker {
    core: Arc<Core>,
    span: bool,
    metrics: bool,
}

impl TracedCircuitBreaker {
    /// Starts a breaker of that name, with [`BreakerConfig::DEFAULT`].
    pub fn builder(name: impl Into<String>) -> TracedCircuitBreakerBuilder {
        TracedCircuitBreakerBuilder {
            name: name.into(),
            config: BreakerConfig::DEFAULT,
            clock: Clock::system(),
            span: true,
            metrics: true,
        }
    }

    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            span: true,
            metrics: true,
        }
    }

    /// Name of the breaker.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.core.name()
    }

    /// Runs `operation` unless the breaker is open. Every error counts as a failure.
    ///
    /// # Errors
    /// [`CircuitBreakerError::Open`] without running it, or its own as [`CircuitBreakerError::Inner`].
    #[inline]
    pub fn call<T, E>(
        &self,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, CircuitBreakerError<E>> {
        self.call_judged(operation, ())
    }

    /// As [`Self::call`]; `judge` says what the result means, so that a "not found" does not open the
    /// breaker and a response with status 503 does.
    ///
    /// # Errors
    /// As [`Self::call`].
    #[inline]
    pub fn call_judged<T, E>(
        &self,
        operation: impl FnOnce() -> Result<T, E>,
        judge: impl JudgeResult<T, E>,
    ) -> Result<T, CircuitBreakerError<E>> {
        let span = self.new_span();
        match self.enter(&span, self.metrics) {
            Ok(call) => call
                .run_judged(operation, judge)
                .map_err(CircuitBreakerError::Inner),
            Err(rejected) => Err(CircuitBreakerError::Open(rejected.into_error())),
        }
    }

    /// Runs the future that `operation` makes, unless the breaker is open. Every error counts as a
    /// failure; a future that is dropped half-way counts as cancelled.
    ///
    /// # Errors
    /// As [`Self::call`].
    #[inline]
    pub async fn call_async<T, E, F>(
        &self,
        operation: impl FnOnce() -> F,
    ) -> Result<T, CircuitBreakerError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_async_judged(operation, ()).await
    }

    /// As [`Self::call_async`], with `judge` as in [`Self::call_judged`].
    ///
    /// # Errors
    /// As [`Self::call`].
    #[inline]
    pub async fn call_async_judged<T, E, F>(
        &self,
        operation: impl FnOnce() -> F,
        judge: impl JudgeResult<T, E>,
    ) -> Result<T, CircuitBreakerError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let span = self.new_span();
        match self.enter(&span, self.metrics) {
            Ok(call) => call
                .run_async_judged(operation(), judge)
                .await
                .map_err(CircuitBreakerError::Inner),
            Err(rejected) => Err(CircuitBreakerError::Open(rejected.into_error())),
        }
    }

    /// To look at the breaker and to override it.
    #[must_use]
    pub fn handle(&self) -> BreakerHandle {
        BreakerHandle::new(Arc::clone(&self.core), None)
    }

    /// Asks for a permit; for attributes and layers, which bring their own span.
    #[doc(hidden)]
    #[inline]
    pub fn enter<'c>(
        &'c self,
        span: &'c Span,
        metrics: bool,
    ) -> Result<GuardedCall<&'c Core, &'c Span>, RejectedCall<&'c Span>> {
        GuardedCall::enter(&*self.core, span, metrics)
    }

    /// As [`Self::enter`], with a permit that owns its share of the breaker.
    #[cfg(feature = "tower")]
    fn enter_owned(&self) -> Result<GuardedCall<Arc<Core>, Span>, RejectedCall<Span>> {
        GuardedCall::enter(Arc::clone(&self.core), self.new_span(), self.metrics)
    }

    #[inline]
    fn new_span(&self) -> Span {
        if !self.span {
            return Span::none();
        }
        tracing::info_span!(
            target: "otelgen",
            "circuit_breaker",
            otel.name = self.name(),
            otelgen.circuit_breaker.name = self.name(),
            otelgen.circuit_breaker.outcome = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        )
    }
}

/// Sets up a [`TracedCircuitBreaker`]. The settings are those of [`BreakerConfig`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TracedCircuitBreakerBuilder {
    name: String,
    config: BreakerConfig,
    clock: Clock,
    span: bool,
    metrics: bool,
}

impl TracedCircuitBreakerBuilder {
    /// All settings at once.
    pub fn config(mut self, config: BreakerConfig) -> Self {
        self.config = config;
        self
    }

    /// See [`BreakerConfig::failure_rate`].
    pub fn failure_rate(mut self, rate: f64) -> Self {
        self.config.failure_rate = rate;
        self
    }

    /// See [`BreakerConfig::min_calls`].
    pub fn min_calls(mut self, calls: u32) -> Self {
        self.config.min_calls = calls;
        self
    }

    /// Looks back in time: see [`BreakerWindow::Time`].
    pub fn window(mut self, window: Duration) -> Self {
        self.config.window = BreakerWindow::Time(window);
        self
    }

    /// Looks back a number of calls: see [`BreakerWindow::Calls`].
    pub fn window_calls(mut self, calls: u32) -> Self {
        self.config.window = BreakerWindow::Calls(calls);
        self
    }

    /// See [`BreakerConfig::consecutive`].
    pub fn consecutive(mut self, failures: u32) -> Self {
        self.config.consecutive = Some(failures);
        self
    }

    /// See [`BreakerConfig::slow_call`].
    pub fn slow_call(mut self, duration: Duration) -> Self {
        self.config.slow_call = Some(duration);
        self
    }

    /// See [`BreakerConfig::slow_rate`].
    pub fn slow_rate(mut self, rate: f64) -> Self {
        self.config.slow_rate = rate;
        self
    }

    /// See [`BreakerConfig::open_for`].
    pub fn open_for(mut self, duration: Duration) -> Self {
        self.config.open_for = duration;
        self
    }

    /// See [`BreakerConfig::open_backoff`].
    pub fn open_backoff(mut self, factor: f64) -> Self {
        self.config.open_backoff = factor;
        self
    }

    /// See [`BreakerConfig::open_max`].
    pub fn open_max(mut self, duration: Duration) -> Self {
        self.config.open_max = duration;
        self
    }

    /// See [`BreakerConfig::half_open_permits`].
    pub fn half_open_permits(mut self, permits: u32) -> Self {
        self.config.half_open_permits = permits;
        self
    }

    /// See [`BreakerConfig::half_open_timeout`].
    pub fn half_open_timeout(mut self, duration: Duration) -> Self {
        self.config.half_open_timeout = duration;
        self
    }

    /// The clock to go by; the machine's unless a test says otherwise.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Whether calls through this instance make spans.
    pub fn span(mut self, span: bool) -> Self {
        self.span = span;
        self
    }

    /// Whether calls through this instance are timed for the histogram. They are counted in any case.
    pub fn metrics(mut self, metrics: bool) -> Self {
        self.metrics = metrics;
        self
    }

    /// The breaker of this name: a new one, or the one that exists with the same settings.
    ///
    /// # Errors
    /// A setting that cannot work, or a name that belongs to a breaker with other settings.
    pub fn build(self) -> Result<TracedCircuitBreaker, BreakerConfigError> {
        let core =
            registry::single(&self.name, self.config, self.clock).map_err(|error| error.0)?;
        Ok(TracedCircuitBreaker {
            core,
            span: self.span,
            metrics: self.metrics,
        })
    }

    /// One such breaker for each key, at most `max_keys` of them.
    ///
    /// # Errors
    /// As [`Self::build`]; `max_keys` must be at least 1.
    pub fn build_keyed(self, max_keys: usize) -> Result<KeyedCircuitBreakers, BreakerConfigError> {
        registry::keyed(&self.name, self.config, max_keys, self.clock)
            .map(KeyedCircuitBreakers::new)
            .map_err(|error| error.0)
    }
}

impl Display for BreakerState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
