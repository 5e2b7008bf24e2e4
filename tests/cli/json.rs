//! Every command speaks JSON, in the form that `schemas/` promises; errors do as well.

use std::fs;
use std::path::Path;

use otelgen_cli::report::schema;
use serde_json::Value;

use crate::help::compare;
use crate::support::{Place, Ran};

#[test]
fn the_schemas_in_the_repository_are_those_of_the_types() {
    for (name, text) in schema::all().expect("schemas") {
        compare(&format!("schemas/{name}.json"), &text);
    }
}

/// The output, held against a schema.
#[track_caller]
fn valid(name: &str, ran: &Ran) -> Value {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.json")));
    let schema: Value = serde_json::from_str(&text.expect("the schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let document = ran.json();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(validator.validate(&serde_json::json!({})).is_err(), "a schema that anything fits");
    document
}

#[test]
fn a_project_can_be_made_changed_and_looked_at_by_a_machine() {
    let place = Place::new();
    let new = ["new", "shop", "--vcs", "none", "--format", "json"];
    let preview = valid("changes", &place.run(&[&new[..], &["--dry-run"]].concat()).succeeds());
    assert_eq!((&preview["status"], &preview["dry_run"]), (&"dry_run".into(), &true.into()));
    let made = valid("changes", &place.run(&new).succeeds());
    assert_eq!(
        (&made["command"], &made["status"], &made["project"]),
        (&"new".into(), &"applied".into(), &"shop".into())
    );
    assert_eq!(made["next"], serde_json::json!(["cd shop", "cargo run", "otelgen verify"]));
    assert_eq!(made["files"].as_array().map(Vec::len), preview["files"].as_array().map(Vec::len));

    let added =
        valid("changes", &place.run_in("shop", &["add", "pattern", "circuit-breaker", "--format", "json"]).succeeds());
    assert_eq!(added["packs_added"], serde_json::json!(["pattern/circuit-breaker (payments)"]));
    let metrics = added["telemetry"]["added"]["metrics"].as_array().expect("metrics");
    assert!(metrics.iter().any(|metric| metric["name"] == "otelgen.circuit_breaker.calls"), "{metrics:?}");
    let again =
        valid("changes", &place.run_in("shop", &["add", "pattern", "circuit-breaker", "--format", "json"]).succeeds());
    assert_eq!((&again["status"], &again["files"]), (&"unchanged".into(), &serde_json::json!([])));

    let list = valid("list", &place.run_in("shop", &["list", "--format", "json"]).succeeds());
    assert_eq!(list["project"], "shop");
    let breaker = list["packs"].as_array().expect("packs").iter().find(|pack| pack["name"] == "circuit-breaker");
    assert_eq!(breaker.expect("the pattern")["installed"], serde_json::json!(["payments"]));
    let outside = valid("list", &place.run(&["list", "pattern", "--format", "json"]).succeeds());
    assert_eq!(outside["project"], Value::Null);

    let described =
        valid("describe", &place.run(&["describe", "pattern", "circuit-breaker", "--format", "json"]).succeeds());
    // What it says is what adding did, to the last file and span.
    let of = |action: &str| -> Vec<&str> {
        let files = added["files"].as_array().expect("files").iter();
        let meant =
            files.filter(|file| file["internal"] == false && (file["action"] == "create") == (action == "create"));
        meant.map(|file| file["path"].as_str().expect("a path")).collect()
    };
    assert_eq!(described["files"], serde_json::json!(of("create")));
    assert_eq!(described["edits"], serde_json::json!(of("merge")));
    for signal in ["spans", "events"] {
        let names = |telemetry: &Value| -> Vec<(Value, Value)> {
            let all = telemetry[signal].as_array().expect("a list").iter();
            all.map(|one| (one["name"].clone(), one["kind"].clone())).collect()
        };
        assert_eq!(names(&described["telemetry"]), names(&added["telemetry"]["added"]));
    }
    let spans = described["telemetry"]["spans"].as_array().expect("spans");
    assert!(spans.iter().any(|span| span["name"] == "GET /payments/breaker" && span["kind"] == "server"), "{spans:#?}");

    let removed =
        valid("changes", &place.run_in("shop", &["remove", "pattern", "payments", "--format", "json"]).succeeds());
    assert_eq!(removed["packs_removed"], serde_json::json!(["pattern/circuit-breaker (payments)"]));
}

#[test]
fn every_pack_can_be_described() {
    let place = Place::new();
    let list = place.run(&["list", "--format", "json"]).json();
    for pack in list["packs"].as_array().expect("packs") {
        let (kind, name) = (pack["kind"].as_str().expect("a kind"), pack["name"].as_str().expect("a name"));
        let described = valid("describe", &place.run(&["describe", kind, name, "--format", "json"]).succeeds());
        assert_eq!(described["summary"], pack["summary"]);
        let text = place.run(&["describe", kind, name]).succeeds().stdout;
        assert!(text.starts_with(&format!("{kind}/{name}: ")), "{text}");
    }
}

#[test]
fn conflicts_are_in_the_document() {
    let place = Place::with_shop(&[]);
    let text = place.read("shop/src/patterns/mod.rs");
    place.write("shop/src/patterns/mod.rs", text.lines().map(|line| format!("{line} // mine\n")).collect::<String>());
    for dry_run in [true, false] {
        let dry: &[&str] = if dry_run { &["--dry-run"] } else { &[] };
        let ran = place.run_in("shop", &[&["add", "pattern", "circuit-breaker", "--format", "json"], dry].concat());
        assert_eq!(ran.code, Some(2));
        let document = valid("changes", &ran);
        assert_eq!((&document["status"], &document["dry_run"]), (&"conflict".into(), &dry_run.into()));
        let files = document["files"].as_array().expect("files");
        assert!(files.iter().any(|file| file["path"] == "src/patterns/mod.rs" && file["conflicts"] == 1), "{files:#?}");
    }
}

#[test]
fn documents_and_pages_are_documents_too() {
    let place = Place::new();
    let script = valid("document", &place.run(&["completions", "bash", "--format", "json"]).succeeds());
    assert!(script["text"].as_str().expect("text").contains("_otelgen"));
    valid("document", &place.run(&["man", "--format", "json"]).succeeds());
    let pages = valid("pages", &place.run(&["man", "--out", "man1", "--format", "json"]).succeeds());
    assert!(pages["pages"].as_array().expect("pages").contains(&"otelgen-verify.1".into()));
}

#[test]
fn errors_have_a_code_a_message_and_a_next_step() {
    let place = Place::with_shop(&[]);
    let cases: &[(&[&str], &str, i32)] = &[
        (&["new", "test", "--format", "json"], "invalid-name", 1),
        (&["new", "shop", "--format=json"], "target-not-empty", 1),
        (&["new", "other", "--pattern", "x", "--format", "json"], "unknown-pack", 1),
        (&["new", "other", "--set", "x.y=1", "--format", "json"], "unknown-option", 1),
        (&["add", "pattern", "x", "--format", "json"], "not-a-project", 1),
        (&["verify", "--format", "json"], "not-a-project", 2),
        (&["new", "--format", "json"], "usage", 2),
        (&["nwe", "shop", "--format=json"], "usage", 2),
        (&["list", "patern", "--format", "json"], "usage", 2),
    ];
    for (arguments, code, exit) in cases {
        let ran = place.run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(*exit), ""), "{arguments:?}: {}", ran.stdout);
        let document = valid("error", &ran);
        assert_eq!(document["error"]["code"], *code, "{arguments:?}");
        assert!(!document["error"]["message"].as_str().expect("a message").is_empty());
    }
}
