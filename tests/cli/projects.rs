//! What `new`, `add` and `remove` leave on the disk.

use std::fs;
use std::process::Command;

use crate::support::Place;

#[test]
fn a_new_project_ends_with_the_three_commands_to_type_next() {
    let place = Place::new();
    let ran = place.run(&["new", "shop", "--vcs", "none"]).succeeds();
    let next: Vec<&str> = ran.stdout.lines().skip_while(|line| *line != "Next:").skip(1).map(str::trim).collect();
    assert_eq!(next, ["cd shop", "cargo run", "otelgen verify"]);
    assert!(ran.stdout.starts_with("Created `shop` in "), "{}", ran.stdout);
    let beside: Vec<_> = fs::read_dir(place.path("")).expect("readable").collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
}

#[test]
fn the_path_is_where_the_project_goes_whatever_its_name() {
    let place = Place::new();
    place.run(&["new", "shop", "--vcs", "none", "--runtime", "registry", "--path", "services/the shop"]).succeeds();
    assert!(place.read("services/the shop/Cargo.toml").contains("name = \"shop\""));
    let ran = place.run(&["new", "shop", "--vcs", "none", "--runtime", "registry", "--path", "a b"]).succeeds();
    assert!(ran.stdout.contains("cd 'a b'"), "{}", ran.stdout);
}

#[test]
fn an_empty_folder_is_filled_and_stays_the_same_folder() {
    let place = Place::new();
    fs::create_dir(place.path("shop")).expect("made");
    let ran =
        place.run_in("shop", &["new", "shop", "--path", ".", "--vcs", "none", "--runtime", "registry"]).succeeds();
    let whole = Place::with_shop(&[]);
    assert_eq!(place.content(), whole.content());
    assert!(ran.stdout.contains("  cargo test\n  cargo run\n  otelgen verify\n"), "{}", ran.stdout);
}

#[test]
fn without_a_terminal_nothing_is_asked_and_the_packs_say_what_the_default_is() {
    let place = Place::with_shop(&[]);
    let explicit = Place::with_shop(&["--framework", "axum", "--backend", "otlp", "--deploy", "docker", "--yes"]);
    assert_eq!(place.content(), explicit.content());
    let without = Place::with_shop(&["--deploy", "none"]);
    assert!(!without.path("shop/Dockerfile").exists());
    without.run_in("shop", &["add", "deploy", "docker"]).succeeds();
    assert_eq!(without.content(), place.content());
}

#[test]
fn patterns_can_be_repeated_listed_and_named_and_their_order_does_not_matter() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker:payments,circuit-breaker:stock"]);
    let other = Place::with_shop(&["--pattern", "circuit-breaker:stock", "--pattern", "circuit-breaker"]);
    assert_eq!(place.content(), other.content());
    let added = Place::with_shop(&[]);
    added.run_in("shop", &["add", "pattern", "circuit-breaker:stock"]).succeeds();
    added.run_in("shop", &["add", "pattern", "circuit-breaker", "--name", "payments"]).succeeds();
    assert_eq!(place.content(), added.content());
}

#[test]
fn options_go_to_the_instance_or_the_pack_that_is_named() {
    let patterns = ["--pattern", "circuit-breaker:payments,circuit-breaker:stock"];
    let by_instance = Place::with_shop(&[&patterns[..], &["--set", "stock.failure_rate=0.3"]].concat());
    assert!(by_instance.read("shop/src/patterns/stock.rs").contains("0.3"));
    assert!(!by_instance.read("shop/src/patterns/payments.rs").contains("0.3"));
    let by_pack = Place::with_shop(&[&patterns[..], &["--set", "circuit-breaker.failure_rate=0.3"]].concat());
    assert!(by_pack.read("shop/src/patterns/payments.rs").contains("0.3"));
    let added = Place::with_shop(&["--pattern", "circuit-breaker:payments"]);
    added.run_in("shop", &["add", "pattern", "circuit-breaker:stock", "--set", "failure_rate=0.3"]).succeeds();
    assert_eq!(added.content(), by_instance.content());
}

#[test]
fn adding_and_removing_work_at_any_depth_and_bring_back_every_byte() {
    let place = Place::with_shop(&[]);
    let before = place.content();
    let ran = place.run_in("shop/src/patterns", &["add", "pattern", "circuit-breaker"]).succeeds();
    assert!(ran.stdout.starts_with("Added pattern/circuit-breaker (payments)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("create src/patterns/payments.rs"), "{}", ran.stdout);
    assert!(ran.stdout.contains("+ metric otelgen.circuit_breaker.calls"), "{}", ran.stdout);
    let with = place.content();
    let again = place.run_in("shop", &["add", "pattern", "circuit-breaker"]).succeeds();
    assert!(again.stdout.starts_with("Nothing to do"), "{}", again.stdout);
    assert_eq!(place.content(), with);
    place.run_in("shop/tests", &["remove", "pattern", "payments"]).succeeds();
    assert_eq!(place.content(), before);
}

#[test]
fn a_conflict_is_told_marked_and_exits_with_2() {
    let place = Place::with_shop(&[]);
    let text = place.read("shop/src/patterns/mod.rs");
    let changed: String = text.lines().map(|line| format!("{line} // mine\n")).collect();
    place.write("shop/src/patterns/mod.rs", changed);
    let ran = place.run_in("shop", &["add", "pattern", "circuit-breaker"]);
    assert_eq!(ran.code, Some(2), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("src/patterns/mod.rs  1 conflict"), "{}", ran.stdout);
    assert!(place.read("shop/src/patterns/mod.rs").contains("<<<<<<<"));
    place
        .run_in("shop", &["add", "pattern", "circuit-breaker", "--name", "stock"])
        .fails(2, &["src/patterns/mod.rs", "conflict markers"]);
}

#[test]
fn a_repository_is_made_as_cargo_would_and_nothing_is_committed() {
    let place = Place::new();
    let git = |folder: &str, arguments: &[&str]| {
        let output = place.prepare(Command::new("git"), folder).args(arguments).output().expect("git runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    place.run(&["new", "shop", "--runtime", "registry"]).succeeds();
    assert!(place.path("shop/.git/HEAD").is_file());
    assert_eq!(git("shop", &["rev-list", "--all"]), "");
    place.run_in("shop", &["new", "inner", "--vcs", "git", "--runtime", "registry"]).succeeds();
    assert!(!place.path("shop/inner/.git").exists(), "a repository inside a repository");
    place.run(&["new", "plain", "--vcs", "none", "--runtime", "registry"]).succeeds();
    assert!(!place.path("plain/.git").exists());
    // A repository that has nothing in it yet is a place for a project.
    fs::create_dir(place.path("cloned")).expect("made");
    git("cloned", &["init", "--quiet"]);
    place.run(&["new", "shop", "--path", "cloned", "--runtime", "registry"]).succeeds();
    assert!(git("cloned", &["status", "--short"]).contains("?? Cargo.toml"));
}

#[test]
fn without_git_there_is_a_project_and_a_warning() {
    let place = Place::new();
    let ran = crate::support::Ran::of(place.command("").args(["new", "shop", "--runtime", "registry"]).env("PATH", ""));
    let ran = ran.succeeds();
    assert!(ran.stdout.contains("warning: there is no repository"), "{}", ran.stdout);
    assert!(place.path("shop/Cargo.toml").is_file());
}

#[test]
fn a_runtime_from_the_registry_is_told_to_need_a_published_version() {
    let ran = Place::new().run(&["new", "shop", "--vcs", "none", "--runtime", "registry"]).succeeds();
    assert!(ran.stdout.contains("note: Cargo.toml: `otelgen` comes from the registry"), "{}", ran.stdout);
    let vendored = Place::new().run(&["new", "shop", "--vcs", "none"]).succeeds();
    assert!(!vendored.stdout.contains("note:"), "{}", vendored.stdout);
}

#[test]
fn a_runtime_in_a_folder_is_written_relative_where_it_was_typed_so() {
    let place = Place::new();
    let before = place.content();
    place
        .run(&["new", "shop", "--runtime", "path=runtime"])
        .fails(1, &["runtime`", "no package `otelgen`", "path=DIR"]);
    assert_eq!(place.content(), before);
    place.write("runtime/Cargo.toml", "[package]\nname = \"other\"\n");
    place.run(&["new", "shop", "--runtime", "path=runtime"]).fails(1, &["no package `otelgen`"]);
    place.write("runtime/Cargo.toml", "[package]\nname = \"otelgen\"\n");
    place.run(&["new", "shop", "--vcs", "none", "--runtime", "path=runtime"]).succeeds();
    assert!(
        place.read("shop/Cargo.toml").contains("otelgen = { path = \"../runtime\" }"),
        "{}",
        place.read("shop/Cargo.toml")
    );
    assert!(!place.path("shop/vendor").exists());
    let vendored = Place::new();
    vendored.run(&["new", "shop", "--vcs", "none"]).succeeds();
    assert!(vendored.path("shop/vendor/otelgen/Cargo.toml").is_file());
    assert!(vendored.read("shop/Cargo.toml").contains("[patch.crates-io]"));
}

#[test]
fn a_command_that_changes_an_option_says_so() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker:stock"]);
    let set = ["add", "pattern", "circuit-breaker:stock", "--set", "open_for=9s"];
    let preview = place.run_in("shop", &[&set[..], &["--dry-run"]].concat()).succeeds();
    assert!(preview.stdout.starts_with("Would change pattern/circuit-breaker (stock) ("), "{}", preview.stdout);
    let ran = place.run_in("shop", &set).succeeds();
    assert!(ran.stdout.starts_with("Changed pattern/circuit-breaker (stock) ("), "{}", ran.stdout);
    let again = place.run_in("shop", &set).succeeds();
    assert!(again.stdout.starts_with("Nothing to do: "), "{}", again.stdout);
}
