//! What every pattern does to its span.

use tracing::Span;

use crate::names;

/// Marks a span as failed, as OpenTelemetry's conventions ask.
#[cold]
pub(crate) fn fail(span: &Span, error_type: &'static str) {
    span.record(names::SPAN_ERROR_TYPE, error_type);
    span.record("otel.status_code", "ERROR");
}
