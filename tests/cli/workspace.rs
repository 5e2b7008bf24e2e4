//! Inside a cargo workspace, as `cargo new` does it.

use crate::support::Place;

const NEW: [&str; 6] = ["new", "shop", "--vcs", "none", "--path", "services/shop"];

fn in_workspace(root: &str, arguments: &[&str]) -> Place {
    let place = Place::new();
    place.write("Cargo.toml", root);
    place.run(&[&NEW[..], arguments].concat()).succeeds();
    place
}

#[test]
fn a_new_project_joins_the_members_in_order() {
    let root = "# ours\n[workspace]\nmembers = [\"apps/web\", \"tools/x\"]  # sorted\nresolver = \"3\"\n";
    let place = in_workspace(root, &["--runtime", "registry"]);
    let members = "members = [\"apps/web\", \"services/shop\", \"tools/x\"]  # sorted";
    assert_eq!(place.read("Cargo.toml"), root.replace("members = [\"apps/web\", \"tools/x\"]  # sorted", members));
}

#[test]
fn comments_beside_members_stay_beside_them() {
    let root = "[workspace]\nmembers = [\n    \"crates/lib1\", # the lib\n    \"tools/x\",     # a tool\n]\n";
    let place = in_workspace(root, &["--runtime", "registry"]);
    assert_eq!(place.read("Cargo.toml"), root.replace("# the lib\n", "# the lib\n    \"services/shop\",\n"));
}

#[test]
fn a_pattern_that_covers_it_is_enough() {
    let root = "[workspace]\nmembers = [\"services/*\"]\n";
    let place = in_workspace(root, &["--runtime", "registry"]);
    assert_eq!(place.read("Cargo.toml"), root);
}

#[test]
fn an_excluded_folder_stays_out() {
    let root = "[workspace]\nmembers = []\nexclude = [\"services\"]\n";
    let place = in_workspace(root, &[]);
    assert_eq!(place.read("Cargo.toml"), root);
    assert!(place.read("services/shop/Cargo.toml").contains("[patch.crates-io]"));
    assert!(place.read("services/shop/Cargo.toml").contains("edition = "));
}

#[test]
fn patches_go_to_the_root_and_keys_and_crates_of_the_workspace_are_inherited() {
    let root = "[workspace]\nmembers = []\n\n[workspace.package]\nlicense = \"MIT\"\n\n[workspace.lints.rust]\nunsafe_code = \"deny\"\n\n[workspace.dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\n";
    let place = in_workspace(root, &[]);
    let (root, own) = (place.read("Cargo.toml"), place.read("services/shop/Cargo.toml"));
    assert!(root.contains("[patch.crates-io]\notelgen = { path = \"services/shop/vendor/otelgen\" }"), "{root}");
    assert!(!own.contains("[patch"), "{own}");
    assert!(own.contains("license.workspace = true"), "{own}");
    assert!(own.contains("[lints]\nworkspace = true"), "{own}");
    assert!(own.contains("serde = { workspace = true"), "{own}");
}

#[test]
fn adding_and_removing_in_a_member_bring_back_every_byte_of_the_workspace() {
    let place = in_workspace("[workspace]\nmembers = []\n", &[]);
    let before = place.content();
    let added = place.run_in("services/shop/src", &["add", "pattern", "circuit-breaker"]).succeeds();
    assert!(added.stdout.contains("create services/shop/src/patterns/payments.rs"), "{}", added.stdout);
    place.run_in("services/shop", &["remove", "pattern", "payments"]).succeeds();
    assert_eq!(place.content(), before);
}

#[test]
fn a_damaged_workspace_is_told_and_left_alone() {
    let place = Place::new();
    place.write("Cargo.toml", "[workspace\n");
    let before = place.content();
    place.run(&NEW).fails(1, &["Cargo.toml", "not a valid manifest", "line 1"]);
    assert_eq!(place.content(), before);
}

#[test]
fn a_dry_run_shows_the_change_to_the_workspace() {
    let place = Place::new();
    place.write("Cargo.toml", "[workspace]\nmembers = []\n");
    let before = place.content();
    let ran = place.run(&[&NEW[..], &["--dry-run"]].concat()).succeeds();
    assert!(ran.stdout.contains("-members = []\n+members = [\"services/shop\"]\n"), "{}", ran.stdout);
    assert_eq!(place.content(), before);
}
