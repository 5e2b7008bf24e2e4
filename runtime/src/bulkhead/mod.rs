//! Bulkhead: at most so many calls at once, so that one slow dependency does not take every thread,
//! connection or byte of memory with it (M. Nygard, *Release It!*).

mod call;
pub(crate) mod gate;
#[cfg(feature = "tower")]
mod tower;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tracing::Span;

use crate::names;
use crate::pattern::meter::Meter;
use crate::pattern::{Check, LONGEST, Pattern, PatternConfigError, lent};
use crate::recorder::{self, Counts, Kind, Level, Observed};
use crate::registry::Registry;

#[cfg(feature = "tower")]
pub use tower::{TracedBulkheadLayer, TracedBulkheadService};

/// What attributes expand into.
pub(crate) mod private {
    pub use super::AsBulkhead;
    pub use super::call::{AnswersFull, BulkheadCall, FullBulkhead, full};
}

use self::call::{BulkheadCall, FullBulkhead};
use self::gate::Gate;

/// The bulkhead metrics that are read at collection.
pub(crate) const OBSERVED: &[Observed] = &[
    Observed {
        name: names::BULKHEAD_IN_FLIGHT,
        description: "Calls that run inside a bulkhead.",
        unit: "{call}",
        kind: Kind::UpDownCounter,
        read: |observe| {
            for core in BULKHEADS.all() {
                observe(core.gate.in_flight(), &[(names::NAME, core.name)]);
            }
        },
    },
    Observed {
        name: names::BULKHEAD_REJECTED,
        description: "Calls that found a bulkhead full.",
        unit: "{call}",
        kind: Kind::Counter,
        read: |observe| {
            for core in BULKHEADS.all() {
                observe(core.rejected.sum(0), &[(names::NAME, core.name)]);
            }
        },
    },
];

static BULKHEADS: Registry<Core> = Registry::new();

const CHECK: Check = Check("bulkhead");

/// The settings of a bulkhead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BulkheadConfig {
    /// Calls that may run at once.
    pub max_concurrent: u32,
    /// How long a call may wait for its turn; zero rejects at once.
    pub max_wait: Duration,
}

impl BulkheadConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that cannot work.
    pub fn validate(&self) -> Result<(), PatternConfigError> {
        CHECK.within(
            "max_concurrent",
            self.max_concurrent,
            1..=1_000_000,
            "from 1 to 1000000",
        )?;
        CHECK.within(
            "max_wait",
            self.max_wait,
            Duration::ZERO..=LONGEST,
            "at most 366 days",
        )
    }
}

#[derive(Debug)]
pub(crate) struct Core {
    name: &'static str,
    config: BulkheadConfig,
    gate: Gate,
    in_flight: Level,
    rejected: Meter<1>,
}

impl Core {
    fn new(name: &'static str, config: BulkheadConfig) -> Self {
        recorder::look();
        Self {
            name,
            config,
            gate: Gate::new(config.max_concurrent),
            in_flight: Level::new(names::BULKHEAD_IN_FLIGHT, name),
            rejected: Meter::new(Counts::labelled(names::BULKHEAD_REJECTED, name, "", [""])),
        }
    }
}

impl Core {
    /// For worlds where nobody collects.
    #[inline]
    fn show_in_flight(&self) {
        self.in_flight.follow(|| self.gate.in_flight());
    }
}

/// A bulkhead was full, and stayed so for as long as the call could wait.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("bulkhead `{name}` is full: {max_concurrent} calls are under way")]
pub struct BulkheadFull {
    name: &'static str,
    max_concurrent: u32,
}

impl BulkheadFull {
    /// Name of the bulkhead.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Calls that may run at once.
    #[must_use]
    pub const fn max_concurrent(&self) -> u32 {
        self.max_concurrent
    }
}

/// What [`TracedBulkhead::call`] fails with.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BulkheadError<E> {
    /// The bulkhead was full, the operation was not started.
    #[error(transparent)]
    Full(BulkheadFull),
    /// The operation was run and failed.
    #[error(transparent)]
    Inner(E),
}

impl<E> BulkheadError<E> {
    /// Whether the bulkhead rejected the call.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// The operation's own error, if it was run.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Full(_) => None,
            Self::Inner(error) => Some(error),
        }
    }
}

impl<E> From<BulkheadFull> for BulkheadError<E> {
    fn from(full: BulkheadFull) -> Self {
        Self::Full(full)
    }
}

/// A bulkhead with its span and metrics. Cheap to clone; clones are the same bulkhead.
///
/// ```
/// use otelgen::{BulkheadError, TracedBulkhead};
///
/// let bulkhead = TracedBulkhead::builder("stock.bulkhead").max_concurrent(1).build()?;
/// let nested = bulkhead.call(|| {
///     let second = bulkhead.call(|| Ok::<_, std::io::Error>(7));
///     Ok::<_, std::io::Error>(matches!(second, Err(BulkheadError::Full(_))))
/// });
/// assert!(matches!(nested, Ok(true)));
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TracedBulkhead {
    core: Arc<Core>,
    span: bool,
    metrics: bool,
}

impl TracedBulkhead {
    /// Starts a bulkhead of that name; [`max_concurrent`](TracedBulkheadBuilder::max_concurrent) must
    /// be set.
    pub fn builder(name: impl Into<String>) -> TracedBulkheadBuilder {
        TracedBulkheadBuilder {
            name: name.into(),
            max_concurrent: None,
            max_wait: Duration::ZERO,
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

    /// Name of the bulkhead.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.core.name
    }

    /// Calls that run now.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.core.gate.in_flight()
    }

    /// Calls that wait for their turn now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.core.gate.waiting()
    }

    /// Calls that were rejected since the bulkhead was made.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.core.rejected.sum(0)
    }

    /// Runs `operation` when it is its turn; blocks the thread for at most `max_wait` until then.
    ///
    /// # Errors
    /// [`BulkheadError::Full`] without running it, or its own as [`BulkheadError::Inner`].
    pub fn call<T, E>(
        &self,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, BulkheadError<E>> {
        match self.enter(self.new_span(), self.metrics) {
            Ok(call) => call.run(operation).map_err(BulkheadError::Inner),
            Err(full) => Err(BulkheadError::Full(full.into_error())),
        }
    }

    /// Awaits the future that `operation` makes when it is its turn.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_async<T, E, F>(
        &self,
        operation: impl FnOnce() -> F,
    ) -> Result<T, BulkheadError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        match self.enter_async(self.new_span(), self.metrics).await {
            Ok(call) => call
                .run_async(operation())
                .await
                .map_err(BulkheadError::Inner),
            Err(full) => Err(BulkheadError::Full(full.into_error())),
        }
    }

    /// Asks for a permit; for attributes and layers, which bring their own span.
    #[doc(hidden)]
    #[inline]
    pub fn enter(&self, span: Span, metrics: bool) -> Result<BulkheadCall<'_>, FullBulkhead> {
        BulkheadCall::enter(&self.core, span, metrics)
    }

    /// Asks for a permit; for attributes and layers, which bring their own span.
    #[doc(hidden)]
    #[inline]
    pub async fn enter_async(
        &self,
        span: Span,
        metrics: bool,
    ) -> Result<BulkheadCall<'_>, FullBulkhead> {
        BulkheadCall::enter_async(&self.core, span, metrics).await
    }

    #[inline]
    fn new_span(&self) -> Span {
        if !self.span {
            return Span::none();
        }
        tracing::info_span!(
            target: "otelgen",
            "bulkhead",
            otel.name = self.name(),
            otelgen.bulkhead.name = self.name(),
            otelgen.bulkhead.outcome = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        )
    }
}

/// Sets up a [`TracedBulkhead`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TracedBulkheadBuilder {
    name: String,
    max_concurrent: Option<u32>,
    max_wait: Duration,
    span: bool,
    metrics: bool,
}

impl TracedBulkheadBuilder {
    /// See [`BulkheadConfig::max_concurrent`].
    pub fn max_concurrent(mut self, calls: u32) -> Self {
        self.max_concurrent = Some(calls);
        self
    }

    /// See [`BulkheadConfig::max_wait`]; zero unless set.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Whether calls through this instance make spans.
    pub fn span(mut self, span: bool) -> Self {
        self.span = span;
        self
    }

    /// Whether rejections of this instance are counted. Calls in flight are in any case.
    pub fn metrics(mut self, metrics: bool) -> Self {
        self.metrics = metrics;
        self
    }

    /// The bulkhead of this name: a new one, or the one that exists with the same settings.
    ///
    /// # Errors
    /// A setting that is missing or cannot work, or a name that belongs to a bulkhead with other ones.
    pub fn build(self) -> Result<TracedBulkhead, PatternConfigError> {
        let max_concurrent = self
            .max_concurrent
            .ok_or_else(|| CHECK.missing("max_concurrent", "say how many calls may run at once"))?;
        let config = BulkheadConfig {
            max_concurrent,
            max_wait: self.max_wait,
        };
        let bulkhead =
            TracedBulkhead::find_or_make(&self.name, &config).map_err(|error| error.0)?;
        Ok(TracedBulkhead {
            span: self.span,
            metrics: self.metrics,
            ..bulkhead
        })
    }
}

impl Pattern for TracedBulkhead {
    type Config = BulkheadConfig;

    fn find_or_make(
        name: &str,
        config: &BulkheadConfig,
    ) -> Result<Self, (PatternConfigError, Option<Self>)> {
        let name = CHECK.name(name).map_err(|error| (error, None))?;
        config.validate().map_err(|error| (error, None))?;
        BULKHEADS
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
        let config = BulkheadConfig {
            max_concurrent: 1_000,
            max_wait: Duration::ZERO,
        };
        Self::new(Arc::new(Core::new(name, config)))
    }
}

lent! {
    /// What `bulkhead = …` may be.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a bulkhead",
        note = "`bulkhead` takes a `TracedBulkhead`, a reference to one, or one in an `Arc` or `LazyLock`"
    )]
    AsBulkhead, as_bulkhead, TracedBulkhead
}
