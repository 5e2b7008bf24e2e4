//! Packs of one's own: loaded from a folder, remembered by the project.

use crate::support::Place;

fn write_pack(place: &Place) {
    place.write(
        "packs/pattern/greeting/pack.toml",
        "\
summary = 'greets'
requires = ['base/service']
[pattern]
shapes = ['http-server']
instances = 'one'
default_name = 'greeting'
[[file]]
path = 'docs/{{ name }}.md'
template = 'greeting.md.tera'
",
    );
    place.write("packs/pattern/greeting/greeting.md.tera", "# {{ title }} of {{ project.name }}\n");
    place.write("packs/README.md", "not a pack");
}

#[test]
fn a_pack_of_ones_own_is_found_again_by_later_commands() {
    let place = Place::with_shop(&[]);
    write_pack(&place);
    let before = place.content();
    place.run_in("shop/src", &["add", "pattern", "greeting", "--pack", "../../packs"]).succeeds();
    assert_eq!(place.read("shop/docs/greeting.md"), "# Greeting of shop\n");
    assert!(place.read("shop/otelgen.toml").contains("from = \"../packs\""), "{}", place.read("shop/otelgen.toml"));
    let list = place.run_in("shop", &["list", "pattern"]).succeeds().stdout;
    assert!(
        list.contains("greeting") && list.contains("[in this project]") && list.contains("[from ../packs]"),
        "{list}"
    );
    place.run_in("shop", &["describe", "pattern", "greeting"]).succeeds();
    place.run_in("shop", &["add", "pattern", "circuit-breaker"]).succeeds();
    place.run_in("shop", &["remove", "pattern", "circuit-breaker"]).succeeds();
    place.run_in("shop", &["remove", "pattern", "greeting"]).succeeds();
    assert_eq!(place.content(), before);
}

#[test]
fn new_takes_packs_of_ones_own_and_one_pack_alone_will_do() {
    let place = Place::new();
    write_pack(&place);
    let new = |name: &str, folder: &str| {
        place
            .run(&["new", name, "--vcs", "none", "--runtime", "registry", "--pattern", "greeting", "--pack", folder])
            .succeeds();
    };
    new("shop", "packs");
    new("store", "packs/pattern/greeting");
    assert_eq!(place.read("store/docs/greeting.md"), "# Greeting of store\n");
    place.run_in("store", &["add", "pattern", "circuit-breaker"]).succeeds();
    place.run_in("shop", &["add", "pattern", "circuit-breaker"]).succeeds();
    let list = place.run(&["list", "pattern", "--pack", "packs"]).succeeds().stdout;
    assert!(list.contains("greeting"), "{list}");
}

#[test]
fn a_pack_that_has_gone_is_told() {
    let place = Place::with_shop(&[]);
    write_pack(&place);
    place.run_in("shop", &["add", "pattern", "greeting", "--pack", "../packs"]).succeeds();
    std::fs::rename(place.path("packs"), place.path("moved")).expect("moved");
    let before = place.content();
    let words = ["otelgen.toml takes pattern/greeting from `../packs`", "no such folder", "`from` in otelgen.toml"];
    place.run_in("shop", &["add", "pattern", "circuit-breaker"]).fails(1, &words);
    let list = place.run_in("shop", &["list"]);
    assert_eq!(list.code, Some(1), "{}", list.stderr);
    for said in ["circuit-breaker", "warning: otelgen.toml takes pattern/greeting from `../packs`"] {
        assert!(list.stdout.contains(said), "no `{said}` in {}", list.stdout);
    }
    place.run_in("shop", &["describe", "backend", "otlp"]).succeeds();
    assert_eq!(place.content(), before);
}

#[test]
fn a_pack_that_the_lock_has_and_nobody_else_is_told_by_list() {
    let place = Place::with_shop(&[]);
    let lock = place.read("shop/otelgen.toml").replace("framework/axum", "framework/gone");
    place.write("shop/otelgen.toml", lock);
    let list = place.run_in("shop", &["list"]);
    assert_eq!(list.code, Some(1), "{}", list.stderr);
    assert!(list.stdout.contains("otelgen.toml has framework/gone, and there is no such pack"), "{}", list.stdout);
}
