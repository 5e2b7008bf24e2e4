//! What is rendered is as rustfmt would have it, for the shortest and the longest names, for one instance and for five:
//! a line whose length depends on a name is where templates rot first.

use std::fs;
use std::process::Command;

use otelgen_cli::name::{MAX_LENGTH, Name};
use otelgen_cli::render::Rendered;
use otelgen_templates::Library;

use crate::world::{Wish, frameworks, library, rendered, selection};

/// Instances of every pattern that fits: `each` of those that may have several.
fn wishes(library: &Library, patterns: &[String], length: usize, each: usize) -> Vec<Wish> {
    let letters = ('a'..='z').map(|letter| format!("{letter}{}", "-wheelwright".repeat(6)));
    let mut names = letters.map(|name| name.get(..length).unwrap_or(&name).trim_end_matches('-').to_owned());
    let mut wishes = Vec::new();
    for pattern in patterns {
        let id = otelgen_templates::PackId::new(otelgen_templates::Kind::Pattern, pattern.as_str());
        let manifest = &library.get(&id).expect("a pattern").manifest;
        let many =
            manifest.pattern.as_ref().is_some_and(|it| it.instances == otelgen_templates::manifest::Instances::Many);
        let count = if many { each } else { 1 };
        wishes.extend(names.by_ref().take(count).map(|name| (pattern.clone(), name)));
    }
    wishes
}

fn check(rendered: &Rendered, what: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sources = Vec::new();
    for (path, file) in &rendered.files {
        let place = folder.path().join(path.as_str());
        fs::create_dir_all(place.parent().expect("a folder")).expect("made");
        fs::write(&place, &file.text).expect("written");
        if path.as_str().ends_with(".rs") {
            sources.push(path.as_str());
        }
    }
    let output = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "--color", "never"])
        .args(&sources)
        .current_dir(folder.path())
        .output()
        .expect("rustfmt");
    let (diff, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}\n{diff}{errors}");
}

#[test]
fn rendered_code_is_formatted_whatever_the_names() {
    let library = library();
    for (framework, patterns) in frameworks(&library) {
        for length in [1, 20, MAX_LENGTH] {
            for each in [0, 1, 5] {
                let wishes = wishes(&library, &patterns, length, each);
                let mut selection = selection(&library, &framework, &wishes);
                selection.project = Name::new(&"z".repeat(length)).expect("a name");
                let what = format!("{framework} with names of {length} and {each} of each");
                check(&rendered(&library, &selection).unwrap_or_else(|error| panic!("{what}: {error}")), &what);
            }
        }
    }
}
