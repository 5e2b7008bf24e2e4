//! A name that cargo, Rust, Windows or a container would refuse is refused, with one that would do.

use crate::support::Place;

#[test]
fn a_name_that_would_be_refused_later_is_refused_now_and_nothing_is_made() {
    let place = Place::new();
    let cases: &[(&str, &str)] = &[
        ("match", "keyword"),
        ("gen", "keyword"),
        ("test", "test library"),
        ("std", "standard library"),
        ("build", "build directory"),
        ("1shop", "starts with `1`"),
        ("läden", "not ASCII"),
        ("..", "`.`"),
        (".", "`.`"),
        ("../shop", "`.`"),
        ("a b", "` `"),
        ("nul", "Windows"),
        ("com7", "Windows"),
        ("Shop", "lower case"),
        ("shop-", "alone"),
        ("", "empty"),
        ("tokio", "crate of that name"),
        ("otelgen", "crate of that name"),
    ];
    for (name, reason) in cases {
        place.run(&["new", name]).fails(1, &[reason]);
        place.run(&["new", "--", name]).fails(1, &[reason]);
    }
    let long = "a".repeat(64);
    place.run(&["new", &long]).fails(1, &["63"]);
    assert!(place.content().is_empty());
}

#[test]
fn the_error_shows_a_name_that_would_do() {
    let place = Place::new();
    place.run(&["new", "My Shop"]).fails(1, &["`my-shop`"]);
    place.run(&["new", "test"]).fails(1, &["`test-service`"]);
    place.run(&["new", "apps/shop"]).fails(1, &["otelgen new shop --path apps/shop"]);
    assert!(place.content().is_empty());
}

#[test]
fn an_instance_has_to_have_a_name_that_a_module_can_have() {
    let place = Place::with_shop(&[]);
    let before = place.content();
    for (name, reason) in
        [("match", "keyword"), ("1st", "starts with"), ("ä", "ASCII"), ("../x", "`.`"), ("serde", "crate of that name")]
    {
        place.run_in("shop", &["add", "pattern", "circuit-breaker", "--name", name]).fails(1, &[reason]);
        place.run(&["new", "other", "--pattern", &format!("circuit-breaker:{name}")]).fails(1, &[reason]);
    }
    assert_eq!(place.content(), before);
}

#[test]
fn it_is_said_whose_name_it_is_and_the_suggestion_would_do() {
    let place = Place::with_shop(&[]);
    let before = place.content();
    let pattern = |name: &str| format!("circuit-breaker:{name}");
    for (name, suggestion) in [("mod", "`payments`"), ("Café", "`cafe`"), ("my stock", "`my-stock`")] {
        let words = ["an instance of pattern/circuit-breaker cannot be called", suggestion];
        place.run(&["new", "other", "--pattern", &pattern(name)]).fails(1, &words);
        place.run_in("shop", &["add", "pattern", &pattern(name)]).fails(1, &words);
    }
    place.run(&["new", "café"]).fails(1, &["the project cannot be called `café`", "`cafe`"]);
    assert_eq!(place.content(), before);
}

#[test]
fn a_name_that_the_code_of_the_project_has_for_itself_is_refused_in_terms_of_both_commands() {
    let place = Place::with_shop(&[]);
    let before = place.content();
    for (name, words) in [
        ("patterns", &["src/patterns/patterns.rs", "module inside another", "`circuit-breaker:NAME`"][..]),
        ("routes", &["src/patterns/routes/routes.rs", "module inside another", "`circuit-breaker:NAME`"]),
        ("serde", &["crate of that name", "`circuit-breaker:NAME`"]),
    ] {
        let pattern = format!("circuit-breaker:{name}");
        for ran in
            [place.run(&["new", "other", "--pattern", &pattern]), place.run_in("shop", &["add", "pattern", &pattern])]
        {
            let ran = ran.fails(1, words);
            assert!(!ran.stderr.contains("--name") && !ran.stderr.contains("slot"), "{}", ran.stderr);
        }
    }
    assert_eq!(place.content(), before);
}
