//! A dry run writes nothing and shows what a run would do.

use std::fs;

use crate::support::{Place, Thing};

#[test]
fn a_dry_run_of_each_command_leaves_the_disk_as_it_was() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    let before = place.content();
    let new = place.run(&["new", "other", "--dry-run"]).succeeds();
    assert!(new.stdout.starts_with("Would create `other` in "), "{}", new.stdout);
    let add = place.run_in("shop", &["add", "pattern", "circuit-breaker", "--name", "stock", "--dry-run"]).succeeds();
    assert!(add.stdout.starts_with("Would add pattern/circuit-breaker (stock)"), "{}", add.stdout);
    let remove = place.run_in("shop", &["remove", "pattern", "payments", "--dry-run"]).succeeds();
    assert!(remove.stdout.starts_with("Would remove pattern/circuit-breaker (payments)"), "{}", remove.stdout);
    assert_eq!(place.content(), before);
}

#[test]
fn the_difference_that_is_shown_is_the_one_that_is_made() {
    let place = Place::with_shop(&[]);
    let document = place.run_in("shop", &["add", "pattern", "circuit-breaker", "--dry-run", "--format", "json"]).json();
    let before = place.content();
    place.run_in("shop", &["add", "pattern", "circuit-breaker"]).succeeds();
    let after = place.content();
    let mut seen = 0;
    for file in document["files"].as_array().expect("files") {
        let Some(diff) = file["diff"].as_str() else { continue };
        let path = format!("shop/{}", file["path"].as_str().expect("a path"));
        let text = |content: &crate::support::Content| match content.get(path.as_ref() as &std::path::Path) {
            Some(Thing::File(bytes)) => String::from_utf8(bytes.clone()).expect("text"),
            _ => String::new(),
        };
        let patch = diffy::Patch::from_str(diff).unwrap_or_else(|error| panic!("{error}: {diff}"));
        assert_eq!(diffy::apply(&text(&before), &patch).expect("it applies"), text(&after), "{path}");
        seen += 1;
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn the_telemetry_that_would_be_new_is_shown() {
    let place = Place::with_shop(&[]);
    let ran = place.run_in("shop", &["add", "pattern", "circuit-breaker", "--dry-run"]).succeeds();
    let telemetry: Vec<&str> = ran.stdout.lines().skip_while(|line| *line != "Telemetry:").collect();
    for expected in [
        "+ span   payments ",
        "+ metric otelgen.circuit_breaker.calls ",
        "~ metric http.client.request.duration: +url.template=",
    ] {
        assert!(telemetry.iter().any(|line| line.starts_with(expected)), "no `{expected}` in {telemetry:#?}");
    }
}

#[test]
fn an_interrupted_command_is_not_finished_by_a_dry_run() {
    let place = Place::with_shop(&[]);
    let journal = r#"{"command":"otelgen add pattern/x","phase":"staging","entries":[],"folders":[]}"#;
    place.write("shop/.otelgen.journal", journal);
    let before = place.content();
    place
        .run_in("shop", &["add", "pattern", "circuit-breaker", "--dry-run"])
        .fails(2, &["interrupted", "otelgen list"]);
    assert_eq!(place.content(), before);
    let ran = place.run_in("shop", &["list"]).succeeds();
    assert!(ran.stderr.starts_with("note: rolled back `otelgen add pattern/x`"), "{}", ran.stderr);
    assert!(fs::metadata(place.path("shop/.otelgen.journal")).is_err());
}
