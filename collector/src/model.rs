//! Telemetry as it is stored and queried: plain values in OpenTelemetry's vocabulary, without protobuf's optionals.
//! The model knows nothing of how it arrived or where it is kept.

mod attributes;
mod ids;
mod log;
mod metric;
mod span;

pub use attributes::{Attributes, Value};
pub use ids::{IdError, SpanId, TraceId};
pub use log::{LogRecord, Severity};
pub use metric::{Exemplar, ExponentialBuckets, Metric, MetricKind, MetricPoint, MetricValue, Quantile, Temporality};
pub use span::{Span, SpanEvent, SpanKind, SpanLink, SpanStatus};

use std::sync::Arc;

use serde::Serialize;

/// The name under which telemetry without a `service.name` is kept, as the resource conventions have it.
pub const UNKNOWN_SERVICE: &str = "unknown_service";

/// Who emitted a piece of telemetry: one process, with everything it says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Resource {
    /// The `service.name` attribute, or [`UNKNOWN_SERVICE`].
    pub service: Arc<str>,
    /// All attributes of the resource.
    pub attributes: Attributes,
    /// The schema that the attributes follow; empty where none was named.
    pub schema_url: String,
}

impl Resource {
    /// A resource whose service name is read from its attributes.
    pub fn new(attributes: Attributes, schema_url: String) -> Self {
        let service = match attributes.get("service.name") {
            Some(Value::String(name)) if !name.is_empty() => Arc::from(name.as_str()),
            _ => Arc::from(UNKNOWN_SERVICE),
        };
        Self { service, attributes, schema_url }
    }

    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.service.len() + self.attributes.heap_size() + self.schema_url.len()
    }
}

/// The library or module that emitted a piece of telemetry: its tracer, meter or logger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Scope {
    /// The name of the tracer, meter or logger.
    pub name: String,
    /// Its version; empty where none was given.
    pub version: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// The schema that the telemetry follows; empty where none was named.
    pub schema_url: String,
}

impl Scope {
    pub(crate) fn size(&self) -> usize {
        let texts = self.name.len() + self.version.len() + self.schema_url.len();
        size_of::<Self>() + texts + self.attributes.heap_size()
    }
}
