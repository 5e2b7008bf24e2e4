//! The end of a service's telemetry: flush what is waiting, in order, within a deadline.
//! Knows the SDK's providers; knows no exporter and no server.

use std::fmt;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::environment::Signal;
use super::logs::LogFiles;

/// What a [`Providers`] that is dropped instead of shut down may take.
const DROP_DEADLINE: Duration = Duration::from_secs(2);

/// Clones of the providers a service uses, kept so that they can be flushed when it ends.
///
/// Drain the server first, then [`shutdown`](Self::shutdown). The SDK's own `shutdown()` blocks; on a
/// current-thread runtime, whose one thread the gRPC exporter needs, it would wait for itself. Here every
/// provider is shut down on a thread of its own: traces, then metrics, then logs (so that a log about the
/// first two still leaves), and a provider that hangs takes its share of the deadline and no more. Log
/// files are flushed last.
///
/// ```
/// use std::time::Duration;
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use otelgen::telemetry::Providers;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let providers = Providers::new().with_tracer_provider(SdkTracerProvider::builder().build());
/// // … serve, drain …
/// providers.shutdown(Duration::from_secs(5)).await
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "telemetry that is still waiting is lost unless this is kept and shut down at the end"]
#[derive(Debug, Default)]
pub struct Providers {
    tracer: Option<SdkTracerProvider>,
    meter: Option<SdkMeterProvider>,
    logger: Option<SdkLoggerProvider>,
    log_files: Option<LogFiles>,
}

impl Providers {
    /// None yet: shutting down does nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Flushes these spans at the end.
    pub fn with_tracer_provider(mut self, provider: SdkTracerProvider) -> Self {
        self.tracer = Some(provider);
        self
    }

    /// Flushes these metrics at the end.
    pub fn with_meter_provider(mut self, provider: SdkMeterProvider) -> Self {
        self.meter = Some(provider);
        self
    }

    /// Flushes these logs at the end.
    pub fn with_logger_provider(mut self, provider: SdkLoggerProvider) -> Self {
        self.logger = Some(provider);
        self
    }

    /// Flushes these files at the end.
    pub fn with_log_files(mut self, log_files: LogFiles) -> Self {
        self.log_files = Some(log_files);
        self
    }

    /// Flushes and ends everything, within the deadline. Never blocks the runtime it is awaited on.
    ///
    /// # Errors
    ///
    /// The signals that could not be flushed, each with its reason; the others were.
    pub async fn shutdown(mut self, deadline: Duration) -> Result<(), ShutdownError> {
        let work = self.take();
        let (report, done) = tokio::sync::oneshot::channel();
        let worker = thread::Builder::new()
            .name("telemetry-shutdown".to_owned())
            .spawn(move || {
                let _ = report.send(work.run(deadline));
            });
        match worker {
            Ok(_) => done
                .await
                .unwrap_or_else(|_| Err(ShutdownError::no_thread())),
            Err(_) => Err(ShutdownError::no_thread()),
        }
    }

    /// Like [`shutdown`](Self::shutdown), for programs without a runtime: blocks up to the deadline.
    ///
    /// # Errors
    ///
    /// The signals that could not be flushed, each with its reason; the others were.
    pub fn shutdown_blocking(mut self, deadline: Duration) -> Result<(), ShutdownError> {
        self.take().run(deadline)
    }

    fn take(&mut self) -> Shutdown {
        let mut steps: Vec<(Signal, Step)> = Vec::new();
        if let Some(provider) = self.tracer.take() {
            steps.push((
                Signal::Traces,
                Box::new(move |timeout| provider.shutdown_with_timeout(timeout)),
            ));
        }
        if let Some(provider) = self.meter.take() {
            steps.push((
                Signal::Metrics,
                Box::new(move |timeout| provider.shutdown_with_timeout(timeout)),
            ));
        }
        if let Some(provider) = self.logger.take() {
            steps.push((
                Signal::Logs,
                Box::new(move |timeout| provider.shutdown_with_timeout(timeout)),
            ));
        }
        Shutdown {
            steps,
            log_files: self.log_files.take(),
        }
    }
}

/// A last resort for a service that ends without shutting down: bounded, and silent.
impl Drop for Providers {
    fn drop(&mut self) {
        let _ = self.take().run(DROP_DEADLINE);
    }
}

type Step = Box<dyn FnOnce(Duration) -> OTelSdkResult + Send>;

struct Shutdown {
    steps: Vec<(Signal, Step)>,
    log_files: Option<LogFiles>,
}

impl Shutdown {
    fn run(self, deadline: Duration) -> Result<(), ShutdownError> {
        let end = Instant::now() + deadline;
        let mut left = self.steps.len();
        let mut failures = Vec::new();
        for (signal, step) in self.steps {
            let share = end.saturating_duration_since(Instant::now())
                / u32::try_from(left).unwrap_or(1).max(1);
            if let Err(error) = run_step(step, share) {
                failures.push(SignalFailure { signal, error });
            }
            left -= 1;
        }
        drop(self.log_files);
        if failures.is_empty() {
            Ok(())
        } else {
            Err(ShutdownError { failures })
        }
    }
}

/// The SDK's own timeouts are not kept by every provider (the meter provider ignores its), so the wait is
/// bounded here; a step that hangs is left behind on its thread.
fn run_step(step: Step, timeout: Duration) -> OTelSdkResult {
    let (report, done) = mpsc::channel();
    thread::Builder::new()
        .name("telemetry-flush".to_owned())
        .spawn(move || {
            let _ = report.send(step(timeout));
        })
        .map_err(|error| {
            OTelSdkError::InternalFailure(format!("cannot start a thread to flush on: {error}"))
        })?;
    match done.recv_timeout(timeout) {
        Ok(Err(OTelSdkError::AlreadyShutdown)) => Ok(()),
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(OTelSdkError::Timeout(timeout)),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(OTelSdkError::InternalFailure(
            "the exporter panicked while it was flushed".to_owned(),
        )),
    }
}

/// One signal that could not be flushed.
#[derive(Debug)]
pub struct SignalFailure {
    /// Which one.
    pub signal: Signal,
    /// Why.
    pub error: OTelSdkError,
}

impl fmt::Display for SignalFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.signal, self.error)
    }
}

/// Telemetry that was still waiting when the service ended and could not be delivered.
#[derive(Debug, thiserror::Error)]
#[error("telemetry was lost at shutdown: {}", listed(failures))]
pub struct ShutdownError {
    failures: Vec<SignalFailure>,
}

impl ShutdownError {
    /// The signals that failed, in the order they were flushed.
    #[must_use]
    pub fn failures(&self) -> &[SignalFailure] {
        &self.failures
    }

    fn no_thread() -> Self {
        let signals = [Signal::Traces, Signal::Metrics, Signal::Logs];
        let failure = |signal| SignalFailure {
            signal,
            error: OTelSdkError::InternalFailure("cannot start a thread to flush on".to_owned()),
        };
        Self {
            failures: signals.into_iter().map(failure).collect(),
        }
    }
}

fn listed(failures: &[SignalFailure]) -> String {
    failures
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
