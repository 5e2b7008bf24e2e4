//! Spans against the declared ones: which arrived, of which kind, with which attributes.

use std::collections::BTreeMap;

use otelgen_collector::model::{Span, SpanKind as ReceivedKind};
use otelgen_templates::telemetry::SpanKind;

use super::attributes::{self, Owner, emitter};
use super::findings::Findings;
use super::{Check, Observed};
use crate::render::{CONTRACT_FILE, SpanPromise};
use crate::verify::report::{FindingKind, Outcome, Signal};

pub(super) fn compare(declared: &[SpanPromise], observed: &Observed, checks: &mut Vec<Check>, findings: &mut Findings) {
    let mut received: BTreeMap<(&str, ReceivedKind), Vec<&Span>> = BTreeMap::new();
    for span in &observed.spans {
        // The specification takes a span without a kind for an internal one.
        let kind = if span.kind == ReceivedKind::Unspecified { ReceivedKind::Internal } else { span.kind };
        received.entry((span.name.as_str(), kind)).or_default().push(span);
    }
    for promise in declared {
        let arrived = received.remove(&(promise.name.as_str(), kind(promise.kind))).unwrap_or_default();
        let owner = Owner { signal: Signal::Span, name: &promise.name };
        for span in &arrived {
            attributes::compare(owner, &promise.attributes, &span.attributes, findings);
        }
        let other_kind = received.keys().any(|(name, _)| *name == promise.name);
        let outcome = match arrived.is_empty() {
            false => Outcome::Passed,
            true if !promise.probed => Outcome::NotProbed,
            true if other_kind => Outcome::Failed,
            true => missing(promise, findings),
        };
        checks.push(Check {
            signal: Signal::Span,
            name: promise.name.clone(),
            shape: word(promise.kind).to_owned(),
            by: promise.by.clone(),
            received: arrived.len(),
            outcome,
        });
    }
    for ((name, kind), spans) in received {
        let promises: Vec<_> = declared.iter().filter(|promise| promise.name == name).collect();
        unexpected(name, kind, spans.len(), &promises, findings);
    }
}

fn missing(promise: &SpanPromise, findings: &mut Findings) -> Outcome {
    findings
        .found(FindingKind::Missing, Signal::Span, &promise.name)
        .expected(format!("a span of kind {}", word(promise.kind)))
        .got("none")
        .next_step(format!("see whether {} still opens it, or take it out of {CONTRACT_FILE}", emitter(&promise.by)));
    Outcome::Failed
}

/// A span that no declaration fits: of another kind than those of its name, or of a name nobody declares.
fn unexpected(name: &str, kind: ReceivedKind, count: usize, promises: &[&SpanPromise], findings: &mut Findings) {
    if promises.is_empty() {
        return findings
            .found(FindingKind::Undeclared, Signal::Span, name)
            .got(format!("a span of kind {}", kind.as_str()))
            .count(count)
            .next_step(format!("declare it in {CONTRACT_FILE}, or stop emitting it"));
    }
    let kinds: Vec<_> = promises.iter().map(|promise| word(promise.kind)).collect();
    findings
        .found(FindingKind::WrongKind, Signal::Span, name)
        .expected(kinds.join(" or "))
        .got(kind.as_str())
        .count(count)
        .next_step(format!("set `otel.kind` where the span is opened, or correct its kind in {CONTRACT_FILE}"));
}

fn kind(kind: SpanKind) -> ReceivedKind {
    match kind {
        SpanKind::Internal => ReceivedKind::Internal,
        SpanKind::Server => ReceivedKind::Server,
        SpanKind::Client => ReceivedKind::Client,
        SpanKind::Producer => ReceivedKind::Producer,
        SpanKind::Consumer => ReceivedKind::Consumer,
    }
}

fn word(declared: SpanKind) -> &'static str {
    kind(declared).as_str()
}
