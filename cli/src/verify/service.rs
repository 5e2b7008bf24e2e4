//! The service under test: a child process that never outlives `verify`.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::bound;
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
    pub(super) binder: Option<&'a Path>,
}

impl Service {
    /// Starts the program with everything sampled and exported at short intervals.
    pub(super) fn start(program: &Path, around: &Surroundings<'_>, progress: &Sink) -> Result<Self, VerifyError> {
        let mut command = bound::command(around.binder, program);
        // What the caller's shell says about telemetry is meant for other runs.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
            command.env_remove(name);
        }
        command.env_remove("RUST_LOG").envs(telemetry_environment(around));
        for (name, value) in &around.setup.env {
            command.env(name, around.variables.fill(value));
        }
        command.current_dir(around.folder).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let cannot_start = |source| VerifyError::Start { program: program.display().to_string(), source };
        let mut child = command.spawn().map_err(cannot_start)?;
        let output = Output::default();
        let mut readers = Vec::new();
        let shown = |progress: &Sink| {
            let progress = progress.clone();
            move |line: &str| progress.step(Step::Service { line })
        };
        readers.extend(child.stdout.take().map(|stream| output.follow(stream, shown(progress))));
        readers.extend(child.stderr.take().map(|stream| output.follow(stream, shown(progress))));
        Ok(Self { child, output, readers })
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
                return Err(VerifyError::NotReady { url, patience, answer, output });
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// # Errors
    /// Where the process has ended; `when` says during what.
    pub(super) async fn still_runs(&mut self, when: &str) -> Result<(), VerifyError> {
        let status = self.child.try_wait();
        let status = status.map_err(|source| VerifyError::Setup { what: "the service's end", source })?;
        let Some(status) = status else { return Ok(()) };
        self.finish_reading().await;
        Err(VerifyError::Ended { status, when: when.to_owned(), output: self.output.text() })
    }

    /// Tells the service to end and waits for it; kills it where it takes longer than `patience`.
    pub(super) async fn stop(mut self, patience: Duration) -> Result<(Ending, String), VerifyError> {
        let failed = |source| VerifyError::Setup { what: "the service's end", source };
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
        ("OTEL_EXPORTER_OTLP_PROTOCOL", around.otlp_protocol.to_owned()),
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
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
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

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)] // clippy knows tests by `cfg(test)` alone
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the services of these tests are scripts that have to be written")]

    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::sync::Mutex;

    use tempfile::TempDir;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// A process forked while a script is being written would hold it open, and the system would not run it.
    static WRITING: Mutex<()> = Mutex::new(());

    struct Script {
        folder: TempDir,
        program: PathBuf,
        variables: Variables,
    }

    fn script(text: &str) -> Script {
        let _writing = WRITING.lock().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("service");
        fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let variables = Variables { upstream: "http://127.0.0.1:9".to_owned(), port: 1, dir: "/x".to_owned() };
        Script { folder, program, variables }
    }

    fn start(script: &Script, setup: &VerifySetup) -> (Service, tokio::sync::mpsc::UnboundedReceiver<String>) {
        let (lines, seen) = tokio::sync::mpsc::unbounded_channel();
        let progress = Sink::new(move |step| {
            if let Step::Service { line } = step {
                let _ = lines.send(line.to_owned());
            }
        });
        let around = Surroundings {
            folder: script.folder.path(),
            otlp_endpoint: "http://127.0.0.1:4318".to_owned(),
            otlp_protocol: "grpc",
            variables: &script.variables,
            setup,
            binder: None,
        };
        let _writing = WRITING.lock().unwrap();
        (Service::start(&script.program, &around, &progress).unwrap(), seen)
    }

    fn runs(pid: u32) -> bool {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::test_kill_process(pid).is_ok()
    }

    #[tokio::test]
    async fn a_service_that_will_not_end_is_killed() {
        let script = script("trap 'echo no' TERM\necho up\nwhile :; do :; done");
        let (service, mut lines) = start(&script, &VerifySetup::default());
        assert_eq!(lines.recv().await.as_deref(), Some("up"));
        let (ending, output) = service.stop(Duration::from_millis(300)).await.unwrap();
        assert_eq!(ending, Ending::Killed);
        assert_eq!(output, "up\nno");
    }

    #[tokio::test]
    async fn a_service_that_ends_when_told_to_says_how() {
        let script = script("trap 'echo flushed; exit 7' TERM\necho up\nwhile :; do :; done");
        let (service, mut lines) = start(&script, &VerifySetup::default());
        assert_eq!(lines.recv().await.as_deref(), Some("up"));
        let (ending, output) = service.stop(LONG).await.unwrap();
        assert!(matches!(ending, Ending::Exited(status) if status.code() == Some(7)), "{ending:?}");
        assert_eq!(output, "up\nflushed");
    }

    #[tokio::test]
    async fn a_service_does_not_outlive_its_handle() {
        let script = script("echo up\nwhile :; do :; done");
        let (service, mut lines) = start(&script, &VerifySetup::default());
        assert_eq!(lines.recv().await.as_deref(), Some("up"));
        let pid = service.child.id().unwrap();
        assert!(runs(pid));
        drop(service);
        // The runtime reaps it, and then both of its streams are closed.
        assert_eq!(tokio::time::timeout(LONG, lines.recv()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_service_that_is_never_ready_is_told_apart_from_one_that_ends() {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = "http://127.0.0.1:1/readyz";
        let alive = script("echo waiting\nwhile :; do :; done");
        let (mut service, mut lines) = start(&alive, &VerifySetup::default());
        assert_eq!(lines.recv().await.as_deref(), Some("waiting"));
        let error = service.ready(&client, url, Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(&error, VerifyError::NotReady { output, .. } if output == "waiting"), "{error}");

        let dead = script("echo no license >&2\nexit 4");
        let (mut service, _lines) = start(&dead, &VerifySetup::default());
        let error = service.ready(&client, url, LONG).await.unwrap_err();
        assert!(
            matches!(&error, VerifyError::Ended { status, output, .. }
            if status.code() == Some(4) && output == "no license"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn the_packs_environment_is_filled_in_and_goes_before_ours() {
        let env = [("ITEMS_URL", "$UPSTREAM/items"), ("OTEL_TRACES_SAMPLER", "parentbased_always_on")];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let setup = VerifySetup { ready: None, env };
        let script = script("echo $ITEMS_URL $OTEL_TRACES_SAMPLER $OTEL_EXPORTER_OTLP_PROTOCOL $PORT");
        let (_service, mut lines) = start(&script, &setup);
        let line = lines.recv().await;
        assert_eq!(line.as_deref(), Some("http://127.0.0.1:9/items parentbased_always_on grpc 1"));
    }
}
