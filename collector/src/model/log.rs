//! Log records and their severity.

use std::sync::Arc;

use serde::Serialize;

use super::{Attributes, Resource, Scope, SpanId, TraceId, Value};

/// One log record or event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogRecord {
    /// When it happened, in nanoseconds since the Unix epoch; zero where nobody knows.
    pub time_unix_nano: u64,
    /// When it was seen by the logging library, in nanoseconds since the Unix epoch.
    pub observed_time_unix_nano: u64,
    /// The severity as a number from 1 (finest trace) to 24 (worst fatal); zero where it is not said.
    pub severity_number: i32,
    /// The severity as its source calls it.
    pub severity_text: String,
    /// The name of the event; empty where the record is no event.
    pub event_name: String,
    /// The message.
    pub body: Value,
    /// What is known about it.
    pub attributes: Attributes,
    /// The trace in which it was written.
    pub trace_id: Option<TraceId>,
    /// The span in which it was written.
    pub span_id: Option<SpanId>,
    /// Who emitted it.
    pub resource: Arc<Resource>,
    /// What emitted it.
    pub scope: Arc<Scope>,
}

impl LogRecord {
    /// The band of four that the severity number lies in.
    pub fn severity(&self) -> Severity {
        Severity::from_number(self.severity_number)
    }

    pub(crate) fn size(&self) -> usize {
        let texts = self.severity_text.len() + self.event_name.len();
        size_of::<Self>() + texts + self.body.heap_size() + self.attributes.heap_size()
    }
}

/// The six bands of severity, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Not said, or a number outside 1 to 24.
    Unspecified,
    /// 1 to 4.
    Trace,
    /// 5 to 8.
    Debug,
    /// 9 to 12.
    Info,
    /// 13 to 16.
    Warn,
    /// 17 to 20.
    Error,
    /// 21 to 24.
    Fatal,
}

impl Severity {
    /// The band of a severity number.
    pub fn from_number(number: i32) -> Self {
        match number {
            1..=4 => Self::Trace,
            5..=8 => Self::Debug,
            9..=12 => Self::Info,
            13..=16 => Self::Warn,
            17..=20 => Self::Error,
            21..=24 => Self::Fatal,
            _ => Self::Unspecified,
        }
    }

    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}
