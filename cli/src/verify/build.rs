//! Builds the project with cargo and learns from its messages where the program is.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::output::Output;
use super::{Sink, Step, VerifyError};

/// What to build, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Build<'a> {
    pub(super) folder: &'a Path,
    pub(super) bin: Option<&'a str>,
    pub(super) release: bool,
    pub(super) color: bool,
}

/// The messages of `cargo build --message-format=json` that matter here; the others are passed over.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact(Artifact),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
    fresh: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// The program that the package builds.
///
/// # Errors
/// Where cargo cannot be run, the project does not build, or does not build exactly one program.
pub(super) async fn build(build: Build<'_>, progress: &Sink) -> Result<PathBuf, VerifyError> {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let cannot_run = |source| VerifyError::Cargo { program: program.to_string_lossy().into_owned(), source };
    let mut command = Command::new(&program);
    command.arg("build").args(["--message-format", "json-render-diagnostics"]);
    command.args(["--color", if build.color { "always" } else { "never" }]);
    if build.release {
        command.arg("--release");
    }
    match build.bin {
        Some(bin) => command.args(["--bin", bin]),
        None => command.arg("--bins"),
    };
    command.current_dir(build.folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut cargo = command.kill_on_drop(true).spawn().map_err(cannot_run)?;

    let output = Output::default();
    let errors = cargo.stderr.take().map(|stderr| {
        let progress = progress.clone();
        output.follow(stderr, move |line| progress.step(Step::Cargo { line }))
    });
    let mut programs = Vec::new();
    if let Some(stdout) = cargo.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        let mut crates = 0;
        while let Some(line) = lines.next_line().await.map_err(cannot_run)? {
            let Ok(Message::CompilerArtifact(artifact)) = serde_json::from_str(&line) else {
                continue;
            };
            crates += 1;
            progress.step(Step::Built { crates, name: &artifact.target.name, fresh: artifact.fresh });
            if let Some(executable) = artifact.executable
                && artifact.target.kind.iter().any(|kind| kind == "bin")
            {
                programs.push((artifact.target.name, executable));
            }
        }
    }
    let status = cargo.wait().await.map_err(cannot_run)?;
    if let Some(errors) = errors {
        // The reader ends with the stream; what a panic in it would have lost is only part of a message.
        let _ = errors.await;
    }
    if !status.success() {
        return Err(VerifyError::Build { output: output.text() });
    }
    the_one(programs)
}

fn the_one(mut programs: Vec<(String, PathBuf)>) -> Result<PathBuf, VerifyError> {
    match programs.pop() {
        None => Err(VerifyError::NoProgram),
        Some((_, program)) if programs.is_empty() => Ok(program),
        Some((last, _)) => {
            let mut names: Vec<_> = programs.into_iter().map(|(name, _)| name).chain([last]).collect();
            names.sort_unstable();
            Err(VerifyError::SeveralPrograms(names))
        }
    }
}
