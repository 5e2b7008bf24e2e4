//! What one service has in the store, and the numbers that are reported of it.

use std::collections::VecDeque;

use serde::Serialize;

use super::interner::Interners;

/// The three kinds of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Traces.
    Spans,
    /// Data points of metrics.
    Metrics,
    /// Log records and events.
    Logs,
}

/// How much the store holds, in bytes and in records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreStats {
    /// Bytes in use, never more than `max_bytes`.
    pub bytes: usize,
    /// The bound.
    pub max_bytes: usize,
    /// Each service that has ever sent anything, by name.
    pub services: Vec<ServiceStats>,
}

impl StoreStats {
    /// The numbers of one service.
    pub fn service(&self, name: &str) -> Option<&ServiceStats> {
        self.services.iter().find(|service| service.service == name)
    }

    /// All records that had to make room for others.
    pub fn evicted(&self) -> u64 {
        let counts = self.services.iter().flat_map(|service| [service.spans, service.metrics, service.logs]);
        counts.map(|counts| counts.evicted).sum()
    }
}

/// What one service has sent, and what of it is still there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceStats {
    /// Its name.
    pub service: String,
    /// Bytes it uses.
    pub bytes: usize,
    /// Its spans.
    pub spans: Counts,
    /// Its metric data points.
    pub metrics: Counts,
    /// Its log records.
    pub logs: Counts,
}

/// Records of one signal of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// How many came in.
    pub received: u64,
    /// How many of them are still there.
    pub stored: u64,
    /// How many had to make room for others.
    pub evicted: u64,
}

/// One record in the queue of a service: its number in the table, and its bytes.
pub(crate) type Queued = (u64, usize);

#[derive(Debug, Default)]
pub(crate) struct Service {
    pub(crate) interners: Interners,
    pub(crate) bytes: usize,
    lanes: [Lane; 3],
}

#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) queue: VecDeque<Queued>,
    pub(crate) bytes: usize,
    pub(crate) received: u64,
    pub(crate) evicted: u64,
}

impl Service {
    pub(crate) fn lane(&mut self, signal: Signal) -> &mut Lane {
        let [spans, metrics, logs] = &mut self.lanes;
        match signal {
            Signal::Spans => spans,
            Signal::Metrics => metrics,
            Signal::Logs => logs,
        }
    }

    /// The signal that uses most.
    pub(crate) fn largest_lane(&self) -> Signal {
        let [spans, metrics, logs] = &self.lanes;
        let lanes = [(logs.bytes, Signal::Logs), (metrics.bytes, Signal::Metrics), (spans.bytes, Signal::Spans)];
        lanes.into_iter().max_by_key(|(bytes, _)| *bytes).map_or(Signal::Spans, |(_, signal)| signal)
    }

    pub(crate) fn stats(&self, name: &str) -> ServiceStats {
        let [spans, metrics, logs] = self.lanes.each_ref().map(Lane::counts);
        ServiceStats { service: name.to_owned(), bytes: self.bytes, spans, metrics, logs }
    }
}

impl Lane {
    fn counts(&self) -> Counts {
        let stored = self.queue.len() as u64;
        Counts { received: self.received, stored, evicted: self.evicted }
    }
}
