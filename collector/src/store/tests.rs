//! The bound, the fairness and the indexes, on arbitrary sequences of records.

use std::sync::Arc;

use proptest::prelude::*;

use super::record::Record;
use super::service::Signal;
use super::state::State;
use super::{Counts, Store};
use crate::model::{
    LogRecord, Metric, MetricKind, MetricPoint, MetricValue, Resource, Scope, Span, SpanId, SpanKind, SpanStatus,
    TraceId, Value,
};

/// One record to be stored.
#[derive(Clone, Debug)]
struct Sample {
    service: u8,
    signal: Signal,
    name: u8,
    trace: u8,
    padding: usize,
}

fn samples(services: std::ops::Range<u8>) -> impl Strategy<Value = Vec<Sample>> {
    let signal = prop_oneof![Just(Signal::Spans), Just(Signal::Metrics), Just(Signal::Logs)];
    let padding = prop_oneof![4 => 0..200_usize, 1 => 0..5_000_usize];
    let sample = (services, signal, 0..4_u8, 1..5_u8, padding)
        .prop_map(|(service, signal, name, trace, padding)| Sample { service, signal, name, trace, padding });
    prop::collection::vec(sample, 0..300)
}

fn resource(service: &str) -> Arc<Resource> {
    Arc::new(Resource::new([("service.name", service)].into_iter().collect(), String::new()))
}

fn add(store: &Store, sample: &Sample) {
    let resource = resource(&format!("service {}", sample.service));
    let scope = Arc::new(Scope { name: format!("scope {}", sample.name), ..Scope::default() });
    let attributes = [("padding", "x".repeat(sample.padding))].into_iter().collect();
    let trace_id = TraceId::from_bytes(&[sample.trace; 16]).unwrap();
    let name = format!("name {}", sample.name);
    match sample.signal {
        Signal::Spans => store.add_spans(vec![Span {
            trace_id,
            span_id: SpanId::from_bytes(&[1; 8]).unwrap(),
            parent_span_id: None,
            parent_is_remote: None,
            trace_state: String::new(),
            name,
            kind: SpanKind::Internal,
            start_time_unix_nano: 0,
            end_time_unix_nano: 0,
            attributes,
            events: Vec::new(),
            links: Vec::new(),
            status: SpanStatus::Unset,
            resource,
            scope,
        }]),
        Signal::Metrics => {
            let (description, unit) = (String::new(), String::new());
            store.add_metrics(vec![MetricPoint {
                metric: Arc::new(Metric { name, description, unit, kind: MetricKind::Gauge }),
                attributes,
                start_time_unix_nano: 0,
                time_unix_nano: 0,
                value: MetricValue::Int(1),
                exemplars: Vec::new(),
                resource,
                scope,
            }]);
        }
        Signal::Logs => store.add_logs(vec![LogRecord {
            time_unix_nano: 0,
            observed_time_unix_nano: 0,
            severity_number: 9,
            severity_text: String::new(),
            event_name: name,
            body: Value::Empty,
            attributes,
            trace_id: Some(trace_id),
            span_id: None,
            resource,
            scope,
        }]),
    }
}

/// The bytes of everything that is there, each shared part once, counted from the records themselves.
fn bytes_by_hand(store: &Store) -> usize {
    fn of<T: Record>(state: &State, shared: &mut Vec<(usize, usize)>) -> usize {
        let table = T::table(state);
        let size = |record: &Arc<T>| {
            let resource = record.resource();
            shared.push((Arc::as_ptr(resource) as usize, 48 + resource.size()));
            let scope = record.scope();
            shared.push((Arc::as_ptr(scope) as usize, 48 + scope.size()));
            super::table::Table::size_of(record.as_ref())
        };
        table.candidates(None, None).map(size).sum()
    }
    let state = store.state();
    let mut shared = Vec::new();
    let records =
        of::<Span>(&state, &mut shared) + of::<MetricPoint>(&state, &mut shared) + of::<LogRecord>(&state, &mut shared);
    for point in state.metrics.candidates(None, None) {
        shared.push((Arc::as_ptr(&point.metric) as usize, 48 + point.metric.size()));
    }
    shared.sort_unstable();
    shared.dedup();
    records + shared.iter().map(|(_, size)| size).sum::<usize>()
}

fn counts(store: &Store, service: u8) -> [Counts; 3] {
    let stats = store.stats();
    stats.service(&format!("service {service}")).map(|one| [one.spans, one.metrics, one.logs]).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_bound_holds_after_every_record_and_the_books_balance(samples in samples(0..4), max in 0..60_000_usize) {
        let store = Store::new(max);
        for sample in &samples {
            add(&store, sample);
            prop_assert!(store.stats().bytes <= max);
        }
        prop_assert_eq!(store.stats().bytes, bytes_by_hand(&store));
        let stats = store.stats();
        prop_assert_eq!(stats.services.iter().map(|service| service.bytes).sum::<usize>(), stats.bytes);
        for service in 0..4 {
            let sent = |signal| samples.iter().filter(|one| one.service == service && one.signal == signal).count();
            let signals = [Signal::Spans, Signal::Metrics, Signal::Logs];
            for (signal, counts) in signals.into_iter().zip(counts(&store, service)) {
                prop_assert_eq!(counts.received, sent(signal) as u64);
                prop_assert_eq!(counts.received, counts.stored + counts.evicted);
            }
        }
    }

    #[test]
    fn a_service_within_its_share_loses_nothing(noise in samples(1..4), quiet in samples(0..1)) {
        let alone = Store::new(usize::MAX);
        quiet.iter().for_each(|sample| add(&alone, sample));
        // Its share of four services is what it needs, so the others may press as they like.
        let store = Store::new(4 * alone.stats().bytes);
        let mut noise = noise.iter().cycle().take(if noise.is_empty() { 0 } else { 500 });
        for sample in &quiet {
            noise.by_ref().take(5).for_each(|sample| add(&store, sample));
            add(&store, sample);
        }
        noise.for_each(|sample| add(&store, sample));
        let lost: u64 = counts(&store, 0).iter().map(|counts| counts.evicted).sum();
        prop_assert_eq!(lost, 0);
    }

    #[test]
    fn the_indexes_find_what_a_search_through_everything_finds(samples in samples(0..3), max in 5_000..60_000_usize) {
        let store = Store::new(max);
        samples.iter().for_each(|sample| add(&store, sample));
        for trace in 1..5 {
            let trace = TraceId::from_bytes(&[trace; 16]).unwrap();
            let mut all = store.spans().all();
            all.retain(|span| span.trace_id == trace);
            prop_assert_eq!(store.spans().trace(trace).all(), all);
            let mut all = store.logs().all();
            all.retain(|log| log.trace_id == Some(trace));
            prop_assert_eq!(store.logs().trace(trace).all(), all);
        }
        for name in 0..4 {
            let name = format!("name {name}");
            let mut all = store.metrics().points();
            all.retain(|point| point.metric.name == name);
            prop_assert_eq!(store.metrics().name(&name).points(), all);
        }
    }
}

fn sample(service: u8, signal: Signal, padding: usize) -> Sample {
    Sample { service, signal, name: 0, trace: 1, padding }
}

#[test]
fn many_spans_do_not_push_out_the_metrics_of_their_own_service() {
    let store = Store::new(50_000);
    add(&store, &sample(0, Signal::Metrics, 0));
    (0..1_000).for_each(|_| add(&store, &sample(0, Signal::Spans, 0)));
    let [spans, metrics, _] = counts(&store, 0);
    assert!(spans.evicted > 0 && spans.stored > 0);
    assert_eq!(metrics.evicted, 0);
}

#[test]
fn the_oldest_go_first() {
    let store = Store::new(50_000);
    for padding in 0..1_000 {
        add(&store, &sample(0, Signal::Logs, padding % 10));
    }
    let kept = store.logs().all();
    let padding = |log: &LogRecord| log.attributes.get("padding").unwrap().to_string().len();
    assert_eq!(padding(kept.last().unwrap()), 9);
    assert!(store.stats().evicted() > 0);
    assert_eq!(store.stats().evicted() as usize + kept.len(), 1_000);
}

#[test]
fn a_record_larger_than_the_store_pushes_nothing_out() {
    let store = Store::new(10_000);
    add(&store, &sample(0, Signal::Logs, 0));
    add(&store, &sample(1, Signal::Logs, 20_000));
    assert_eq!(counts(&store, 0)[2].stored, 1);
    assert_eq!(counts(&store, 1)[2], Counts { received: 1, stored: 0, evicted: 1 });
}

#[test]
fn made_up_service_names_do_not_grow_the_books_without_bound() {
    let store = Store::new(20_000);
    for number in 0..3_000 {
        let resource = resource(&format!("service {number}"));
        let (scope, name) = (Arc::default(), String::from("m"));
        let metric = Metric { name, description: String::new(), unit: String::new(), kind: MetricKind::Gauge };
        store.add_metrics(vec![MetricPoint {
            metric: Arc::new(metric),
            attributes: Default::default(),
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            value: MetricValue::Int(1),
            exemplars: Vec::new(),
            resource,
            scope,
        }]);
    }
    let stats = store.stats();
    assert_eq!(stats.services.len(), 1_001);
    assert_eq!(stats.services.iter().map(|service| service.metrics.received).sum::<u64>(), 3_000);
}
