//! Questions about spans.

use std::sync::Arc;

use super::{Conditions, shared_conditions};
use crate::model::{Span, SpanId, SpanKind, TraceId, Value};
use crate::store::Store;

/// Spans that meet all of the conditions put, in order of arrival.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is asked for `all`, `first` or `count`"]
pub struct SpanQuery<'a> {
    store: &'a Store,
    conditions: Conditions,
    kind: Option<SpanKind>,
    parent: Option<Option<SpanId>>,
}

impl<'a> SpanQuery<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, conditions: Conditions::default(), kind: None, parent: None }
    }

    shared_conditions!();

    /// Only those of this trace.
    pub fn trace(mut self, trace: TraceId) -> Self {
        self.conditions.trace = Some(trace);
        self
    }

    /// Only those of this name.
    pub fn name(mut self, name: &str) -> Self {
        self.conditions.name = Some(name.to_owned());
        self
    }

    /// Only those of this kind.
    pub fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only the direct children of this span.
    pub fn children_of(mut self, parent: &Span) -> Self {
        self.conditions.trace = Some(parent.trace_id);
        self.parent = Some(Some(parent.span_id));
        self
    }

    /// Only those without a parent.
    pub fn roots(mut self) -> Self {
        self.parent = Some(None);
        self
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Span>> {
        self.conditions.select(self.store, |span: &Span| {
            self.kind.is_none_or(|kind| span.kind == kind)
                && self.parent.is_none_or(|parent| span.parent_span_id == parent)
        })
    }

    /// The one that arrived first.
    pub fn first(&self) -> Option<Arc<Span>> {
        self.all().into_iter().next()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all().len()
    }
}
