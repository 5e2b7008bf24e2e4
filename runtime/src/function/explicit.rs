//! A traced function without the attribute.

use std::sync::Arc;

use opentelemetry::trace::SpanKind;
use tracing::Span;

use super::{FunctionCall, FunctionMeter};
use crate::pattern::{Check, PatternConfigError};
use crate::recorder;
use crate::span::error_of;

/// Calls anything with a span, and counts and times it. Cheap to clone; all of one name count together.
///
/// ```
/// use otelgen::TracedFunction;
///
/// let checkout = TracedFunction::builder("checkout").build()?;
/// let total = checkout.call(|| "42".parse::<u32>())?;
/// assert_eq!(total, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What [`traced`](macro@crate::traced) calls `err` and `ret` is an event of yours inside the call.
#[derive(Clone, Debug)]
pub struct TracedFunction {
    meter: Arc<FunctionMeter>,
    kind: &'static str,
    span: bool,
    metrics: bool,
}

impl TracedFunction {
    /// Starts a traced function of that name.
    pub fn builder(name: impl Into<String>) -> TracedFunctionBuilder {
        TracedFunctionBuilder {
            name: name.into(),
            kind: SpanKind::Internal,
            span: true,
            metrics: true,
        }
    }

    /// Name of the spans, and of the metrics' series.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.meter.name
    }

    /// Calls `body`.
    ///
    /// # Errors
    /// Its own.
    pub fn call<T, E>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let span = self.new_span();
        FunctionCall::new(self.counted(), &span).run(body, error_of)
    }

    /// Awaits `body`.
    ///
    /// # Errors
    /// Its own.
    pub async fn call_async<T, E, F>(&self, body: impl FnOnce() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let span = self.new_span();
        // Made at the first poll, so that it is inside the span and its panics are counted.
        let body = async move { body().await };
        FunctionCall::new(self.counted(), &span)
            .run_async(body, error_of)
            .await
    }

    fn counted(&self) -> Option<&FunctionMeter> {
        self.metrics.then_some(&*self.meter)
    }

    #[cfg(feature = "tower")]
    pub(super) fn meter(&self) -> Option<Arc<FunctionMeter>> {
        self.metrics.then(|| Arc::clone(&self.meter))
    }

    pub(super) fn new_span(&self) -> Span {
        if !self.span {
            return Span::none();
        }
        tracing::info_span!(
            target: "otelgen",
            "function",
            otel.name = self.name(),
            otel.kind = self.kind,
            "error.type" = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        )
    }
}

/// Sets up a [`TracedFunction`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TracedFunctionBuilder {
    name: String,
    kind: SpanKind,
    span: bool,
    metrics: bool,
}

impl TracedFunctionBuilder {
    /// OpenTelemetry's span kind; INTERNAL unless set.
    pub fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = kind;
        self
    }

    /// Whether calls make spans.
    pub fn span(mut self, span: bool) -> Self {
        self.span = span;
        self
    }

    /// Whether calls are counted and timed.
    pub fn metrics(mut self, metrics: bool) -> Self {
        self.metrics = metrics;
        self
    }

    /// The function.
    ///
    /// # Errors
    /// The name is empty.
    pub fn build(self) -> Result<TracedFunction, PatternConfigError> {
        let name = Check("traced function").name(&self.name)?;
        recorder::look();
        Ok(TracedFunction {
            meter: FunctionMeter::of(name),
            kind: match self.kind {
                SpanKind::Internal => "internal",
                SpanKind::Server => "server",
                SpanKind::Client => "client",
                SpanKind::Producer => "producer",
                SpanKind::Consumer => "consumer",
            },
            span: self.span,
            metrics: self.metrics,
        })
    }
}
