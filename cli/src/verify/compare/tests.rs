//! One test for each kind of finding, on telemetry made by hand: each begins with what is as declared, so that the one
//! thing changed is the one thing found.

use std::sync::Arc;

use otelgen_collector::model::{
    Attributes, LogRecord, Metric, MetricKind, MetricPoint, MetricValue, Resource, Scope, Span,
    SpanId, SpanKind, SpanStatus, Temporality, TraceId, Value,
};
use otelgen_templates::telemetry::{
    Attribute, AttributeType, AttributeValue, Instrument, Requirement, Severity,
    SpanKind as DeclaredKind, Stability,
};

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
        values: values
            .iter()
            .map(|value| AttributeValue::String((*value).to_owned()))
            .collect(),
        brief: String::new(),
    }
}

fn span_promise(
    name: &str,
    kind: DeclaredKind,
    parents: &[&str],
    attributes: Vec<Attribute>,
) -> SpanPromise {
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
            span_promise(
                SERVER,
                DeclaredKind::Server,
                &[],
                vec![attribute("http.route", Requirement::Required, &[])],
            ),
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
    Arc::new(Resource::new(
        attributes(&[("service.name", "shop")]),
        String::new(),
    ))
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
    let kind = MetricKind::Sum {
        temporality: Temporality::Cumulative,
        monotonic: true,
    };
    let (name, description, unit) = (name.to_owned(), String::new(), unit.to_owned());
    MetricPoint {
        metric: Arc::new(Metric {
            name,
            description,
            unit,
            kind,
        }),
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
            span(
                SERVER,
                1,
                SpanKind::Server,
                9,
                &[("http.route", "/payments/{id}")],
            ),
            span(
                BREAKER,
                2,
                SpanKind::Internal,
                1,
                &[("outcome", "success"), ("busy_ns", "1")],
            ),
        ],
        points: vec![point(
            CALLS,
            "{call}",
            &[("name", "payments"), ("outcome", "success")],
        )],
        logs: vec![log(OPENED)],
        calls: vec![OutgoingCall {
            route: "GET /payments".to_owned(),
            context: Some((trace(), id(2))),
        }],
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
    let [finding] = findings else {
        panic!("not one finding, but {findings:#?}")
    };
    assert!(!finding.next_step.is_empty());
    (
        finding.kind,
        finding.signal,
        finding.name.as_str(),
        finding.attribute.as_deref(),
    )
}

#[test]
fn what_is_as_declared_gives_no_finding_and_every_check_passes() {
    let (checks, findings) = compare(&declared(), &observed(emitted()), Undeclared::Error);
    assert_eq!(findings, []);
    let passed = checks
        .iter()
        .filter(|check| check.outcome == Outcome::Passed && check.received == 1);
    assert_eq!((checks.len(), passed.count()), (4, 4));
}

#[test]
fn what_does_not_arrive_is_missing() {
    let mut without_span = emitted();
    without_span.spans.pop();
    without_span.logs.clear();
    without_span.calls.clear();
    let mut declared_without_event = declared();
    declared_without_event.events.clear();
    let found = findings(&declared_without_event, without_span);
    assert_eq!(
        only(&found),
        (FindingKind::Missing, Signal::Span, BREAKER, None)
    );

    let mut without_metric = emitted();
    without_metric.points.clear();
    let found = findings(&declared(), without_metric);
    assert_eq!(
        only(&found),
        (FindingKind::Missing, Signal::Metric, CALLS, None)
    );

    let mut without_log = emitted();
    without_log.logs.clear();
    let (checks, found) = compare(&declared(), &observed(without_log), Undeclared::Error);
    assert_eq!(
        only(&found),
        (FindingKind::Missing, Signal::Log, OPENED, None)
    );
    assert_eq!(
        checks
            .iter()
            .filter(|check| check.outcome == Outcome::Failed)
            .count(),
        1
    );
}

#[test]
fn what_no_probe_can_cause_is_not_missing_but_compared_when_it_comes() {
    let mut declared = declared();
    declared.spans[1].probed = false;
    declared.metrics[0].probed = false;
    declared.events[0].probed = false;
    let mut quiet = emitted();
    quiet.spans.truncate(1);
    quiet.points.clear();
    quiet.logs.clear();
    quiet.calls.clear();
    let (checks, found) = compare(&declared, &observed(quiet), Undeclared::Error);
    assert_eq!(found, []);
    assert_eq!(
        checks
            .iter()
            .filter(|check| check.outcome == Outcome::NotProbed)
            .count(),
        3
    );

    let mut wrong = emitted();
    wrong.points = vec![point(
        CALLS,
        "1",
        &[("name", "payments"), ("outcome", "success")],
    )];
    assert_eq!(only(&findings(&declared, wrong)).0, FindingKind::WrongUnit);
}

#[test]
fn what_nobody_declares_is_undeclared() {
    let mut spans = emitted();
    spans
        .spans
        .push(span("surprise", 3, SpanKind::Internal, 2, &[]));
    assert_eq!(
        only(&findings(&declared(), spans)),
        (FindingKind::Undeclared, Signal::Span, "surprise", None)
    );

    let mut metrics = emitted();
    metrics.points.push(point("surprise", "s", &[]));
    let found = findings(&declared(), metrics);
    assert_eq!(
        only(&found),
        (FindingKind::Undeclared, Signal::Metric, "surprise", None)
    );
    assert_eq!(found[0].got, "a counter in s");

    let mut logs = emitted();
    logs.logs.extend([log("surprise"), log("surprise")]);
    let found = findings(&declared(), logs);
    assert_eq!(
        only(&found),
        (FindingKind::Undeclared, Signal::Log, "surprise", None)
    );
    assert_eq!(found[0].count, 2);
}

#[test]
fn what_nobody_declares_can_be_noted_instead() {
    let mut spans = emitted();
    spans
        .spans
        .push(span("surprise", 3, SpanKind::Internal, 2, &[]));
    let (_, found) = compare(&declared(), &observed(spans), Undeclared::Note);
    assert_eq!((found.len(), found[0].level), (1, Level::Note));
}

#[test]
fn a_span_of_another_kind_is_of_the_wrong_kind_and_not_missing() {
    let mut emitted = emitted();
    emitted.spans[1].kind = SpanKind::Client;
    let found = findings(&declared(), emitted);
    assert_eq!(
        only(&found),
        (FindingKind::WrongKind, Signal::Span, BREAKER, None)
    );
    assert_eq!(
        (found[0].expected.as_str(), found[0].got.as_str()),
        ("internal", "client")
    );
}

#[test]
fn a_span_without_a_kind_is_internal() {
    let mut emitted = emitted();
    emitted.spans[1].kind = SpanKind::Unspecified;
    assert_eq!(findings(&declared(), emitted), []);
}

#[test]
fn a_metric_in_another_unit_has_the_wrong_unit() {
    let mut emitted = emitted();
    emitted.points = vec![point(
        CALLS,
        "ms",
        &[("name", "payments"), ("outcome", "success")],
    )];
    assert_eq!(
        only(&findings(&declared(), emitted)),
        (FindingKind::WrongUnit, Signal::Metric, CALLS, None)
    );
}

#[test]
fn a_metric_from_another_instrument_is_found() {
    let mut declared = declared();
    declared.metrics[0].instrument = Instrument::UpDownCounter;
    let found = findings(&declared, emitted());
    assert_eq!(
        only(&found),
        (FindingKind::WrongInstrument, Signal::Metric, CALLS, None)
    );
    assert_eq!(
        (found[0].expected.as_str(), found[0].got.as_str()),
        ("updowncounter", "counter")
    );
}

#[test]
fn an_event_at_another_level_has_the_wrong_severity() {
    let mut emitted = emitted();
    emitted.logs[0].severity_number = 13;
    assert_eq!(
        only(&findings(&declared(), emitted)),
        (FindingKind::WrongSeverity, Signal::Log, OPENED, None)
    );
}

#[test]
fn an_event_may_be_declared_by_its_event_name() {
    let mut emitted = emitted();
    emitted.logs[0].event_name = OPENED.to_owned();
    emitted.logs[0].body = Value::from("payments is open");
    assert_eq!(findings(&declared(), emitted), []);
}

#[test]
fn a_required_attribute_that_is_not_there_is_found_on_every_signal() {
    let mut spans = emitted();
    spans.spans[1].attributes = Attributes::default();
    let found = findings(&declared(), spans);
    assert_eq!(
        only(&found),
        (
            FindingKind::MissingAttribute,
            Signal::Span,
            BREAKER,
            Some("outcome")
        )
    );

    let mut metrics = emitted();
    metrics.points[0].attributes = attributes(&[("name", "payments")]);
    let found = findings(&declared(), metrics);
    assert_eq!(
        only(&found),
        (
            FindingKind::MissingAttribute,
            Signal::Metric,
            CALLS,
            Some("outcome")
        )
    );

    let mut logs = emitted();
    logs.logs[0].attributes = Attributes::default();
    assert_eq!(
        findings(&declared(), logs),
        [],
        "recommended is not required"
    );
}

#[test]
fn a_value_outside_its_set_is_found_once_with_a_count() {
    let mut emitted = emitted();
    emitted.spans[1].attributes = attributes(&[("outcome", "maybe")]);
    let again = Span {
        span_id: id(3),
        ..emitted.spans[1].clone()
    };
    emitted.spans.push(again);
    let found = findings(&declared(), emitted);
    assert_eq!(
        only(&found),
        (
            FindingKind::WrongValue,
            Signal::Span,
            BREAKER,
            Some("outcome")
        )
    );
    assert_eq!(
        (
            found[0].expected.as_str(),
            found[0].got.as_str(),
            found[0].count
        ),
        ("`success`, `failure`", "`maybe`", 2)
    );
}

#[test]
fn a_value_of_another_type_is_found() {
    let mut emitted = emitted();
    emitted.points[0].attributes = [
        ("name", Value::from(1)),
        ("outcome", Value::from("success")),
    ]
    .into_iter()
    .collect();
    let found = findings(&declared(), emitted);
    assert_eq!(
        only(&found),
        (FindingKind::WrongType, Signal::Metric, CALLS, Some("name"))
    );
    assert_eq!(
        (found[0].expected.as_str(), found[0].got.as_str()),
        ("string", "int")
    );
}

#[test]
fn an_attribute_that_is_not_declared_is_found_but_not_where_the_code_stands() {
    let mut spans = emitted();
    spans.spans[1].attributes = attributes(&[
        ("outcome", "success"),
        ("user.id", "7"),
        ("code.file.path", "x"),
    ]);
    let found = findings(&declared(), spans);
    assert_eq!(
        only(&found),
        (
            FindingKind::UndeclaredAttribute,
            Signal::Span,
            BREAKER,
            Some("user.id")
        )
    );

    let mut metrics = emitted();
    let pairs = [
        ("name", "payments"),
        ("outcome", "success"),
        ("code.file.path", "x"),
    ];
    metrics.points[0].attributes = attributes(&pairs);
    let found = findings(&declared(), metrics);
    assert_eq!(
        only(&found),
        (
            FindingKind::UndeclaredAttribute,
            Signal::Metric,
            CALLS,
            Some("code.file.path")
        )
    );
}

#[test]
fn a_span_whose_parent_never_came_is_an_orphan() {
    let mut emitted = emitted();
    emitted.spans[1].parent_span_id = Some(id(5));
    assert_eq!(
        only(&findings(&declared(), emitted)),
        (FindingKind::OrphanSpan, Signal::Span, BREAKER, None)
    );
}

#[test]
fn a_span_under_the_wrong_parent_or_none_breaks_the_parentage() {
    let mut root = emitted();
    root.spans[1].parent_span_id = None;
    let found = findings(&declared(), root);
    assert_eq!(
        only(&found),
        (FindingKind::BrokenParentage, Signal::Span, BREAKER, None)
    );
    assert_eq!(found[0].got, "a root span");

    let mut declared = declared();
    declared.spans.push(span_promise(
        "cache",
        DeclaredKind::Internal,
        &[],
        Vec::new(),
    ));
    let mut elsewhere = emitted();
    elsewhere
        .spans
        .push(span("cache", 3, SpanKind::Internal, 1, &[]));
    elsewhere.spans[1].parent_span_id = Some(id(3));
    let found = findings(&declared, elsewhere);
    assert_eq!(
        only(&found),
        (FindingKind::BrokenParentage, Signal::Span, BREAKER, None)
    );
    assert_eq!(found[0].got, "a child of `cache`");
}

#[test]
fn a_server_span_that_does_not_join_the_trace_of_its_request_is_found() {
    let mut emitted = emitted();
    emitted.spans[0].parent_span_id = None;
    assert_eq!(
        only(&findings(&declared(), emitted)),
        (FindingKind::NotPropagated, Signal::Span, SERVER, None)
    );
}

#[test]
fn a_server_span_may_be_a_root_where_a_request_brought_no_context() {
    let mut emitted = emitted();
    emitted.spans[0].parent_span_id = None;
    let observed = Observed {
        requests_carry_context: false,
        ..observed(emitted)
    };
    assert_eq!(compare(&declared(), &observed, Undeclared::Error).1, []);
}

#[test]
fn a_call_that_does_not_pass_the_context_on_is_found() {
    let mut without = emitted();
    without.calls[0].context = None;
    let found = findings(&declared(), without);
    assert_eq!(
        only(&found),
        (
            FindingKind::NotPropagated,
            Signal::Span,
            "GET /payments",
            None
        )
    );

    let mut unknown = emitted();
    unknown.calls[0].context = Some((trace(), id(6)));
    assert_eq!(
        only(&findings(&declared(), unknown)).0,
        FindingKind::NotPropagated
    );
}

#[test]
fn a_record_of_a_span_that_never_came_is_uncorrelated() {
    let mut emitted = emitted();
    emitted.logs[0].span_id = Some(id(6));
    assert_eq!(
        only(&findings(&declared(), emitted)),
        (FindingKind::Uncorrelated, Signal::Log, OPENED, None)
    );
}

#[test]
fn records_are_uncorrelated_where_none_has_a_trace_id_although_a_request_was_served() {
    let mut during = emitted();
    during.logs[0].trace_id = None;
    assert_eq!(
        only(&findings(&declared(), during)),
        (FindingKind::Uncorrelated, Signal::Log, OPENED, None)
    );

    let mut before = emitted();
    before.logs[0].trace_id = None;
    before.logs[0].time_unix_nano = 50;
    assert_eq!(findings(&declared(), before), []);
}

#[test]
fn a_service_without_a_name_is_found() {
    let mut emitted = emitted();
    let nameless = Arc::new(Resource::new(Attributes::default(), String::new()));
    emitted.points[0].resource = nameless;
    let found = findings(&declared(), emitted);
    assert_eq!(
        only(&found),
        (
            FindingKind::MissingAttribute,
            Signal::Resource,
            "unknown_service",
            Some("service.name")
        )
    );
}
