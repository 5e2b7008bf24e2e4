//! From protobuf messages to the model. A record that breaks the protocol is left out and counted; the rest stays.

mod logs;
mod metrics;
mod spans;

pub(crate) use logs::logs;
pub(crate) use metrics::metrics;
pub(crate) use spans::spans;

use std::fmt::Display;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;

use crate::model::{Attributes, Resource, Scope, Value};

/// The records of one request that can be kept, and what became of the others.
#[derive(Debug)]
pub(crate) struct Converted<T> {
    pub(crate) records: Vec<T>,
    pub(crate) rejected: Rejected,
}

impl<T> Default for Converted<T> {
    fn default() -> Self {
        Self { records: Vec::new(), rejected: Rejected::default() }
    }
}

impl<T> Converted<T> {
    fn push<E: Display>(&mut self, name: &str, record: Result<T, E>) {
        match record {
            Ok(record) => self.records.push(record),
            Err(error) => self.rejected.count(1, name, &error),
        }
    }
}

/// How many records of a request were left out, and why the first of them was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) records: i64,
    pub(crate) reason: String,
}

impl Rejected {
    fn count(&mut self, records: usize, name: &str, error: &dyn Display) {
        if self.records == 0 {
            self.reason = format!("`{name}`: {error}");
        }
        self.records = self.records.saturating_add(i64::try_from(records).unwrap_or(i64::MAX));
    }
}

fn resource(resource: Option<ProtoResource>, schema_url: String) -> Arc<Resource> {
    let attributes = resource.map(|resource| attributes(resource.attributes)).unwrap_or_default();
    Arc::new(Resource::new(attributes, schema_url))
}

fn scope(scope: Option<InstrumentationScope>, schema_url: String) -> Arc<Scope> {
    let scope = scope.unwrap_or_default();
    let attributes = attributes(scope.attributes);
    Arc::new(Scope { name: scope.name, version: scope.version, attributes, schema_url })
}

fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    pairs.into_iter().map(|pair| (pair.key, value(pair.value))).collect()
}

fn value(value: Option<AnyValue>) -> Value {
    match value.and_then(|any| any.value) {
        // Indices into a string table exist in profiles only.
        None | Some(ProtoValue::StringValueStrindex(_)) => Value::Empty,
        Some(ProtoValue::StringValue(text)) => Value::String(text),
        Some(ProtoValue::BoolValue(flag)) => Value::Bool(flag),
        Some(ProtoValue::IntValue(number)) => Value::Int(number),
        Some(ProtoValue::DoubleValue(number)) => Value::Double(number),
        Some(ProtoValue::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(ProtoValue::ArrayValue(array)) => {
            Value::Array(array.values.into_iter().map(|any| self::value(Some(any))).collect())
        }
        Some(ProtoValue::KvlistValue(list)) => Value::Map(attributes(list.values)),
    }
}

/// An id that may be absent: no bytes and all zeros both mean that there is none.
fn optional_id<T, E>(bytes: &[u8], read: impl Fn(&[u8]) -> Result<T, E>) -> Result<Option<T>, E> {
    if bytes.iter().all(|byte| *byte == 0) { Ok(None) } else { read(bytes).map(Some) }
}
