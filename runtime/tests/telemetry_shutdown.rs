//! The end of a service, and its life without a collector.
#![cfg(feature = "telemetry")]

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use opentelemetry::logs::{LogRecord, Logger, LoggerProvider};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLoggerProvider};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData, SpanExporter};
use otelgen::telemetry::{
    AttributeLimits, Environment, ExportHealth, Providers, Signal, spawn, spawn_blocking,
};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

/// An exporter that needs its runtime to make progress, as gRPC does.
#[derive(Debug, Clone)]
struct OnTheRuntime(tokio::runtime::Handle, Arc<AtomicUsize>);

impl SpanExporter for OnTheRuntime {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.0
            .spawn(async move { tokio::task::yield_now().await })
            .await
            .unwrap();
        self.1.fetch_add(count, Ordering::SeqCst);
        Ok(())
    }
}

#[derive(Debug, Clone, Default)]
struct CountingLogs(Arc<AtomicUsize>);

impl LogExporter for CountingLogs {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.0.fetch_add(batch.iter().count(), Ordering::SeqCst);
        Ok(())
    }
}

/// An exporter that never answers, and may hang whoever waits for it.
#[derive(Debug)]
struct Hanging(Mutex<mpsc::Receiver<()>>);

impl SpanExporter for Hanging {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        let _ = self.0.lock().unwrap().recv();
        Ok(())
    }
}

#[derive(Debug, Clone, Default)]
struct Switched {
    works: Arc<AtomicBool>,
    exports: Arc<AtomicUsize>,
}

impl SpanExporter for Switched {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        self.exports.fetch_add(1, Ordering::SeqCst);
        if self.works.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(OTelSdkError::InternalFailure(
            "connection refused".to_owned(),
        ))
    }
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn one_span(provider: &SdkTracerProvider) {
    drop(provider.tracer("test").start("work"));
}

#[tokio::test(flavor = "current_thread")]
async fn shutting_down_on_a_current_thread_runtime_flushes_everything() {
    let exported = Arc::new(AtomicUsize::new(0));
    let exporter = OnTheRuntime(tokio::runtime::Handle::current(), Arc::clone(&exported));
    let tracer = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .build();
    let metrics = InMemoryMetricExporter::default();
    let meter = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(metrics.clone()).build())
        .build();
    let logs = CountingLogs::default();
    let logger = SdkLoggerProvider::builder()
        .with_batch_exporter(logs.clone())
        .build();

    one_span(&tracer);
    meter.meter("test").u64_counter("work").build().add(1, &[]);
    let mut record = logger.logger("test").create_log_record();
    record.set_body("work".into());
    logger.logger("test").emit(record);

    let providers = Providers::new()
        .with_tracer_provider(tracer)
        .with_meter_provider(meter)
        .with_logger_provider(logger);
    providers.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!(exported.load(Ordering::SeqCst), 1);
    assert_eq!(metrics.get_finished_metrics().unwrap().len(), 1);
    assert_eq!(logs.0.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_signal_that_hangs_is_named_and_the_others_are_flushed_within_the_deadline() {
    let (release, hanging) = mpsc::channel();
    let tracer = SdkTracerProvider::builder()
        .with_batch_exporter(Hanging(Mutex::new(hanging)))
        .build();
    one_span(&tracer);
    let metrics = InMemoryMetricExporter::default();
    let meter = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(metrics.clone()).build())
        .build();
    meter.meter("test").u64_counter("work").build().add(1, &[]);

    let start = Instant::now();
    let providers = Providers::new()
        .with_tracer_provider(tracer)
        .with_meter_provider(meter);
    let error = providers
        .shutdown(Duration::from_millis(600))
        .await
        .unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    let failed: Vec<_> = error
        .failures()
        .iter()
        .map(|failure| failure.signal)
        .collect();
    assert_eq!(failed, [Signal::Traces]);
    assert!(
        error
            .to_string()
            .starts_with("telemetry was lost at shutdown: traces: "),
        "{error}"
    );
    assert_eq!(metrics.get_finished_metrics().unwrap().len(), 1);
    drop(release);
}

#[test]
fn providers_that_are_dropped_still_flush() {
    let spans = InMemorySpanExporter::default();
    let kept = spans.clone();
    let watched = Arc::new(AtomicUsize::new(0));
    #[derive(Debug)]
    struct Counting(InMemorySpanExporter, Arc<AtomicUsize>);
    impl SpanExporter for Counting {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.1.fetch_add(batch.len(), Ordering::SeqCst);
            self.0.export(batch).await
        }
    }
    let tracer = SdkTracerProvider::builder()
        .with_batch_exporter(Counting(kept, Arc::clone(&watched)))
        .build();
    one_span(&tracer);
    drop(Providers::new().with_tracer_provider(tracer));
    assert_eq!(watched.load(Ordering::SeqCst), 1);
}

#[test]
fn a_provider_somebody_shut_down_before_is_no_failure() {
    let tracer = SdkTracerProvider::builder().build();
    tracer.shutdown().unwrap();
    Providers::new()
        .with_tracer_provider(tracer)
        .shutdown_blocking(Duration::from_secs(1))
        .unwrap();
}

/// The SDK reports from its own threads, so the subscriber must be the global one: one test holds it all.
#[test]
fn without_a_collector_there_is_one_warning_until_it_is_back() {
    let written = Written::default();
    let other_port = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317")];
    let health = ExportHealth::from_environment(&Environment::from_pairs(other_port));
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(written.clone())
        .with_filter(health.sdk_events());
    let info = tracing_subscriber::filter::LevelFilter::INFO;
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(info).with(layer))
        .unwrap();

    let exporter = Switched::default();
    let watched = health.watch(Signal::Traces, exporter.clone());
    let tracer = SdkTracerProvider::builder()
        .with_batch_exporter(watched)
        .build();
    let metrics_reader =
        PeriodicReader::builder(health.watch(Signal::Metrics, InMemoryMetricExporter::default()));
    let meter = SdkMeterProvider::builder()
        .with_reader(metrics_reader.build())
        .build();
    meter.meter("test").u64_counter("work").build().add(1, &[]);
    for _ in 0..20 {
        one_span(&tracer);
        assert!(tracer.force_flush().is_err());
        meter.force_flush().unwrap();
    }
    assert_eq!(exporter.exports.load(Ordering::SeqCst), 20);
    assert!(health.is_failing());
    let text = written.text();
    assert_eq!(
        text.matches("telemetry is not exported").count(),
        1,
        "{text}"
    );
    assert_eq!(
        text.matches("WARN").count() + text.matches("ERROR").count(),
        1,
        "{text}"
    );
    assert!(text.contains("connection refused"), "{text}");
    assert!(text.contains("port 4317 is that of gRPC"), "{text}");

    exporter.works.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        one_span(&tracer);
        tracer.force_flush().unwrap();
    }
    assert!(!health.is_failing());
    assert_eq!(
        written
            .text()
            .matches("telemetry is exported again")
            .count(),
        1
    );

    exporter.works.store(false, Ordering::SeqCst);
    one_span(&tracer);
    assert!(tracer.force_flush().is_err());
    assert_eq!(
        written.text().matches("telemetry is not exported").count(),
        2,
        "a new outage is news"
    );
}

#[test]
fn other_warnings_of_the_sdk_are_told_once_each() {
    let written = Written::default();
    let health = ExportHealth::new();
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(written.clone())
        .with_filter(health.sdk_events());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for _ in 0..5 {
            tracing::warn!(name: "Limits.Odd", target: "opentelemetry_sdk", "odd limits");
            tracing::error!(name: "BatchSpanProcessor.ExportError", target: "opentelemetry_sdk", "not watched");
            tracing::info!(target: "shop", "a sale");
        }
    });
    let text = written.text();
    assert_eq!(text.matches("odd limits").count(), 1);
    assert_eq!(
        text.matches("not watched").count(),
        1,
        "an exporter nobody watches is told by the SDK, once"
    );
    assert_eq!(text.matches("a sale").count(), 5);
}

/// An exporter built on an asynchronous client, called from the SDK's own thread.
#[derive(Debug, Clone, Default)]
struct NeedsReactor(Arc<AtomicUsize>);

impl SpanExporter for NeedsReactor {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        listener.map_err(|error| OTelSdkError::InternalFailure(error.to_string()))?;
        self.0.fetch_add(batch.len(), Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_watched_exporter_has_a_reactor_on_the_sdks_threads() {
    let exporter = NeedsReactor::default();
    let watched = ExportHealth::new().watch(Signal::Traces, exporter.clone());
    let tracer = SdkTracerProvider::builder()
        .with_batch_exporter(watched)
        .build();
    one_span(&tracer);
    Providers::new()
        .with_tracer_provider(tracer)
        .shutdown(Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(exporter.0.load(Ordering::SeqCst), 1);
}

#[test]
fn long_values_are_cut_at_a_letter_and_only_where_a_limit_is_set() {
    use opentelemetry::trace::Span;
    let exported = |pairs: &[(&str, &str)]| {
        let limits =
            AttributeLimits::from_environment(&Environment::from_pairs(pairs.iter().copied()))
                .unwrap();
        let spans = InMemorySpanExporter::default();
        let tracer = SdkTracerProvider::builder()
            .with_simple_exporter(limits.limit(spans.clone()))
            .build();
        let mut span = tracer.tracer("test").start("work");
        span.set_attribute(opentelemetry::KeyValue::new("text", "äöüß"));
        drop(span);
        spans.get_finished_spans().unwrap()[0].attributes[0]
            .value
            .to_string()
    };
    assert_eq!(exported(&[]), "äöüß");
    assert_eq!(
        exported(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3")]),
        "äöü"
    );
    let both = [
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
    ];
    assert_eq!(exported(&both), "ä");
}

#[tokio::test]
async fn tasks_and_blocking_work_stay_in_their_span() {
    let _subscriber = tracing_subscriber::registry().set_default();
    let span = tracing::info_span!("caller");
    let id = span.id();
    let task = span.in_scope(|| spawn(async { tracing::Span::current().id() }));
    assert_eq!(task.await.unwrap(), id);
    // The blocking thread has no subscriber of its own here; the span carries its own with it.
    let inside = span.clone();
    let work = span.in_scope(|| spawn_blocking(move || inside.id()));
    assert_eq!(work.await.unwrap(), id);
}
