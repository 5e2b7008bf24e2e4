//! Log records against the declared events: which arrived, how serious, with which attributes, and whether each can be
//! found from its trace.

use std::collections::{BTreeMap, HashSet};

use otelgen_collector::model::{LogRecord, Severity as ReceivedSeverity};
use otelgen_templates::telemetry::Severity;

use super::attributes::{self, Owner, emitter};
use super::findings::Findings;
use super::{Check, Observed};
use crate::render::{CONTRACT_FILE, EventPromise};
use crate::verify::report::{FindingKind, Outcome, Signal};

pub(super) fn compare(
    declared: &[EventPromise],
    observed: &Observed,
    checks: &mut Vec<Check>,
    findings: &mut Findings,
) {
    let mut undeclared: BTreeMap<String, usize> = BTreeMap::new();
    let mut arrived: BTreeMap<&str, Vec<&LogRecord>> = BTreeMap::new();
    for record in &observed.logs {
        match declared.iter().find(|promise| is_called(record, &promise.name)) {
            Some(promise) => arrived.entry(promise.name.as_str()).or_default().push(record),
            None => *undeclared.entry(name_of(record)).or_default() += 1,
        }
    }
    for promise in declared {
        let records = arrived.get(promise.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let outcome = match records.is_empty() {
            false => Outcome::Passed,
            true if !promise.probed => Outcome::NotProbed,
            true => missing(promise, findings),
        };
        records.iter().for_each(|record| compare_record(promise, record, findings));
        checks.push(Check {
            signal: Signal::Log,
            name: promise.name.clone(),
            shape: word(promise.severity).to_owned(),
            by: promise.by.clone(),
            received: records.len(),
            outcome,
        });
    }
    for (name, count) in undeclared {
        findings
            .found(FindingKind::Undeclared, Signal::Log, &name)
            .count(count)
            .next_step(format!("declare it in {CONTRACT_FILE}, or write it at a level that is not exported"));
    }
    correlation(observed, &arrived, findings);
}

/// Events are declared by their message, or by their event name where one is set.
fn is_called(record: &LogRecord, name: &str) -> bool {
    record.event_name == name || record.body.as_str() == Some(name)
}

fn name_of(record: &LogRecord) -> String {
    let body = record.body.to_string();
    if body.is_empty() { record.event_name.clone() } else { body }
}

fn missing(promise: &EventPromise, findings: &mut Findings) -> Outcome {
    findings
        .found(FindingKind::Missing, Signal::Log, &promise.name)
        .expected(format!("a record of severity {}", word(promise.severity)))
        .got("none")
        .next_step(format!(
            "see whether {} still writes it, with this very name, or take it out of {CONTRACT_FILE}",
            emitter(&promise.by)
        ));
    Outcome::Failed
}

fn compare_record(promise: &EventPromise, record: &LogRecord, findings: &mut Findings) {
    if record.severity().as_str() != word(promise.severity) {
        findings
            .found(FindingKind::WrongSeverity, Signal::Log, &promise.name)
            .expected(word(promise.severity))
            .got(record.severity().as_str())
            .next_step(format!("write it at the declared level, or correct it in {CONTRACT_FILE}"));
    }
    let owner = Owner { signal: Signal::Log, name: &promise.name };
    attributes::compare(owner, &promise.attributes, &record.attributes, findings);
}

fn correlation(observed: &Observed, arrived: &BTreeMap<&str, Vec<&LogRecord>>, findings: &mut Findings) {
    let spans: HashSet<_> = observed.spans.iter().map(|span| (span.trace_id, span.span_id)).collect();
    for (name, records) in arrived {
        for record in records {
            let Some((trace, span)) = record.trace_id.zip(record.span_id) else {
                continue;
            };
            if !spans.contains(&(trace, span)) {
                findings
                    .found(FindingKind::Uncorrelated, Signal::Log, name)
                    .expected("a span that was received")
                    .got("a span id that no received span has")
                    .next_step("let logs and spans go through the same tracing subscriber, with the same filter");
            }
        }
    }
    if !observed.logs.iter().any(|record| record.trace_id.is_some()) {
        wholly_uncorrelated(observed, arrived, findings);
    }
}

/// Where no record at all has a trace id, those written while a request was served should have had one.
fn wholly_uncorrelated(observed: &Observed, arrived: &BTreeMap<&str, Vec<&LogRecord>>, findings: &mut Findings) {
    let in_a_span = |record: &&&LogRecord| {
        let time = if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano };
        observed.spans.iter().any(|span| (span.start_time_unix_nano..=span.end_time_unix_nano).contains(&time))
    };
    for (name, records) in arrived {
        let count = records.iter().filter(in_a_span).count();
        if count > 0 {
            findings
                .found(FindingKind::Uncorrelated, Signal::Log, name)
                .expected("the trace id of the request it was written in")
                .got("no trace id, like all other records")
                .count(count)
                .next_step("add the log bridge beside the tracing-opentelemetry layer, on one subscriber");
        }
    }
}

fn word(severity: Severity) -> &'static str {
    let severity = match severity {
        Severity::Trace => ReceivedSeverity::Trace,
        Severity::Debug => ReceivedSeverity::Debug,
        Severity::Info => ReceivedSeverity::Info,
        Severity::Warn => ReceivedSeverity::Warn,
        Severity::Error => ReceivedSeverity::Error,
    };
    severity.as_str()
}
