//! Spans, their events, links and status.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{Attributes, Resource, Scope, SpanId, TraceId};

/// One operation of a trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The span it is a child of; none for the root of a trace.
    pub parent_span_id: Option<SpanId>,
    /// Whether the parent lives in another process; none where the sender does not say.
    pub parent_is_remote: Option<bool>,
    /// The W3C `tracestate` it carries; empty where there is none.
    pub trace_state: String,
    /// What it is called.
    pub name: String,
    /// Its role between services.
    pub kind: SpanKind,
    /// When it started, in nanoseconds since the Unix epoch.
    pub start_time_unix_nano: u64,
    /// When it ended, in nanoseconds since the Unix epoch.
    pub end_time_unix_nano: u64,
    /// What is known about it.
    pub attributes: Attributes,
    /// What happened during it.
    pub events: Vec<SpanEvent>,
    /// Other spans it has to do with.
    pub links: Vec<SpanLink>,
    /// How it ended.
    pub status: SpanStatus,
    /// Who emitted it.
    pub resource: Arc<Resource>,
    /// What emitted it.
    pub scope: Arc<Scope>,
}

impl Span {
    /// How long it took; zero where the clock ran backwards.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.end_time_unix_nano.saturating_sub(self.start_time_unix_nano))
    }

    pub(crate) fn size(&self) -> usize {
        let events: usize = self.events.iter().map(SpanEvent::size).sum();
        let links: usize = self.links.iter().map(SpanLink::size).sum();
        let texts = self.name.len() + self.trace_state.len() + self.status.heap_size();
        size_of::<Self>() + texts + self.attributes.heap_size() + events + links
    }
}

/// The role of a span between services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Not said; the specification takes it for internal.
    #[default]
    Unspecified,
    /// Inside one service.
    Internal,
    /// The answer to a request from elsewhere.
    Server,
    /// A request to elsewhere.
    Client,
    /// A message sent.
    Producer,
    /// A message received.
    Consumer,
}

impl SpanKind {
    /// The lower-case name that convention files use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// How a span ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanStatus {
    /// Nobody said.
    #[default]
    Unset,
    /// Somebody called it a success.
    Ok,
    /// It failed, with this description (which may be empty).
    Error(String),
}

impl SpanStatus {
    fn heap_size(&self) -> usize {
        match self {
            Self::Error(description) => description.len(),
            Self::Unset | Self::Ok => 0,
        }
    }
}

/// Something that happened at one moment of a span.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpanEvent {
    /// When, in nanoseconds since the Unix epoch.
    pub time_unix_nano: u64,
    /// What it is called.
    pub name: String,
    /// What is known about it.
    pub attributes: Attributes,
}

impl SpanEvent {
    fn size(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.attributes.heap_size()
    }
}

/// A span, often of another trace, that this one has to do with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpanLink {
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// The W3C `tracestate` of the other span; empty where there is none.
    pub trace_state: String,
    /// What is known about the relation.
    pub attributes: Attributes,
}

impl SpanLink {
    fn size(&self) -> usize {
        size_of::<Self>() + self.trace_state.len() + self.attributes.heap_size()
    }
}
