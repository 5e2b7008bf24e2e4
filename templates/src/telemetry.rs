//! What a pack makes a project emit, in the vocabulary of OpenTelemetry's semantic convention files. The same types
//! serve as declared (strings may be templates) and as resolved for one project (strings are final).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All that one pack declares: the tables `telemetry.span`, `telemetry.metric` and `telemetry.event`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Declarations {
    /// Spans.
    pub span: Vec<Span>,
    /// Metrics.
    pub metric: Vec<Metric>,
    /// Log events.
    pub event: Vec<Event>,
}

impl Declarations {
    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        self.span.is_empty() && self.metric.is_empty() && self.event.is_empty()
    }
}

/// One kind of span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Template expression on which the declaration depends; absent means always, and so it is once resolved.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub when: Option<String>,
    /// A slot, for each of whose entries it is declared.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub each: Option<String>,
    /// The span's name, low in cardinality.
    pub name: String,
    /// Which side of a call it describes.
    pub kind: SpanKind,
    /// What it covers, in one phrase.
    pub brief: String,
    /// How far its shape may still change.
    #[serde(default)]
    pub stability: Stability,
    /// Whether probes cause it; where none can, `verify` does not miss it.
    #[serde(default = "yes")]
    pub probed: bool,
    /// The name of the span it must be a child of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What it carries.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Template expression on which the declaration depends; absent means always, and so it is once resolved.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub when: Option<String>,
    /// A slot, for each of whose entries it is declared.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub each: Option<String>,
    /// The instrument's name.
    pub name: String,
    /// How it is recorded.
    pub instrument: Instrument,
    /// UCUM unit, as `s`, `By`, `1`, `{call}`.
    pub unit: String,
    /// What it counts or measures, in one phrase.
    pub brief: String,
    /// How far its shape may still change.
    #[serde(default)]
    pub stability: Stability,
    /// Whether probes cause it; where none can, `verify` does not miss it.
    #[serde(default = "yes")]
    pub probed: bool,
    /// What its points carry.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// One log event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Template expression on which the declaration depends; absent means always, and so it is once resolved.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub when: Option<String>,
    /// A slot, for each of whose entries it is declared.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub each: Option<String>,
    /// The message, or the event name where one is set.
    pub name: String,
    /// How serious it is.
    pub severity: Severity,
    /// When it is written, in one phrase.
    pub brief: String,
    /// How far its shape may still change.
    #[serde(default)]
    pub stability: Stability,
    /// Whether probes cause it; where none can, `verify` does not miss it.
    #[serde(default = "yes")]
    pub probed: bool,
    /// What it carries.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

fn yes() -> bool {
    true
}

/// An attribute of a span, a metric point or a log event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Its key.
    pub name: String,
    /// The type of its value.
    #[serde(rename = "type")]
    pub value_type: AttributeType,
    /// Whether it is always there.
    #[serde(default)]
    pub requirement: Requirement,
    /// The closed set of its values; empty means open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<AttributeValue>,
    /// What it says, in one phrase.
    #[serde(default)]
    pub brief: String,
}

/// One allowed value of an attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AttributeValue {
    /// `true`
    Boolean(bool),
    /// `200`
    Int(i64),
    /// `0.5`
    Double(f64),
    /// `"success"`
    String(String),
}

/// OpenTelemetry's span kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Work inside the process.
    Internal,
    /// A request that is served.
    Server,
    /// A call to somebody else.
    Client,
    /// A message that is sent.
    Producer,
    /// A message that is worked on.
    Consumer,
}

/// OpenTelemetry's instruments, synchronous or observable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Instrument {
    /// Only grows.
    Counter,
    /// Grows and shrinks, and is summed over attributes.
    UpDownCounter,
    /// The last value counts.
    Gauge,
    /// A distribution.
    Histogram,
}

/// Severity of a log event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// `TRACE`
    Trace,
    /// `DEBUG`
    Debug,
    /// `INFO`
    Info,
    /// `WARN`
    Warn,
    /// `ERROR`
    Error,
}

/// Type of an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AttributeType {
    /// Text.
    #[serde(rename = "string")]
    String,
    /// A whole number of 64 bits.
    #[serde(rename = "int")]
    Int,
    /// A floating-point number of 64 bits.
    #[serde(rename = "double")]
    Double,
    /// True or false.
    #[serde(rename = "boolean")]
    Boolean,
    /// A list of texts.
    #[serde(rename = "string[]")]
    StringArray,
}

/// Whether an attribute is always there; ordered from the strongest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// On every span, point or event.
    Required,
    /// Wherever the brief says so.
    ConditionallyRequired,
    /// Usually.
    #[default]
    Recommended,
    /// Only when asked for.
    OptIn,
}

/// How far a declaration may still change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stability {
    /// As OpenTelemetry's stable conventions.
    Stable,
    /// May change in the next minor release.
    #[default]
    Development,
}
