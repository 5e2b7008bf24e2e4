//! Log records from protobuf.

use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1 as proto;

use super::{Converted, attributes, optional_id, resource, scope, value};
use crate::model::{IdError, LogRecord, Resource, Scope, SpanId, TraceId};

/// All log records of a request.
pub(crate) fn logs(groups: Vec<proto::ResourceLogs>) -> Converted<LogRecord> {
    let mut converted = Converted::default();
    for group in groups {
        let resource = resource(group.resource, group.schema_url);
        for group in group.scope_logs {
            let scope = scope(group.scope, group.schema_url);
            for record in group.log_records {
                let name = record.event_name.clone();
                converted.push(&name, log(record, &resource, &scope));
            }
        }
    }
    converted
}

fn log(record: proto::LogRecord, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Result<LogRecord, IdError> {
    Ok(LogRecord {
        time_unix_nano: record.time_unix_nano,
        observed_time_unix_nano: record.observed_time_unix_nano,
        severity_number: record.severity_number,
        severity_text: record.severity_text,
        event_name: record.event_name,
        body: value(record.body),
        attributes: attributes(record.attributes),
        trace_id: optional_id(&record.trace_id, TraceId::from_bytes)?,
        span_id: optional_id(&record.span_id, SpanId::from_bytes)?,
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
    })
}
