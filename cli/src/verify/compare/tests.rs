//! One test for each kind of finding, on telemetry made by hand: each begins with what is as declared, so that the one
//! thing changed is the one thing found.

use std::sync::Arc;

use otelgen_collector::model::{
    Attributes, LogRecord, Metric, MetricKind, MetricPoint, MetricValue, Resource, Scope, Span, SpanId, SpanKind,
    SpanStatus, Temporality, TraceId, Value,
};
use otelgen_templates::telemetry::{
    Attribute, AttributeType, AttributeValue, Instrument, Requirement, Severity, SpanKind as DeclaredKind, Stability,
};

mod attributes;
mod presence;
mod shape;
mod traces;

use super::*;
use crate::render::{EventPromise, MetricPromise, SpanPromise};

const SERVER: &str = "GET /payments/{id}";
const BREAKER: &str = "payments";
const CALLS: &str = "otelgen.circuit_breaker.calls";
const OPENED: &str = "circuit breaker opened";

fn attribute(name: &str, requirement: Requirement, values: &[&str]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value_type: AttributeType::String,
        requirement,
        values: values.iter().map(|value| AttributeValue::String((*value).to_owned())).collect(),
        brief: String::new(),
    }
}

fn span_promise(name: &str, kind: DeclaredKind, parents: &[&str], attributes: Vec<Attribute>) -> SpanPromise {
    SpanPromise {
        name: name.to_owned(),
        kind,
        brief: String::new(),
        stability: Stability::Development,
        probed: true,
        parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
        attributes,
        by: vec!["pattern/circuit-breaker payments".to_owned()],
    }
}

/// What a service with one circuit breaker declares.
fn declared() -> Telemetry {
    let outcome = || attribute("outcome", Requirement::Required, &["success", "failure"]);
    Telemetry {
        spans: vec![
            span_promise(SERVER, DeclaredKind::Server, &[], vec![attribute("http.route", Requirement::Required, &[])]),
            span_promise(BREAKER, DeclaredKind::Internal, &[SERVER], vec![outcome()]),
        ],
        metrics: vec![MetricPromise {
            name: CALLS.to_owned(),
            instrument: Instrument::Counter,
            unit: "{call}".to_owned(),
            brief: String::new(),
            stability: Stability::Development,
            probed: true,
            attributes: vec![attribute("name", Requirement::Required, &[]), outcome()],
            by: vec!["pattern/circuit-breaker payments".to_owned()],
        }],
        events: vec![EventPromise {
            name: OPENED.to_owned(),
            severity: Severity::Info,
            brief: String::new(),
            stability: Stability::Development,
            probed: true,
            attributes: vec![attribute("name", Requirement::Recommended, &[])],
            by: vec!["pattern/circuit-breaker payments".to_owned()],
        }],
    }
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().copied().collect()
}

fn trace() -> TraceId {
    TraceId::from_bytes(&[7; 16]).unwrap()
}

fn id(number: u8) -> SpanId {
    SpanId::from_bytes(&[number; 8]).unwrap()
}

fn resource() -> Arc<Resource> {
    Arc::new(Resource::new(attributes(&[("service.name", "shop")]), String::new()))
}

fn span(name: &str, number: u8, kind: SpanKind, parent: u8, pairs: &[(&str, &str)]) -> Span {
    Span {
        trace_id: trace(),
        span_id: id(number),
        parent_span_id: Some(id(parent)),
        parent_is_remote: Some(kind == SpanKind::Server),
        trace_state: String::new(),
        name: name.to_owned(),
        kind,
        start_time_unix_nano: 100,
        end_time_unix_nano: 200,
        attributes: attributes(pairs),
        events: Vec::new(),
        links: Vec::new(),
        status: SpanStatus::Unset,
        resource: resource(),
        scope: Arc::default(),
    }
}

fn point(name: &str, unit: &str, pairs: &[(&str, &str)]) -> MetricPoint {
    let kind = MetricKind::Sum { temporality: Temporality::Cumulative, monotonic: true };
    let (name, description, unit) = (name.to_owned(), String::new(), unit.to_owned());
    MetricPoint {
        metric: Arc::new(Metric { name, description, unit, kind }),
        attributes: attributes(pairs),
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        value: MetricValue::Int(1),
        exemplars: Vec::new(),
        resource: resource(),
        scope: Arc::new(Scope::default()),
    }
}

fn log(message: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: 150,
        observed_time_unix_nano: 150,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        // What the appender calls every event of tracing.
        event_name: "event src/breaker.rs:10".to_owned(),
        body: Value::from(message),
        attributes: attributes(&[("name", "payments"), ("code.line.number", "10")]),
        trace_id: Some(trace()),
        span_id: Some(id(2)),
        resource: resource(),
        scope: Arc::default(),
    }
}

/// What such a service emits when it is as declared. Changed by the tests, one thing at a time.
struct Emitted {
    spans: Vec<Span>,
    points: Vec<MetricPoint>,
    logs: Vec<LogRecord>,
    calls: Vec<OutgoingCall>,
}

fn emitted() -> Emitted {
    Emitted {
        spans: vec![
            span(SERVER, 1, SpanKind::Server, 9, &[("http.route", "/payments/{id}")]),
            span(BREAKER, 2, SpanKind::Internal, 1, &[("outcome", "success"), ("busy_ns", "1")]),
        ],
        points: vec![point(CALLS, "{call}", &[("name", "payments"), ("outcome", "success")])],
        logs: vec![log(OPENED)],
        calls: vec![OutgoingCall { route: "GET /payments".to_owned(), context: Some((trace(), id(2))) }],
    }
}

fn observed(emitted: Emitted) -> Observed {
    Observed {
        spans: emitted.spans.into_iter().map(Arc::new).collect(),
        points: emitted.points.into_iter().map(Arc::new).collect(),
        logs: emitted.logs.into_iter().map(Arc::new).collect(),
        calls: emitted.calls,
        requests_carry_context: true,
    }
}

fn findings(declared: &Telemetry, emitted: Emitted) -> Vec<Finding> {
    compare(declared, &observed(emitted), Undeclared::Error).1
}

/// The one finding there is, as kind, signal, name and attribute.
fn only(findings: &[Finding]) -> (FindingKind, Signal, &str, Option<&str>) {
    let [finding] = findings else { panic!("not one finding, but {findings:#?}") };
    assert!(!finding.next_step.is_empty());
    (finding.kind, finding.signal, finding.name.as_str(), finding.attribute.as_deref())
}
