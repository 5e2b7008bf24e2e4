//! What a service's own `telemetry.rs` is: upstream builders, and the blocks of `otelgen::telemetry`.

use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::logs::{BatchConfigBuilder as LogBatch, BatchLogProcessor, SdkLoggerProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{BatchConfigBuilder as SpanBatch, BatchSpanProcessor, SdkTracerProvider};
use otelgen::telemetry::{ExportFilter, Providers};
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// More than the load makes: what is dropped cannot be compared.
const QUEUE: usize = 200_000;

pub fn start(endpoint: &str) -> Result<Providers, Box<dyn std::error::Error>> {
    let spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let spans = BatchSpanProcessor::builder(spans)
        .with_batch_config(SpanBatch::default().with_max_queue_size(QUEUE).build())
        .build();
    let tracer = SdkTracerProvider::builder().with_span_processor(spans).build();
    let metrics = MetricExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let meter = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();
    let logs = LogExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let logs = BatchLogProcessor::builder(logs)
        .with_batch_config(LogBatch::default().with_max_queue_size(QUEUE).build())
        .build();
    let logger = SdkLoggerProvider::builder().with_log_processor(logs).build();
    global::set_meter_provider(meter.clone());
    otelgen::bind_metrics();
    tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(tracer.tracer("stacked")).with_filter(ExportFilter::new()))
        .with(OpenTelemetryTracingBridge::new(&logger).with_filter(ExportFilter::new()))
        .try_init()?;
    Ok(Providers::new().with_tracer_provider(tracer).with_meter_provider(meter).with_logger_provider(logger))
}
