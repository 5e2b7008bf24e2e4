//! Questions to the store. A query is a chain of conditions that ends in a method which answers; it holds the lock
//! only while it answers, and hands out shared records.

mod logs;
mod metrics;
mod spans;

pub use logs::LogQuery;
pub use metrics::MetricQuery;
pub use spans::SpanQuery;

use std::sync::Arc;

use crate::model::{TraceId, Value};
use crate::store::{Record, Store};

/// The conditions that all signals share.
#[derive(Clone, Debug, Default)]
struct Conditions {
    trace: Option<TraceId>,
    name: Option<String>,
    service: Option<String>,
    scope: Option<String>,
    attributes: Vec<(String, Option<Value>)>,
}

impl Conditions {
    fn hold<T: Record>(&self, record: &T) -> bool {
        self.trace.is_none_or(|trace| record.trace_id() == Some(trace))
            && self.name.as_deref().is_none_or(|name| record.name() == name)
            && self.service.as_deref().is_none_or(|service| *record.resource().service == *service)
            && self.scope.as_deref().is_none_or(|scope| record.scope().name == scope)
            && self.attributes.iter().all(|(name, wanted)| match (record.attributes().get(name), wanted) {
                (Some(value), Some(wanted)) => value == wanted,
                (Some(_), None) => true,
                (None, _) => false,
            })
    }

    fn select<T: Record>(&self, store: &Store, more: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        let state = store.state();
        let candidates = T::table(&state).candidates(self.trace, self.name.as_deref());
        candidates.filter(|record| self.hold(record.as_ref()) && more(record)).map(Arc::clone).collect()
    }
}

/// The methods that put the shared conditions.
macro_rules! shared_conditions {
    () => {
        /// Only those of the service with this `service.name`.
        pub fn service(mut self, service: &str) -> Self {
            self.conditions.service = Some(service.to_owned());
            self
        }

        /// Only those emitted by the tracer, meter or logger of this name.
        pub fn scope(mut self, scope: &str) -> Self {
            self.conditions.scope = Some(scope.to_owned());
            self
        }

        /// Only those with this attribute at this value (and of its type: the number 1 is not the text "1").
        pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
            self.conditions.attributes.push((name.to_owned(), Some(value.into())));
            self
        }

        /// Only those with this attribute, at whatever value.
        pub fn has_attribute(mut self, name: &str) -> Self {
            self.conditions.attributes.push((name.to_owned(), None));
            self
        }
    };
}
use shared_conditions;

#[cfg(test)]
mod tests;
