//! What a project emits: the declarations of its packs, resolved and merged by name.

use std::collections::BTreeMap;

use otelgen_templates::telemetry::{
    Attribute, AttributeValue, Event, Instrument, Metric, Requirement, Severity, Span, SpanKind, Stability,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tera::Context;

use super::{Desk, RenderError, Scene};

/// Everything a project emits, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Telemetry {
    /// Spans, each name and kind once.
    pub spans: Vec<SpanPromise>,
    /// Metrics, each name once.
    pub metrics: Vec<MetricPromise>,
    /// Log events, each name once.
    pub events: Vec<EventPromise>,
}

/// A span that the project emits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpanPromise {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// What it covers.
    #[serde(default)]
    pub brief: String,
    /// How far its shape may still change.
    #[serde(default)]
    pub stability: Stability,
    /// Whether the probes cause it.
    #[serde(default = "yes")]
    pub probed: bool,
    /// The names of the spans one of which it is a child of; empty: anything, or nothing.
    #[serde(default)]
    pub parents: Vec<String>,
    /// What it carries.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
    /// The instances that declare it.
    #[serde(default)]
    pub by: Vec<String>,
}

/// A metric that the project emits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricPromise {
    /// Its name.
    pub name: String,
    /// How it is recorded.
    pub instrument: Instrument,
    /// UCUM unit.
    pub unit: String,
    /// What it counts or measures.
    #[serde(default)]
    pub brief: String,
    /// How far its shape may still change.
    #[serde(default)]
    pub stability: Stability,
    /// Whether the probes cause it.
    #[serde(default = "yes")]
    pub probed: bool,
    /// What its points carry.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
    /// The instances that declare it.
    #[serde(default)]
    pub by: Vec<String>,
}

/// A log event that the project emits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventPromise {
    /// The message, or the event name where one is set.
    pub name: String,
    /// How serious it is.
    pub severity: Severity,
    /// When it is written.
    #[serde(default)]
    pub brief: String,
    /// How far its shape may still change.
    #[serde(default)]
    pub stability: Stability,
    /// Whether the probes cause it.
    #[serde(default = "yes")]
    pub probed: bool,
    /// What it carries.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
    /// The instances that declare it.
    #[serde(default)]
    pub by: Vec<String>,
}

fn yes() -> bool {
    true
}

#[derive(Default)]
struct Merged {
    spans: BTreeMap<(String, SpanKind), SpanPromise>,
    metrics: BTreeMap<String, MetricPromise>,
    events: BTreeMap<String, EventPromise>,
}

pub(super) fn collect(scene: &mut Scene<'_>) -> Result<Telemetry, RenderError> {
    let mut merged = Merged::default();
    for actor in &mut scene.actors {
        let declarations = &actor.pack.manifest.telemetry;
        let mut desk = Desk { texts: &mut scene.texts, id: actor.id, place: "telemetry.span" };
        for span in &declarations.span {
            desk.stage(span.each.as_deref(), span.when.as_deref(), &mut actor.context, |desk, context| {
                merged.add_span(span_promise(span, desk, context)?);
                Ok(())
            })?;
        }
        desk.place = "telemetry.metric";
        for metric in &declarations.metric {
            desk.stage(metric.each.as_deref(), metric.when.as_deref(), &mut actor.context, |desk, context| {
                merged.add_metric(metric_promise(metric, desk, context)?, desk)
            })?;
        }
        desk.place = "telemetry.event";
        for event in &declarations.event {
            desk.stage(event.each.as_deref(), event.when.as_deref(), &mut actor.context, |desk, context| {
                merged.add_event(event_promise(event, desk, context)?, desk)
            })?;
        }
    }
    Ok(Telemetry {
        spans: merged.spans.into_values().collect(),
        metrics: merged.metrics.into_values().collect(),
        events: merged.events.into_values().collect(),
    })
}

fn span_promise(span: &Span, desk: &mut Desk<'_>, context: &Context) -> Result<SpanPromise, RenderError> {
    let parent = span.parent.as_ref().map(|parent| desk.text(parent, context)).transpose()?;
    Ok(SpanPromise {
        name: desk.text(&span.name, context)?,
        kind: span.kind,
        brief: desk.text(&span.brief, context)?,
        stability: span.stability,
        probed: span.probed,
        parents: parent.into_iter().collect(),
        attributes: attributes(&span.attributes, desk, context)?,
        by: vec![desk.id.to_string()],
    })
}

fn metric_promise(metric: &Metric, desk: &mut Desk<'_>, context: &Context) -> Result<MetricPromise, RenderError> {
    Ok(MetricPromise {
        name: desk.text(&metric.name, context)?,
        instrument: metric.instrument,
        unit: metric.unit.clone(),
        brief: desk.text(&metric.brief, context)?,
        stability: metric.stability,
        probed: metric.probed,
        attributes: attributes(&metric.attributes, desk, context)?,
        by: vec![desk.id.to_string()],
    })
}

fn event_promise(event: &Event, desk: &mut Desk<'_>, context: &Context) -> Result<EventPromise, RenderError> {
    Ok(EventPromise {
        name: desk.text(&event.name, context)?,
        severity: event.severity,
        brief: desk.text(&event.brief, context)?,
        stability: event.stability,
        probed: event.probed,
        attributes: attributes(&event.attributes, desk, context)?,
        by: vec![desk.id.to_string()],
    })
}

fn attributes(declared: &[Attribute], desk: &mut Desk<'_>, context: &Context) -> Result<Vec<Attribute>, RenderError> {
    let mut resolved = Vec::with_capacity(declared.len());
    for attribute in declared {
        let mut values = Vec::with_capacity(attribute.values.len());
        for value in &attribute.values {
            values.push(match value {
                AttributeValue::String(text) => AttributeValue::String(desk.text(text, context)?),
                other => other.clone(),
            });
        }
        resolved.push(Attribute {
            name: desk.text(&attribute.name, context)?,
            value_type: attribute.value_type,
            requirement: attribute.requirement,
            values,
            brief: desk.text(&attribute.brief, context)?,
        });
    }
    Ok(resolved)
}

impl Merged {
    fn add_span(&mut self, span: SpanPromise) {
        let key = (span.name.clone(), span.kind);
        let Some(known) = self.spans.get_mut(&key) else {
            self.spans.insert(key, span);
            return;
        };
        // A span that one pack lets stand anywhere may stand anywhere.
        if known.parents.is_empty() || span.parents.is_empty() {
            known.parents.clear();
        } else {
            unite(&mut known.parents, span.parents);
        }
        known.stability = known.stability.max(span.stability);
        known.probed |= span.probed;
        merge_attributes(&mut known.attributes, span.attributes);
        unite(&mut known.by, span.by);
    }

    fn add_metric(&mut self, metric: MetricPromise, desk: &Desk<'_>) -> Result<(), RenderError> {
        let Some(known) = self.metrics.get_mut(&metric.name) else {
            self.metrics.insert(metric.name.clone(), metric);
            return Ok(());
        };
        let differ =
            |field, first: String, second: String| differ(&metric.name, field, (&known.by, first), (desk, second));
        if known.unit != metric.unit {
            return Err(differ("units", known.unit.clone(), metric.unit.clone()));
        }
        if known.instrument != metric.instrument {
            return Err(differ("instruments", word(known.instrument), word(metric.instrument)));
        }
        known.stability = known.stability.max(metric.stability);
        known.probed |= metric.probed;
        merge_attributes(&mut known.attributes, metric.attributes);
        unite(&mut known.by, metric.by);
        Ok(())
    }

    fn add_event(&mut self, event: EventPromise, desk: &Desk<'_>) -> Result<(), RenderError> {
        let Some(known) = self.events.get_mut(&event.name) else {
            self.events.insert(event.name.clone(), event);
            return Ok(());
        };
        if known.severity != event.severity {
            let (first, second) = (word(known.severity), word(event.severity));
            return Err(differ(&event.name, "severities", (&known.by, first), (desk, second)));
        }
        known.stability = known.stability.max(event.stability);
        known.probed |= event.probed;
        merge_attributes(&mut known.attributes, event.attributes);
        unite(&mut known.by, event.by);
        Ok(())
    }
}

fn differ(name: &str, field: &'static str, first: (&[String], String), second: (&Desk<'_>, String)) -> RenderError {
    RenderError::Telemetry {
        name: name.to_owned(),
        field,
        first: first.0.join(", "),
        first_value: first.1,
        second: second.0.id.clone(),
        second_value: second.1,
    }
}

/// A word as `pack.toml` has it.
fn word(value: impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn unite(known: &mut Vec<String>, more: Vec<String>) {
    for name in more {
        if !known.contains(&name) {
            known.push(name);
        }
    }
}

/// Unites two declarations of the same thing: an attribute that only one of them has, or that one demands less
/// of, cannot be demanded of both; an attribute that one leaves open is open.
fn merge_attributes(known: &mut Vec<Attribute>, more: Vec<Attribute>) {
    for attribute in known.iter_mut().filter(|attribute| !more.iter().any(|other| other.name == attribute.name)) {
        attribute.requirement = attribute.requirement.max(Requirement::ConditionallyRequired);
    }
    for mut attribute in more {
        let Some(known) = known.iter_mut().find(|known| known.name == attribute.name) else {
            attribute.requirement = attribute.requirement.max(Requirement::ConditionallyRequired);
            known.push(attribute);
            continue;
        };
        known.requirement = known.requirement.max(attribute.requirement);
        if known.values.is_empty() || attribute.values.is_empty() {
            known.values.clear();
            continue;
        }
        for value in attribute.values {
            if !known.values.contains(&value) {
                known.values.push(value);
            }
        }
    }
}
