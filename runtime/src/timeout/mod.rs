//! Timeout: an operation that takes too long is dropped, and its caller told so.
//! Time is tokio's, so a test that pauses it does not wait.

mod call;
#[cfg(feature = "tower")]
mod tower;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tracing::Span;

use crate::names;
use crate::pattern::meter::Meter;
use crate::pattern::{Check, Pattern, PatternConfigError, lent};
use crate::recorder::{self, Counts, Kind, Observed};
use crate::registry::Registry;

#[cfg(feature = "tower")]
pub use tower::{TracedTimeoutLayer, TracedTimeoutService};

/// What attributes expand into.
pub(crate) mod private {
    pub use super::AsTimeout;
    pub use super::call::{AnswersElapsed, TimedCall, elapsed};
}

use self::call::{Outcome, TimedCall};

/// The timeout metrics that are read at collection.
pub(crate) const OBSERVED: &[Observed] = &[Observed {
    name: names::TIMEOUT_CALLS,
    description: "Calls under a timeout, by how they ended.",
    unit: "{call}",
    kind: Kind::Counter,
    read: |observe| {
        for core in TIMEOUTS.all() {
            for (index, outcome) in names::TIMEOUT_OUTCOMES.into_iter().enumerate() {
                observe(
                    core.meter.sum(index),
                    &[(names::NAME, core.name), (names::OUTCOME, outcome)],
                );
            }
        }
    },
}];

static TIMEOUTS: Registry<Core> = Registry::new();

const CHECK: Check = Check("timeout");

/// The settings of a timeout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeoutConfig {
    /// How long an operation may take.
    pub after: Duration,
}

impl TimeoutConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the field that cannot work.
    pub fn validate(&self) -> Result<(), PatternConfigError> {
        CHECK.duration("after", self.after)
    }
}

#[derive(Debug)]
pub(crate) struct Core {
    name: &'static str,
    config: TimeoutConfig,
    meter: Meter<4>,
}

impl Core {
    fn new(name: &'static str, config: TimeoutConfig) -> Self {
        recorder::look();
        let counts = Counts::new(names::TIMEOUT_CALLS, name, names::TIMEOUT_OUTCOMES);
        Self {
            name,
            config,
            meter: Meter::new(counts),
        }
    }
}

/// An operation had no result in time.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("timeout `{name}`: no result within {after:?}")]
pub struct Elapsed {
    name: &'static str,
    after: Duration,
}

impl Elapsed {
    pub(crate) const fn new(name: &'static str, after: Duration) -> Self {
        Self { name, after }
    }

    /// Name of the timeout, or of the retry whose attempt took too long.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The time that the operation had.
    #[must_use]
    pub const fn after(&self) -> Duration {
        self.after
    }
}

/// What [`TracedTimeout::call_async`] fails with.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum TimeoutError<E> {
    /// The operation had no result in time and was dropped.
    #[error(transparent)]
    Elapsed(Elapsed),
    /// The operation failed by itself.
    #[error(transparent)]
    Inner(E),
}

impl<E> TimeoutError<E> {
    /// Whether the time was over.
    #[must_use]
    pub const fn is_elapsed(&self) -> bool {
        matches!(self, Self::Elapsed(_))
    }

    /// The operation's own error, if it had one.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Elapsed(_) => None,
            Self::Inner(error) => Some(error),
        }
    }
}

impl<E> From<Elapsed> for TimeoutError<E> {
    fn from(elapsed: Elapsed) -> Self {
        Self::Elapsed(elapsed)
    }
}

/// A timeout with its span and metrics. Cheap to clone; clones count together.
///
/// ```
/// use std::time::Duration;
/// use otelgen::{TimeoutError, TracedTimeout};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let timeout = TracedTimeout::builder("stock.timeout")
///     .after(Duration::from_secs(2))
///     .build()?;
///
/// let slow = timeout
///     .call_async(|| async {
///         tokio::time::sleep(Duration::from_secs(3)).await;
///         Ok::<_, std::io::Error>(7)
///     })
///     .await;
/// assert!(matches!(slow, Err(TimeoutError::Elapsed(_))));
/// # Ok(())
/// # }
/// ```
///
/// There is no blocking form: a thread cannot be taken away from an operation. The future must be
/// awaited on a tokio runtime with time enabled.
#[derive(Clone, Debug)]
pub struct TracedTimeout {
    core: Arc<Core>,
    span: bool,
    metrics: bool,
}

impl TracedTimeout {
    /// Starts a timeout of that name; [`after`](TracedTimeoutBuilder::after) must be set.
    pub fn builder(name: impl Into<String>) -> TracedTimeoutBuilder {
        TracedTimeoutBuilder {
            name: name.into(),
            after: None,
            span: true,
            metrics: true,
        }
    }

    fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            span: true,
            metrics: true,
        }
    }

    /// Name of the timeout.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.core.name
    }

    /// How long an operation may take.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.core.config.after
    }

    /// Awaits the future that `operation` makes; drops it when the time is over.
    ///
    /// # Errors
    /// [`TimeoutError::Elapsed`], or its own as [`TimeoutError::Inner`].
    pub async fn call_async<T, E, F>(
        &self,
        operation: impl FnOnce() -> F,
    ) -> Result<T, TimeoutError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.enter(self.new_span(), self.metrics)
            .run_mapped(operation(), TimeoutError::Inner, TimeoutError::Elapsed)
            .await
    }

    /// Starts a call; for attributes and layers, which bring their own span.
    #[doc(hidden)]
    #[inline]
    pub fn enter(&self, span: Span, metrics: bool) -> TimedCall<'_> {
        TimedCall::new(&self.core, span, metrics)
    }

    #[inline]
    fn new_span(&self) -> Span {
        if !self.span {
            return Span::none();
        }
        tracing::info_span!(
            target: "otelgen",
            "timeout",
            otel.name = self.name(),
            otelgen.timeout.name = self.name(),
            otelgen.timeout.outcome = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        )
    }

    /// Calls since the timeout was made, by how they ended.
    #[must_use]
    pub fn totals(&self) -> TimeoutTotals {
        let sum = |outcome: Outcome| self.core.meter.sum(outcome as usize);
        TimeoutTotals {
            success: sum(Outcome::Success),
            failure: sum(Outcome::Failure),
            timeout: sum(Outcome::Timeout),
            cancelled: sum(Outcome::Cancelled),
        }
    }
}

/// Calls since a timeout was made, by how they ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct TimeoutTotals {
    /// In time, with success.
    pub success: u64,
    /// In time, with an error or a panic.
    pub failure: u64,
    /// Not in time.
    pub timeout: u64,
    /// The caller gave up.
    pub cancelled: u64,
}

/// Sets up a [`TracedTimeout`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TracedTimeoutBuilder {
    name: String,
    after: Option<Duration>,
    span: bool,
    metrics: bool,
}

impl TracedTimeoutBuilder {
    /// How long an operation may take.
    pub fn after(mut self, after: Duration) -> Self {
        self.after = Some(after);
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

    /// The timeout of this name: a new one, or the one that exists with the same settings.
    ///
    /// # Errors
    /// A setting that is missing or cannot work, or a name that belongs to a timeout with other settings.
    pub fn build(self) -> Result<TracedTimeout, PatternConfigError> {
        let after = self
            .after
            .ok_or_else(|| CHECK.missing("after", "say how long an operation may take"))?;
        let timeout = TracedTimeout::find_or_make(&self.name, &TimeoutConfig { after })
            .map_err(|error| error.0)?;
        Ok(TracedTimeout {
            span: self.span,
            metrics: self.metrics,
            ..timeout
        })
    }
}

impl Pattern for TracedTimeout {
    type Config = TimeoutConfig;

    fn find_or_make(
        name: &str,
        config: &TimeoutConfig,
    ) -> Result<Self, (PatternConfigError, Option<Self>)> {
        let name = CHECK.name(name).map_err(|error| (error, None))?;
        config.validate().map_err(|error| (error, None))?;
        TIMEOUTS
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
        let after = Duration::from_secs(30);
        Self::new(Arc::new(Core::new(name, TimeoutConfig { after })))
    }
}

lent! {
    /// What `timeout = …` may be.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a timeout",
        note = "`timeout` takes a `TracedTimeout`, a reference to one, or one in an `Arc` or `LazyLock`"
    )]
    AsTimeout, as_timeout, TracedTimeout
}
