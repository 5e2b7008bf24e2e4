//! `#[traced]` against `#[instrument]`, with and without somebody who listens, and against autometrics.

use std::hint::black_box;

use autometrics::autometrics;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};
use otelgen::traced;
use tracing::instrument;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::measure::{Allowed, BenchError, Comparison, Operation, Target, time_operations};

/// Metrics that are exported for as long as this lives.
pub struct Exported(SdkMeterProvider);

impl Exported {
    /// A periodic reader into memory behind the global provider.
    pub fn metrics() -> Self {
        let provider = SdkMeterProvider::builder().with_periodic_exporter(InMemoryMetricExporter::default()).build();
        opentelemetry::global::set_meter_provider(provider.clone());
        otelgen::bind_metrics();
        Self(provider)
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        // A provider that cannot shut down has measured all the same.
        let _ = self.0.shutdown();
    }
}

#[instrument(skip_all)]
fn instrumented(value: u64) {
    black_box(value);
}

#[traced(metrics = false)]
fn span_only(value: u64) {
    black_box(value);
}

#[traced(span = false)]
fn metrics_only(value: u64) {
    black_box(value);
}

#[autometrics]
fn autometered(value: u64) {
    black_box(value);
}

const INSTRUMENT: &str = "#[instrument], no subscriber";
const SPAN: &str = "#[traced] span, no subscriber";
const INSTRUMENT_SAMPLED: &str = "#[instrument], tracing-opentelemetry, 10 % sampled";
const SPAN_SAMPLED: &str = "#[traced] span, tracing-opentelemetry, 10 % sampled";
const AUTOMETRICS: &str = "autometrics, OpenTelemetry 0.30";
const METRICS: &str = "#[traced] metrics, OpenTelemetry 0.33";

/// The span with and without a subscriber, and the metrics.
pub fn against_peers() -> Result<Comparison, BenchError> {
    let _exported = Exported::metrics();
    let of_autometrics = autometrics_provider();
    let tracer = SdkTracerProvider::builder()
        .with_sampler(Sampler::TraceIdRatioBased(0.1))
        .with_batch_exporter(InMemorySpanExporter::default())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(tracer.tracer("benches"));

    let silent = time_operations(vec![
        Operation::new(INSTRUMENT, || instrumented(1)),
        Operation::new(SPAN, || span_only(1)),
        Operation::new(AUTOMETRICS, || autometered(1)),
        Operation::new(METRICS, || metrics_only(1)),
    ]);
    // From here on somebody listens, for good: this is the last comparison that opens spans.
    let listening = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    listening.map_err(BenchError::setup("the subscriber"))?;
    let heard = time_operations(vec![
        Operation::new(INSTRUMENT_SAMPLED, || instrumented(1)),
        Operation::new(SPAN_SAMPLED, || span_only(1)),
    ]);
    // Providers that cannot shut down have measured all the same.
    let _ = (tracer.shutdown(), of_autometrics.shutdown());
    Ok(Comparison {
        title: "A function that does nothing (best of 300 alternating rounds of 4,000 calls).".to_owned(),
        rows: silent.into_iter().chain(heard).collect(),
        targets: vec![
            Target {
                text: "span, no subscriber: at most 2 ns over #[instrument]",
                rows: (SPAN, INSTRUMENT),
                allowed: Allowed::More(2.0),
            },
            Target {
                text: "span, sampled: no slower than #[instrument]",
                rows: (SPAN_SAMPLED, INSTRUMENT_SAMPLED),
                allowed: Allowed::Times(1.0),
            },
            Target {
                text: "metrics: at most half of autometrics",
                rows: (METRICS, AUTOMETRICS),
                allowed: Allowed::Times(0.5),
            },
        ],
    })
}

/// autometrics counts into the OpenTelemetry it was built for.
fn autometrics_provider() -> opentelemetry_sdk_0_30::metrics::SdkMeterProvider {
    use opentelemetry_sdk_0_30::metrics::{InMemoryMetricExporter, SdkMeterProvider};
    let provider = SdkMeterProvider::builder().with_periodic_exporter(InMemoryMetricExporter::default()).build();
    opentelemetry_0_30::global::set_meter_provider(provider.clone());
    provider
}
