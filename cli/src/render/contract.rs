//! `telemetry.toml`: what a project emits, and the requests that make it do so, as its owner keeps them. Packs say what
//! stands in it first; `verify` holds the running service against the file.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use otelgen_templates::manifest::{Expectation, Probe, ProbeRequest, Repeat, UpstreamAnswer};
use otelgen_templates::options::parse_duration;
use serde::{Deserialize, Serialize};
use toml_edit::Value;
use toml_edit::ser::ValueSerializer;

use super::{EventPromise, MetricPromise, ResolvedProbe, SpanPromise, Telemetry, VerifySetup};

/// The file's place in a project.
pub const CONTRACT_FILE: &str = "telemetry.toml";

/// What a service promises, and how that is proven.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contract {
    /// What it emits.
    pub telemetry: Telemetry,
    /// The requests that make it emit all of that.
    pub probes: Vec<ResolvedProbe>,
    /// How it is run for that.
    pub setup: VerifySetup,
}

/// Why a `telemetry.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// It is no TOML, or not of the right shape.
    #[error("`{CONTRACT_FILE}` cannot be read")]
    Damaged(#[source] Box<toml::de::Error>),
    /// The same thing is declared twice.
    #[error("`{CONTRACT_FILE}` declares {0} twice: make one of the two")]
    Twice(String),
    /// A duration is none.
    #[error("`{CONTRACT_FILE}` has `within = \"{text}\"` in the probe `{probe}`, which is no duration such as `10s`")]
    Within {
        /// The probe's name.
        probe: String,
        /// What stands there.
        text: String,
    },
}

impl Contract {
    /// The text of the file, without its introduction.
    pub(super) fn to_text(&self) -> String {
        let mut text = table("[verify]", &self.setup);
        self.telemetry.spans.iter().for_each(|span| text += &table("\n[[span]]", span));
        self.telemetry.metrics.iter().for_each(|metric| text += &table("\n[[metric]]", metric));
        self.telemetry.events.iter().for_each(|event| text += &table("\n[[event]]", event));
        self.probes.iter().for_each(|probe| text += &table("\n[[probe]]", probe));
        text
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`ContractError`] says what is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        let file: File = toml::from_str(text).map_err(|error| ContractError::Damaged(Box::new(error)))?;
        let telemetry = Telemetry { spans: file.span, metrics: file.metric, events: file.event };
        let spans =
            telemetry.spans.iter().map(|span| format!("the {:?} span `{}`", span.kind, span.name).to_lowercase());
        let metrics = telemetry.metrics.iter().map(|metric| format!("the metric `{}`", metric.name));
        let events = telemetry.events.iter().map(|event| format!("the event `{}`", event.name));
        once(spans.chain(metrics).chain(events))?;
        let wrong = |probe: &&ProbeTable| probe.within.as_deref().is_some_and(|text| parse_duration(text).is_none());
        if let Some(probe) = file.probe.iter().find(wrong) {
            let text = probe.within.clone().unwrap_or_default();
            return Err(ContractError::Within { probe: probe.name.clone(), text });
        }
        let probes = file.probe.into_iter().map(Into::into).collect();
        Ok(Self { telemetry, probes, setup: file.verify })
    }
}

fn once(declared: impl Iterator<Item = String>) -> Result<(), ContractError> {
    let mut seen = BTreeSet::new();
    for what in declared {
        if !seen.insert(what.clone()) {
            return Err(ContractError::Twice(what));
        }
    }
    Ok(())
}

/// The file as it is parsed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    verify: VerifySetup,
    span: Vec<SpanPromise>,
    metric: Vec<MetricPromise>,
    event: Vec<EventPromise>,
    probe: Vec<ProbeTable>,
}

/// A probe without what only packs can say. (What is flattened cannot deny unknown keys.)
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProbeTable {
    name: String,
    #[serde(default)]
    by: String,
    #[serde(default = "one")]
    repeat: u32,
    within: Option<String>,
    request: ProbeRequest,
    #[serde(default)]
    upstream: Vec<UpstreamAnswer>,
    expect: Expectation,
}

fn one() -> u32 {
    1
}

impl From<ProbeTable> for ResolvedProbe {
    fn from(table: ProbeTable) -> Self {
        let ProbeTable { name, by, repeat, within, request, upstream, expect } = table;
        let repeat = Repeat::Times(repeat);
        Self { by, probe: Probe { when: None, each: None, name, repeat, within, request, upstream, expect } }
    }
}

/// One table: a line for each key, and for each member of a list of tables. What is as it is by default is left out.
fn table(head: &str, value: &impl Serialize) -> String {
    let mut text = format!("{head}\n");
    let Ok(Value::InlineTable(fields)) = value.serialize(ValueSerializer::new()) else { return text };
    for (key, value) in fields.iter().filter(|(key, value)| !is_default(key, value)) {
        match value {
            Value::Array(list) if list.iter().any(Value::is_inline_table) => {
                let _ = writeln!(text, "{key} = [");
                for member in list.iter() {
                    let _ = writeln!(text, "  {},", lean(member));
                }
                text += "]\n";
            }
            value => {
                let _ = writeln!(text, "{key} = {}", lean(value));
            }
        }
    }
    text
}

/// A value in one line, without the keys of inner tables that are as they are by default.
fn lean(value: &Value) -> String {
    let mut value = value.clone();
    if let Value::InlineTable(table) = &mut value {
        table.retain(|key, value| !is_default(key, value));
        table.fmt();
    }
    value.decor_mut().clear();
    value.to_string().trim().to_owned()
}

/// Whether reading the file gives this value without the key.
fn is_default(key: &str, value: &Value) -> bool {
    match (key, value) {
        ("stability", Value::String(text)) => text.value() == "development",
        ("requirement", Value::String(text)) => text.value() == "recommended",
        ("method", Value::String(text)) => text.value() == "GET",
        ("probed", Value::Boolean(probed)) => *probed.value(),
        ("repeat", Value::Integer(times)) => *times.value() == 1,
        ("reset", Value::Boolean(reset)) => !*reset.value(),
        ("body" | "delay" | "brief", Value::String(text)) => text.value().is_empty(),
        ("attributes" | "parents" | "values" | "upstream", Value::Array(list)) => list.is_empty(),
        ("headers", Value::InlineTable(table)) => table.is_empty(),
        _ => false,
    }
}
