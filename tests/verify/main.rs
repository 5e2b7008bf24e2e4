//! `verify` against a real service: what it emits is proven, and each of its faults is found.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // a test may
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use otelgen_cli::render::{Contract, EventPromise, MetricPromise, ResolvedProbe, SpanPromise, Telemetry, VerifySetup};
use otelgen_cli::verify::{
    FindingKind, Outcome, Protocol, Signal, Sink, Step, Undeclared, VerifyError, VerifyOptions, VerifyReport, verify,
};
use otelgen_collector::Collector;
use serde_json::json;

const ROUTE: &str = "GET /items/{id}";

/// A copy of the fixture with the workspace's lock file, and the fixture's target folder beside it.
fn fixture() -> &'static Path {
    static FIXTURE: OnceLock<PathBuf> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probed-service");
        fs::create_dir_all(copy.join("src")).unwrap();
        fs::create_dir_all(copy.join(".cargo")).unwrap();
        let source = workspace.join("tests/fixtures/probed-service");
        for file in ["Cargo.toml", "src/main.rs"] {
            write_if_different(&copy.join(file), &fs::read_to_string(source.join(file)).unwrap());
        }
        if !copy.join("Cargo.lock").exists() {
            fs::copy(workspace.join("Cargo.lock"), copy.join("Cargo.lock")).unwrap();
        }
        write_if_different(&copy.join(".cargo/config.toml"), "[build]\ntarget-dir = \"../probed-service-target\"\n");
        copy
    })
}

/// An unchanged file keeps its time, so that cargo has nothing to build.
fn write_if_different(path: &Path, text: &str) {
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::write(path, text).unwrap();
    }
}

/// What the service declares, in the words of a pack.
fn telemetry() -> Telemetry {
    let attributes = |list: serde_json::Value| serde_json::from_value(list).unwrap();
    let by = || vec!["framework/fixture".to_owned()];
    let span = |name: &str, kind: &str, parents: &[&str], list| SpanPromise {
        name: name.to_owned(),
        kind: serde_json::from_value(json!(kind)).unwrap(),
        brief: String::new(),
        stability: Default::default(),
        probed: true,
        parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
        attributes: attributes(list),
        by: by(),
    };
    let outcome =
        json!([{ "name": "outcome", "type": "string", "requirement": "required", "values": ["success", "failure"] }]);
    Telemetry {
        spans: vec![
            span(ROUTE, "server", &[], json!([{ "name": "http.route", "type": "string", "requirement": "required" }])),
            span("GET", "client", &[ROUTE], json!([])),
        ],
        metrics: vec![MetricPromise {
            name: "items.requests".to_owned(),
            instrument: serde_json::from_value(json!("counter")).unwrap(),
            unit: "{request}".to_owned(),
            brief: String::new(),
            stability: Default::default(),
            probed: true,
            attributes: attributes(outcome),
            by: by(),
        }],
        events: vec![EventPromise {
            name: "upstream failed".to_owned(),
            severity: serde_json::from_value(json!("warn")).unwrap(),
            brief: String::new(),
            stability: Default::default(),
            probed: true,
            attributes: Vec::new(),
            by: by(),
        }],
    }
}

fn probe(name: &str, upstream: serde_json::Value, status: u16, repeat: u32) -> ResolvedProbe {
    let probe = json!({
        "name": name,
        "repeat": repeat,
        "request": { "path": "/items/42" },
        "upstream": [upstream],
        "expect": { "status": [status] },
    });
    ResolvedProbe { by: "framework/fixture".to_owned(), probe: serde_json::from_value(probe).unwrap() }
}

fn probes() -> Vec<ResolvedProbe> {
    vec![
        probe("an item that is there", json!({ "path": "/items", "status": 200, "body": "{\"id\":42}" }), 200, 3),
        probe("an upstream that fails", json!({ "path": "/items", "status": 503, "delay": "5ms" }), 502, 1),
        probe("an upstream that hangs up", json!({ "path": "/items", "reset": true }), 502, 1),
    ]
}

fn options(fault: &str) -> VerifyOptions {
    let env = [("PORT", "$PORT"), ("ITEMS_URL", "$UPSTREAM/items"), ("FAULT", fault)];
    let env: BTreeMap<_, _> = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    VerifyOptions {
        folder: fixture().to_owned(),
        contract: Contract {
            telemetry: telemetry(),
            probes: probes(),
            setup: VerifySetup { ready: Some("$BASE/readyz".to_owned()), env },
        },
        bin: None,
        release: false,
        color: false,
        protocol: Protocol::HttpProtobuf,
        receiver: None,
        undeclared: Undeclared::Error,
        binder: None,
        progress: Sink::default(),
    }
}

/// The one thing that is wrong, as its kind, signal and name.
fn only(report: &VerifyReport) -> (FindingKind, Signal, &str) {
    let [finding] = report.findings.as_slice() else { panic!("not one finding, but {:#?}", report.findings) };
    assert!(!report.passed);
    (finding.kind, finding.signal, finding.name.as_str())
}

#[tokio::test]
async fn a_service_that_emits_what_it_declares_passes_and_its_telemetry_is_sent_on() {
    let second = Collector::builder().start().await.unwrap();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let progress = Sink::new(move |step| {
        seen.lock().unwrap().push(match step {
            Step::Built { name, .. } => format!("built {name}"),
            Step::Probing { number, total, .. } => format!("probe {number} of {total}"),
            Step::Starting => "starting".to_owned(),
            Step::Stopping => "stopping".to_owned(),
            _ => return,
        });
    });
    let report =
        verify(VerifyOptions { receiver: Some(second.http_endpoint()), progress, ..options("") }).await.unwrap();
    assert_eq!(report.findings, []);
    assert!(report.passed);
    assert_eq!(report.service, "probed-service");
    assert_eq!(report.received.spans, 10);
    assert!(report.checks.iter().all(|check| check.outcome == Outcome::Passed));
    assert_eq!(report.probes.iter().map(|probe| probe.sent).collect::<Vec<_>>(), [3, 1, 1]);
    let forwarded = report.forwarded.unwrap();
    assert_eq!((forwarded.failed, forwarded.dropped), (0, 0));
    assert_eq!(second.store().spans().name(ROUTE).count(), 5);
    assert_eq!(second.store().metrics().name("items.requests").sum(), 5.0);
    second.shutdown().await;
    let steps = steps.lock().unwrap();
    let last = steps.iter().rev().take(5).rev().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(last, ["starting", "probe 1 of 3", "probe 2 of 3", "probe 3 of 3", "stopping"]);
    assert!(steps.iter().any(|step| step == "built probed-service"));
}

#[tokio::test]
async fn a_wrong_unit_is_found() {
    let report = verify(options("unit")).await.unwrap();
    assert_eq!(only(&report), (FindingKind::WrongUnit, Signal::Metric, "items.requests"));
    let failed: Vec<_> = report.checks.iter().filter(|check| check.outcome == Outcome::Failed).collect();
    assert_eq!((failed.len(), failed[0].name.as_str()), (1, "items.requests"));
}

#[tokio::test]
async fn a_trace_that_begins_anew_is_found() {
    let report = verify(options("context")).await.unwrap();
    assert_eq!(only(&report), (FindingKind::NotPropagated, Signal::Span, ROUTE));
    assert_eq!(report.findings[0].count, 5);
}

#[tokio::test]
async fn a_service_that_does_not_end_cleanly_is_found() {
    let report = verify(options("shutdown")).await.unwrap();
    let found = report.findings.iter().any(|finding| finding.kind == FindingKind::UncleanShutdown);
    assert!(found && !report.passed, "{:#?}", report.findings);
}

#[tokio::test]
async fn an_unexpected_answer_is_found_and_the_other_probes_are_sent() {
    let mut options = options("");
    options.contract.probes[0].probe.expect.status = vec![404];
    let report = verify(options).await.unwrap();
    assert_eq!(only(&report), (FindingKind::UnexpectedAnswer, Signal::Probe, "an item that is there"));
    assert_eq!((report.findings[0].count, report.findings[0].got.as_str()), (3, "200: {\"id\":42}"));
    assert_eq!(report.probes.iter().map(|probe| probe.passed).collect::<Vec<_>>(), [false, true, true]);
}

#[tokio::test]
async fn a_service_that_does_not_start_or_crashes_shows_what_it_wrote() {
    let error = verify(options("start")).await.unwrap_err();
    assert!(matches!(&error, VerifyError::Ended { status, .. } if status.code() == Some(3)), "{error}");
    assert!(error.to_string().contains("no configuration for the database"), "{error}");
    let error = verify(options("crash")).await.unwrap_err();
    assert!(matches!(&error, VerifyError::Ended { when, .. } if when.contains("an item that is there")), "{error}");
    assert!(error.to_string().contains("out of memory"), "{error}");
}

#[tokio::test]
async fn a_project_that_does_not_build_shows_the_compiler_s_message() {
    let project = tempfile::tempdir().unwrap();
    fs::create_dir(project.path().join("src")).unwrap();
    let manifest = "[package]\nname = \"broken\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(project.path().join("Cargo.toml"), manifest).unwrap();
    fs::write(project.path().join("src/main.rs"), "fn main() { surprise() }\n").unwrap();
    let error = verify(VerifyOptions { folder: project.path().to_owned(), ..options("") }).await.unwrap_err();
    assert!(
        matches!(&error, VerifyError::Build { output } if output.contains("cannot find function `surprise`")),
        "{error}"
    );

    fs::remove_file(project.path().join("src/main.rs")).unwrap();
    fs::write(project.path().join("src/lib.rs"), "").unwrap();
    let error = verify(VerifyOptions { folder: project.path().to_owned(), ..options("") }).await.unwrap_err();
    assert!(matches!(error, VerifyError::NoProgram), "{error}");

    fs::create_dir(project.path().join("src/bin")).unwrap();
    for name in ["one", "two"] {
        fs::write(project.path().join(format!("src/bin/{name}.rs")), "fn main() {}\n").unwrap();
    }
    let error = verify(VerifyOptions { folder: project.path().to_owned(), ..options("") }).await.unwrap_err();
    assert!(error.to_string().contains("one, two"), "{error}");
}
