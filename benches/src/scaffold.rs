//! The generator and what it generates, measured as a user meets them: as commands.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{BenchError, Contender, best_of, print_ratios};

const ROUNDS: usize = 20;
const NEW: [&str; 8] = ["new", "shop", "--pattern", "circuit-breaker", "--vcs", "none", "--yes", "--path"];

/// `otelgen new` (axum, one pattern, no git) against the generators found on the `PATH`, the first of which
/// copies a template of the same files.
pub fn new_against_peers() -> Result<(), BenchError> {
    let otelgen = built_otelgen()?;
    let folder = tempfile::tempdir().map_err(io("creating a temporary folder"))?;
    let template = folder.path().join("template");
    run(Command::new(&otelgen).args(NEW).arg(&template))?;
    write(&template.join("cargo-generate.toml"), "[template]\n")?;

    let target = folder.path().join("shop");
    let mut line = vec![otelgen.into_os_string()];
    line.extend(NEW.iter().map(Into::into));
    line.push(target.clone().into_os_string());
    let mut commands = vec![("otelgen new".to_owned(), line)];
    if on_path("cargo-generate") {
        let arguments = ["cargo-generate", "generate", "--silent", "--vcs", "none", "--name", "shop", "--path"];
        let mut line: Vec<_> = arguments.iter().map(Into::into).collect();
        line.extend([template.clone().into_os_string(), "--destination".into(), folder.path().into()]);
        commands.push(("cargo-generate --path, same files".to_owned(), line));
    }
    let cargo_new = ["cargo", "new", "--quiet", "--vcs", "none"];
    let mut line: Vec<_> = cargo_new.iter().map(Into::into).collect();
    line.push(target.clone().into_os_string());
    commands.push(("cargo new".to_owned(), line));

    let mut contenders = Vec::new();
    for (name, line) in &commands {
        let target = target.clone();
        let work = move || {
            remove(&target)?;
            let (program, arguments) = line.split_first().unzip();
            run(Command::new(program.map_or(OsStr::new(""), |p| p)).args(arguments.unwrap_or_default()))
        };
        contenders.push(Contender { name: name.clone(), work: Box::new(work) });
    }
    let best = best_of(ROUNDS, &mut contenders)?;
    print_ratios("`otelgen new` and its peers (whole command, best of 20 alternating rounds)", &contenders, &best);
    if !on_path("cargo-generate") {
        println!("\ncargo-generate is not on the PATH: `cargo install cargo-generate` adds it to the comparison");
    }
    Ok(())
}

/// The generated default project against `benches/by-hand`: how many crates, and how long a cold build takes.
pub fn build_against_hand_made() -> Result<(), BenchError> {
    let otelgen = built_otelgen()?;
    let folder = tempfile::tempdir().map_err(io("creating a temporary folder"))?;
    let generated = folder.path().join("generated");
    run(Command::new(&otelgen).args(NEW).arg(&generated))?;
    let by_hand = folder.path().join("by-hand");
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("by-hand"), &by_hand)?;

    println!("\n| | crates |\n|---|---:|");
    for (name, project) in [("put together by hand", &by_hand), ("generated", &generated)] {
        println!("| {name} | {} |", crates_of(project)?);
    }
    let mut contenders = Vec::new();
    for (name, project) in [("put together by hand", &by_hand), ("generated", &generated)] {
        let work = move || {
            let target = project.join("target");
            remove(&target)?;
            run(Command::new("cargo").args(["build", "--quiet"]).current_dir(project).env("CARGO_TARGET_DIR", &target))
        };
        contenders.push(Contender { name: name.to_owned(), work: Box::new(work) });
    }
    let best = best_of(2, &mut contenders)?;
    print_ratios("`cargo build`, cold (best of 2 alternating rounds)", &contenders, &best);
    Ok(())
}

fn built_otelgen() -> Result<PathBuf, BenchError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    run(Command::new("cargo").args(["build", "--release", "--quiet", "-p", "otelgen-cli"]).current_dir(&root))?;
    // This benchmark stands in the same target folder as the program it measures.
    let here = std::env::current_exe().map_err(io("finding the target folder"))?;
    let program = here.with_file_name(format!("otelgen{}", std::env::consts::EXE_SUFFIX));
    fs::canonicalize(&program).map_err(io("finding the release build of otelgen (run the benchmark with --release)"))
}

fn crates_of(project: &Path) -> Result<usize, BenchError> {
    let mut tree = Command::new("cargo");
    tree.args(["tree", "--prefix", "none", "--edges", "normal,build", "--format", "{p}"]).current_dir(project);
    let output = tree.output().map_err(io("running cargo tree"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let crates: std::collections::BTreeSet<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    Ok(crates.len())
}

fn run(command: &mut Command) -> Result<(), BenchError> {
    let output = command.output().map_err(io(&format!("running {command:?}")))?;
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
            Err(io("removing the last round's folder")(error))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), BenchError> {
    fs::write(path, text).map_err(io("writing the template"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), BenchError> {
    fs::create_dir_all(to).map_err(io("copying the hand-made project"))?;
    for entry in fs::read_dir(from).map_err(io("reading the hand-made project"))? {
        let entry = entry.map_err(io("reading the hand-made project"))?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).map_err(io("copying the hand-made project"))?;
        }
    }
    Ok(())
}

fn io(doing: &str) -> impl FnOnce(std::io::Error) -> BenchError {
    let doing = doing.to_owned();
    move |source| BenchError::Io { doing, source }
}
