//! Generated projects under cargo's own checks: the names, numbers and combinations where templates break first. All of
//! them are members of one workspace, so that one lockfile and one build serve them all.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // a test may

mod projects;

use std::collections::BTreeMap;
use std::fs;

use projects::{cargo, folder, succeeded};

#[test]
fn every_project_is_formatted() {
    succeeded(&cargo(&["fmt", "--all", "--check"]));
}

#[test]
fn clippy_has_nothing_to_say_about_any_project() {
    succeeded(&cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]));
}

#[test]
fn the_tests_of_every_project_pass() {
    succeeded(&cargo(&["test", "--quiet", "--workspace"]));
}

#[test]
fn there_is_one_version_of_every_opentelemetry_crate() {
    succeeded(&cargo(&["metadata", "--format-version", "1", "--quiet"]));
    let lock = fs::read_to_string(folder().join("Cargo.lock")).expect("a lockfile");
    let lock: toml::Table = lock.parse().expect("a lockfile in TOML");
    let mut versions = BTreeMap::<&str, Vec<&str>>::new();
    for package in lock["package"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        if name.contains("opentelemetry") {
            versions.entry(name).or_default().push(package["version"].as_str().expect("a version"));
        }
    }
    assert!(versions.contains_key("tracing-opentelemetry"), "{versions:?}");
    versions.retain(|_, versions| versions.len() > 1);
    assert!(versions.is_empty(), "several versions: {versions:?}");
}
