//! What was deleted, renamed or damaged is told, put back where nobody has a use for its absence, and never taken for
//! something else.

use std::fs;

use crate::support::{Place, Ran, content};

const ADD: [&str; 5] = ["add", "pattern", "circuit-breaker", "--name", "stock"];
const BASE: &str = "shop/.otelgen/base/src/patterns/mod.rs";

fn edit(place: &Place, name: &str, change: impl FnOnce(&str) -> String) {
    let text = place.read(name);
    let changed = change(&text);
    assert_ne!(text, changed, "{name}");
    place.write(name, changed);
}

#[test]
fn a_merge_base_that_is_gone_is_told_and_is_no_reason_to_move_ones_files_away() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    fs::remove_file(place.path(BASE)).expect("removed");
    let before = place.content();
    for arguments in [&ADD[..], &["remove", "pattern", "payments"]] {
        let ran = place.run_in("shop", arguments);
        let ran = ran.fails(1, &[".otelgen/base/src/patterns/mod.rs` is gone", "git restore .otelgen"]);
        assert!(!ran.stderr.contains("move"), "{}", ran.stderr);
    }
    assert_eq!(place.content(), before);
    fs::remove_dir_all(place.path("shop/.otelgen")).expect("removed");
    let ran = place.run_in("shop", &ADD).fails(1, &["is gone (and ", "git restore .otelgen"]);
    assert!(!ran.stderr.contains("not otelgen's"), "{}", ran.stderr);
}

#[test]
fn a_merge_base_that_is_damaged_is_told() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    edit(&place, BASE, |text| text.replacen("pub mod", "pub\u{1} mo", 1));
    let before = place.content();
    place.run_in("shop", &ADD).fails(1, &[BASE.trim_start_matches("shop/"), "is not what otelgen wrote"]);
    assert_eq!(place.content(), before);
}

#[test]
fn a_merge_base_with_the_line_endings_of_another_system_is_whole() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    edit(&place, BASE, |text| text.replace('\n', "\r\n"));
    place.run_in("shop", &ADD).succeeds();
}

#[test]
fn a_merge_base_that_two_branches_made_is_right_although_its_sum_is_of_one_of_them() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    edit(&place, "shop/otelgen.toml", |text| {
        let line = text.lines().find(|line| line.starts_with("\"src/patterns/mod.rs\"")).expect("a sum");
        text.replace(line, "\"src/patterns/mod.rs\" = \"0123456789abcdef\"")
    });
    place.run_in("shop", &ADD).succeeds();
}

#[test]
fn in_a_workspace_too_a_merge_base_that_two_branches_made_is_right() {
    let place = Place::new();
    fs::write(place.path("Cargo.toml"), "[workspace]\nmembers = []\nresolver = \"3\"\n").expect("written");
    place.run(&["new", "shop", "--vcs", "none", "--pattern", "circuit-breaker"]).succeeds();
    // What compose.yaml says depends on where in the workspace the project is.
    edit(&place, "shop/otelgen.toml", |text| {
        let line = text.lines().find(|line| line.starts_with("\"compose.yaml\"")).expect("a sum");
        text.replace(line, "\"compose.yaml\" = \"0123456789abcdef\"")
    });
    place.run_in("shop", &ADD).succeeds();
}

#[test]
fn a_lock_without_sums_gets_them() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    edit(&place, "shop/otelgen.toml", |text| text.split("\n# What each file in").next().expect("a text").to_owned());
    place.run_in("shop", &ADD).succeeds();
    assert!(place.read("shop/otelgen.toml").contains("\n[base]\n"));
}

#[test]
fn vendored_sources_that_are_gone_come_back_while_the_project_is_built_with_them() {
    let place = Place::new();
    place.run(&["new", "shop", "--vcs", "none"]).succeeds();
    let before = content(&place.path("shop/vendor"));
    fs::remove_dir_all(place.path("shop/vendor")).expect("removed");
    let ran = place.run_in("shop", &ADD).succeeds();
    assert!(ran.stdout.contains("it was deleted") && ran.stdout.contains("is restored"), "{}", ran.stdout);
    assert_eq!(content(&place.path("shop/vendor")), before);

    fs::remove_file(place.path("shop/vendor/otelgen/src/lib.rs")).expect("removed");
    place.run_in("shop", &["remove", "pattern", "stock"]).succeeds();
    assert_eq!(content(&place.path("shop/vendor")), before);

    // Without the patches the runtime comes from elsewhere.
    fs::remove_dir_all(place.path("shop/vendor")).expect("removed");
    edit(&place, "shop/Cargo.toml", |text| text.split("\n[patch.crates-io]").next().expect("a text").to_owned());
    place.run_in("shop", &ADD).succeeds();
    assert!(!place.path("shop/vendor").exists());
}

#[test]
fn vendored_sources_come_back_in_a_workspace_too() {
    let place = Place::new();
    place.write("Cargo.toml", "[workspace]\nmembers = []\n");
    place.run(&["new", "shop", "--vcs", "none", "--path", "services/shop"]).succeeds();
    fs::remove_dir_all(place.path("services/shop/vendor")).expect("removed");
    place.run_in("services/shop", &ADD).succeeds();
    assert!(place.path("services/shop/vendor/otelgen/Cargo.toml").is_file());
}

#[test]
fn a_crate_that_is_gone_comes_back_with_whoever_needs_it_now() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    let manifest = place.read("shop/Cargo.toml");
    let line = manifest.lines().find(|line| line.starts_with("serde_json")).expect("a line").to_owned();
    edit(&place, "shop/Cargo.toml", |text| text.replace(&format!("{line}\n"), ""));
    place.run_in("shop", &ADD).succeeds();
    assert!(place.read("shop/Cargo.toml").contains(&line));
}

#[test]
fn crates_that_are_gone_and_used_have_to_be_settled() {
    let place = Place::with_shop(&[]);
    edit(&place, "shop/Cargo.toml", |text| {
        let (before, rest) = text.split_once("[dependencies]\n").expect("a table");
        let after = rest.split_once("\n[").map(|(_, after)| format!("\n[{after}")).unwrap_or_default();
        format!("{before}{after}")
    });
    let ran = place.run_in("shop", &ADD);
    assert_eq!(ran.code, Some(2), "{}{}", ran.stdout, ran.stderr);
    for said in ["conflict: Cargo.toml: ", "`tokio`", "no longer in [dependencies]", "put back", "\n    tokio = "] {
        assert!(ran.stdout.contains(said), "no `{said}` in {}", ran.stdout);
    }
}

#[test]
fn features_that_are_gone_are_told() {
    let place = Place::with_shop(&[]);
    edit(&place, "shop/Cargo.toml", |text| {
        let line = text.lines().find(|line| line.starts_with("otelgen = ")).expect("a line");
        text.replace(line, "otelgen = \"0.1\"")
    });
    let ran = place.run_in("shop", &ADD).succeeds();
    assert!(ran.stdout.contains("note: Cargo.toml: `otelgen` has lost `"), "{}", ran.stdout);
}

#[test]
fn a_package_with_another_name_is_told_and_followed_once_the_lock_says_so() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    edit(&place, "shop/Cargo.toml", |text| text.replace("name = \"shop\"", "name = \"store\""));
    let before = place.content();
    place.run_in("shop", &ADD).fails(1, &["`store`", "`shop`", "name = \"store\"", "otelgen.toml"]);
    assert_eq!(place.content(), before);
    edit(&place, "shop/otelgen.toml", |text| text.replace("name = \"shop\"", "name = \"store\""));
    place.run_in("shop", &ADD).succeeds();
    assert!(place.read("shop/tests/service/stock.rs").contains("store::"));
    assert!(place.read("shop/Cargo.toml").contains("name = \"store\""));

    let place = Place::with_shop(&[]);
    edit(&place, "shop/Cargo.toml", |text| {
        format!("{}\n[lib]\nname = \"shop\"\n", text.replace("name = \"shop\"", "name = \"store\""))
    });
    place.run_in("shop", &ADD).succeeds();
}

#[track_caller]
fn has_to_be_settled(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(2), "{}{}", ran.stdout, ran.stderr);
    for word in words {
        assert!(ran.stdout.contains(word), "no `{word}` in {}", ran.stdout);
    }
}

#[test]
fn code_that_was_deleted_and_would_change_has_to_be_settled() {
    let place = Place::with_shop(&[]);
    fs::remove_file(place.path("shop/src/patterns/mod.rs")).expect("removed");
    let ran = place.run_in("shop", &ADD);
    let copy = "cp .otelgen/base/src/patterns/mod.rs src/patterns/mod.rs";
    has_to_be_settled(&ran, &["conflict: src/patterns/mod.rs: ", "deleted", copy]);
    assert!(!place.path("shop/src/patterns/mod.rs").exists());
}

#[test]
fn verify_refuses_conflict_markers_before_it_builds_anything() {
    let place = Place::with_shop(&[]);
    for (name, markers) in
        [("src/patterns/mod.rs", "<<<<<<< yours\n"), ("src/main.rs", "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> main\n")]
    {
        let text = place.read(&format!("shop/{name}"));
        place.write(&format!("shop/{name}"), format!("{text}{markers}"));
        place.run_in("shop", &["verify"]).fails(2, &[name, "conflict markers"]);
        assert!(!place.path("shop/target").exists());
        place.write(&format!("shop/{name}"), text);
    }
}
