//! A program whose function carries seven stacked attributes, under load, exporting to a Collector by OTLP: its spans,
//! metrics and logs tell one story, and it is the one that the program itself has counted.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // a test may

mod program;
mod telemetry;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use otelgen::names::BREAKER_TRANSITION_EVENT;
use otelgen_collector::Collector;
use otelgen_collector::model::{LogRecord, Span, SpanId, Value};
use program::{Counted, FOUND, REQUEST, WORK};

const DEADLINE: Duration = Duration::from_secs(20);

/// From outside to inside: the span that each stage makes, by the attribute that names its instance.
const STAGES: [(&str, &str); 8] = [
    ("stock.traced", ""),
    ("stock.cache", "otelgen.cache.name"),
    ("stock.retry", "otelgen.retry.name"),
    ("attempt", "otelgen.retry.attempt"),
    ("stock.breaker", "otelgen.circuit_breaker.name"),
    ("stock.limit", "otelgen.rate_limit.name"),
    ("stock.bulkhead", "otelgen.bulkhead.name"),
    ("stock.timeout", "otelgen.timeout.name"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_metrics_and_logs_of_stacked_attributes_tell_one_story() {
    let collector = Collector::builder().max_bytes(512 << 20).start().await.expect("a collector");
    let providers = telemetry::start(&collector.grpc_endpoint()).expect("telemetry starts");
    let counted = program::run().await;
    providers.shutdown(DEADLINE).await.expect("everything is flushed");

    let received = Received::from(&collector);
    received.spans_are_nested_as_the_attributes_are(&counted);
    received.spans_say_what_the_program_counted(&counted);
    received.metrics_say_what_the_spans_say(&counted);
    received.logs_belong_to_the_spans_they_were_written_in(&counted);
    collector.shutdown().await;
}

/// What came to the Collector.
struct Received<'c> {
    collector: &'c Collector,
    spans: Vec<Arc<Span>>,
    by_id: BTreeMap<SpanId, Arc<Span>>,
    logs: Vec<Arc<LogRecord>>,
}

impl<'c> From<&'c Collector> for Received<'c> {
    fn from(collector: &'c Collector) -> Self {
        let spans = collector.store().spans().all();
        let by_id = spans.iter().map(|span| (span.span_id, Arc::clone(span))).collect();
        Self { collector, spans, by_id, logs: collector.store().logs().all() }
    }
}

impl Received<'_> {
    fn named(&self, name: &str) -> impl Iterator<Item = &Arc<Span>> {
        self.spans.iter().filter(move |span| span.name == name)
    }

    fn count(&self, name: &str) -> u64 {
        self.named(name).count() as u64
    }

    /// Spans of a name by the value of one attribute.
    fn by_value(&self, name: &str, attribute: &str) -> BTreeMap<String, u64> {
        let mut values = BTreeMap::new();
        for span in self.named(name) {
            let value = span.attributes.get(attribute).and_then(Value::as_str).unwrap_or("none");
            *values.entry(value.to_owned()).or_default() += 1;
        }
        values
    }

    /// The numbers of a metric that are not zero, by the value of one attribute.
    fn metric(&self, metric: &str, name: &str, attribute: &str) -> BTreeMap<String, u64> {
        let points = self.collector.store().metrics().name(metric).attribute("name", name).latest();
        let values = points.iter().map(|point| {
            let value = point.attributes.get(attribute).and_then(Value::as_str).unwrap_or("none");
            let number = point.value.count().or(point.value.as_f64().map(|number| number as u64));
            (value.to_owned(), number.expect("a number"))
        });
        values.filter(|(_, number)| *number > 0).collect()
    }

    fn spans_are_nested_as_the_attributes_are(&self, counted: &Counted) {
        let outside = |name: &str| match STAGES.iter().position(|(stage, _)| *stage == name) {
            Some(0) => Some(REQUEST),
            Some(stage) => Some(STAGES[stage - 1].0),
            None if name == WORK => Some(STAGES[STAGES.len() - 1].0),
            None => None,
        };
        for span in &self.spans {
            let parent = span.parent_span_id.map(|id| self.by_id.get(&id).expect("every parent has arrived"));
            assert_eq!(parent.map(|parent| parent.name.as_str()), outside(&span.name), "around {}", span.name);
            if let Some(parent) = parent {
                assert_eq!(span.trace_id, parent.trace_id);
                assert!(span.start_time_unix_nano >= parent.start_time_unix_nano, "{} starts early", span.name);
            }
        }
        for (name, attribute) in STAGES {
            assert!(self.count(name) > 0, "{name} has spans");
            let marked = self.named(name).all(|span| attribute.is_empty() || span.attributes.get(attribute).is_some());
            assert!(marked, "{name} says {attribute}");
        }
        let traces: std::collections::BTreeSet<_> = self.spans.iter().map(|span| span.trace_id).collect();
        assert_eq!(traces.len() as u64, counted.requests, "a request is a trace");
        assert_eq!(self.by_id.len(), self.spans.len(), "no span came twice");
    }

    fn spans_say_what_the_program_counted(&self, counted: &Counted) {
        assert_eq!(self.count(REQUEST), counted.requests);
        assert_eq!(self.count("stock.traced"), counted.requests);
        assert_eq!(self.count("stock.cache"), counted.requests);
        assert_eq!(self.count(WORK), counted.bodies);
        let failed = |name: &str| self.named(name).filter(|span| span.attributes.get("error.type").is_some()).count();
        assert_eq!(failed("stock.traced") as u64, counted.failed);
        // What a cache does not answer goes to the retry, once; each attempt to the breaker, and so on.
        let cache = self.by_value("stock.cache", "otelgen.cache.result");
        assert_eq!(self.count("stock.retry"), cache["miss"]);
        assert_eq!(self.count("stock.breaker"), self.count("attempt"));
        let breaker = self.by_value("stock.breaker", "otelgen.circuit_breaker.outcome");
        assert_eq!(self.count("stock.limit"), self.count("stock.breaker") - breaker["rejected"]);
        let limit = self.by_value("stock.limit", "otelgen.rate_limit.result");
        let limited = limit.get("rejected").copied().unwrap_or(0);
        assert_eq!(self.count("stock.bulkhead"), self.count("stock.limit") - limited);
        let bulkhead = self.by_value("stock.bulkhead", "otelgen.bulkhead.outcome");
        assert_eq!(bulkhead["success"], counted.bodies - counted.bodies_failed);
        assert_eq!(bulkhead["failure"], counted.bodies_failed);
        let full = bulkhead.get("rejected").copied().unwrap_or(0);
        assert_eq!(self.count("stock.bulkhead") - full, counted.bodies);
        assert_eq!(self.count("stock.timeout"), counted.bodies);
        // The load has met every one of these.
        assert!(
            cache["hit"] > 0 && breaker["rejected"] > 0 && limited > 0 && full > 0,
            "{cache:?} {breaker:?} {limit:?} {bulkhead:?}"
        );
        assert!(self.by_value("stock.retry", "otelgen.retry.outcome")["recovered"] > 0);
    }

    fn metrics_say_what_the_spans_say(&self, counted: &Counted) {
        let function = self.metric("otelgen.function.calls", "stock.traced", "outcome");
        assert_eq!(function.get("success").copied(), Some(counted.requests - counted.failed));
        assert_eq!(function.get("error").copied(), Some(counted.failed));
        let durations = self.metric("otelgen.function.duration", "stock.traced", "outcome");
        assert_eq!(durations, function);
        for (metric, name, label, span, attribute) in [
            ("otelgen.cache.requests", "stock.cache", "result", "stock.cache", "otelgen.cache.result"),
            ("otelgen.retry.calls", "stock.retry", "outcome", "stock.retry", "otelgen.retry.outcome"),
            ("otelgen.retry.attempts", "stock.retry", "outcome", "attempt", "otelgen.retry.attempt.outcome"),
            (
                "otelgen.circuit_breaker.calls",
                "stock.breaker",
                "outcome",
                "stock.breaker",
                "otelgen.circuit_breaker.outcome",
            ),
            ("otelgen.rate_limit.requests", "stock.limit", "result", "stock.limit", "otelgen.rate_limit.result"),
            ("otelgen.timeout.calls", "stock.timeout", "outcome", "stock.timeout", "otelgen.timeout.outcome"),
        ] {
            assert_eq!(self.metric(metric, name, label), self.by_value(span, attribute), "{metric}");
        }
        let full = self.by_value("stock.bulkhead", "otelgen.bulkhead.outcome")["rejected"];
        assert_eq!(self.metric("otelgen.bulkhead.rejected", "stock.bulkhead", "none")["none"], full);
        assert!(
            self.metric("otelgen.bulkhead.in_flight", "stock.bulkhead", "none").is_empty(),
            "nothing runs any more"
        );
        let loads = self.metric("otelgen.cache.load.duration", "stock.cache", "outcome");
        assert_eq!(loads.values().sum::<u64>(), self.count("stock.retry"));
    }

    fn logs_belong_to_the_spans_they_were_written_in(&self, counted: &Counted) {
        let found: Vec<_> = self.logs.iter().filter(|log| log.body.as_str() == Some(FOUND)).collect();
        assert_eq!(found.len() as u64, counted.bodies - counted.bodies_failed);
        for log in &found {
            let span = log.span_id.and_then(|id| self.by_id.get(&id)).expect("the log's span has arrived");
            assert_eq!(span.name, WORK);
            assert_eq!(log.trace_id, Some(span.trace_id));
            assert_eq!(log.attributes.get("item"), span.attributes.get("item"));
        }
        let changes: Vec<_> = self.logs.iter().filter(|log| log.event_name == BREAKER_TRANSITION_EVENT).collect();
        let transitions = self.metric("otelgen.circuit_breaker.transitions", "stock.breaker", "to");
        assert_eq!(changes.len() as u64, transitions.values().sum::<u64>());
        assert!(transitions["open"] > 0);
        for log in changes {
            let span = log.span_id.and_then(|id| self.by_id.get(&id)).expect("the change's span has arrived");
            assert_eq!(log.trace_id, Some(span.trace_id));
            assert_eq!(span.name, "stock.breaker", "changes are told where they were caused");
        }
    }
}
