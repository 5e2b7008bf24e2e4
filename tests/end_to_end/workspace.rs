//! A service that is a member of a cargo workspace: its container files build from the root, where cargo finds the
//! lockfile, the inherited keys and the vendored runtime.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::peers::peer;
use crate::project::{otelgen, succeeded};

const MEMBER: &str = "services/shop";
const ROOT: &str = "[workspace]\nmembers = []\nresolver = \"3\"\n\n[workspace.package]\nedition = \"2024\"\n";

static WORKSPACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("end_to_end_workspace");
    let _ = fs::remove_dir_all(&root);
    write(&root.join("Cargo.toml"), ROOT);
    for unwanted in [".git/HEAD", "target/debug/shop"] {
        write(&root.join(unwanted), "not for the context");
    }
    let new = ["new", "shop", "--pattern", "circuit-breaker", "--vcs", "none", "--yes", "--path", MEMBER];
    succeeded(&otelgen(&root).args(new).output().expect("otelgen runs"));
    succeeded(&cargo(&root, &["generate-lockfile", "--quiet"]));
    root
});

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, content).expect("written");
}

fn cargo(folder: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO")).args(arguments).current_dir(folder).output().expect("cargo runs")
}

fn member(file: &str) -> String {
    fs::read_to_string(WORKSPACE.join(MEMBER).join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The value of `key` in the compose file.
fn composed(key: &str) -> String {
    let compose = member("compose.yaml");
    let value = compose.lines().find_map(|line| line.trim().strip_prefix(key));
    value.unwrap_or_else(|| panic!("no {key} in {compose}")).trim().trim_matches('"').to_owned()
}

/// What docker sends to the builder: everything below `context` that no line of the ignore file names.
fn copy_context(context: &Path, ignored: &[String], below: &str, copy: &Path) {
    for entry in fs::read_dir(context.join(below)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("a name");
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let is_ignored = ignored.iter().any(|pattern| match pattern.strip_prefix("**/") {
            Some(anywhere) => anywhere == name,
            None => pattern.trim_start_matches('/') == path,
        });
        if is_ignored {
            continue;
        }
        if entry.file_type().expect("a type").is_dir() {
            fs::create_dir_all(copy.join(&path)).expect("a folder");
            copy_context(context, ignored, &path, copy);
        } else {
            fs::copy(entry.path(), copy.join(&path)).expect("copied");
        }
    }
}

#[test]
fn what_docker_sends_to_the_builder_is_all_that_cargo_needs() {
    let context = WORKSPACE.join(MEMBER).join(composed("context:")).canonicalize().expect("a context");
    assert_eq!(context, WORKSPACE.canonicalize().expect("a root"));
    let dockerfile = context.join(composed("dockerfile:"));
    assert_eq!(dockerfile, context.join(MEMBER).join("Dockerfile"));
    // BuildKit prefers the ignore file beside the Dockerfile to the one at the root of the context.
    let ignored = fs::read_to_string(dockerfile.with_file_name("Dockerfile.dockerignore")).expect("an ignore file");
    let ignored: Vec<String> = ignored.lines().map(str::to_owned).collect();
    let copy = tempfile::tempdir().expect("a folder");
    copy_context(&context, &ignored, "", copy.path());
    for unwanted in [".git", "target", "services/shop/.otelgen"] {
        assert!(!copy.path().join(unwanted).exists(), "{unwanted} is sent");
    }

    let text = fs::read_to_string(dockerfile).expect("a Dockerfile");
    let build = text.split_once("cargo build ").expect("cargo build").1.split('\\').next().expect("a line");
    let arguments: Vec<&str> = build.split_whitespace().collect();
    let [before @ .., "--package", package] = arguments.as_slice() else { panic!("{build}") };
    assert_eq!(before, ["--release", "--locked"]);
    let output = cargo(copy.path(), &["metadata", "--locked", "--offline", "--format-version", "1"]);
    succeeded(&output);
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let found = packages.iter().find(|it| it["name"] == *package).expect("the package is a member");
    assert!(found["targets"].as_array().expect("targets").iter().any(|target| target["kind"][0] == "bin"), "{found:#}");
    let runtime = packages.iter().find(|it| it["name"] == "otelgen").expect("the runtime");
    assert!(runtime["manifest_path"].as_str().expect("a path").contains("services/shop/vendor"), "{runtime:#}");
}

#[test]
fn the_files_of_a_member_are_where_they_are_read() {
    assert!(!WORKSPACE.join(MEMBER).join(".github").exists(), "GitHub reads no workflow there");
    assert!(!WORKSPACE.join(MEMBER).join(".dockerignore").exists(), "docker reads no such file there");
    assert!(member("README.md").contains("docker build --file services/shop/Dockerfile ."));
    assert!(member("AGENTS.md").contains("cargo test --workspace"));
}

#[test]
fn the_container_files_of_a_member_satisfy_their_checkers() {
    for (variable, name, file) in
        [("OTELGEN_HADOLINT", "hadolint", "Dockerfile"), ("OTELGEN_COMPOSE", "compose-go", "compose.yaml")]
    {
        let Some(program) = peer(variable, name) else { continue };
        let mut command = Command::new(program);
        command.arg(WORKSPACE.join(MEMBER).join(file)).current_dir(WORKSPACE.join(MEMBER));
        succeeded(&command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")));
    }
}
