//! Every emitted file under the checker of its own world.

use std::path::Path;
use std::process::Command;

use crate::peers::peer;
use crate::project::{shop, succeeded};

fn check(variable: &str, name: &str, arguments: &[&str], file: &str) {
    let Some(program) = peer(variable, name) else { return };
    let path = shop().join(file);
    assert!(path.is_file(), "{} is not there", path.display());
    let mut command = Command::new(program);
    command.args(arguments).arg(&path).current_dir(shop()).env("AWS_EC2_METADATA_DISABLED", "true");
    succeeded(&command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")));
}

#[test]
fn the_dockerfile_satisfies_hadolint() {
    check("OTELGEN_HADOLINT", "hadolint", &[], "Dockerfile");
}

#[test]
fn the_compose_file_loads_with_the_reference_implementation() {
    check("OTELGEN_COMPOSE", "compose-go", &[], "compose.yaml");
}

#[test]
fn the_workflow_satisfies_actionlint() {
    check("OTELGEN_ACTIONLINT", "actionlint", &["-shellcheck=", "-pyflakes="], ".github/workflows/ci.yml");
}

#[test]
fn the_collector_accepts_its_configuration() {
    check("OTELGEN_OTELCOL", "otelcol", &["validate", "--config"], "collector.yaml");
}

#[test]
fn what_compose_mounts_is_there() {
    let compose = std::fs::read_to_string(shop().join("compose.yaml")).expect("a compose file");
    let mounted = compose.lines().filter_map(|line| line.trim().strip_prefix("- ./")?.split(':').next());
    let missing: Vec<&str> = mounted.filter(|file| !Path::new(shop()).join(file).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
