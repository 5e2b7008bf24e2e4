//! The generator and what it generates, measured as a user meets them: as commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::measure::{Allowed, BenchError, Comparison, Contender, Row, Target, time_commands};

const ROUNDS: usize = 20;
const NEW: [&str; 8] = ["new", "shop", "--pattern", "circuit-breaker", "--vcs", "none", "--yes", "--path"];

const OTELGEN: &str = "otelgen new";
const CARGO_GENERATE: &str = "cargo-generate --path, a template of the same files";
const CARGO_NEW: &str = "cargo new";
const BY_HAND: &str = "put together by hand";
const GENERATED: &str = "generated";
const CRATES_BY_HAND: &str = "crates, put together by hand";
const CRATES_GENERATED: &str = "crates, generated";

/// `otelgen new` (axum, one pattern, no git) against the generators found on the `PATH`, the first of which
/// copies a template of the same files.
pub fn new_against_peers() -> Result<Comparison, BenchError> {
    let otelgen = built_otelgen()?;
    let folder = tempfile::tempdir().map_err(BenchError::io("creating a temporary folder"))?;
    let template = folder.path().join("template");
    run(Command::new(&otelgen).args(NEW).arg(&template))?;
    write(&template.join("cargo-generate.toml"), "[template]\nexclude = [\"vendor/**\"]\n")?;

    let target = folder.path().join("shop");
    let mut contenders = vec![contender(OTELGEN, &target, move |target| {
        let mut command = Command::new(&otelgen);
        command.args(NEW).arg(target);
        command
    })];
    if on_path("cargo-generate") {
        contenders.push(contender(CARGO_GENERATE, &target, move |target| {
            let mut command = Command::new("cargo-generate");
            command.args(["generate", "--silent", "--vcs", "none", "--name", "shop", "--path"]).arg(&template);
            command.arg("--destination").arg(target.with_file_name(""));
            command
        }));
    } else {
        eprintln!("cargo-generate is not on the PATH: `cargo install cargo-generate` adds it to the comparison");
    }
    contenders.push(contender(CARGO_NEW, &target, |target| {
        let mut command = Command::new("cargo");
        command.args(["new", "--quiet", "--vcs", "none"]).arg(target);
        command
    }));
    Ok(Comparison {
        title: "A new service with one pattern, without git: the whole command, all files of the vendored runtime \
                included (best of 20 alternating rounds)."
            .to_owned(),
        rows: time_commands(ROUNDS, &mut contenders)?,
        targets: vec![Target {
            text: "at most a fifth of cargo-generate",
            rows: (OTELGEN, CARGO_GENERATE),
            allowed: Allowed::Times(0.2),
        }],
    })
}

/// The time of `command`, which makes a folder that is not there.
fn contender<'a>(name: &'static str, target: &'a Path, command: impl Fn(&Path) -> Command + 'a) -> Contender<'a> {
    let work = move || {
        remove(target)?;
        timed(&mut command(target))
    };
    Contender { name, work: Box::new(work) }
}

/// The generated default project against `benches/by-hand`: how many crates, and how long a cold build takes.
pub fn build_against_hand_made() -> Result<Comparison, BenchError> {
    let otelgen = built_otelgen()?;
    let folder = tempfile::tempdir().map_err(BenchError::io("creating a temporary folder"))?;
    let generated = folder.path().join("generated");
    run(Command::new(&otelgen).args(NEW).arg(&generated))?;
    let by_hand = folder.path().join("by-hand");
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("by-hand"), &by_hand)?;

    let mut rows = Vec::new();
    for (name, project) in [(CRATES_BY_HAND, &by_hand), (CRATES_GENERATED, &generated)] {
        rows.push(Row { name, best: f64::from(crates_of(project)?), unit: "crates", allocations: None });
    }
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for (name, project) in [(BY_HAND, &by_hand), (GENERATED, &generated)] {
        let work = move || {
            let target = project.join("target");
            remove(&target)?;
            timed(
                Command::new("cargo").args(["build", "--quiet"]).current_dir(project).env("CARGO_TARGET_DIR", &target),
            )
        };
        contenders.push(Contender { name, work: Box::new(work) });
    }
    rows.extend(time_commands(2, &mut contenders)?);
    Ok(Comparison {
        title: "`cargo build` of the generated service with one breaker and of `benches/by-hand`, the same stack put \
                together by hand; cold (best of 2 alternating rounds)."
            .to_owned(),
        rows,
        targets: vec![
            Target {
                text: "at most two crates more than by hand",
                rows: (CRATES_GENERATED, CRATES_BY_HAND),
                allowed: Allowed::More(2.0),
            },
            Target {
                text: "cold build within 10 % of the one by hand",
                rows: (GENERATED, BY_HAND),
                allowed: Allowed::Times(1.1),
            },
        ],
    })
}

fn built_otelgen() -> Result<PathBuf, BenchError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    run(Command::new("cargo").args(["build", "--release", "--quiet", "-p", "otelgen-cli"]).current_dir(&root))?;
    // This benchmark stands in the same target folder as the program it measures.
    let here = std::env::current_exe().map_err(BenchError::io("finding the target folder"))?;
    let program = here.with_file_name(format!("otelgen{}", std::env::consts::EXE_SUFFIX));
    fs::canonicalize(&program)
        .map_err(BenchError::io("finding the release build of otelgen (run the benchmark with --release)"))
}

fn crates_of(project: &Path) -> Result<u32, BenchError> {
    let mut tree = Command::new("cargo");
    tree.args(["tree", "--prefix", "none", "--edges", "normal,build", "--format", "{p}"]).current_dir(project);
    let output = tree.output().map_err(BenchError::io("running cargo tree"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let crates: std::collections::BTreeSet<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    Ok(u32::try_from(crates.len()).unwrap_or(u32::MAX))
}

/// How long `command` takes.
fn timed(command: &mut Command) -> Result<Duration, BenchError> {
    let start = Instant::now();
    run(command)?;
    Ok(start.elapsed())
}

pub fn run(command: &mut Command) -> Result<(), BenchError> {
    let output = command.output().map_err(BenchError::io(&format!("running {command:?}")))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(BenchError::Command { command: format!("{command:?}"), stderr })
}

fn on_path(program: &str) -> bool {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(&file).is_file()))
}

fn remove(folder: &Path) -> Result<(), BenchError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BenchError::io("removing the last round's folder")(error))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), BenchError> {
    fs::write(path, text).map_err(BenchError::io("writing the template"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), BenchError> {
    fs::create_dir_all(to).map_err(BenchError::io("copying the hand-made project"))?;
    for entry in fs::read_dir(from).map_err(BenchError::io("reading the hand-made project"))? {
        let entry = entry.map_err(BenchError::io("reading the hand-made project"))?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).map_err(BenchError::io("copying the hand-made project"))?;
        }
    }
    Ok(())
}
