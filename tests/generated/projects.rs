//! The projects: created once, in a folder that cargo keeps, so that they build once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// As long as a name may be.
const LONG: &str = "the-name-of-this-dependency-is-as-long-as-a-name-may-possibly-be";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated-projects");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("Cargo.toml"), "[workspace]\nmembers = []\nresolver = \"3\"\n").expect("written");
    for project in projects() {
        create(&folder, &project);
    }
    folder
});

/// The arguments of `otelgen new` for each project.
fn projects() -> Vec<Vec<String>> {
    let long = LONG.get(..63).expect("63 letters");
    let breaker = |name: &str| format!("--pattern=circuit-breaker:{name}");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut five = words(&["x"]);
    five.extend(["a", "b2", "payment-gateway", "inventory-of-the-northern-warehouse", long].map(breaker));
    vec![
        words(&["bare", "--deploy=none"]),
        five,
        words(&[long, "--pattern=circuit-breaker"]),
        tuned(),
        words(&["whole", "--pattern=notes,notes:b,circuit-breaker", "--pack", packs()]),
    ]
}

/// A breaker with hardly a setting left at its default.
fn tuned() -> Vec<String> {
    let settings = [
        "failure_rate=0.25",
        "min_calls=5",
        "window_calls=50",
        "consecutive=4",
        "slow_call=900ms",
        "slow_rate=0.9",
        "open_for=1m",
        "open_backoff=2.0",
        "open_max=1h",
        "half_open_permits=3",
        "timeout=1500ms",
    ];
    let mut arguments = vec!["tuned".to_owned(), "--pattern=circuit-breaker:orders".to_owned()];
    arguments.extend(settings.map(|setting| format!("--set=orders.{setting}")));
    arguments
}

fn packs() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/generated/packs")
}

fn create(folder: &Path, arguments: &[String]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otelgen"));
    command.current_dir(folder).arg("new").args(arguments);
    command.args(["--yes", "--vcs=none", concat!("--runtime=path=", env!("CARGO_MANIFEST_DIR"), "/runtime")]);
    succeeded(&command.output().expect("otelgen runs"));
}

/// The workspace of all projects.
pub fn folder() -> &'static Path {
    &FOLDER
}

/// cargo in that workspace.
pub fn cargo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(folder());
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated"));
    command.output().expect("cargo runs")
}

/// Fails with what the process wrote, unless it succeeded.
pub fn succeeded(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr));
}
