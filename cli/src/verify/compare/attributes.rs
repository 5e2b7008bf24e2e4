//! Attributes of one span, point or record against the declared ones.

use otelgen_collector::model::{Attributes, Value};
use otelgen_templates::telemetry::{Attribute, AttributeType, AttributeValue, Requirement};

use super::findings::Findings;
use crate::render::CONTRACT_FILE;
use crate::verify::report::{FindingKind, Signal};

/// Attributes that `tracing-opentelemetry` and the log appender add to everything: where in the code, on which thread.
/// They describe the library's work, not the service's, so packs do not declare them.
const AMBIENT: [&str; 4] = ["target", "level", "busy_ns", "idle_ns"];
const AMBIENT_PREFIXES: [&str; 3] = ["code.", "thread.", "log."];

/// How many allowed values a message lists.
const LISTED: usize = 8;

/// What the attributes belong to.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) signal: Signal,
    pub(super) name: &'a str,
}

pub(super) fn compare(owner: Owner<'_>, declared: &[Attribute], received: &Attributes, findings: &mut Findings) {
    for attribute in declared {
        match received.get(&attribute.name) {
            Some(value) => compare_value(owner, attribute, value, findings),
            None if attribute.requirement == Requirement::Required => missing(owner, attribute, findings),
            None => {}
        }
    }
    for (name, value) in received.iter() {
        if !is_ambient(name, owner.signal) && !declared.iter().any(|attribute| attribute.name == name) {
            findings
                .found(FindingKind::UndeclaredAttribute, owner.signal, owner.name)
                .attribute(name)
                .got(format!("one of type {}", value.type_name()))
                .next_step(format!("declare it in {CONTRACT_FILE}, or stop recording it"));
        }
    }
}

fn missing(owner: Owner<'_>, attribute: &Attribute, findings: &mut Findings) {
    findings
        .found(FindingKind::MissingAttribute, owner.signal, owner.name)
        .attribute(&attribute.name)
        .expected(format!("a value of type {}", type_name(attribute.value_type)))
        .got("none")
        .next_step(format!("record it, or declare it in {CONTRACT_FILE} as recommended"));
}

fn compare_value(owner: Owner<'_>, attribute: &Attribute, value: &Value, findings: &mut Findings) {
    let expected = type_name(attribute.value_type);
    if value.type_name() != expected {
        return findings
            .found(FindingKind::WrongType, owner.signal, owner.name)
            .attribute(&attribute.name)
            .expected(expected)
            .got(value.type_name())
            .next_step(format!("record it as {expected}, or correct its type in {CONTRACT_FILE}"));
    }
    for value in outside(attribute, value) {
        findings
            .found(FindingKind::WrongValue, owner.signal, owner.name)
            .attribute(&attribute.name)
            .expected(listed(&attribute.values))
            .got(format!("`{value}`"))
            .next_step(format!("record one of the declared values, or add this one in {CONTRACT_FILE}"));
    }
}

/// The values that are not in the declared set, if there is one; of a list, its members.
fn outside<'a>(attribute: &Attribute, value: &'a Value) -> Vec<&'a Value> {
    let values = match value {
        Value::Array(values) => values.iter().collect(),
        value => vec![value],
    };
    let allowed = |value: &Value| attribute.values.iter().any(|allowed| equal(allowed, value));
    values.into_iter().filter(|value| !attribute.values.is_empty() && !allowed(value)).collect()
}

fn equal(allowed: &AttributeValue, value: &Value) -> bool {
    match (allowed, value) {
        (AttributeValue::Boolean(allowed), Value::Bool(value)) => allowed == value,
        (AttributeValue::Int(allowed), Value::Int(value)) => allowed == value,
        (AttributeValue::Double(allowed), Value::Double(value)) => allowed.to_bits() == value.to_bits(),
        // A whole number is how a pack writes the double 2.0 as well.
        #[expect(clippy::cast_precision_loss, reason = "declared values are small numbers")]
        (AttributeValue::Int(allowed), Value::Double(value)) => (*allowed as f64).to_bits() == value.to_bits(),
        (AttributeValue::String(allowed), Value::String(value)) => allowed == value,
        _ => false,
    }
}

fn listed(values: &[AttributeValue]) -> String {
    let mut words: Vec<String> = values.iter().take(LISTED).map(|value| format!("`{}`", text(value))).collect();
    if values.len() > LISTED {
        words.push(format!("or {} more", values.len() - LISTED));
    }
    words.join(", ")
}

fn text(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Boolean(value) => value.to_string(),
        AttributeValue::Int(value) => value.to_string(),
        AttributeValue::Double(value) => value.to_string(),
        AttributeValue::String(value) => value.clone(),
    }
}

/// The name that the received value's type is compared with.
fn type_name(value_type: AttributeType) -> &'static str {
    match value_type {
        AttributeType::String => "string",
        AttributeType::Int => "int",
        AttributeType::Double => "double",
        AttributeType::Boolean => "boolean",
        AttributeType::StringArray => "string[]",
    }
}

/// Every attribute of a metric makes series, so there nothing is ambient.
fn is_ambient(name: &str, signal: Signal) -> bool {
    let ambient = AMBIENT.contains(&name) || AMBIENT_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    ambient && signal != Signal::Metric
}

/// Whose code emits what is declared, as a text to put after "see whether".
pub(super) fn emitter(by: &[String]) -> String {
    if by.is_empty() { "the code".to_owned() } else { format!("the code of {}", by.join(", ")) }
}
