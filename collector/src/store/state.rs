//! What the store's lock guards: the tables, and who uses how much of them.

use std::collections::BTreeMap;

use super::record::Record;
use super::service::{Service, Signal, StoreStats};
use super::table::Table;
use crate::model::{LogRecord, MetricPoint, Span};

/// So many services have a share of their own, and numbers of their own. Those that come later are taken together
/// under [`OTHER_SERVICES`]: otherwise a sender that makes up names could use memory that nobody counts.
const MAX_SERVICES: usize = 1_000;
const MAX_SERVICE_NAME: usize = 256;
const OTHER_SERVICES: &str = "(other services)";

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) spans: Table<Span>,
    pub(crate) metrics: Table<MetricPoint>,
    pub(crate) logs: Table<LogRecord>,
    services: BTreeMap<String, Service>,
    next: u64,
    bytes: usize,
    max_bytes: usize,
}

impl State {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            spans: Table::default(),
            metrics: Table::default(),
            logs: Table::default(),
            services: BTreeMap::new(),
            next: 0,
            bytes: 0,
            max_bytes,
        }
    }

    pub(crate) fn insert<T: Record>(&mut self, mut record: T) {
        let number = self.next_number();
        let name = self.share_of(&record.resource().service);
        let service = self.services.entry(name).or_default();
        let size = Table::size_of(&record);
        let shared = record.intern(&mut service.interners);
        let lane = service.lane(T::SIGNAL);
        lane.received += 1;
        if size + shared > self.max_bytes {
            // To make room for it would empty the store, and still not be enough.
            lane.evicted += 1;
            record.release(&mut service.interners);
            return;
        }
        lane.queue.push_back((number, size));
        lane.bytes += size;
        service.bytes += size + shared;
        self.bytes += size + shared;
        T::table_mut(self).insert(number, record);
        while self.bytes > self.max_bytes && self.evict_one() {}
    }

    fn next_number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    fn share_of(&self, service: &str) -> String {
        let own = self.services.contains_key(service)
            || (self.services.len() < MAX_SERVICES && service.len() <= MAX_SERVICE_NAME);
        if own { service.to_owned() } else { OTHER_SERVICES.to_owned() }
    }

    /// Removes the oldest record of the largest signal of the largest service; false where there is nothing.
    fn evict_one(&mut self) -> bool {
        let Some(service) = self.services.values_mut().max_by_key(|service| service.bytes) else {
            return false;
        };
        let signal = service.largest_lane();
        let lane = service.lane(signal);
        let Some((number, size)) = lane.queue.pop_front() else {
            return false;
        };
        lane.bytes -= size;
        lane.evicted += 1;
        let interners = &mut service.interners;
        let shared = match signal {
            Signal::Spans => self.spans.remove(number).map(|record| record.release(interners)),
            Signal::Metrics => self.metrics.remove(number).map(|record| record.release(interners)),
            Signal::Logs => self.logs.remove(number).map(|record| record.release(interners)),
        };
        let freed = size + shared.unwrap_or_default();
        service.bytes -= freed;
        self.bytes -= freed;
        true
    }

    pub(crate) fn stats(&self) -> StoreStats {
        let services = self.services.iter().map(|(name, service)| service.stats(name)).collect();
        StoreStats { bytes: self.bytes, max_bytes: self.max_bytes, services }
    }
}
