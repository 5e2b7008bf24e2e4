//! Questions about log records.

use std::sync::Arc;

use super::{Conditions, shared_conditions};
use crate::model::{LogRecord, Severity, SpanId, TraceId, Value};
use crate::store::Store;

/// Log records that meet all of the conditions put, in order of arrival.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is asked for `all`, `first` or `count`"]
pub struct LogQuery<'a> {
    store: &'a Store,
    conditions: Conditions,
    span: Option<SpanId>,
    at_least: Option<Severity>,
    message: Option<String>,
}

impl<'a> LogQuery<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, conditions: Conditions::default(), span: None, at_least: None, message: None }
    }

    shared_conditions!();

    /// Only those written in this trace.
    pub fn trace(mut self, trace: TraceId) -> Self {
        self.conditions.trace = Some(trace);
        self
    }

    /// Only those written in this span.
    pub fn span(mut self, span: SpanId) -> Self {
        self.span = Some(span);
        self
    }

    /// Only events of this name.
    pub fn event(mut self, name: &str) -> Self {
        self.conditions.name = Some(name.to_owned());
        self
    }

    /// Only those whose body is exactly this text.
    pub fn message(mut self, message: &str) -> Self {
        self.message = Some(message.to_owned());
        self
    }

    /// Only those of this severity or a worse one.
    pub fn at_least(mut self, severity: Severity) -> Self {
        self.at_least = Some(severity);
        self
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<LogRecord>> {
        self.conditions.select(self.store, |log: &LogRecord| {
            self.span.is_none_or(|span| log.span_id == Some(span))
                && self.at_least.is_none_or(|severity| log.severity() >= severity)
                && self.message.as_deref().is_none_or(|message| log.body.as_str() == Some(message))
        })
    }

    /// The one that arrived first.
    pub fn first(&self) -> Option<Arc<LogRecord>> {
        self.all().into_iter().next()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all().len()
    }
}
