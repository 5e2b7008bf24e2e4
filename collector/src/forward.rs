//! Sends everything received on to another OTLP endpoint, in the order of arrival and without making reception wait:
//! what the other side cannot take in time is dropped, counted and reported.

mod destination;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use destination::ForwardUrlError;
pub(crate) use destination::{Destination, Header};

/// How much may wait to be sent: beyond this, the newest is dropped.
const MAX_QUEUED_BYTES: usize = 32 * 1024 * 1024;
const ATTEMPTS: u32 = 4;
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// What became of the requests that were to be sent on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ForwardReport {
    /// Where they were sent.
    pub endpoint: String,
    /// Requests that the other side took.
    pub sent: u64,
    /// Requests that it refused, or that did not reach it after several attempts.
    pub failed: u64,
    /// Requests that were not sent, for too many were waiting, or time was up.
    pub dropped: u64,
    /// Spans, data points and log records within the sent requests that the other side left out.
    pub rejected_records: u64,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

/// One request of any signal.
#[derive(Clone, Debug)]
pub(crate) enum Export {
    Traces(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
    Logs(ExportLogsServiceRequest),
}

impl Export {
    fn len(&self) -> usize {
        match self {
            Self::Traces(request) => request.encoded_len(),
            Self::Metrics(request) => request.encoded_len(),
            Self::Logs(request) => request.encoded_len(),
        }
    }
}

impl From<ExportTraceServiceRequest> for Export {
    fn from(request: ExportTraceServiceRequest) -> Self {
        Self::Traces(request)
    }
}

impl From<ExportMetricsServiceRequest> for Export {
    fn from(request: ExportMetricsServiceRequest) -> Self {
        Self::Metrics(request)
    }
}

impl From<ExportLogsServiceRequest> for Export {
    fn from(request: ExportLogsServiceRequest) -> Self {
        Self::Logs(request)
    }
}

/// The sending side, shared by the servers.
#[derive(Clone, Debug)]
pub(crate) struct Forwarder {
    queue: mpsc::UnboundedSender<Export>,
    progress: Arc<Mutex<Progress>>,
}

#[derive(Debug)]
struct Progress {
    report: ForwardReport,
    queued_requests: u64,
    queued_bytes: usize,
}

/// The task that does the sending; it ends with [`Worker::finish`].
#[derive(Debug)]
pub(crate) struct Worker {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
    progress: Arc<Mutex<Progress>>,
}

impl Forwarder {
    pub(crate) fn start(destination: Destination) -> (Self, Worker) {
        let report = ForwardReport { endpoint: destination.endpoint().to_owned(), ..ForwardReport::default() };
        let progress = Arc::new(Mutex::new(Progress { report, queued_requests: 0, queued_bytes: 0 }));
        // Bounded by bytes, in `send`.
        let (queue, exports) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(destination, exports, stopped, Arc::clone(&progress)));
        (Self { queue, progress: Arc::clone(&progress) }, Worker { task, stop, progress })
    }

    pub(crate) fn send(&self, export: impl Into<Export>) {
        let export = export.into();
        let size = export.len();
        if size == 0 {
            return;
        }
        let mut progress = lock(&self.progress);
        let fits = progress.queued_bytes + size <= MAX_QUEUED_BYTES;
        if fits && self.queue.send(export).is_ok() {
            progress.queued_requests += 1;
            progress.queued_bytes += size;
        } else {
            progress.report.dropped += 1;
            progress.report.last_error = Some("more was received than the endpoint takes".to_owned());
        }
    }

    pub(crate) fn report(&self) -> ForwardReport {
        lock(&self.progress).report.clone()
    }
}

impl Worker {
    /// Stops at once.
    pub(crate) fn abort(&self) {
        self.task.abort();
    }

    /// Sends what still waits, for at most `patience`, and says how everything went.
    pub(crate) async fn finish(mut self, patience: Duration) -> ForwardReport {
        // A worker that is gone already needs no telling.
        let _ = self.stop.send(());
        if tokio::time::timeout(patience, &mut self.task).await.is_err() {
            self.task.abort();
        }
        let mut progress = lock(&self.progress);
        if progress.queued_requests > 0 {
            progress.report.dropped += progress.queued_requests;
            progress.queued_requests = 0;
            progress.report.last_error.get_or_insert_with(|| "time was up".to_owned());
        }
        progress.report.clone()
    }
}

async fn run(
    destination: Destination,
    mut exports: mpsc::UnboundedReceiver<Export>,
    mut stopped: oneshot::Receiver<()>,
    progress: Arc<Mutex<Progress>>,
) {
    let mut open = true;
    loop {
        let export = tokio::select! {
            export = exports.recv() => export,
            _ = &mut stopped, if open => {
                exports.close();
                open = false;
                continue;
            }
        };
        let Some(export) = export else { return };
        let size = export.len();
        let outcome = send_patiently(&destination, &export).await;
        let mut progress = lock(&progress);
        progress.queued_requests -= 1;
        progress.queued_bytes -= size;
        let report = &mut progress.report;
        match outcome {
            Ok(rejected) => {
                report.sent += 1;
                report.rejected_records += u64::try_from(rejected.rejected).unwrap_or_default();
                if !rejected.error_message.is_empty() {
                    report.last_error = Some(rejected.error_message);
                }
            }
            Err(error) => {
                report.failed += 1;
                report.last_error = Some(error);
            }
        }
    }
}

async fn send_patiently(destination: &Destination, export: &Export) -> Result<crate::wire::PartialSuccess, String> {
    let mut delay = FIRST_DELAY;
    let mut attempt = 1;
    loop {
        match destination.send(export).await {
            Ok(rejected) => return Ok(rejected),
            Err(error) if attempt == ATTEMPTS || !error.may_pass => return Err(error.message),
            Err(_) => tokio::time::sleep(delay).await,
        }
        attempt += 1;
        delay *= 2;
    }
}

fn lock(progress: &Mutex<Progress>) -> std::sync::MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}
