//! Fields that a span does not declare, as attributes of the OpenTelemetry span behind it.

use std::fmt::Debug;

use tracing::Span;
use tracing::field::{Field, Value, Visit};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::visit::visit;

/// Sets an attribute; nothing where there is no OpenTelemetry layer, or no value.
pub(super) fn attribute(span: &Span, name: &str, value: &dyn Value) {
    let mut attribute = Attribute(None);
    visit(value, &mut attribute);
    if let Some(value) = attribute.0 {
        span.set_attribute(name.to_owned(), value);
    }
}

/// A value in OpenTelemetry's types.
struct Attribute(Option<opentelemetry::Value>);

impl Visit for Attribute {
    fn record_f64(&mut self, _: &Field, value: f64) {
        self.0 = Some(value.into());
    }

    fn record_i64(&mut self, _: &Field, value: i64) {
        self.0 = Some(value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_bool(&mut self, _: &Field, value: bool) {
        self.0 = Some(value.into());
    }

    fn record_str(&mut self, _: &Field, value: &str) {
        self.0 = Some(value.to_owned().into());
    }

    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        self.0 = Some(format!("{value:?}").into());
    }
}
