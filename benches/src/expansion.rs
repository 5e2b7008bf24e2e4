//! What an attribute costs the compiler: `cargo check` of a crate of 1,000 functions that carry it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::measure::{Allowed, BenchError, Comparison, Contender, Target, time_commands};
use crate::scaffold::run;

const FUNCTIONS: usize = 1_000;
const ROUNDS: usize = 5;
const TIMES: f64 = 1.1;
const INSTRUMENT: &str = "#[instrument]";

/// The row's name, the target's text, and the attribute as it stands before each function.
const ATTRIBUTES: [(&str, &str, &str); 12] = [
    (INSTRUMENT, "", "#[tracing::instrument(skip_all)]"),
    ("#[traced]", "#[traced]: #[instrument] × 1.1", "#[traced]"),
    ("#[traced_breaker]", "#[traced_breaker]: #[instrument] × 1.1", "#[traced_breaker]"),
    ("#[traced_retry]", "#[traced_retry]: #[instrument] × 1.1", "#[traced_retry]"),
    ("#[traced_timeout]", "#[traced_timeout]: #[instrument] × 1.1", "#[traced_timeout(after = \"1s\")]"),
    ("#[traced_bulkhead]", "#[traced_bulkhead]: #[instrument] × 1.1", "#[traced_bulkhead(max_concurrent = 8)]"),
    ("#[traced_rate_limit]", "#[traced_rate_limit]: #[instrument] × 1.1", "#[traced_rate_limit(per_second = 100)]"),
    ("#[traced_cache]", "#[traced_cache]: #[instrument] × 1.1", "#[traced_cache(key = item)]"),
    (
        "#[traced_producer]",
        "#[traced_producer]: #[instrument] × 1.1",
        "#[traced_producer(system = \"kafka\", destination = \"orders\", headers = headers)]",
    ),
    (
        "#[traced_consumer]",
        "#[traced_consumer]: #[instrument] × 1.1",
        "#[traced_consumer(system = \"kafka\", destination = \"orders\", headers = headers)]",
    ),
    (
        "#[traced_route]",
        "#[traced_route]: #[instrument] × 1.1",
        "#[traced_route(legacy = Ok(Vec::new()), percent = 10)]",
    ),
    (
        "#[traced_event]",
        "#[traced_event]: #[instrument] × 1.1",
        "#[traced_event(store = store, stream = (\"item\", \"7\"), expected = \"any\")]",
    ),
];

/// Every function has the same signature, so that what differs is the attribute.
const HEAD: &str = "\
use std::collections::BTreeMap;

use otelgen::event_store::{EventStoreError, MemoryEventStore};
use otelgen::*;
use serde::{Deserialize, Serialize};

pub type Headers = BTreeMap<String, String>;

#[derive(Debug, Clone, Serialize, Deserialize, DomainEvent)]
#[event(aggregate_id = \"item\")]
pub struct Counted {
    item: String,
}

#[derive(Debug, Clone)]
pub struct Failure;

impl From<BreakerOpen> for Failure {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

impl From<Elapsed> for Failure {
    fn from(_: Elapsed) -> Self {
        Self
    }
}

impl From<BulkheadFull> for Failure {
    fn from(_: BulkheadFull) -> Self {
        Self
    }
}

impl From<RateLimited> for Failure {
    fn from(_: RateLimited) -> Self {
        Self
    }
}

impl From<EventStoreError> for Failure {
    fn from(_: EventStoreError) -> Self {
        Self
    }
}
";

/// Every attribute against `#[instrument]`.
pub fn against_instrument() -> Result<Comparison, BenchError> {
    let folder = tempfile::tempdir().map_err(BenchError::io("creating a temporary folder"))?;
    let target = folder.path().join("target");
    let mut contenders = Vec::new();
    for (index, (name, _, attribute)) in ATTRIBUTES.into_iter().enumerate() {
        let package = folder.path().join(format!("package-{index}"));
        write_package(&package, &source(attribute))?;
        // The first check builds the dependencies, which all packages share.
        check(&package, &target)?;
        let target = target.clone();
        contenders.push(Contender { name, work: Box::new(move || check(&package, &target)) });
    }
    let targets = ATTRIBUTES.into_iter().skip(1).map(|(name, text, _)| Target {
        text,
        rows: (name, INSTRUMENT),
        allowed: Allowed::Times(TIMES),
    });
    Ok(Comparison {
        title: format!(
            "`cargo check` of a crate of {FUNCTIONS} async functions that carry the attribute, dependencies built \
             (best of {ROUNDS} alternating rounds)."
        ),
        targets: targets.collect(),
        rows: time_commands(ROUNDS, &mut contenders)?,
    })
}

fn source(attribute: &str) -> String {
    let mut text = HEAD.to_owned();
    for number in 0..FUNCTIONS {
        let _ = write!(
            text,
            "\n{attribute}\npub async fn function_{number}(item: u32, headers: &mut Headers, store: &MemoryEventStore) \
             -> Result<Vec<Counted>, Failure> {{\n    let _ = (&headers, store);\n    if item == {number} {{ \
             Err(Failure) }} else {{ Ok(vec![Counted {{ item: item.to_string() }}]) }}\n}}\n"
        );
    }
    text
}

fn write_package(package: &Path, source: &str) -> Result<(), BenchError> {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime");
    let manifest = format!(
        "[package]\nname = \"annotated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         otelgen = {{ path = {runtime:?}, features = [\"cache\", \"event-store\", \"messaging\", \"rate-limit\", \
         \"retry\", \"route\"] }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\ntracing = \"0.1\"\n"
    );
    fs::create_dir_all(package.join("src")).map_err(BenchError::io("creating the package of functions"))?;
    // The versions that everything else is measured with.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(lock, package.join("Cargo.lock")).map_err(BenchError::io("copying Cargo.lock"))?;
    fs::write(package.join("Cargo.toml"), manifest).map_err(BenchError::io("writing the package of functions"))?;
    fs::write(package.join("src/lib.rs"), source).map_err(BenchError::io("writing the functions"))
}

/// Checks the package anew; its dependencies are there.
fn check(package: &Path, target: &Path) -> Result<Duration, BenchError> {
    let source = fs::File::options().append(true).open(package.join("src/lib.rs"));
    let touched = source.and_then(|file| file.set_modified(std::time::SystemTime::now()));
    touched.map_err(BenchError::io("touching the functions"))?;
    let start = Instant::now();
    let mut command = Command::new("cargo");
    command.args(["check", "--quiet"]).current_dir(package);
    run(command.env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "0"))?;
    Ok(start.elapsed())
}
