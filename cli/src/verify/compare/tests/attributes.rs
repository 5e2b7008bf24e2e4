//! Attributes that are missing, too many, of the wrong type or value.

use super::*;

#[test]
fn a_required_attribute_that_is_not_there_is_found_on_every_signal() {
    let mut spans = emitted();
    spans.spans[1].attributes = Attributes::default();
    let found = findings(&declared(), spans);
    assert_eq!(only(&found), (FindingKind::MissingAttribute, Signal::Span, BREAKER, Some("outcome")));

    let mut metrics = emitted();
    metrics.points[0].attributes = attributes(&[("name", "payments")]);
    let found = findings(&declared(), metrics);
    assert_eq!(only(&found), (FindingKind::MissingAttribute, Signal::Metric, CALLS, Some("outcome")));

    let mut logs = emitted();
    logs.logs[0].attributes = Attributes::default();
    assert_eq!(findings(&declared(), logs), [], "recommended is not required");
}

#[test]
fn a_value_outside_its_set_is_found_once_with_a_count() {
    let mut emitted = emitted();
    emitted.spans[1].attributes = attributes(&[("outcome", "maybe")]);
    let again = Span { span_id: id(3), ..emitted.spans[1].clone() };
    emitted.spans.push(again);
    let found = findings(&declared(), emitted);
    assert_eq!(only(&found), (FindingKind::WrongValue, Signal::Span, BREAKER, Some("outcome")));
    assert_eq!(
        (found[0].expected.as_str(), found[0].got.as_str(), found[0].count),
        ("`success`, `failure`", "`maybe`", 2)
    );
}

#[test]
fn a_value_of_another_type_is_found() {
    let mut emitted = emitted();
    emitted.points[0].attributes =
        [("name", Value::from(1)), ("outcome", Value::from("success"))].into_iter().collect();
    let found = findings(&declared(), emitted);
    assert_eq!(only(&found), (FindingKind::WrongType, Signal::Metric, CALLS, Some("name")));
    assert_eq!((found[0].expected.as_str(), found[0].got.as_str()), ("string", "int"));
}

#[test]
fn an_attribute_that_is_not_declared_is_found_but_not_where_the_code_stands() {
    let mut spans = emitted();
    spans.spans[1].attributes = attributes(&[("outcome", "success"), ("user.id", "7"), ("code.file.path", "x")]);
    let found = findings(&declared(), spans);
    assert_eq!(only(&found), (FindingKind::UndeclaredAttribute, Signal::Span, BREAKER, Some("user.id")));

    let mut metrics = emitted();
    let pairs = [("name", "payments"), ("outcome", "success"), ("code.file.path", "x")];
    metrics.points[0].attributes = attributes(&pairs);
    let found = findings(&declared(), metrics);
    assert_eq!(only(&found), (FindingKind::UndeclaredAttribute, Signal::Metric, CALLS, Some("code.file.path")));
}
