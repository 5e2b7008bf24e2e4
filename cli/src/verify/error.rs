//! Why a run could not take place. Differences in telemetry are no errors; they are findings.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use otelgen_collector::StartError;

/// Why `verify` could not run.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// cargo itself did not start.
    #[error("could not run `{program}`: is cargo on the PATH?")]
    Cargo {
        /// What was called.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The project does not build.
    #[error("the project does not build\n{output}")]
    Build {
        /// What cargo and the compiler said.
        output: String,
    },
    /// The package builds no program.
    #[error("the project builds no program that could be run: give it a `src/main.rs` or a `[[bin]]`")]
    NoProgram,
    /// The package builds several programs, and none of them is the one to run.
    #[error("the project builds several programs ({}): say which one is the service, by `--bin NAME`", .0.join(", "))]
    SeveralPrograms(Vec<String>),
    /// The collector did not start.
    #[error(transparent)]
    Collector(#[from] StartError),
    /// Something that is needed around the service could not be set up.
    #[error("could not set up {what}")]
    Setup {
        /// What it was.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The service did not start.
    #[error("could not start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The service ended before it was told to.
    #[error("the service ended by itself ({status}) {when}; it wrote:\n{output}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// During what.
        when: String,
        /// The last lines of its output.
        output: String,
    },
    /// The service never said that it is ready.
    #[error("the service was not ready within {patience:?}: {url} said {answer}; the service wrote:\n{output}")]
    NotReady {
        /// Where it was asked.
        url: String,
        /// How long.
        patience: Duration,
        /// The last answer.
        answer: String,
        /// The last lines of its output.
        output: String,
    },
    /// A pack says something that cannot be carried out.
    #[error("{by}: the probe `{probe}` says `{value}` for {field}, which is no {kind}")]
    Probe {
        /// The instance that declares it.
        by: String,
        /// The probe.
        probe: String,
        /// The field.
        field: &'static str,
        /// What stands there.
        value: String,
        /// What should stand there.
        kind: &'static str,
    },
    /// Ctrl-C, or the signal to end.
    #[error("interrupted; the service has been stopped")]
    Interrupted,
}
