//! Parents, propagation, correlation, and who sent it all.

use super::*;

#[test]
fn a_span_whose_parent_never_came_is_an_orphan() {
    let mut emitted = emitted();
    emitted.spans[1].parent_span_id = Some(id(5));
    assert_eq!(only(&findings(&declared(), emitted)), (FindingKind::OrphanSpan, Signal::Span, BREAKER, None));
}

#[test]
fn a_span_under_the_wrong_parent_or_none_breaks_the_parentage() {
    let mut root = emitted();
    root.spans[1].parent_span_id = None;
    let found = findings(&declared(), root);
    assert_eq!(only(&found), (FindingKind::BrokenParentage, Signal::Span, BREAKER, None));
    assert_eq!(found[0].got, "a root span");

    let mut declared = declared();
    declared.spans.push(span_promise("call", DeclaredKind::Client, &[], Vec::new()));
    let mut elsewhere = emitted();
    elsewhere.spans.push(span("call", 3, SpanKind::Client, 1, &[]));
    elsewhere.spans[1].parent_span_id = Some(id(3));
    let found = findings(&declared, elsewhere);
    assert_eq!(only(&found), (FindingKind::BrokenParentage, Signal::Span, BREAKER, None));
    assert_eq!(found[0].got, "a child of `call`");
}

#[test]
fn internal_spans_of_the_owner_may_stand_between_a_span_and_its_parent() {
    let mut declared = declared();
    declared.spans.push(span_promise("load", DeclaredKind::Internal, &[], Vec::new()));
    let mut emitted = emitted();
    emitted.spans.push(span("load", 3, SpanKind::Internal, 1, &[]));
    emitted.spans.push(span("load", 4, SpanKind::Internal, 3, &[]));
    emitted.spans[1].parent_span_id = Some(id(4));
    assert_eq!(findings(&declared, emitted), []);
}

#[test]
fn a_server_span_that_does_not_join_the_trace_of_its_request_is_found() {
    let mut emitted = emitted();
    emitted.spans[0].parent_span_id = None;
    assert_eq!(only(&findings(&declared(), emitted)), (FindingKind::NotPropagated, Signal::Span, SERVER, None));
}

#[test]
fn a_server_span_may_be_a_root_where_a_request_brought_no_context() {
    let mut emitted = emitted();
    emitted.spans[0].parent_span_id = None;
    let observed = Observed { requests_carry_context: false, ..observed(emitted) };
    assert_eq!(compare(&declared(), &observed, Undeclared::Error).1, []);
}

#[test]
fn a_call_that_does_not_pass_the_context_on_is_found() {
    let mut without = emitted();
    without.calls[0].context = None;
    let found = findings(&declared(), without);
    assert_eq!(only(&found), (FindingKind::NotPropagated, Signal::Span, "GET /payments", None));

    let mut unknown = emitted();
    unknown.calls[0].context = Some((trace(), id(6)));
    assert_eq!(only(&findings(&declared(), unknown)).0, FindingKind::NotPropagated);
}

#[test]
fn a_record_of_a_span_that_never_came_is_uncorrelated() {
    let mut emitted = emitted();
    emitted.logs[0].span_id = Some(id(6));
    assert_eq!(only(&findings(&declared(), emitted)), (FindingKind::Uncorrelated, Signal::Log, OPENED, None));
}

#[test]
fn records_are_uncorrelated_where_none_has_a_trace_id_although_a_request_was_served() {
    let mut during = emitted();
    during.logs[0].trace_id = None;
    assert_eq!(only(&findings(&declared(), during)), (FindingKind::Uncorrelated, Signal::Log, OPENED, None));

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
        (FindingKind::MissingAttribute, Signal::Resource, "unknown_service", Some("service.name"))
    );
}
