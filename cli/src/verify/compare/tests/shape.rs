//! Kinds, units, instruments and severities.

use super::*;

#[test]
fn a_span_of_another_kind_is_of_the_wrong_kind_and_not_missing() {
    let mut emitted = emitted();
    emitted.spans[1].kind = SpanKind::Client;
    let found = findings(&declared(), emitted);
    assert_eq!(only(&found), (FindingKind::WrongKind, Signal::Span, BREAKER, None));
    assert_eq!((found[0].expected.as_str(), found[0].got.as_str()), ("internal", "client"));
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
    emitted.points = vec![point(CALLS, "ms", &[("name", "payments"), ("outcome", "success")])];
    assert_eq!(only(&findings(&declared(), emitted)), (FindingKind::WrongUnit, Signal::Metric, CALLS, None));
}

#[test]
fn a_metric_from_another_instrument_is_found() {
    let mut declared = declared();
    declared.metrics[0].instrument = Instrument::UpDownCounter;
    let found = findings(&declared, emitted());
    assert_eq!(only(&found), (FindingKind::WrongInstrument, Signal::Metric, CALLS, None));
    assert_eq!((found[0].expected.as_str(), found[0].got.as_str()), ("updowncounter", "counter"));
}

#[test]
fn an_event_at_another_level_has_the_wrong_severity() {
    let mut emitted = emitted();
    emitted.logs[0].severity_number = 13;
    assert_eq!(only(&findings(&declared(), emitted)), (FindingKind::WrongSeverity, Signal::Log, OPENED, None));
}

#[test]
fn an_event_may_be_declared_by_its_event_name() {
    let mut emitted = emitted();
    emitted.logs[0].event_name = OPENED.to_owned();
    emitted.logs[0].body = Value::from("payments is open");
    assert_eq!(findings(&declared(), emitted), []);
}
