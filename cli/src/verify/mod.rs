//! Proves a project's telemetry: builds the project, runs it against a collector of its own, makes it emit all that it
//! promises, and compares. Knows nothing of packs but their names, and prints nothing.

mod bound;
mod build;
mod compare;
mod error;
mod interrupt;
mod junit;
mod output;
mod probes;
mod report;
mod service;
mod table;
mod upstream;
mod variables;

#[cfg(test)]
mod shown_tests;

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use otelgen_collector::{Collector, ForwardReport};

pub use bound::{become_bound, binder};
pub use compare::Undeclared;
pub use error::VerifyError;
pub use junit::junit;
pub use report::{Check, Finding, FindingKind, Forwarded, Level, Outcome, ProbeResult, Received, Signal, VerifyReport};
pub use table::table;

use crate::render::{Contract, ResolvedProbe};
use build::Build;
use compare::{Observed, compare};
use probes::Field;
use service::{Ending, Service, Surroundings};
use upstream::Upstream;
use variables::Variables;

const READY_PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(15);
const REQUEST_PATIENCE: Duration = Duration::from_secs(30);
/// Beyond this, telemetry is evicted, and the report says so.
const STORE_BYTES: usize = 256 * 1024 * 1024;

/// What to verify, and how.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// The project's folder.
    pub folder: PathBuf,
    /// What it promises, the requests that make it keep all of that, and how it is run for them.
    pub contract: Contract,
    /// The program to run, where the package builds several.
    pub bin: Option<String>,
    /// Whether to build with optimisations.
    pub release: bool,
    /// Whether cargo is to colour its messages.
    pub color: bool,
    /// How the service sends its telemetry.
    pub protocol: Protocol,
    /// An OTLP endpoint that is to receive everything as well.
    pub receiver: Option<String>,
    /// How to take what is not declared.
    pub undeclared: Undeclared,
    /// What starts the service so that it ends with this process ([`binder`]).
    pub binder: Option<PathBuf>,
    /// Who is told how far it is.
    pub progress: Sink,
}

/// The protocols that a service can be told to export in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// `grpc`
    Grpc,
    /// `http/protobuf`, the default of the specification.
    #[default]
    HttpProtobuf,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step<'a> {
    /// cargo or the compiler wrote a line.
    Cargo {
        /// The line, coloured if that was asked for.
        line: &'a str,
    },
    /// One more crate is built.
    Built {
        /// How many so far.
        crates: usize,
        /// Its name.
        name: &'a str,
        /// Whether nothing had to be done for it.
        fresh: bool,
    },
    /// The service is being started.
    Starting,
    /// The service wrote a line.
    Service {
        /// The line.
        line: &'a str,
    },
    /// A probe is being sent.
    Probing {
        /// Its number, from one.
        number: usize,
        /// How many there are.
        total: usize,
        /// What it shows.
        name: &'a str,
    },
    /// The service has been told to end.
    Stopping,
}

/// Is told how far a run is, from any thread.
#[derive(Clone)]
pub struct Sink(Arc<dyn Fn(Step<'_>) + Send + Sync>);

impl Sink {
    /// Calls `seen` at every step.
    pub fn new(seen: impl Fn(Step<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(seen))
    }

    fn step(&self, step: Step<'_>) {
        (self.0)(step);
    }
}

impl Default for Sink {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sink")
    }
}

/// Builds, runs, probes, stops and compares. Whatever happens, also when the future is dropped, the service ends with
/// this.
///
/// # Errors
/// Where the run could not take place; a run that finds differences is a report with `passed` false.
pub async fn verify(options: VerifyOptions) -> Result<VerifyReport, VerifyError> {
    tokio::select! {
        report = run(&options) => report,
        () = interrupt::interrupted() => Err(VerifyError::Interrupted),
    }
}

async fn run(options: &VerifyOptions) -> Result<VerifyReport, VerifyError> {
    let began = Instant::now();
    // Refuse a receiver that cannot be used before spending minutes on a build.
    let collector = collector(options).await?;
    let build =
        Build { folder: &options.folder, bin: options.bin.as_deref(), release: options.release, color: options.color };
    let program = build::build(build, &options.progress).await?;

    let upstream = Upstream::start().await.map_err(setup("a stand-in for other services"))?;
    let scratch = tempfile::tempdir().map_err(setup("a folder for the service's files"))?;
    let variables = Variables {
        upstream: upstream.url().to_owned(),
        port: free_port().map_err(setup("a free port"))?,
        dir: scratch.path().display().to_string(),
    };
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = client.timeout(REQUEST_PATIENCE).build().map_err(|error| setup("an HTTP client")(io(error)))?;

    options.progress.step(Step::Starting);
    let (otlp_endpoint, otlp_protocol) = match options.protocol {
        Protocol::Grpc => (collector.grpc_endpoint(), "grpc"),
        Protocol::HttpProtobuf => (collector.http_endpoint(), "http/protobuf"),
    };
    let folder = options.folder.as_path();
    let around = Surroundings {
        folder,
        otlp_endpoint,
        otlp_protocol,
        variables: &variables,
        setup: &options.contract.setup,
        binder: options.binder.as_deref(),
    };
    let mut service = Service::start(&program, &around, &options.progress)?;
    if let Some(ready) = &options.contract.setup.ready {
        service.ready(&client, &variables.fill(ready), READY_PATIENCE).await?;
    }
    let field = Field { client: &client, upstream: &upstream, variables: &variables, progress: &options.progress };
    let (probes, mut findings) = probes::send_all(&options.contract.probes, &mut service, field).await?;
    settle(&collector).await;
    options.progress.step(Step::Stopping);
    let (ending, output) = service.stop(STOP_PATIENCE).await?;
    findings.extend(shutdown_finding(ending, &output));

    let mut observed = Observed::of(collector.store());
    observed.calls = upstream.calls();
    observed.requests_carry_context = !options.contract.probes.iter().any(sets_context);
    findings.extend(eviction(collector.store().stats().evicted()));
    let (checks, differences) = compare(&options.contract.telemetry, &observed, options.undeclared);
    findings.extend(differences);
    let forwarded: Option<Forwarded> = collector.shutdown().await.map(|report: ForwardReport| report.into());
    findings.extend(forwarded.as_ref().and_then(not_taken));
    Ok(VerifyReport {
        passed: !findings.iter().any(|finding| finding.level == Level::Error),
        service: observed.service().to_owned(),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        probes,
        checks,
        findings,
        received: Received {
            spans: observed.spans.len(),
            metric_points: observed.points.len(),
            log_records: observed.logs.len(),
        },
        forwarded,
    })
}

async fn collector(options: &VerifyOptions) -> Result<Collector, VerifyError> {
    let mut builder = Collector::builder().max_bytes(STORE_BYTES);
    if let Some(receiver) = &options.receiver {
        builder = builder.forward(receiver.as_str());
    }
    Ok(builder.start().await?)
}

/// Where the service cannot be told to end in good order, what it exports at intervals has to have arrived before it
/// is ended: two more exports of its metrics.
async fn settle(collector: &Collector) {
    if cfg!(unix) {
        return;
    }
    let exports = |store: &otelgen_collector::Store| {
        let points = store.metrics().points();
        points.iter().map(|point| point.time_unix_nano).collect::<std::collections::BTreeSet<_>>().len()
    };
    let so_far = exports(collector.store());
    // A service without metrics has nothing to wait for but its batches.
    let _ = collector.store().wait_until(|store| exports(store) >= so_far + 2, Duration::from_secs(3)).await;
}

/// Free now; the service takes it a moment later.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn setup(what: &'static str) -> impl Fn(std::io::Error) -> VerifyError {
    move |source| VerifyError::Setup { what, source }
}

fn io(error: reqwest::Error) -> std::io::Error {
    std::io::Error::other(error)
}

/// A probe may bring a context of its own, or none on purpose.
fn sets_context(probe: &ResolvedProbe) -> bool {
    probe.probe.request.headers.keys().any(|name| name.eq_ignore_ascii_case("traceparent"))
}

fn shutdown_finding(ending: Ending, output: &str) -> Option<Finding> {
    let got = match ending {
        Ending::Exited(status) if status.success() || cfg!(not(unix)) => return None,
        Ending::Exited(status) => status.to_string(),
        Ending::Killed => format!("still running after {STOP_PATIENCE:?}"),
    };
    let last = output.lines().last().unwrap_or_default();
    Some(Finding {
        level: Level::Error,
        kind: FindingKind::UncleanShutdown,
        signal: Signal::Service,
        name: "SIGTERM".to_owned(),
        attribute: None,
        expected: "exit status 0 once all telemetry is flushed".to_owned(),
        got: format!("{got}; the last line it wrote: {last}"),
        count: 1,
        next_step: "handle SIGTERM: drain the server, then shut the three providers down".to_owned(),
    })
}

/// A copy that was asked for and did not arrive.
fn not_taken(forwarded: &Forwarded) -> Option<Finding> {
    let lost = forwarded.failed + forwarded.dropped;
    if lost == 0 && forwarded.rejected_records == 0 {
        return None;
    }
    let reason = forwarded.last_error.as_deref().unwrap_or("no reason given");
    Some(Finding {
        level: Level::Error,
        kind: FindingKind::NotTaken,
        signal: Signal::Service,
        name: forwarded.endpoint.clone(),
        attribute: None,
        expected: "a receiver that takes what is sent on to it".to_owned(),
        got: format!("{lost} requests and {} records not taken ({reason})", forwarded.rejected_records),
        count: 1,
        next_step: "start the receiver, look at its log, or leave `--receiver` out".to_owned(),
    })
}

fn eviction(evicted: u64) -> Option<Finding> {
    (evicted > 0).then(|| Finding {
        level: Level::Note,
        kind: FindingKind::Evicted,
        signal: Signal::Service,
        name: "collector".to_owned(),
        attribute: None,
        expected: format!("at most {STORE_BYTES} bytes of telemetry"),
        got: format!("{evicted} records more"),
        count: 1,
        next_step: "lower `repeat` of the probes: what is called missing may have arrived".to_owned(),
    })
}
