//! Whether telemetry arrives: one warning when it stops, one line when it comes back, quiet in between.
//! Wraps exporters; knows no backend.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context as LayerContext, Filter};

use super::environment::{Environment, Signal};
use super::filter::{OWN_TARGET, is_sdk};

/// The state of export, shared by the exporters it watches and the log filters that keep quiet.
///
/// With no collector anywhere the SDK reports every failed batch of every signal, forever. A service that
/// wraps its exporters with [`watch`](Self::watch) and its log layers with
/// [`sdk_events`](Self::sdk_events) prints one warning, and one line when export works again.
///
/// ```
/// use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
/// use otelgen::telemetry::{ExportHealth, Signal};
///
/// let health = ExportHealth::new();
/// let exporter = health.watch(Signal::Traces, InMemorySpanExporter::default());
/// let _provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
/// assert!(!health.is_failing());
/// ```
#[derive(Debug, Clone, Default)]
pub struct ExportHealth {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// One bit per signal whose last export failed.
    failing: AtomicU8,
    /// Whether any exporter is watched: then its failures are told here and not by the SDK.
    watching: AtomicBool,
    /// By signal, what may be wrong with where it is sent.
    hints: [Option<&'static str>; 3],
}

impl ExportHealth {
    /// Nothing watched, nothing failing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, knowing where `environment` sends telemetry: the warning then tells a port that does not go with
    /// its protocol.
    #[must_use]
    pub fn from_environment(environment: &Environment) -> Self {
        let hints = [Signal::Traces, Signal::Metrics, Signal::Logs]
            .map(|signal| environment.otlp_port_hint(signal));
        Self {
            state: Arc::new(State {
                hints,
                ..State::default()
            }),
        }
    }

    /// Whether the last export of any signal failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.state.failing.load(Ordering::Relaxed) != 0
    }

    /// Wraps an exporter (of spans, metrics or logs), so that its failures are told once.
    ///
    /// Called on a Tokio runtime, it also lends that runtime to the exporter: the SDK exports from plain
    /// threads, where an exporter built on an asynchronous HTTP client would panic for want of a reactor.
    pub fn watch<E>(&self, signal: Signal, exporter: E) -> WatchedExporter<E> {
        self.state.watching.store(true, Ordering::Relaxed);
        WatchedExporter {
            exporter,
            signal,
            health: self.clone(),
            runtime: tokio::runtime::Handle::try_current().ok(),
        }
    }

    /// A filter for a log layer that lets the SDK's own warnings through once, and leaves out those about
    /// failed exports, which this type tells. One for each layer. Debug events of the SDK pass untouched.
    #[must_use]
    pub fn sdk_events(&self) -> SdkEventFilter {
        SdkEventFilter {
            health: self.clone(),
            told: Mutex::default(),
        }
    }

    fn record(&self, signal: Signal, result: &OTelSdkResult) {
        let bit = 1 << signal as u8;
        match result {
            Ok(()) => {
                if self.state.failing.fetch_and(!bit, Ordering::Relaxed) == bit {
                    tracing::info!(
                        name: "otelgen.telemetry.exported_again",
                        target: OWN_TARGET,
                        "telemetry is exported again"
                    );
                }
            }
            Err(OTelSdkError::AlreadyShutdown) => {}
            Err(error) => {
                if self.state.failing.fetch_or(bit, Ordering::Relaxed) == 0 {
                    let hint = self.state.hints.get(signal as usize).copied().flatten();
                    tracing::warn!(
                        name: "otelgen.telemetry.not_exported",
                        target: OWN_TARGET,
                        %signal,
                        %error,
                        hint,
                        "telemetry is not exported; the service works without it and tells when it is exported \
                         again (is a collector running where OTEL_EXPORTER_OTLP_ENDPOINT points?)"
                    );
                }
            }
        }
    }
}

/// An exporter whose outcomes are known to an [`ExportHealth`].
pub struct WatchedExporter<E> {
    exporter: E,
    signal: Signal,
    health: ExportHealth,
    runtime: Option<tokio::runtime::Handle>,
}

impl<E: fmt::Debug> fmt::Debug for WatchedExporter<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("WatchedExporter")
            .field(&self.exporter)
            .finish()
    }
}

impl<E> WatchedExporter<E> {
    async fn watched(&self, export: impl Future<Output = OTelSdkResult> + Send) -> OTelSdkResult {
        let result = match &self.runtime {
            Some(runtime) => {
                OnRuntime {
                    runtime,
                    future: Box::pin(export),
                }
                .await
            }
            None => export.await,
        };
        self.health.record(self.signal, &result);
        result
    }
}

/// Polls a future inside a runtime's context, from a thread that is not the runtime's.
struct OnRuntime<'a, F> {
    runtime: &'a tokio::runtime::Handle,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for OnRuntime<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = self.runtime.enter();
        self.future.as_mut().poll(context)
    }
}

impl<E: SpanExporter> SpanExporter for WatchedExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.watched(self.exporter.export(batch)).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for WatchedExporter<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.watched(self.exporter.export(batch)).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn event_enabled(
        &self,
        level: opentelemetry::logs::Severity,
        target: &str,
        name: Option<&str>,
    ) -> bool {
        self.exporter.event_enabled(level, target, name)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for WatchedExporter<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.watched(self.exporter.export(metrics)).await
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

/// Keeps the SDK's own warnings from filling the log; made by [`ExportHealth::sdk_events`].
#[derive(Debug)]
pub struct SdkEventFilter {
    health: ExportHealth,
    /// The warnings this layer has printed, by where the SDK emits them.
    told: Mutex<Vec<Identifier>>,
}

impl SdkEventFilter {
    fn allows(&self, metadata: &Metadata<'_>) -> bool {
        if *metadata.level() > Level::WARN || !is_sdk(metadata.target()) {
            return true;
        }
        if is_about_export(metadata.name()) && self.health.state.watching.load(Ordering::Relaxed) {
            return false;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let callsite = metadata.callsite();
        let new = !told.contains(&callsite);
        if new {
            told.push(callsite);
        }
        new
    }
}

/// The events a failed export makes: its error, the retries before it, the full queue after it.
fn is_about_export(name: &str) -> bool {
    name.starts_with("Export.Failed")
        || name.ends_with("ExportError")
        || name.ends_with("DroppingStarted")
}

impl<S: Subscriber> Filter<S> for SdkEventFilter {
    fn enabled(&self, _: &Metadata<'_>, _: &LayerContext<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &LayerContext<'_, S>) -> bool {
        self.allows(event.metadata())
    }
}
