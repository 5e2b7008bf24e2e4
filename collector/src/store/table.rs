//! The records of one signal by order of arrival, found by trace and by name without reading all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::record::Record;
use crate::model::TraceId;

/// What a record takes in the tables, the indexes and the queue of its service, beside itself.
pub(crate) const OVERHEAD: usize = 256;

#[derive(Debug)]
pub(crate) struct Table<T> {
    records: BTreeMap<u64, Arc<T>>,
    by_trace: HashMap<TraceId, BTreeSet<u64>>,
    by_name: HashMap<String, BTreeSet<u64>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { records: BTreeMap::new(), by_trace: HashMap::new(), by_name: HashMap::new() }
    }
}

impl<T: Record> Table<T> {
    /// The bytes that a record will take here, beside what it shares.
    pub(crate) fn size_of(record: &T) -> usize {
        // The name once more, for it may be the first of its kind in the index.
        OVERHEAD + record.size() + record.name().len()
    }

    pub(crate) fn insert(&mut self, number: u64, record: T) {
        if let Some(trace) = record.trace_id() {
            self.by_trace.entry(trace).or_default().insert(number);
        }
        match self.by_name.get_mut(record.name()) {
            Some(numbers) => {
                numbers.insert(number);
            }
            None => {
                self.by_name.insert(record.name().to_owned(), BTreeSet::from([number]));
            }
        }
        self.records.insert(number, Arc::new(record));
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<Arc<T>> {
        let record = self.records.remove(&number)?;
        if let Some(trace) = record.trace_id() {
            let numbers = self.by_trace.get_mut(&trace);
            if numbers.is_some_and(|numbers| numbers.remove(&number) && numbers.is_empty()) {
                self.by_trace.remove(&trace);
            }
        }
        let numbers = self.by_name.get_mut(record.name());
        if numbers.is_some_and(|numbers| numbers.remove(&number) && numbers.is_empty()) {
            self.by_name.remove(record.name());
        }
        Some(record)
    }

    /// Those of one trace, else those of one name, else all: in order of arrival.
    pub(crate) fn candidates<'a>(
        &'a self,
        trace: Option<TraceId>,
        name: Option<&str>,
    ) -> Box<dyn Iterator<Item = &'a Arc<T>> + 'a> {
        let numbers = match (trace, name) {
            (Some(trace), _) => self.by_trace.get(&trace),
            (None, Some(name)) => self.by_name.get(name),
            (None, None) => return Box::new(self.records.values()),
        };
        Box::new(numbers.into_iter().flatten().filter_map(|number| self.records.get(number)))
    }
}
