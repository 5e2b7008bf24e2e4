//! Spans and metrics of this process, as an exporter would get them.
#![allow(dead_code)]

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing_subscriber::layer::SubscriberExt;

/// Spans that ended while `subscriber` was the thread's default.
pub struct Spans {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
}

impl Spans {
    pub fn new() -> (Self, impl tracing::Subscriber + Send + Sync) {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(layer);
        (Self { exporter, provider }, subscriber)
    }

    pub fn ended(&self) -> Vec<SpanData> {
        self.provider.force_flush().expect("spans are flushed");
        self.exporter.get_finished_spans().expect("spans are kept")
    }

    pub fn only(&self) -> SpanData {
        let mut spans = self.ended();
        assert_eq!(spans.len(), 1, "{spans:#?}");
        spans.remove(0)
    }
}

/// The span's events, without those of OpenTelemetry about itself.
pub fn events(span: &SpanData) -> Vec<opentelemetry::trace::Event> {
    let of_the_sdk = |event: &&opentelemetry::trace::Event| {
        let mut attributes = event.attributes.iter();
        attributes.any(|pair| {
            pair.key.as_str() == "target" && pair.value.to_string().starts_with("opentelemetry")
        })
    };
    let events = span.events.events.iter();
    events.filter(|event| !of_the_sdk(event)).cloned().collect()
}

/// The text of a span's attribute.
pub fn attribute(span: &SpanData, key: &str) -> Option<String> {
    span.attributes
        .iter()
        .find(|pair| pair.key.as_str() == key)
        .map(|pair| pair.value.to_string())
}

/// A metric provider that is read at once.
pub struct Metrics {
    exporter: InMemoryMetricExporter,
    pub provider: SdkMeterProvider,
    /// Held from emptying the exporter to reading it, since tests run side by side.
    collecting: std::sync::Mutex<()>,
}

/// One value of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub metric: String,
    pub unit: String,
    pub kind: &'static str,
    pub attributes: Vec<(String, String)>,
    pub value: f64,
}

impl Metrics {
    pub fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(exporter.clone()).build())
            .build();
        Self {
            exporter,
            provider,
            collecting: std::sync::Mutex::new(()),
        }
    }

    /// Everything the last collection saw.
    pub fn collect(&self) -> Vec<Point> {
        let _collecting = self.collecting.lock().expect("no collection panics");
        self.exporter.reset();
        self.provider.force_flush().expect("metrics are flushed");
        let collected = self
            .exporter
            .get_finished_metrics()
            .expect("metrics are kept");
        collected.iter().flat_map(points).collect()
    }

    /// The value of one series.
    pub fn value(&self, metric: &str, attributes: &[(&str, &str)]) -> Option<f64> {
        find(&self.collect(), metric, attributes)
    }
}

pub fn find(points: &[Point], metric: &str, attributes: &[(&str, &str)]) -> Option<f64> {
    let mut wanted: Vec<(String, String)> = attributes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    wanted.sort();
    points
        .iter()
        .find(|point| point.metric == metric && point.attributes == wanted)
        .map(|point| point.value)
}

fn points(resource: &ResourceMetrics) -> Vec<Point> {
    let mut points = Vec::new();
    for scope in resource.scope_metrics() {
        for metric in scope.metrics() {
            let mut push = |kind, attributes: Vec<(String, String)>, value| {
                let mut attributes = attributes;
                attributes.sort();
                points.push(Point {
                    metric: metric.name().to_owned(),
                    unit: metric.unit().to_owned(),
                    kind,
                    attributes,
                    value,
                });
            };
            match metric.data() {
                AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                    for point in sum.data_points() {
                        push(
                            sum_kind(sum.is_monotonic()),
                            pairs(point.attributes()),
                            point.value() as f64,
                        );
                    }
                }
                AggregatedMetrics::I64(MetricData::Sum(sum)) => {
                    for point in sum.data_points() {
                        push(
                            sum_kind(sum.is_monotonic()),
                            pairs(point.attributes()),
                            point.value() as f64,
                        );
                    }
                }
                AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                    for point in histogram.data_points() {
                        push("histogram", pairs(point.attributes()), point.count() as f64);
                    }
                }
                other => panic!("an instrument nobody declared: {other:?}"),
            }
        }
    }
    points
}

fn sum_kind(monotonic: bool) -> &'static str {
    if monotonic {
        "counter"
    } else {
        "updowncounter"
    }
}

fn pairs<'a>(
    attributes: impl Iterator<Item = &'a opentelemetry::KeyValue>,
) -> Vec<(String, String)> {
    attributes
        .map(|pair| (pair.key.to_string(), pair.value.to_string()))
        .collect()
}
