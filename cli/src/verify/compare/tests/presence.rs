//! What is missing and what is too much.

use super::*;

#[test]
fn what_is_as_declared_gives_no_finding_and_every_check_passes() {
    let (checks, findings) = compare(&declared(), &observed(emitted()), Undeclared::Error);
    assert_eq!(findings, []);
    let passed = checks.iter().filter(|check| check.outcome == Outcome::Passed && check.received == 1);
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
    assert_eq!(only(&found), (FindingKind::Missing, Signal::Span, BREAKER, None));

    let mut without_metric = emitted();
    without_metric.points.clear();
    let found = findings(&declared(), without_metric);
    assert_eq!(only(&found), (FindingKind::Missing, Signal::Metric, CALLS, None));

    let mut without_log = emitted();
    without_log.logs.clear();
    let (checks, found) = compare(&declared(), &observed(without_log), Undeclared::Error);
    assert_eq!(only(&found), (FindingKind::Missing, Signal::Log, OPENED, None));
    assert_eq!(checks.iter().filter(|check| check.outcome == Outcome::Failed).count(), 1);
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
    assert_eq!(checks.iter().filter(|check| check.outcome == Outcome::NotProbed).count(), 3);

    let mut wrong = emitted();
    wrong.points = vec![point(CALLS, "1", &[("name", "payments"), ("outcome", "success")])];
    assert_eq!(only(&findings(&declared, wrong)).0, FindingKind::WrongUnit);
}

#[test]
fn what_nobody_declares_is_undeclared() {
    let mut spans = emitted();
    spans.spans.push(span("surprise", 3, SpanKind::Internal, 2, &[]));
    assert_eq!(only(&findings(&declared(), spans)), (FindingKind::Undeclared, Signal::Span, "surprise", None));

    let mut metrics = emitted();
    metrics.points.push(point("surprise", "s", &[]));
    let found = findings(&declared(), metrics);
    assert_eq!(only(&found), (FindingKind::Undeclared, Signal::Metric, "surprise", None));
    assert_eq!(found[0].got, "a counter in s");

    let mut logs = emitted();
    logs.logs.extend([log("surprise"), log("surprise")]);
    let found = findings(&declared(), logs);
    assert_eq!(only(&found), (FindingKind::Undeclared, Signal::Log, "surprise", None));
    assert_eq!(found[0].count, 2);
}

#[test]
fn what_nobody_declares_can_be_noted_instead() {
    let mut spans = emitted();
    spans.spans.push(span("surprise", 3, SpanKind::Internal, 2, &[]));
    let (_, found) = compare(&declared(), &observed(spans), Undeclared::Note);
    assert_eq!((found.len(), found[0].level), (1, Level::Note));
}
