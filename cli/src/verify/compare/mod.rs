//! Compares what came with what is declared. Pure: knows the declarations and the received telemetry, and nothing of
//! processes, probes or the network.

mod attributes;
mod findings;
mod logs;
mod metrics;
mod spans;
mod traces;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use otelgen_collector::Store;
use otelgen_collector::model::{LogRecord, MetricPoint, Span, SpanId, TraceId, UNKNOWN_SERVICE};

use super::report::{Check, Finding, FindingKind, Level, Outcome, Signal};
use crate::render::Telemetry;
use findings::Findings;

/// Everything that was seen during a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    pub(super) spans: Vec<Arc<Span>>,
    pub(super) points: Vec<Arc<MetricPoint>>,
    pub(super) logs: Vec<Arc<LogRecord>>,
    /// The calls that the service made to the stand-in for other services.
    pub(super) calls: Vec<OutgoingCall>,
    /// Whether every request sent to the service carried a trace context.
    pub(super) requests_carry_context: bool,
}

/// One call that the service made, with the trace context that it passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutgoingCall {
    /// Method and the path that answered it.
    pub(super) route: String,
    pub(super) context: Option<(TraceId, SpanId)>,
}

impl Observed {
    pub(super) fn of(store: &Store) -> Self {
        Self {
            spans: store.spans().all(),
            points: store.metrics().points(),
            logs: store.logs().all(),
            ..Self::default()
        }
    }

    /// The name of the service that most of it came from.
    pub(super) fn service(&self) -> &str {
        let spans = self.spans.iter().map(|span| &span.resource);
        let points = self.points.iter().map(|point| &point.resource);
        let logs = self.logs.iter().map(|log| &log.resource);
        spans.chain(points).chain(logs).next().map_or("", |resource| &resource.service)
    }
}

/// How to take what is not declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Undeclared {
    /// As a difference, like any other.
    #[default]
    Error,
    /// As something to note: the owner of the project emits what `telemetry.toml` does not declare.
    Note,
}

/// Every declaration with what arrived of it, and every difference.
pub(super) fn compare(declared: &Telemetry, observed: &Observed, undeclared: Undeclared) -> (Vec<Check>, Vec<Finding>) {
    let mut findings = Findings::new(undeclared);
    let mut checks = Vec::new();
    spans::compare(&declared.spans, observed, &mut checks, &mut findings);
    metrics::compare(&declared.metrics, observed, &mut checks, &mut findings);
    logs::compare(&declared.events, observed, &mut checks, &mut findings);
    traces::compare(&declared.spans, observed, &mut findings);
    resources(observed, &mut findings);
    let findings = findings.into_vec();
    for check in &mut checks {
        let failed = |finding: &Finding| {
            finding.level == Level::Error && finding.signal == check.signal && finding.name == check.name
        };
        if findings.iter().any(failed) {
            check.outcome = Outcome::Failed;
        }
    }
    (checks, findings)
}

/// A service that does not say its name cannot be found in any backend.
fn resources(observed: &Observed, findings: &mut Findings) {
    let spans = observed.spans.iter().map(|span| &span.resource);
    let points = observed.points.iter().map(|point| &point.resource);
    let logs = observed.logs.iter().map(|log| &log.resource);
    let names: BTreeSet<&str> = spans.chain(points).chain(logs).map(|resource| &*resource.service).collect();
    for name in names.into_iter().filter(|name| name.starts_with(UNKNOWN_SERVICE)) {
        let next_step = "set the service name where the resource is built, or OTEL_SERVICE_NAME";
        findings
            .found(FindingKind::MissingAttribute, Signal::Resource, name)
            .attribute("service.name")
            .expected("the name of the service")
            .got("none")
            .next_step(next_step);
    }
}
