//! What edits do to manifests as people write them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::render::{Crates, Requirement};

fn requirement(version: &str, features: &[&str]) -> Requirement {
    Requirement {
        version: version.to_owned(),
        features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        default_features: true,
        by: vec!["pattern/test".to_owned()],
    }
}

fn crates(normal: &[(&str, Requirement)], dev: &[(&str, Requirement)]) -> Crates {
    let table = |entries: &[(&str, Requirement)]| {
        entries.iter().map(|(name, wanted)| ((*name).to_owned(), wanted.clone())).collect::<BTreeMap<_, _>>()
    };
    Crates { normal: table(normal), dev: table(dev) }
}

fn edit(
    manifest: &str,
    old: &LockedCrates,
    new: &Crates,
    workspace: Option<&Workspace>,
) -> (String, LockedCrates, Vec<ManifestNote>) {
    let edited = reconcile_crates(manifest.as_bytes(), old, new, workspace).expect(manifest);
    (String::from_utf8(edited.content).expect("text"), edited.locked, edited.notes)
}

/// Adds `wanted`, checks what came of it, and takes it out again.
#[track_caller]
fn there_and_back(manifest: &str, wanted: &Crates, expected: &str) {
    let (added, locked, notes) = edit(manifest, &LockedCrates::default(), wanted, None);
    assert_eq!(added, expected);
    assert_eq!(notes, []);
    let (again, _, _) = edit(&added, &locked, wanted, None);
    assert_eq!(again, added, "twice");
    let (removed, rest, notes) = edit(&added, &locked, &Crates::default(), None);
    assert_eq!(removed, manifest, "back");
    assert_eq!((rest, notes), (LockedCrates::default(), Vec::new()));
}

#[test]
fn entries_go_where_the_alphabet_puts_them() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\n# the web\naxum = \"0.8\" # pinned\n# data\nserde = \"1\"\n\n[lints]\nworkspace = true\n";
    let expected = "[package]\nname = \"x\"\n\n[dependencies]\n# the web\naxum = \"0.8\" # pinned\nrand = { version = \"0.9\", features = [\"std\"] }\n# data\nserde = \"1\"\ntokio = \"1\"\n\n[lints]\nworkspace = true\n";
    there_and_back(
        manifest,
        &crates(&[("rand", requirement("0.9", &["std"])), ("tokio", requirement("1", &[]))], &[]),
        expected,
    );
}

#[test]
fn where_the_owner_has_his_own_order_entries_go_to_the_end() {
    let manifest = "[dependencies]\ntokio = \"1\"\naxum = \"0.8\"\n";
    there_and_back(
        manifest,
        &crates(&[("rand", requirement("0.9", &[]))], &[]),
        "[dependencies]\ntokio = \"1\"\naxum = \"0.8\"\nrand = \"0.9\"\n",
    );
}

#[test]
fn a_table_that_is_missing_is_made_and_taken_out_again() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\ntokio = \"1\"\n\n[dependencies.serde]\nversion = \"1\"\n\n\n[features]\na = []\n";
    let expected = "[package]\nname = \"x\"\n\n[dependencies]\ntokio = \"1\"\n\n[dependencies.serde]\nversion = \"1\"\n\n[dev-dependencies]\ninsta = \"1\"\n\n\n[features]\na = []\n";
    there_and_back(manifest, &crates(&[], &[("insta", requirement("1", &[]))]), expected);
    there_and_back(
        "[package]\nname = \"x\"",
        &crates(&[("rand", requirement("1", &[]))], &[("insta", requirement("1", &[]))]),
        "[package]\nname = \"x\"\n\n[dependencies]\nrand = \"1\"\n\n[dev-dependencies]\ninsta = \"1\"",
    );
}

#[test]
fn an_owners_entry_gains_features_in_its_own_form() {
    let rt = || crates(&[("tokio", requirement("1", &["rt", "time"]))], &[]);
    there_and_back(
        "[dependencies]\ntokio = \"1.40\"\n",
        &rt(),
        "[dependencies]\ntokio = { version = \"1.40\", features = [\"rt\", \"time\"] }\n",
    );
    there_and_back(
        "[dependencies]\ntokio   =   { version = \"1\" } # mine\n",
        &rt(),
        "[dependencies]\ntokio   =   { version = \"1\", features = [\"rt\", \"time\"] } # mine\n",
    );
    there_and_back(
        "[dependencies]\ntokio = { features = [\n    \"macros\",\n    \"rt\",\n], version = \"1\" }\n",
        &rt(),
        "[dependencies]\ntokio = { features = [\n    \"macros\",\n    \"rt\",\n    \"time\",\n], version = \"1\" }\n",
    );
    there_and_back(
        "[dependencies]\ntokio.version = \"1\"\n\n[lints]\n",
        &rt(),
        "[dependencies]\ntokio.version = \"1\"\ntokio.features = [\"rt\", \"time\"]\n\n[lints]\n",
    );
    there_and_back(
        "[dependencies.tokio]\nversion = \"1\"\n\n[lints]\n",
        &rt(),
        "[dependencies.tokio]\nversion = \"1\"\nfeatures = [\"rt\", \"time\"]\n\n[lints]\n",
    );
    there_and_back(
        "[dependencies.tokio]\nfeatures = [ 'rt' ]\nversion = \"1\"\n",
        &rt(),
        "[dependencies.tokio]\nfeatures = [ 'rt', \"time\" ]\nversion = \"1\"\n",
    );
}

#[test]
fn windows_line_endings_and_an_open_last_line_stay() {
    let wanted = crates(&[("rand", requirement("0.9", &[]))], &[]);
    there_and_back(
        "[dependencies]\r\ntokio = \"1\"\r\n",
        &wanted,
        "[dependencies]\r\nrand = \"0.9\"\r\ntokio = \"1\"\r\n",
    );
    there_and_back("[dependencies]\naxum = \"1\"", &wanted, "[dependencies]\naxum = \"1\"\nrand = \"0.9\"");
}

#[test]
fn nothing_is_downgraded_and_what_does_not_fit_is_told() {
    let wanted = crates(&[("axum", requirement("0.8", &[]))], &[]);
    for (manifest, told) in [
        ("axum = \"0.8.4\"", false),
        ("axum = \"0.7\"", true),
        ("axum = \"1\"", true),
        ("axum = { git = \"https://x\" }", false),
        ("axum = \">=0.7\"", false),
    ] {
        let manifest = format!("[dependencies]\n{manifest}\n");
        let (edited, _, notes) = edit(&manifest, &LockedCrates::default(), &wanted, None);
        assert_eq!((edited.as_str(), !notes.is_empty()), (manifest.as_str(), told), "{notes:?}");
    }
}

#[test]
fn default_features_that_are_off_are_told() {
    let manifest = "[dependencies]\naxum = { version = \"0.8\", default-features = false }\n";
    let (edited, _, notes) =
        edit(manifest, &LockedCrates::default(), &crates(&[("axum", requirement("0.8", &[]))], &[]), None);
    assert_eq!(edited, manifest);
    assert!(matches!(notes.as_slice(), [note] if note.message.contains("default features")), "{notes:?}");
}

#[test]
fn an_entry_that_was_edited_since_stays_and_is_told() {
    let (added, locked, _) =
        edit("[dependencies]\n", &LockedCrates::default(), &crates(&[("rand", requirement("0.9", &[]))], &[]), None);
    let mine = added.replace("rand = \"0.9\"", "rand = { version = \"0.9\", optional = true }");
    let (removed, rest, notes) = edit(&mine, &locked, &Crates::default(), None);
    assert_eq!((removed, rest), (mine, LockedCrates::default()));
    assert!(matches!(notes.as_slice(), [note] if note.next_step.contains("cargo remove rand")), "{notes:?}");
}

#[test]
fn features_come_and_go_with_who_wants_them() {
    let both = crates(&[("tokio", requirement("1", &["rt", "time"]))], &[]);
    let one = crates(&[("tokio", requirement("1", &["rt"]))], &[]);
    let (wide, locked, _) = edit("[dependencies]\n", &LockedCrates::default(), &both, None);
    let (narrow, _, _) = edit(&wide, &locked, &one, None);
    assert_eq!(narrow, edit("[dependencies]\n", &LockedCrates::default(), &one, None).0);
    // With a comment and another version of the owner's, only the features change.
    let mine = wide.replace("version = \"1\"", "version = \"1.44\"");
    let (narrow, _, _) = edit(&mine, &locked, &one, None);
    assert_eq!(narrow, "[dependencies]\ntokio = { version = \"1.44\", features = [\"rt\"] }\n");
}

#[test]
fn a_workspaces_crates_are_inherited_where_they_will_do() {
    let root = "[workspace.dependencies]\naxum = \"0.8\"\nrand = \"0.8\"\nserde = { version = \"1\", default-features = false }\ntokio = { version = \"1\", features = [\"full\"] }\n";
    let workspace = Workspace::parse(root.as_bytes()).expect("a workspace");
    let wanted = crates(
        &[
            ("axum", requirement("0.8", &[])),
            ("rand", requirement("0.9", &[])),
            ("serde", requirement("1", &["derive"])),
            ("tokio", requirement("1", &["rt"])),
        ],
        &[],
    );
    let (edited, locked, _) = edit("[dependencies]\n", &LockedCrates::default(), &wanted, Some(&workspace));
    assert_eq!(
        edited,
        "[dependencies]\naxum.workspace = true\nrand = \"0.9\"\nserde = { workspace = true, default-features = true, features = [\"derive\"] }\ntokio = { workspace = true, features = [\"rt\"] }\n"
    );
    let (removed, _, notes) = edit(&edited, &locked, &Crates::default(), Some(&workspace));
    assert_eq!((removed.as_str(), notes), ("[dependencies]\n", Vec::new()));
}

#[test]
fn a_manifest_that_is_not_toml_is_told_and_one_in_another_form_too() {
    let wanted = crates(&[("axum", requirement("0.8", &[]))], &[]);
    let broken = reconcile_crates(b"[dependencies\n", &LockedCrates::default(), &wanted, None);
    assert!(matches!(broken, Err(ManifestError::Syntax { .. })), "{broken:?}");
    let inline = reconcile_crates(b"dependencies = { tokio = \"1\" }\n", &LockedCrates::default(), &wanted, None);
    assert_eq!(inline, Err(ManifestError::Form { table: "dependencies".to_owned() }));
}

#[test]
fn a_new_member_joins_unless_a_pattern_covers_it() {
    let join =
        |root: &str| String::from_utf8(Workspace::join(root.as_bytes(), "services/shop").expect(root)).expect("text");
    assert_eq!(
        join("[workspace]\nmembers = [\"a\", \"z\"]\n"),
        "[workspace]\nmembers = [\"a\", \"services/shop\", \"z\"]\n"
    );
    assert_eq!(
        join("[workspace]\nmembers = [\n  \"z\", # last\n  \"a\",\n]\n"),
        "[workspace]\nmembers = [\n  \"z\", # last\n  \"a\",\n  \"services/shop\",\n]\n"
    );
    for covered in ["services/*", "./services/*", "services/shop", "**", "*/shop"] {
        let root = format!("[workspace]\nmembers = [\"{covered}\"]\n");
        assert_eq!(join(&root), root);
    }
    assert_eq!(join("[workspace]\nmembers = [\"*\"]\n"), "[workspace]\nmembers = [\"*\", \"services/shop\"]\n");
    assert_eq!(
        join("[workspace]\nresolver = \"3\"\n\n[workspace.package]\nedition = \"2024\"\n"),
        "[workspace]\nresolver = \"3\"\nmembers = [\"services/shop\"]\n\n[workspace.package]\nedition = \"2024\"\n"
    );
    assert_eq!(
        join("[workspace.package]\nedition = \"2024\"\n"),
        "[workspace.package]\nedition = \"2024\"\n\n[workspace]\nmembers = [\"services/shop\"]\n"
    );
    assert_eq!(join("[package]\nname = \"x\"\n"), "[package]\nname = \"x\"\n");
}

#[test]
fn a_new_member_inherits_what_cargo_new_would_except_what_is_too_old() {
    let root = "[workspace.package]\nversion = \"2.0.0\"\nedition = \"2021\"\nrust-version = \"1.70\"\nlicense = \"MIT\"\n[workspace.lints.rust]\nunsafe_code = \"deny\"\n";
    let manifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\nrust-version = \"1.91\"\n\n[dependencies]\n\n# small\n[profile.release]\nlto = true\n\n[lints.rust]\nunsafe_code = \"forbid\"\n";
    let settled =
        Workspace::parse(root.as_bytes()).expect("a workspace").settle(manifest.as_bytes()).expect("a manifest");
    assert_eq!(
        String::from_utf8(settled).expect("text"),
        "[package]\nname = \"shop\"\nversion.workspace = true\nedition = \"2024\"\nrust-version = \"1.91\"\nlicense.workspace = true\n\n[dependencies]\n\n[lints]\nworkspace = true\n"
    );
}

#[test]
fn patches_are_added_once_and_another_one_is_told() {
    let wanted = BTreeMap::from([("otelgen".to_owned(), "vendor/otelgen".to_owned())]);
    let (added, notes) = add_patch(b"[package]\nname = \"x\"\n", &wanted).expect("a manifest");
    let expected = "[package]\nname = \"x\"\n\n[patch.crates-io]\notelgen = { path = \"vendor/otelgen\" }\n";
    assert_eq!((String::from_utf8(added).expect("text").as_str(), notes), (expected, Vec::new()));
    assert_eq!(add_patch(expected.as_bytes(), &wanted), Ok((expected.as_bytes().to_vec(), Vec::new())));
    let other = expected.replace("vendor/otelgen", "../otelgen");
    let (kept, notes) = add_patch(other.as_bytes(), &wanted).expect("a manifest");
    assert_eq!((kept, notes.len()), (other.into_bytes(), 1));
}

const NAMES: [&str; 6] = ["anyhow", "axum", "rand", "serde", "tokio", "uuid"];
const FEATURES: [&str; 4] = ["alpha", "beta", "gamma", "std"];

fn wanted() -> impl Strategy<Value = Crates> {
    let table = || {
        prop::collection::btree_map(prop::sample::select(&NAMES[..]), subsequence(&FEATURES[..], 0..=4), 0..5).prop_map(
            |table| {
                table
                    .into_iter()
                    .map(|(name, features)| (name.to_owned(), requirement("1", &features)))
                    .collect::<BTreeMap<_, _>>()
            },
        )
    };
    (table(), table()).prop_map(|(normal, dev)| Crates { normal, dev })
}

/// An entry as an owner may have written it.
fn entry(name: &str, form: usize, features: &[&str]) -> String {
    let list = features.iter().map(|feature| format!("\"{feature}\"")).collect::<Vec<_>>();
    match form {
        0 => format!("{name} = \"1\"\n"),
        1 => format!("{name} = {{ version = \"1\", features = [{}] }} # mine\n", list.join(", ")),
        2 => format!("{name}.version = \"1\"\n"),
        3 => format!("# about {name}\n{name} = {{ features = [\n    {}\n], version = '1' }}\n", list.join(",\n    ")),
        _ => format!("{name}    =    {{ version = \"1\" }}\n"),
    }
}

fn manifest() -> impl Strategy<Value = String> {
    let entries =
        prop::collection::vec((prop::sample::select(&NAMES[..]), 0..5_usize, subsequence(&FEATURES[..], 1..=3)), 0..5);
    (entries, any::<bool>(), any::<bool>(), any::<bool>(), 0..3_usize).prop_map(
        |(entries, sub, windows, open, headers)| {
            let mut seen = BTreeSet::new();
            let mut text = String::from("[package]\nname = \"x\"\n\n");
            if headers > 0 {
                text.push_str("[dependencies]\n");
                for (name, form, features) in entries {
                    if seen.insert(name) {
                        text.push_str(&entry(name, form, &features));
                    }
                }
                text.push('\n');
            }
            if sub && seen.insert("uuid") {
                text.push_str("[dependencies.uuid]\nversion = \"1\"\n\n");
            }
            if headers > 1 {
                text.push_str("[dev-dependencies]\nrand = \"1\"\n\n");
            }
            text.push_str("[features]\ndefault = []\n");
            let text = if windows { text.replace('\n', "\r\n") } else { text };
            if open { text.trim_end().to_owned() } else { text }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_added_can_be_taken_out_to_the_byte(manifest in manifest(), first in wanted(), second in wanted()) {
        let (one, locked, _) = edit(&manifest, &LockedCrates::default(), &first, None);
        prop_assert_eq!(&edit(&one, &locked, &first, None).0, &one, "twice");
        let (two, locked, _) = edit(&one, &locked, &second, None);
        let (back, _, _) = edit(&two, &locked, &first, None);
        prop_assert_eq!(&back, &one, "from {}", two);
        let (none, rest, notes) = edit(&two, &locked, &Crates::default(), None);
        prop_assert_eq!(none, manifest, "from {}", two);
        prop_assert_eq!((rest, notes), (LockedCrates::default(), Vec::new()));
    }
}
