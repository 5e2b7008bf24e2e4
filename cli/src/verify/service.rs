//! The service under test: a child process that never outlives `verify`.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::output::Output;
use super::variables::Variables;
use super::{Sink, Step, VerifyError};
use crate::render::VerifySetup;

const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// A running service.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    output: Output,
    readers: Vec<JoinHandle<()>>,
}

/// How the service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ended when told to.
    Exited(ExitStatus),
    /// It did not, and was killed.
    Killed,
}

/// What the service has to know of the collector and of its surroundings.
#[derive(Clone, Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) folder: &'a Path,
    pub(super) otlp_endpoint: String,
    pub(super) otlp_protocol: &'static str,
    pub(super) variables: &'a Variables,
    pub(super) setup: &'a VerifySetup,
}

impl Service {
    /// Starts the program with everything sampled and exported at short intervals.
    pub(super) fn start(
        program: &Path,
        around: &Surroundings<'_>,
        progress: &Sink,
    ) -> Result<Self, VerifyError> {
        let mut command = Command::new(program);
        // What the caller's shell says about telemetry is meant for other runs.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_"))
        {
            command.env_remove(name);
        }
        command
            .env_remove("RUST_LOG")
            .envs(telemetry_environment(around));
        for (name, value) in &around.setup.env {
            command.env(name, around.variables.fill(value));
        }
        command.current_dir(around.folder).kill_on_drop(true);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let cannot_start = |source| VerifyError::Start {
            program: program.display().to_string(),
            source,
        };
        let mut child = command.spawn().map_err(cannot_start)?;
        let output = Output::default();
        let mut readers = Vec::new();
        let shown = |progress: &Sink| {
            let progress = progress.clone();
            move |line: &str| progress.step(Step::Service { line })
        };
        readers.extend(
            child
                .stdout
                .take()
                .map(|stream| output.follow(stream, shown(progress))),
        );
        readers.extend(
            child
                .stderr
                .take()
                .map(|stream| output.follow(stream, shown(progress))),
        );
        Ok(Self {
            child,
            output,
            readers,
        })
    }

    /// Asks the readiness URL, more and more patiently, until it answers 2xx.
    ///
    /// # Errors
    /// Where the service ends before that, or takes longer than `patience`.
    pub(super) async fn ready(
        &mut self,
        client: &reqwest::Client,
        url: &str,
        patience: Duration,
    ) -> Result<(), VerifyError> {
        let deadline = Instant::now() + patience;
        let mut wait = FIRST_WAIT;
        loop {
            let answer = match super::probes::with_context(client.get(url)).send().await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => response.status().to_string(),
                Err(_) => "nothing".to_owned(),
            };
            self.still_runs("before it was ready").await?;
            if Instant::now() + wait > deadline {
                let (url, output) = (url.to_owned(), self.output.text());
                return Err(VerifyError::NotReady {
                    url,
                    patience,
                    answer,
                    output,
                });
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// # Errors
    /// Where the process has ended; `when` says during what.
    pub(super) async fn still_runs(&mut self, when: &str) -> Result<(), VerifyError> {
        let status = self.child.try_wait();
        let status = status.map_err(|source| VerifyError::Setup {
            what: "the service's end",
            source,
        })?;
        let Some(status) = status else { return Ok(()) };
        self.finish_reading().await;
        Err(VerifyError::Ended {
            status,
            when: when.to_owned(),
            output: self.output.text(),
        })
    }

    /// Tells the service to end and waits for it; kills it where it takes longer than `patience`.
    pub(super) async fn stop(
        mut self,
        patience: Duration,
    ) -> Result<(Ending, String), VerifyError> {
        let failed = |source| VerifyError::Setup {
            what: "the service's end",
            source,
        };
        terminate(&mut self.child).map_err(failed)?;
        let ending = match timeout(patience, self.child.wait()).await {
            Ok(status) => Ending::Exited(status.map_err(failed)?),
            Err(_) => {
                self.child.kill().await.map_err(failed)?;
                Ending::Killed
            }
        };
        self.finish_reading().await;
        Ok((ending, self.output.text()))
    }

    /// A grandchild may hold the streams open; that is no reason to wait for it.
    async fn finish_reading(&mut self) {
        for reader in self.readers.drain(..) {
            let _ = timeout(Duration::from_secs(1), reader).await;
        }
    }
}

fn telemetry_environment(around: &Surroundings<'_>) -> [(&'static str, String); 8] {
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", around.otlp_endpoint.clone()),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            around.otlp_protocol.to_owned(),
        ),
        ("OTEL_TRACES_SAMPLER", "always_on".to_owned()),
        ("OTEL_PROPAGATORS", "tracecontext,baggage".to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
        ("OTEL_BLRP_SCHEDULE_DELAY", "100".to_owned()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "200".to_owned()),
        ("PORT", around.variables.port.to_string()),
    ]
}

#[cfg(unix)]
fn terminate(child: &mut Child) -> std::io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    // A child that has ended already has no id any more.
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    match pid {
        Some(pid) => Ok(kill_process(pid, Signal::TERM)?),
        None => Ok(()),
    }
}

/// Windows has no signal for it; what is exported at short intervals has arrived by then.
#[cfg(not(unix))]
fn terminate(child: &mut Child) -> std::io::Result<()> {
    child.start_kill()
}
