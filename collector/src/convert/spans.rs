//! Spans from protobuf.

use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1 as proto;

use super::{Converted, attributes, optional_id, resource, scope};
use crate::model::{IdError, Resource, Scope, Span, SpanEvent, SpanId, SpanKind, SpanLink, SpanStatus, TraceId};

/// Set in a span's flags where the sender knows whether the parent is remote.
const HAS_IS_REMOTE: u32 = proto::SpanFlags::ContextHasIsRemoteMask as u32;
/// Set in a span's flags where the parent is remote.
const IS_REMOTE: u32 = proto::SpanFlags::ContextIsRemoteMask as u32;

/// All spans of a request.
pub(crate) fn spans(groups: Vec<proto::ResourceSpans>) -> Converted<Span> {
    let mut converted = Converted::default();
    for group in groups {
        let resource = resource(group.resource, group.schema_url);
        for group in group.scope_spans {
            let scope = scope(group.scope, group.schema_url);
            for record in group.spans {
                let name = record.name.clone();
                converted.push(&name, span(record, &resource, &scope));
            }
        }
    }
    converted
}

fn span(span: proto::Span, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Result<Span, IdError> {
    Ok(Span {
        trace_id: TraceId::from_bytes(&span.trace_id)?,
        span_id: SpanId::from_bytes(&span.span_id)?,
        parent_span_id: optional_id(&span.parent_span_id, SpanId::from_bytes)?,
        parent_is_remote: (span.flags & HAS_IS_REMOTE != 0).then_some(span.flags & IS_REMOTE != 0),
        trace_state: span.trace_state,
        name: span.name,
        kind: kind(span.kind),
        start_time_unix_nano: span.start_time_unix_nano,
        end_time_unix_nano: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        links: span.links.into_iter().map(link).collect::<Result<_, _>>()?,
        status: span.status.map(status).unwrap_or_default(),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
    })
}

fn kind(kind: i32) -> SpanKind {
    match proto::span::SpanKind::try_from(kind) {
        Ok(proto::span::SpanKind::Internal) => SpanKind::Internal,
        Ok(proto::span::SpanKind::Server) => SpanKind::Server,
        Ok(proto::span::SpanKind::Client) => SpanKind::Client,
        Ok(proto::span::SpanKind::Producer) => SpanKind::Producer,
        Ok(proto::span::SpanKind::Consumer) => SpanKind::Consumer,
        Ok(proto::span::SpanKind::Unspecified) | Err(_) => SpanKind::Unspecified,
    }
}

fn event(event: proto::span::Event) -> SpanEvent {
    SpanEvent { time_unix_nano: event.time_unix_nano, name: event.name, attributes: attributes(event.attributes) }
}

fn link(link: proto::span::Link) -> Result<SpanLink, IdError> {
    Ok(SpanLink {
        trace_id: TraceId::from_bytes(&link.trace_id)?,
        span_id: SpanId::from_bytes(&link.span_id)?,
        trace_state: link.trace_state,
        attributes: attributes(link.attributes),
    })
}

fn status(status: proto::Status) -> SpanStatus {
    match proto::status::StatusCode::try_from(status.code) {
        Ok(proto::status::StatusCode::Ok) => SpanStatus::Ok,
        Ok(proto::status::StatusCode::Error) => SpanStatus::Error(status.message),
        Ok(proto::status::StatusCode::Unset) | Err(_) => SpanStatus::Unset,
    }
}
