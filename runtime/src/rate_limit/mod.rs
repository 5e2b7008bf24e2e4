//! Rate limit: no more than so many calls in a time, in the long run, with bursts. The algorithm (GCRA)
//! is governor's; waiting in turn, bounded keys and telemetry are here.
//!
//! `config` and `keys` → `limiter` → `call` → this module's API.

mod call;
mod config;
mod keys;
mod limiter;
#[cfg(feature = "tower")]
mod tower;

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tracing::Span;

use crate::clock::Clock;
use crate::names;
use crate::pattern::meter::Meter;
use crate::pattern::{Pattern, PatternConfigError, lent};
use crate::recorder::{self, Counts, Durations, Kind, Observed, Timed};
use crate::registry::Registry;

pub use config::RateLimitConfig;
#[cfg(feature = "tower")]
pub use tower::{TracedRateLimitLayer, TracedRateLimitService};

/// What attributes expand into.
pub(crate) mod private {
    pub use super::AsRateLimit;
    pub use super::call::{AdmittedCall, AnswersLimited, LimitedCall, limited};
}

use self::call::{AdmittedCall, LimitedCall, Outcome};
use self::config::CHECK;
use self::limiter::Limiter;

/// The rate limit metrics that are read at collection.
pub(crate) const OBSERVED: &[Observed] = &[Observed {
    name: names::RATE_LIMIT_REQUESTS,
    description: "Requests to a rate limit, by what it said.",
    unit: "{request}",
    kind: Kind::Counter,
    read: |observe| {
        for core in RATE_LIMITS.all() {
            for (index, result) in names::RATE_LIMIT_RESULTS.into_iter().enumerate() {
                observe(
                    core.meter.sum(index),
                    &[(names::NAME, core.name), (names::RESULT, result)],
                );
            }
        }
    },
}];

const QUEUE_DURATION: Timed = Timed {
    name: names::RATE_LIMIT_QUEUE_DURATION,
    description: "How long requests that had to wait for a rate limit did so.",
};

static RATE_LIMITS: Registry<Core> = Registry::new();

#[derive(Debug)]
pub(crate) struct Core {
    name: &'static str,
    config: RateLimitConfig,
    clock: Clock,
    limiter: Limiter,
    meter: Meter<4>,
    queue: Durations<4>,
}

impl Core {
    fn new(name: &'static str, config: RateLimitConfig, clock: Clock) -> Self {
        recorder::look();
        let (key, results) = (names::RESULT, names::RATE_LIMIT_RESULTS);
        let counts = Counts::labelled(names::RATE_LIMIT_REQUESTS, name, key, results);
        Self {
            name,
            config,
            limiter: Limiter::new(&config, clock.clone()),
            clock,
            meter: Meter::new(counts),
            queue: Durations::labelled(QUEUE_DURATION, name, key, results),
        }
    }
}

/// There were too many requests.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("rate limit `{name}`: too many requests; the next one may come in {} ms", .retry_after.as_millis())]
pub struct RateLimited {
    name: &'static str,
    retry_after: Duration,
}

impl RateLimited {
    /// Name of the rate limit.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// In how long a request may pass, if no other comes first. What a `Retry-After` header wants.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

/// What [`TracedRateLimit::call`] fails with.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum RateLimitError<E> {
    /// There were too many requests, the operation was not started.
    #[error(transparent)]
    Limited(RateLimited),
    /// The operation was run and failed.
    #[error(transparent)]
    Inner(E),
}

impl<E> RateLimitError<E> {
    /// Whether there were too many requests.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        matches!(self, Self::Limited(_))
    }

    /// The operation's own error, if it was run.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Limited(_) => None,
            Self::Inner(error) => Some(error),
        }
    }
}

impl<E> From<RateLimited> for RateLimitError<E> {
    fn from(limited: RateLimited) -> Self {
        Self::Limited(limited)
    }
}

/// A rate limit with its span and metrics. Cheap to clone; clones are the same limit.
///
/// ```
/// use otelgen::{RateLimitError, TracedRateLimit};
///
/// let limit = TracedRateLimit::builder("stock.limit", 10.0).burst(1).build()?;
/// let first = limit.call(|| Ok::<_, std::io::Error>(7));
/// let second = limit.call(|| Ok::<_, std::io::Error>(8));
/// assert!(matches!(first, Ok(7)));
/// assert!(matches!(second, Err(RateLimitError::Limited(_))));
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TracedRateLimit {
    core: Arc<Core>,
    /// The hash of the key, where there are keys.
    key: u64,
    span: bool,
    metrics: bool,
}

impl TracedRateLimit {
    /// Starts a limit of that name to `per_second` requests a second in the long run; the rate may be
    /// less than one.
    pub fn builder(name: impl Into<String>, per_second: f64) -> TracedRateLimitBuilder {
        TracedRateLimitBuilder {
            name: name.into(),
            config: RateLimitConfig {
                per_second,
                burst: None,
                max_wait: None,
                max_keys: None,
            },
            clock: Clock::system(),
            span: true,
            metrics: true,
        }
    }

    fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            key: 0,
            span: true,
            metrics: true,
        }
    }

    /// Name of the rate limit.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.core.name
    }

    /// Whether a request may pass now, which then counts as one. Neither waits nor makes a span: for
    /// middleware that answers with headers of its own.
    ///
    /// # Errors
    /// There were too many requests.
    #[inline]
    pub fn check(&self) -> Result<(), RateLimited> {
        let checked = self.core.limiter.pass(self.key);
        let outcome = match checked {
            Ok(()) => Outcome::Allowed,
            Err(_) => Outcome::Rejected,
        };
        if self.metrics {
            self.core.meter.add(outcome as usize);
        }
        checked.map_err(|retry_after| RateLimited {
            name: self.core.name,
            retry_after,
        })
    }

    /// Runs `operation` if the rate allows it; blocks the thread for at most `max_wait` until it does.
    ///
    /// # Errors
    /// [`RateLimitError::Limited`] without running it, or its own as [`RateLimitError::Inner`].
    pub fn call<T, E>(
        &self,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, RateLimitError<E>> {
        match self.enter(self.new_span(), self.metrics) {
            Ok(call) => call.run(operation).map_err(RateLimitError::Inner),
            Err(limited) => Err(RateLimitError::Limited(limited.into_error())),
        }
    }

    /// Awaits the future that `operation` makes when the rate allows it.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_async<T, E, F>(
        &self,
        operation: impl FnOnce() -> F,
    ) -> Result<T, RateLimitError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        match self.enter_async(self.new_span(), self.metrics).await {
            Ok(call) => call
                .run_async(operation())
                .await
                .map_err(RateLimitError::Inner),
            Err(limited) => Err(RateLimitError::Limited(limited.into_error())),
        }
    }

    /// Asks for admission; for attributes and layers, which bring their own span.
    #[doc(hidden)]
    #[inline]
    pub fn enter(&self, span: Span, metrics: bool) -> Result<AdmittedCall, LimitedCall> {
        AdmittedCall::enter(&self.core, self.key, span, metrics)
    }

    /// Asks for admission; for attributes and layers, which bring their own span.
    #[doc(hidden)]
    #[inline]
    pub async fn enter_async(
        &self,
        span: Span,
        metrics: bool,
    ) -> Result<AdmittedCall, LimitedCall> {
        AdmittedCall::enter_async(&self.core, self.key, span, metrics).await
    }

    /// The limit of that key; for attributes.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn of_key<K: Hash + ?Sized>(&self, key: &K) -> Self {
        Self {
            key: self.core.limiter.hash(key),
            ..self.clone()
        }
    }

    #[inline]
    fn new_span(&self) -> Span {
        if !self.span {
            return Span::none();
        }
        tracing::info_span!(
            target: "otelgen",
            "rate_limit",
            otel.name = self.name(),
            otelgen.rate_limit.name = self.name(),
            otelgen.rate_limit.result = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        )
    }

    /// Requests since the limit was made, by what it said; of all keys together.
    #[must_use]
    pub fn totals(&self) -> RateLimitTotals {
        let sum = |outcome: Outcome| self.core.meter.sum(outcome as usize);
        RateLimitTotals {
            allowed: sum(Outcome::Allowed),
            delayed: sum(Outcome::Delayed),
            rejected: sum(Outcome::Rejected),
            cancelled: sum(Outcome::Cancelled),
        }
    }
}

/// Requests since a rate limit was made, by what it said.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RateLimitTotals {
    /// Let through at once.
    pub allowed: u64,
    /// Let through after a wait.
    pub delayed: u64,
    /// Not let through.
    pub rejected: u64,
    /// The caller gave up while waiting.
    pub cancelled: u64,
}

/// One limit for each key (a client, a tenant), all of the same rate. Cheap to clone.
///
/// At most `max_keys` are kept. A key that was idle for long enough to be as good as new goes first; metrics
/// carry the name, never the key.
///
/// ```
/// use otelgen::TracedRateLimit;
///
/// let limits = TracedRateLimit::builder("api.clients", 5.0).burst(1).build_keyed(10_000)?;
/// assert!(limits.get("client-1").check().is_ok());
/// assert!(limits.get("client-1").check().is_err());
/// assert!(limits.get("client-2").check().is_ok());
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyedRateLimits(TracedRateLimit);

impl KeyedRateLimits {
    /// The limit of that key.
    #[inline]
    #[must_use]
    pub fn get<K: Hash + ?Sized>(&self, key: &K) -> TracedRateLimit {
        self.0.of_key(key)
    }

    /// How many keys are kept now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.core.limiter.keys()
    }

    /// Whether no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Requests of all keys together, by what was said.
    #[must_use]
    pub fn totals(&self) -> RateLimitTotals {
        self.0.totals()
    }
}

/// Sets up a [`TracedRateLimit`]. The settings are those of [`RateLimitConfig`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TracedRateLimitBuilder {
    name: String,
    config: RateLimitConfig,
    clock: Clock,
    span: bool,
    metrics: bool,
}

impl TracedRateLimitBuilder {
    /// See [`RateLimitConfig::burst`](field@RateLimitConfig::burst).
    pub fn burst(mut self, requests: u32) -> Self {
        self.config.burst = Some(requests);
        self
    }

    /// Requests wait for their turn, at most that long: see [`RateLimitConfig::max_wait`].
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.config.max_wait = Some(wait);
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

    /// Whether calls through this instance are counted.
    pub fn metrics(mut self, metrics: bool) -> Self {
        self.metrics = metrics;
        self
    }

    /// The limit of this name: a new one, or the one that exists with the same settings.
    ///
    /// # Errors
    /// A setting that cannot work, or a name that belongs to a limit with other settings.
    pub fn build(self) -> Result<TracedRateLimit, PatternConfigError> {
        let limit = find_or_make(&self.name, &self.config, self.clock).map_err(|error| error.0)?;
        Ok(TracedRateLimit {
            span: self.span,
            metrics: self.metrics,
            ..limit
        })
    }

    /// One such limit for each key, at most `max_keys` of them.
    ///
    /// # Errors
    /// As [`Self::build`]; `max_keys` must be at least 1.
    pub fn build_keyed(mut self, max_keys: u32) -> Result<KeyedRateLimits, PatternConfigError> {
        self.config.max_keys = Some(max_keys);
        self.build().map(KeyedRateLimits)
    }
}

fn find_or_make(
    name: &str,
    config: &RateLimitConfig,
    clock: Clock,
) -> Result<TracedRateLimit, (PatternConfigError, Option<TracedRateLimit>)> {
    let name = CHECK.name(name).map_err(|error| (error, None))?;
    config.validate().map_err(|error| (error, None))?;
    let same = |core: &Core| core.config == *config && core.clock.same(&clock);
    RATE_LIMITS
        .find_or_make(name, same, || Core::new(name, *config, clock.clone()))
        .map(TracedRateLimit::new)
        .map_err(|existing| {
            let error = CHECK.taken(name, &existing.config, config);
            (error, Some(TracedRateLimit::new(existing)))
        })
}

impl Pattern for TracedRateLimit {
    type Config = RateLimitConfig;

    fn find_or_make(
        name: &str,
        config: &RateLimitConfig,
    ) -> Result<Self, (PatternConfigError, Option<Self>)> {
        find_or_make(name, config, Clock::system())
    }

    fn unlisted(name: &'static str) -> Self {
        let config = RateLimitConfig {
            per_second: 1_000.0,
            burst: None,
            max_wait: None,
            max_keys: None,
        };
        Self::new(Arc::new(Core::new(name, config, Clock::system())))
    }
}

lent! {
    /// What `limit = …` may be.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a rate limit",
        note = "`limit` takes a `TracedRateLimit`, a reference to one, or one in an `Arc` or `LazyLock`"
    )]
    AsRateLimit, as_rate_limit, TracedRateLimit
}
