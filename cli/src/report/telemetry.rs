//! What a change does to the telemetry that a project declares.

use std::fmt::Write as _;

use otelgen_templates::telemetry::{Attribute, AttributeValue};
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::{EventPromise, MetricPromise, SpanPromise, Telemetry};

use super::style::{ADDED, CHANGED, FAINT, REMOVED, paint};

/// What will be emitted that was not before, and the reverse.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct TelemetryDiff {
    /// Spans, metrics and events that are new.
    pub added: Telemetry,
    /// Those that are gone.
    pub removed: Telemetry,
    /// Those that are there before and after, but not alike.
    pub changed: Vec<Changed>,
}

/// One span, metric or event that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Changed {
    /// `span`, `metric` or `event`.
    pub signal: String,
    /// Its name.
    pub name: String,
    /// Attributes, and values of attributes (`outcome=failure`), that are new.
    pub added: Vec<String>,
    /// Attributes, and values of attributes, that are gone.
    pub removed: Vec<String>,
}

impl TelemetryDiff {
    /// From `before` to `after`.
    pub fn between(before: &Telemetry, after: &Telemetry) -> Self {
        let mut changed = Vec::new();
        let spans = |from: &Telemetry, to: &Telemetry| missing(&from.spans, &to.spans, same_span);
        let metrics = |from: &Telemetry, to: &Telemetry| missing(&from.metrics, &to.metrics, same_metric);
        let events = |from: &Telemetry, to: &Telemetry| missing(&from.events, &to.events, same_event);
        let only_in = |from: &Telemetry, to: &Telemetry| Telemetry {
            spans: spans(from, to),
            metrics: metrics(from, to),
            events: events(from, to),
        };
        for (old, new) in pairs(&before.spans, &after.spans, same_span) {
            changed.extend(Changed::between("span", &new.name, &old.attributes, &new.attributes));
        }
        for (old, new) in pairs(&before.metrics, &after.metrics, same_metric) {
            changed.extend(Changed::between("metric", &new.name, &old.attributes, &new.attributes));
        }
        for (old, new) in pairs(&before.events, &after.events, same_event) {
            changed.extend(Changed::between("event", &new.name, &old.attributes, &new.attributes));
        }
        Self { added: only_in(after, before), removed: only_in(before, after), changed }
    }

    /// Whether the same is emitted as before.
    pub fn is_empty(&self) -> bool {
        let nothing = |telemetry: &Telemetry| {
            telemetry.spans.is_empty() && telemetry.metrics.is_empty() && telemetry.events.is_empty()
        };
        nothing(&self.added) && nothing(&self.removed) && self.changed.is_empty()
    }

    /// For people; empty if nothing changes.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (sign, style, telemetry) in [('+', ADDED, &self.added), ('-', REMOVED, &self.removed)] {
            for line in lines(telemetry) {
                let _ = writeln!(text, "{}", paint(style, format!("{sign} {line}")));
            }
        }
        for changed in &self.changed {
            let plus = changed.added.iter().map(|name| format!("+{name}"));
            let parts: Vec<String> = plus.chain(changed.removed.iter().map(|name| format!("-{name}"))).collect();
            let line = format!("~ {:<6} {}: {}", changed.signal, changed.name, parts.join(", "));
            let _ = writeln!(text, "{}", paint(CHANGED, line));
        }
        text
    }
}

fn same_span(left: &SpanPromise, right: &SpanPromise) -> bool {
    left.name == right.name && left.kind == right.kind
}

fn same_metric(left: &MetricPromise, right: &MetricPromise) -> bool {
    left.name == right.name && left.unit == right.unit && left.instrument == right.instrument
}

fn same_event(left: &EventPromise, right: &EventPromise) -> bool {
    left.name == right.name && left.severity == right.severity
}

/// Those of `from` that `to` does not have.
fn missing<T: Clone>(from: &[T], to: &[T], same: fn(&T, &T) -> bool) -> Vec<T> {
    from.iter().filter(|one| !to.iter().any(|other| same(one, other))).cloned().collect()
}

fn pairs<'a, T>(old: &'a [T], new: &'a [T], same: fn(&T, &T) -> bool) -> impl Iterator<Item = (&'a T, &'a T)> {
    new.iter().filter_map(move |new| old.iter().find(|old| same(old, new)).map(|old| (old, new)))
}

impl Changed {
    fn between(signal: &str, name: &str, old: &[Attribute], new: &[Attribute]) -> Option<Self> {
        let (added, removed) = (beyond(old, new), beyond(new, old));
        let changed = Self { signal: signal.to_owned(), name: name.to_owned(), added, removed };
        (!changed.added.is_empty() || !changed.removed.is_empty()).then_some(changed)
    }
}

/// The attributes of `new`, and the values of them, that `old` does not have.
fn beyond(old: &[Attribute], new: &[Attribute]) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in new {
        match old.iter().find(|known| known.name == attribute.name) {
            None => found.push(attribute.name.clone()),
            Some(known) => {
                let fresh = attribute.values.iter().filter(|value| !known.values.contains(value));
                found.extend(fresh.map(|value| format!("{}={}", attribute.name, shown(value))));
            }
        }
    }
    found
}

pub(super) fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Boolean(value) => value.to_string(),
        AttributeValue::Int(value) => value.to_string(),
        AttributeValue::Double(value) => value.to_string(),
        AttributeValue::String(value) => value.clone(),
    }
}

/// One line for each span, metric and event.
pub(super) fn lines(telemetry: &Telemetry) -> Vec<String> {
    let line = |signal: &str, name: &str, what: String, brief: &str| {
        format!("{signal:<6} {name}  {} {}", paint(FAINT, what), paint(FAINT, brief))
    };
    let spans = telemetry.spans.iter().map(|span| line("span", &span.name, word(span.kind), &span.brief));
    let metrics = telemetry.metrics.iter().map(|metric| {
        line("metric", &metric.name, format!("{} {}", word(metric.instrument), metric.unit), &metric.brief)
    });
    let events = telemetry.events.iter().map(|event| line("event", &event.name, word(event.severity), &event.brief));
    spans.chain(metrics).chain(events).collect()
}

/// The word that packs use for it.
pub(super) fn word(value: impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelgen_templates::telemetry::{AttributeType, Instrument, Requirement, Stability};

    fn attribute(name: &str, values: &[&str]) -> Attribute {
        Attribute {
            name: name.to_owned(),
            value_type: AttributeType::String,
            requirement: Requirement::Required,
            values: values.iter().map(|value| AttributeValue::String((*value).to_owned())).collect(),
            brief: String::new(),
        }
    }

    fn metric(name: &str, unit: &str, attributes: Vec<Attribute>) -> MetricPromise {
        MetricPromise {
            name: name.to_owned(),
            instrument: Instrument::Counter,
            unit: unit.to_owned(),
            brief: "calls".to_owned(),
            stability: Stability::Development,
            probed: true,
            attributes,
            by: Vec::new(),
        }
    }

    fn telemetry(metrics: Vec<MetricPromise>) -> Telemetry {
        Telemetry { metrics, ..Telemetry::default() }
    }

    #[test]
    fn the_same_telemetry_makes_no_difference() {
        let same = telemetry(vec![metric("calls", "{call}", vec![attribute("name", &["a"])])]);
        let diff = TelemetryDiff::between(&same, &same);
        assert!(diff.is_empty());
        assert_eq!(diff.text(), "");
    }

    #[test]
    fn a_new_value_of_an_attribute_is_a_change_and_another_unit_is_another_metric() {
        let before =
            telemetry(vec![metric("calls", "{call}", vec![attribute("name", &["a"])]), metric("time", "ms", vec![])]);
        let after = telemetry(vec![
            metric("calls", "{call}", vec![attribute("name", &["a", "b"]), attribute("outcome", &[])]),
            metric("time", "s", vec![]),
        ]);
        let diff = TelemetryDiff::between(&before, &after);
        assert_eq!(diff.added.metrics, [metric("time", "s", vec![])]);
        assert_eq!(diff.removed.metrics, [metric("time", "ms", vec![])]);
        let [changed] = diff.changed.as_slice() else { panic!("{diff:?}") };
        assert_eq!(
            (changed.added.as_slice(), changed.removed.len()),
            (&["name=b".to_owned(), "outcome".to_owned()][..], 0)
        );
        assert!(diff.text().contains("~ metric calls: +name=b, +outcome"), "{}", diff.text());
    }
}
