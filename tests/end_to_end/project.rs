//! One generated project for all tests of this program, in a folder that cargo keeps, so that it builds once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

static SHOP: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("end_to_end");
    let shop = folder.join("shop");
    let _ = fs::remove_dir_all(&shop);
    fs::create_dir_all(&folder).expect("a folder");
    // The folder lies below this repository's workspace where the target folder does.
    fs::write(folder.join("Cargo.toml"), "[workspace]\nmembers = []\nexclude = [\"shop\"]\nresolver = \"3\"\n")
        .expect("written");
    let created =
        otelgen(&folder).args(["new", "shop", "--pattern", "circuit-breaker", "--vcs", "none", "--yes"]).output();
    succeeded(&created.expect("otelgen runs"));
    shop
});

/// The folder of the project.
pub fn shop() -> &'static Path {
    &SHOP
}

/// The built otelgen, to be run in `folder`, building into a folder that later runs find again.
pub fn otelgen(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otelgen"));
    command.current_dir(folder).env("CARGO_TARGET_DIR", target());
    command
}

/// cargo in the project.
pub fn cargo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(shop()).env("CARGO_TARGET_DIR", target());
    command.output().expect("cargo runs")
}

/// The program that the project builds.
pub fn program() -> PathBuf {
    succeeded(&cargo(&["build", "--quiet"]));
    target().join("debug").join(format!("shop{}", std::env::consts::EXE_SUFFIX))
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated")
}

/// Fails with what the process wrote, unless it succeeded.
pub fn succeeded(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr));
}
