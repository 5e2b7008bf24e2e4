//! What every pattern does to its span.

use std::any::type_name;

use tracing::Span;

use crate::names;

/// Marks a span as failed, as OpenTelemetry's conventions ask.
#[cold]
pub(crate) fn fail(span: &Span, error_type: &'static str) {
    span.record(names::SPAN_ERROR_TYPE, error_type);
    span.record("otel.status_code", "ERROR");
}

/// `error.type` of what was returned, if it is an error.
#[inline]
pub(crate) fn error_of<T, E>(result: &Result<T, E>) -> Option<&'static str> {
    result.as_ref().err().map(|_| type_name::<E>())
}
