//! The packs that ship, and faults that a pack may have.
#![allow(clippy::expect_used)] // helpers of tests

use std::collections::BTreeMap;

use otelgen_templates::check::check;
use otelgen_templates::{Library, PackId, vendored};

#[test]
fn every_built_in_pack_is_without_fault() {
    let library = Library::builtin().expect("packs");
    assert!(library.ids().next().is_some());
    let mut faults = Vec::new();
    for id in library.ids() {
        faults.extend(check(&library, id).unwrap_or_else(|error| panic!("{error}")));
    }
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", lines.join("\n"));
}

/// The faults of a pattern with this `pack.toml` (below its summary) and these other files.
fn faults(manifest: &str, files: &[(&str, &str)]) -> Vec<String> {
    let head = "summary = 'a test'\n";
    let pattern = "[pattern]\nshapes = ['worker']\ninstances = 'many'\ndefault_name = 'x'\n";
    let mut all = BTreeMap::from([("pattern/x/pack.toml".to_owned(), format!("{head}{manifest}\n{pattern}"))]);
    all.extend(files.iter().map(|(path, text)| (format!("pattern/x/{path}"), (*text).to_owned())));
    let library = Library::builtin().expect("packs").with_packs("here", all).expect("a pack");
    let id: PackId = "pattern/x".parse().expect("a pack");
    check(&library, &id).expect("readable").iter().map(|fault| format!("{}: {}", fault.place, fault.message)).collect()
}

const FILE: &str = "[[file]]\npath = 'a'\ntemplate = 'a.tera'\n";

#[test]
fn an_undefined_variable_is_found_even_in_a_condition() {
    let found = faults(FILE, &[("a.tera", "{% if name %}\n{% if options.stroe %}x{% endif %}\n{% endif %}{{ naem }}")]);
    assert_eq!(found, ["a.tera: `naem` is not defined (line 3)", "a.tera: `options.stroe` is not defined (line 2)"]);
}

#[test]
fn fields_of_slots_are_known_inside_of_loops() {
    let slots = "[slots.beats]\nsummary = 's'\nfields = { name = 'string' }\n";
    let template = "{% for beat in slots.beats | version_sort(attribute='name') %}{{ beat.name }}{{ beat.from.pack }}{{ beat.nmae }}{{ loop.index }}{% endfor %}";
    assert_eq!(
        faults(&format!("{FILE}{slots}"), &[("a.tera", template)]),
        ["a.tera: `beat.nmae` is not defined (line 1)"]
    );
}

#[test]
fn conditions_and_texts_of_the_manifest_are_checked() {
    let manifest = "[[file]]\nwhen = \"shpae == 'worker'\"\npath = '{{ idnet }}'\ntemplate = 'a'\n";
    let found = faults(manifest, &[("a", "{{ not a template }}")]);
    assert_eq!(
        found,
        ["file: `idnet` is not defined in `{{ idnet }}`", "file: `shpae` is not defined in `shpae == 'worker'`"]
    );
}

#[test]
fn a_file_nobody_uses_and_one_that_is_not_there_are_found() {
    let found = faults(FILE, &[("b.tera", "")]);
    assert_eq!(
        found,
        ["b.tera: no [[file]] names it, and no template includes or imports it", "file: the pack has no `a.tera`"]
    );
}

#[test]
fn what_is_included_or_imported_is_used() {
    let macros = "{% macro greet(who) %}{{ who }}{% endmacro greet %}";
    let template = "{% import 'm.tera' as m %}\n{{ m::greet(who=name) }}{% include 'p.tera' %}";
    assert_eq!(
        faults(FILE, &[("a.tera", template), ("m.tera", macros), ("p.tera", "{{ name }}")]),
        Vec::<String>::new()
    );
}

#[test]
fn a_template_that_does_not_parse_and_an_unknown_filter_are_found() {
    let found = faults(FILE, &[("a.tera", "{% if %}")]);
    assert!(matches!(found.as_slice(), [fault] if fault.starts_with("a.tera: it is no template")), "{found:?}");
    assert_eq!(faults(FILE, &[("a.tera", "{{ name | shout }}")]), ["a.tera: there is no filter `shout` (line 1)"]);
}

#[test]
fn options_have_to_fit_their_own_type_and_range() {
    let manifest = "[options.rate]\ntype = 'float'\ndefault = 2.0\nmax = 1.0\nhelp = 'h'\n[options.mode]\ntype = 'choice'\ndefault = 'a'\nhelp = 'h'";
    let found = faults(manifest, &[]);
    assert!(found.contains(&"options.mode: a choice, and nothing else, has `values`".to_owned()), "{found:?}");
    assert!(
        found.contains(&"options.rate: its default does not fit: `2.0` is out of range: at most 1.0".to_owned()),
        "{found:?}"
    );
}

#[test]
fn a_contribution_has_an_owner_and_the_owners_fields() {
    let found = faults("[[contribute.nowhere]]\nname = 'x'\n", &[]);
    assert_eq!(found, ["contribute.nowhere: no known pack owns this slot"]);
}

#[test]
fn a_crate_without_a_version_is_found() {
    assert_eq!(
        faults("[dependencies]\nno-such-crate = {}\n", &[]),
        ["dependencies: the catalog has no `no-such-crate`: give its version"]
    );
}

#[test]
fn an_unknown_key_is_an_error_with_its_line() {
    let files = BTreeMap::from([("backend/x/pack.toml".to_owned(), "summary = 'x'\ncolour = 'red'\n".to_owned())]);
    let library = Library::builtin().expect("packs").with_packs("here", files).expect("a pack");
    let error = library.get(&"backend/x".parse().expect("a pack")).expect_err("an unknown key").to_string();
    assert!(error.contains("line 2") && error.contains("colour"), "{error}");
}

#[test]
fn the_runtime_travels_along_complete_and_without_paths() {
    let manifest = |name: &str| {
        let path = format!("vendor/{name}/Cargo.toml");
        vendored::files().iter().find(|file| file.path == path).expect(name).text
    };
    for (name, folder) in vendored::crates() {
        assert!(!manifest(name).contains("path ="), "{name}");
        assert!(!manifest(name).contains("[dev-dependencies]"), "{name}");
        assert!(vendored::files().iter().any(|file| file.path == format!("{folder}/src/lib.rs")), "{name}");
    }
    assert!(vendored::files().is_sorted_by_key(|file| file.path));
}

#[test]
fn constraints_see_options_and_defaults_and_the_defaults_meet_them() {
    let options = "[options.least]\ntype = 'integer'\ndefault = 3\nhelp = 'h'\n\
                   [options.most]\ntype = 'integer'\ndefault = 2\nhelp = 'h'\n";
    let constraint =
        "[[constraint]]\nholds = 'options.least <= options.most'\nmessage = 'raise most above {{ options.least }}'\n";
    assert_eq!(
        faults(&format!("{options}{constraint}"), &[]),
        ["constraint: the defaults do not meet it: raise most above 3"]
    );
    let wrong = "[[constraint]]\nholds = 'options.lest == defaults.least or shape'\nmessage = '{{ project.name }}'\n";
    let found = faults(&format!("{options}{wrong}"), &[]);
    for expected in
        ["`options.lest` is not defined", "`shape` is not defined", "is not defined in `{{ project.name }}`"]
    {
        assert!(found.iter().any(|fault| fault.contains(expected)), "no `{expected}` in {found:#?}");
    }
}
