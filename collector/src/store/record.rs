//! What the store and the queries have to know of a record, whatever its signal.

use std::sync::Arc;

use super::interner::Interners;
use super::service::Signal;
use super::state::State;
use super::table::Table;
use crate::model::{Attributes, LogRecord, MetricPoint, Resource, Scope, Span, TraceId};

pub(crate) trait Record: Sized {
    const SIGNAL: Signal;

    fn table(state: &State) -> &Table<Self>;
    fn table_mut(state: &mut State) -> &mut Table<Self>;

    /// The name it is found by: of the span, the metric or the event.
    fn name(&self) -> &str;
    fn trace_id(&self) -> Option<TraceId>;
    fn attributes(&self) -> &Attributes;
    fn resource(&self) -> &Arc<Resource>;
    fn scope(&self) -> &Arc<Scope>;
    /// Bytes of the record alone, without what it shares.
    fn size(&self) -> usize;

    /// Takes the shared parts from `interners`, and says how many bytes are new there.
    fn intern(&mut self, interners: &mut Interners) -> usize;
    /// Gives the shared parts back, and says how many bytes nobody holds any more.
    fn release(&self, interners: &mut Interners) -> usize;
}

/// What the interner's own entry takes beside the value.
const ENTRY: usize = 48;

macro_rules! shared_parts {
    ($($field:ident in $interner:ident),*) => {
        fn intern(&mut self, interners: &mut Interners) -> usize {
            let mut added = 0;
            $(if interners.$interner.acquire(&mut self.$field) {
                added += ENTRY + self.$field.size();
            })*
            added
        }

        fn release(&self, interners: &mut Interners) -> usize {
            let mut freed = 0;
            $(if interners.$interner.release(&self.$field) {
                freed += ENTRY + self.$field.size();
            })*
            freed
        }

        fn attributes(&self) -> &Attributes {
            &self.attributes
        }

        fn resource(&self) -> &Arc<Resource> {
            &self.resource
        }

        fn scope(&self) -> &Arc<Scope> {
            &self.scope
        }

        fn size(&self) -> usize {
            Self::size(self)
        }
    };
}

impl Record for Span {
    const SIGNAL: Signal = Signal::Spans;

    fn table(state: &State) -> &Table<Self> {
        &state.spans
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.spans
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn trace_id(&self) -> Option<TraceId> {
        Some(self.trace_id)
    }

    shared_parts!(resource in resources, scope in scopes);
}

impl Record for MetricPoint {
    const SIGNAL: Signal = Signal::Metrics;

    fn table(state: &State) -> &Table<Self> {
        &state.metrics
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.metrics
    }

    fn name(&self) -> &str {
        &self.metric.name
    }

    fn trace_id(&self) -> Option<TraceId> {
        None
    }

    shared_parts!(resource in resources, scope in scopes, metric in metrics);
}

impl Record for LogRecord {
    const SIGNAL: Signal = Signal::Logs;

    fn table(state: &State) -> &Table<Self> {
        &state.logs
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.logs
    }

    fn name(&self) -> &str {
        &self.event_name
    }

    fn trace_id(&self) -> Option<TraceId> {
        self.trace_id
    }

    shared_parts!(resource in resources, scope in scopes);
}
