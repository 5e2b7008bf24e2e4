//! A server on loopback, and what it and its client recorded.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tokio::task::JoinHandle;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::prelude::*;

/// Everything recorded on this thread while it lives.
pub struct Recorded {
    spans: InMemorySpanExporter,
    metrics: InMemoryMetricExporter,
    meter_provider: SdkMeterProvider,
    _tracer_provider: SdkTracerProvider,
    _subscriber: DefaultGuard,
}

impl Recorded {
    pub fn start() -> Self {
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        let spans = InMemorySpanExporter::default();
        let tracer_provider = SdkTracerProvider::builder()
            .with_simple_exporter(spans.clone())
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer_provider.tracer("test"))
            .with_filter(tracing_subscriber::filter::LevelFilter::INFO);
        let subscriber = tracing_subscriber::registry().with(layer).set_default();
        let metrics = InMemoryMetricExporter::default();
        let meter_provider = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(metrics.clone()).build())
            .build();
        Self {
            spans,
            metrics,
            meter_provider,
            _tracer_provider: tracer_provider,
            _subscriber: subscriber,
        }
    }

    pub fn meter(&self) -> Meter {
        self.meter_provider.meter("test")
    }

    pub fn finished(&self) -> Vec<SpanData> {
        self.spans.get_finished_spans().unwrap()
    }

    /// The span of this name, once it has ended.
    pub async fn span(&self, name: &str) -> SpanData {
        let found = async {
            loop {
                if let Some(span) = self.finished().into_iter().find(|span| span.name == name) {
                    return span;
                }
                tokio::task::yield_now().await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(10), found).await {
            Ok(span) => span,
            Err(_) => panic!("no span `{name}` among {:?}", self.finished()),
        }
    }

    /// The attributes of each point of a histogram of durations, and how often it was recorded.
    pub fn durations(&self, name: &str) -> Vec<(BTreeMap<String, String>, u64, Vec<f64>)> {
        self.points(name, |data| match data {
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram
                .data_points()
                .map(|point| {
                    (
                        attributes(point.attributes()),
                        point.count(),
                        point.bounds().collect(),
                    )
                })
                .collect(),
            other => panic!("{name} is {other:?}"),
        })
    }

    /// The attributes and value of each point of a counter that goes up and down.
    pub fn levels(&self, name: &str) -> Vec<(BTreeMap<String, String>, i64)> {
        self.points(name, |data| match data {
            AggregatedMetrics::I64(MetricData::Sum(sum)) => sum
                .data_points()
                .map(|point| (attributes(point.attributes()), point.value()))
                .collect(),
            other => panic!("{name} is {other:?}"),
        })
    }

    fn points<T>(&self, name: &str, read: impl Fn(&AggregatedMetrics) -> Vec<T>) -> Vec<T> {
        self.metrics.reset();
        self.meter_provider.force_flush().unwrap();
        let resources = self.metrics.get_finished_metrics().unwrap();
        resources
            .iter()
            .flat_map(|resource| resource.scope_metrics())
            .flat_map(|scope| scope.metrics())
            .filter(|metric| metric.name() == name)
            .flat_map(|metric| read(metric.data()))
            .collect()
    }

    /// All of it as text, to look for what must not be there.
    pub fn as_text(&self) -> String {
        self.meter_provider.force_flush().unwrap();
        format!(
            "{:?} {:?}",
            self.finished(),
            self.metrics.get_finished_metrics().unwrap()
        )
    }
}

fn attributes<'a>(
    attributes: impl Iterator<Item = &'a opentelemetry::KeyValue>,
) -> BTreeMap<String, String> {
    attributes
        .map(|attribute| (attribute.key.to_string(), attribute.value.to_string()))
        .collect()
}

pub fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let found = span
        .attributes
        .iter()
        .find(|attribute| attribute.key.as_str() == name);
    found.map(|attribute| attribute.value.to_string())
}

pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A server that is stopped when it is dropped.
pub struct Server {
    pub base: String,
    pub address: std::net::SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(app: Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
        let task = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            base: format!("http://{address}"),
            address,
            task,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
