//! The generated project under cargo's own tools and `otelgen verify`.

use serde_json::Value;

use crate::project::{cargo, otelgen, shop, succeeded};

#[test]
fn a_new_service_is_formatted_and_has_no_warnings() {
    succeeded(&cargo(&["fmt", "--check"]));
    succeeded(&cargo(&["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"]));
}

#[test]
fn a_new_service_passes_its_own_tests() {
    succeeded(&cargo(&["test", "--quiet"]));
}

#[test]
fn all_that_a_new_service_declares_arrives_over_http() {
    verified("http/protobuf");
}

#[test]
fn all_that_a_new_service_declares_arrives_over_grpc() {
    verified("grpc");
}

fn verified(protocol: &str) {
    let output = otelgen(shop()).args(["verify", "--format", "json", "--protocol", protocol]).output().expect("runs");
    succeeded(&output);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["passed"], true, "{report:#}");
    assert!(report["checks"].as_array().is_some_and(|checks| checks.len() > 10), "{report:#}");
}

#[test]
fn every_opentelemetry_crate_is_there_in_one_version() {
    succeeded(&cargo(&["fetch", "--quiet"]));
    let lock = std::fs::read_to_string(shop().join("Cargo.lock")).expect("a lock");
    let lock: toml::Table = lock.parse().expect("TOML");
    let mut names: Vec<&str> =
        lock["package"].as_array().expect("packages").iter().filter_map(|it| it["name"].as_str()).collect();
    names.retain(|name| name.contains("opentelemetry") || name.contains("tracing"));
    assert!(names.contains(&"opentelemetry_sdk"), "{names:?}");
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "one of them is there twice: {names:?}");
}
