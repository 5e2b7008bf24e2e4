//! Traces as a whole: every parent is there, is the declared one, and the context goes in and out of the service.

use std::collections::HashMap;

use otelgen_collector::model::{Span, SpanId, SpanKind, TraceId};

use super::Observed;
use super::findings::Findings;
use crate::render::{CONTRACT_FILE, SpanPromise};
use crate::verify::report::{FindingKind, Signal};

type ById<'a> = HashMap<(TraceId, SpanId), &'a Span>;

pub(super) fn compare(declared: &[SpanPromise], observed: &Observed, findings: &mut Findings) {
    let spans: ById<'_> = observed.spans.iter().map(|span| ((span.trace_id, span.span_id), span.as_ref())).collect();
    for span in &observed.spans {
        let parent = span.parent_span_id.map(|parent| spans.get(&(span.trace_id, parent)).copied());
        match parent {
            // Orphans say it all; where they should hang instead is the next question.
            Some(None) if span.parent_is_remote != Some(true) => orphan(span, findings),
            Some(None) => parentage(declared, span, "a remote span", &[], findings),
            Some(Some(parent)) => parentage(declared, span, &parent.name, &above(parent, &spans), findings),
            None => {
                parentage(declared, span, "", &[], findings);
                if observed.requests_carry_context && span.kind == SpanKind::Server {
                    not_joined(span, findings);
                }
            }
        }
    }
    outgoing(observed, &spans, findings);
}

/// The names of what stands above an internal span, up to the first that is not: the owner may put spans of their own
/// in between.
fn above<'a>(span: &'a Span, spans: &ById<'a>) -> Vec<&'a str> {
    let mut names = Vec::new();
    let mut span = span;
    while is_internal(span) && names.len() < spans.len() {
        let Some(parent) = span.parent_span_id.and_then(|parent| spans.get(&(span.trace_id, parent))) else { break };
        names.push(parent.name.as_str());
        span = parent;
    }
    names
}

fn is_internal(span: &Span) -> bool {
    matches!(span.kind, SpanKind::Internal | SpanKind::Unspecified)
}

fn orphan(span: &Span, findings: &mut Findings) {
    findings
        .found(FindingKind::OrphanSpan, Signal::Span, &span.name)
        .expected("its parent to be received as well")
        .got("a parent id that no received span has")
        .next_step("end the parent before the process ends, and filter parent and child by the same rule");
}

/// `parent` is the name of the span above, empty for a root; `further` are those above an internal one.
fn parentage(declared: &[SpanPromise], span: &Span, parent: &str, further: &[&str], findings: &mut Findings) {
    let promises = declared.iter().filter(|promise| promise.name == span.name);
    let promises: Vec<_> = promises.filter(|promise| is_kind(promise, span)).collect();
    let [promise] = promises.as_slice() else {
        return;
    };
    let below = |allowed: &String| allowed == parent || further.contains(&allowed.as_str());
    if promise.parents.is_empty() || promise.parents.iter().any(below) {
        return;
    }
    let expected: Vec<String> = promise.parents.iter().map(|parent| format!("`{parent}`")).collect();
    let got = if parent.is_empty() { "a root span".to_owned() } else { format!("a child of `{parent}`") };
    findings
        .found(FindingKind::BrokenParentage, Signal::Span, &span.name)
        .expected(format!("a child of {}", expected.join(" or ")))
        .got(got)
        .next_step(format!(
            "carry the context into the task (`.instrument(Span::current())`), or correct `parents` in {CONTRACT_FILE}"
        ));
}

fn is_kind(promise: &SpanPromise, span: &Span) -> bool {
    let kind = if span.kind == SpanKind::Unspecified { SpanKind::Internal } else { span.kind };
    kind.as_str() == format!("{:?}", promise.kind).to_lowercase()
}

fn not_joined(span: &Span, findings: &mut Findings) {
    findings
        .found(FindingKind::NotPropagated, Signal::Span, &span.name)
        .expected("a span in the trace of the request's `traceparent`")
        .got("the root of a new trace")
        .next_step("set the W3C propagator, and the request's context as the parent before the span is entered");
}

fn outgoing(observed: &Observed, spans: &ById<'_>, findings: &mut Findings) {
    for call in &observed.calls {
        let got = match &call.context {
            None => "no `traceparent`",
            Some(context) if !spans.contains_key(context) => "the id of a span that was not received",
            Some(_) => continue,
        };
        findings
            .found(FindingKind::NotPropagated, Signal::Span, &call.route)
            .expected("a `traceparent` with the id of the client span")
            .got(got)
            .next_step("make the call with the instrumented client");
    }
}
