//! Metrics against the declared ones: which arrived, from which instrument, in which unit, with which attributes.

use std::collections::{BTreeMap, BTreeSet};

use otelgen_collector::model::MetricPoint;
use otelgen_templates::telemetry::Instrument;

use super::attributes::{self, Owner, emitter};
use super::findings::Findings;
use super::{Check, Observed};
use crate::render::{CONTRACT_FILE, MetricPromise};
use crate::verify::report::{FindingKind, Outcome, Signal};

pub(super) fn compare(
    declared: &[MetricPromise],
    observed: &Observed,
    checks: &mut Vec<Check>,
    findings: &mut Findings,
) {
    let mut received: BTreeMap<&str, Vec<&MetricPoint>> = BTreeMap::new();
    for point in &observed.points {
        received.entry(point.metric.name.as_str()).or_default().push(point);
    }
    for promise in declared {
        let points = received.remove(promise.name.as_str()).unwrap_or_default();
        let outcome = match points.is_empty() {
            false => Outcome::Passed,
            true if !promise.probed => Outcome::NotProbed,
            true => missing(promise, findings),
        };
        compare_metric(promise, &points, findings);
        checks.push(Check {
            signal: Signal::Metric,
            name: promise.name.clone(),
            shape: format!("{} in {}", word(promise.instrument), promise.unit),
            by: promise.by.clone(),
            received: points.len(),
            outcome,
        });
    }
    for (name, points) in received {
        let shapes: BTreeSet<_> = points.iter().map(|point| shape(point)).collect();
        findings
            .found(FindingKind::Undeclared, Signal::Metric, name)
            .got(shapes.into_iter().collect::<Vec<_>>().join(", "))
            .next_step(format!("declare it in {CONTRACT_FILE}, or drop it with a view"));
    }
}

fn missing(promise: &MetricPromise, findings: &mut Findings) -> Outcome {
    findings
        .found(FindingKind::Missing, Signal::Metric, &promise.name)
        .expected(format!("a {} in {}", word(promise.instrument), promise.unit))
        .got("none")
        .next_step(format!("see whether {} still records it, or take it out of {CONTRACT_FILE}", emitter(&promise.by)));
    Outcome::Failed
}

fn compare_metric(promise: &MetricPromise, points: &[&MetricPoint], findings: &mut Findings) {
    let units: BTreeSet<_> = points.iter().map(|point| point.metric.unit.as_str()).collect();
    for unit in units.into_iter().filter(|unit| *unit != promise.unit) {
        findings
            .found(FindingKind::WrongUnit, Signal::Metric, &promise.name)
            .expected(format!("`{}`", promise.unit))
            .got(format!("`{unit}`"))
            .next_step(format!("set the unit where the instrument is built, or correct it in {CONTRACT_FILE}"));
    }
    let instruments: BTreeSet<_> = points.iter().map(|point| point.metric.kind.instrument()).collect();
    for instrument in instruments.into_iter().filter(|instrument| *instrument != word(promise.instrument)) {
        findings
            .found(FindingKind::WrongInstrument, Signal::Metric, &promise.name)
            .expected(word(promise.instrument))
            .got(instrument)
            .next_step(format!("build the declared instrument, or correct it in {CONTRACT_FILE}"));
    }
    // A series sends its attributes again and again; one look is enough.
    let mut series: Vec<_> = points.iter().map(|point| &point.attributes).collect();
    let mut seen = std::collections::HashSet::new();
    series.retain(|attributes| seen.insert(*attributes));
    let owner = Owner { signal: Signal::Metric, name: &promise.name };
    for attributes in series {
        attributes::compare(owner, &promise.attributes, attributes, findings);
    }
}

fn shape(point: &MetricPoint) -> String {
    let unit = if point.metric.unit.is_empty() { "no unit" } else { &point.metric.unit };
    format!("a {} in {unit}", point.metric.kind.instrument())
}

fn word(instrument: Instrument) -> &'static str {
    match instrument {
        Instrument::Counter => "counter",
        Instrument::UpDownCounter => "updowncounter",
        Instrument::Gauge => "gauge",
        Instrument::Histogram => "histogram",
    }
}
