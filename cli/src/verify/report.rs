//! What `verify` found, as a value: whoever shows it, and however, needs nothing else.

use std::fmt;

use otelgen_collector::ForwardReport;
use schemars::JsonSchema;
use serde::Serialize;

/// The outcome of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct VerifyReport {
    /// Whether everything declared arrived as declared, and nothing else.
    pub passed: bool,
    /// The `service.name` that the telemetry came under.
    pub service: String,
    /// How long building, running and comparing took, in milliseconds.
    pub duration_ms: u64,
    /// The requests that were sent, in order.
    pub probes: Vec<ProbeResult>,
    /// Everything that was compared: each span, metric and event that is declared.
    pub checks: Vec<Check>,
    /// What differs; empty where the run passed and there is nothing to note.
    pub findings: Vec<Finding>,
    /// How much arrived.
    pub received: Received,
    /// What became of the telemetry sent on to one's own collector.
    pub forwarded: Option<Forwarded>,
}

impl VerifyReport {
    /// The findings that make the run fail.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.level == Level::Error)
    }
}

/// One request, or several of a kind, sent to the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProbeResult {
    /// What it shows.
    pub name: String,
    /// The pack instance that declares it.
    pub by: String,
    /// What was sent: method and path.
    pub request: String,
    /// How many requests were sent.
    pub sent: u32,
    /// Whether all of them were answered as expected.
    pub passed: bool,
}

/// One declaration and what arrived of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// What is declared.
    pub signal: Signal,
    /// Its name.
    pub name: String,
    /// Its kind, instrument and unit, or severity.
    pub shape: String,
    /// The pack instances that declare it.
    pub by: Vec<String>,
    /// How many of it arrived: spans, data points or log records.
    pub received: usize,
    /// What came out.
    pub outcome: Outcome,
}

/// What came out of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It arrived as declared.
    Passed,
    /// It did not arrive, or not as declared: see the findings of its name.
    Failed,
    /// It did not arrive, and no probe can cause it.
    NotProbed,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// A request and its answer.
    Probe,
    /// A span.
    Span,
    /// A metric.
    Metric,
    /// A log event.
    Log,
    /// What the service says about itself.
    Resource,
    /// The process.
    Service,
}

/// One difference between what is declared and what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// Whether it makes the run fail.
    pub level: Level,
    /// What is wrong.
    pub kind: FindingKind,
    /// What it is wrong with.
    pub signal: Signal,
    /// The name of the span, metric, event or probe.
    pub name: String,
    /// The attribute concerned, where it is about one.
    pub attribute: Option<String>,
    /// What is declared.
    pub expected: String,
    /// What was seen.
    pub got: String,
    /// How many spans, data points, records or requests show it.
    pub count: usize,
    /// What to do about it.
    pub next_step: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The run fails.
    Error,
    /// Worth knowing.
    Note,
}

/// Everything that can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A probe was not answered as it should be.
    UnexpectedAnswer,
    /// Declared, and not received.
    Missing,
    /// Received, and not declared.
    Undeclared,
    /// A span of another kind than declared.
    WrongKind,
    /// A metric in another unit than declared.
    WrongUnit,
    /// A metric from another instrument than declared.
    WrongInstrument,
    /// A log event of another severity than declared.
    WrongSeverity,
    /// A required attribute is not there.
    MissingAttribute,
    /// An attribute that is not declared.
    UndeclaredAttribute,
    /// An attribute of another type than declared.
    WrongType,
    /// An attribute with a value outside its declared set.
    WrongValue,
    /// A span whose parent, in the same service, never arrived.
    OrphanSpan,
    /// A span that is not a child of the span it is declared to be a child of.
    BrokenParentage,
    /// A trace that begins or ends at the service's edge although the caller's context was there to be passed on.
    NotPropagated,
    /// A log record that cannot be found from the trace it was written in.
    Uncorrelated,
    /// The service did not end as it should when told to.
    UncleanShutdown,
    /// The receiver that was to have a copy did not take all of it.
    NotTaken,
    /// More telemetry came than could be kept, so what seems to be missing may have arrived.
    Evicted,
}

impl FindingKind {
    /// The kind in words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::UnexpectedAnswer => "unexpected answer",
            Self::Missing => "missing",
            Self::Undeclared => "undeclared",
            Self::WrongKind => "wrong kind",
            Self::WrongUnit => "wrong unit",
            Self::WrongInstrument => "wrong instrument",
            Self::WrongSeverity => "wrong severity",
            Self::MissingAttribute => "missing attribute",
            Self::UndeclaredAttribute => "undeclared attribute",
            Self::WrongType => "wrong type",
            Self::WrongValue => "wrong value",
            Self::OrphanSpan => "orphan span",
            Self::BrokenParentage => "broken parentage",
            Self::NotPropagated => "not propagated",
            Self::Uncorrelated => "uncorrelated",
            Self::UncleanShutdown => "unclean shutdown",
            Self::NotTaken => "not taken",
            Self::Evicted => "evicted",
        }
    }
}

impl Signal {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Span => "span",
            Self::Metric => "metric",
            Self::Log => "log",
            Self::Resource => "resource",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for Finding {
    /// One line: what is wrong with what, what was expected and what came.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} `{}`", self.kind.words(), self.signal.word(), self.name)?;
        if let Some(attribute) = &self.attribute {
            write!(formatter, ", attribute `{attribute}`")?;
        }
        if !self.expected.is_empty() {
            write!(formatter, ": expected {}", self.expected)?;
        }
        if !self.got.is_empty() {
            write!(formatter, "{} got {}", if self.expected.is_empty() { ":" } else { "," }, self.got)?;
        }
        if self.count > 1 { write!(formatter, " ({}×)", self.count) } else { Ok(()) }
    }
}

/// How much arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Received {
    /// Spans.
    pub spans: usize,
    /// Data points of metrics.
    pub metric_points: usize,
    /// Log records.
    pub log_records: usize,
}

/// What became of the telemetry sent on to one's own collector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Forwarded {
    /// Where it was sent.
    pub endpoint: String,
    /// Requests that were taken.
    pub sent: u64,
    /// Requests that were refused or did not reach it.
    pub failed: u64,
    /// Requests that there was no time or room for.
    pub dropped: u64,
    /// Records in the requests sent that the collector left out.
    pub rejected_records: u64,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

impl From<ForwardReport> for Forwarded {
    fn from(report: ForwardReport) -> Self {
        Self {
            endpoint: report.endpoint,
            sent: report.sent,
            failed: report.failed,
            dropped: report.dropped,
            rejected_records: report.rejected_records,
            last_error: report.last_error,
        }
    }
}
