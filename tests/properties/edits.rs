//! What owners do to their files survives what otelgen does to them.

use std::collections::BTreeMap;

use otelgen_cli::changes::Changes;
use otelgen_cli::reconcile::ReconcileError;
use otelgen_cli::tree::RelativePath;
use otelgen_templates::Library;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::world::{Project, Wish, frameworks, library, selection};

/// What an owner may do to one file.
#[derive(Clone, Debug)]
enum Edit {
    /// Writes a line of his own somewhere.
    Insert(Index, String),
    /// Writes to the end.
    Append(String),
    /// Saves it with an editor of another system.
    WindowsLineEndings,
    /// Saves it with an editor that ends no last line.
    OpenLastLine,
    /// Puts the line somewhere else.
    Move(Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let line = "[a-z]{1,12}".prop_map(|word| format!("{word} of mine"));
    prop_oneof![
        4 => (any::<Index>(), line.clone()).prop_map(|(place, line)| Edit::Insert(place, line)),
        2 => line.prop_map(Edit::Append),
        1 => Just(Edit::WindowsLineEndings),
        1 => Just(Edit::OpenLastLine),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Edit::Move(from, to)),
    ]
}

/// Comments in the file's own language.
fn comment(path: &str, text: &str) -> String {
    match path.rsplit('.').next() {
        Some("rs") => format!("// {text}"),
        Some("md") => format!("<!-- {text} -->"),
        _ => format!("# {text}"),
    }
}

impl Edit {
    fn apply(&self, path: &str, text: &str) -> String {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        match self {
            Self::Insert(place, line) => {
                lines.insert(place.index(lines.len() + 1), format!("{}\n", comment(path, line)));
            }
            Self::Append(line) => lines.push(format!("{}\n", comment(path, line))),
            Self::Move(from, to) => {
                if path == "Cargo.toml" {
                    move_dependency(&mut lines, *from, *to);
                }
            }
            Self::WindowsLineEndings => return text.replace("\r\n", "\n").replace('\n', "\r\n"),
            Self::OpenLastLine => return text.trim_end_matches(['\r', '\n']).to_owned(),
        }
        lines.concat()
    }
}

/// Reorders `[dependencies]`.
fn move_dependency(lines: &mut Vec<String>, from: Index, to: Index) {
    let start = lines.iter().position(|line| line.trim() == "[dependencies]").expect("dependencies") + 1;
    let count = lines.iter().skip(start).take_while(|line| line.contains('=')).count();
    if count > 0 {
        let line = lines.remove(start + from.index(count));
        lines.insert(start + to.index(count), line);
    }
}

/// The files a project's owner may edit: not the bookkeeping.
fn own_files(project: &Project) -> Vec<String> {
    let paths = project.tree.iter().map(|(path, _)| path.as_str().to_owned());
    paths.filter(|path| !path.starts_with(".otelgen/") && path != "otelgen.toml").collect()
}

fn edited(project: &Project, edits: &[(Index, Edit)]) -> Project {
    let files = own_files(project);
    let mut edited = project.clone();
    for (file, edit) in edits {
        let path = file.get(&files);
        edited = edited.with(path, &edit.apply(path, &edited.text(path)));
    }
    edited
}

fn conflicts(changes: &Changes) -> usize {
    changes.files.iter().map(|change| change.conflicts).sum()
}

struct Scene {
    library: Library,
    bare: Vec<(Project, Vec<String>)>,
}

impl Scene {
    /// Every framework's bare project, with the patterns that fit.
    fn new() -> Self {
        let library = library();
        let bare = frameworks(&library)
            .into_iter()
            .map(|(framework, patterns)| (Project::new(&library, &selection(&library, &framework, &[])), patterns));
        let bare = bare.collect();
        Self { library, bare }
    }
}

#[test]
fn adding_and_removing_leaves_an_owners_edits_as_they_were() {
    let scene = Scene::new();
    let clean = std::cell::Cell::new(0_u32);
    let cases = 48;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let strategy = (any::<Index>(), any::<Index>(), prop::collection::vec((any::<Index>(), edit()), 1..12));
    let result = runner.run(&strategy, |(framework, pattern, edits)| {
        let (bare, patterns) = framework.get(&scene.bare);
        let wish: Wish = (pattern.get(patterns).clone(), "orders".to_owned());
        let mine = edited(bare, &edits);
        let adding = mine.adding(&scene.library, &wish);
        if conflicts(&adding) > 0 {
            return Ok(());
        }
        clean.set(clean.get() + 1);
        let added = mine.after(&adding);
        let again = added.adding(&scene.library, &wish);
        prop_assert!(again.files.is_empty(), "adding again changes {:?}", again.files);
        let removing = added.removing(&scene.library, "orders");
        prop_assert_eq!(conflicts(&removing), 0);
        mine.assert_same(&added.after(&removing), "added and removed");
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(clean.get() > cases / 2, "only {} of {cases} merges were clean", clean.get());
}

/// The first framework that takes the pattern, with it.
fn one(library: &Library) -> (Project, Wish) {
    let (framework, patterns) = frameworks(library).into_iter().next().expect("a framework");
    let wish = (patterns.into_iter().next().expect("a pattern"), "orders".to_owned());
    (Project::new(library, &selection(library, &framework, &[])), wish)
}

#[test]
fn a_file_that_was_deleted_stays_deleted() {
    let library = library();
    let (bare, wish) = one(&library);
    let without = without(&bare, "README.md");
    let changes = without.adding(&library, &wish);
    assert!(
        changes.notes.iter().any(|note| note.path.as_str() == "README.md" && !note.conflict),
        "{:?}",
        changes.notes
    );
    let added = without.after(&changes);
    assert!(added.tree.get(&RelativePath::new("README.md").expect("a path")).is_none());
}

#[test]
fn an_edited_file_of_a_removed_pattern_stays_and_is_told() {
    let library = library();
    let (bare, wish) = one(&library);
    let added = bare.after(&bare.adding(&library, &wish));
    let path = "src/patterns/orders.rs";
    let mine = added.with(path, &format!("{}// mine\n", added.text(path)));
    let changes = mine.removing(&library, "orders");
    assert!(changes.notes.iter().any(|note| note.path.as_str() == path && note.conflict), "{:?}", changes.notes);
    assert!(mine.after(&changes).text(path).ends_with("// mine\n"));
}

#[test]
fn a_conflict_is_marked_and_has_to_be_resolved_before_the_next_command() {
    let library = library();
    let (bare, wish) = one(&library);
    let added = bare.after(&bare.adding(&library, &wish));
    // The line that removing takes out is another one now.
    let path = "src/patterns/mod.rs";
    let mine = added.with(path, &added.text(path).replace("pub mod orders;", "pub mod orders; // important"));
    let changes = mine.removing(&library, "orders");
    assert_eq!(conflicts(&changes), 1, "{:?}", changes.notes);
    let conflicted = mine.after(&changes);
    let text = conflicted.text(path);
    for marked in [
        "<<<<<<< yours\npub mod orders; // important\n",
        "||||||| otelgen, before\npub mod orders;\n",
        "=======\n>>>>>>> otelgen\n",
    ] {
        assert!(text.contains(marked), "{text}");
    }
    let error = conflicted.try_adding(&library, &wish).expect_err("unresolved");
    assert!(matches!(error, ReconcileError::Unresolved { .. }), "{error}");
    let resolved = conflicted.with(path, &bare.text(path));
    assert!(resolved.try_adding(&library, &wish).is_ok());
}

#[test]
fn a_file_of_somebody_else_in_the_way_stops_everything() {
    let library = library();
    let (bare, wish) = one(&library);
    let mine = bare.with("src/patterns/orders.rs", "// mine\n");
    let error = mine.try_adding(&library, &wish).expect_err("in the way");
    assert!(
        matches!(&error, ReconcileError::Foreign { path, .. } if path.as_str() == "src/patterns/orders.rs"),
        "{error}"
    );
}

#[test]
fn a_crate_keeps_what_its_owner_made_of_it() {
    let library = library();
    let (bare, wish) = one(&library);
    let manifest = bare.text("Cargo.toml");
    let mine = manifest.replace(
        "[dependencies]\n",
        "[dependencies]\nserde_json = { version = \"1.0.100\", features = [\"preserve_order\"] } # mine\n",
    );
    let mine = bare.with("Cargo.toml", &mine);
    let added = mine.after(&mine.adding(&library, &wish));
    assert!(
        added
            .text("Cargo.toml")
            .contains("serde_json = { version = \"1.0.100\", features = [\"preserve_order\"] } # mine\n")
    );
    let removed = added.after(&added.removing(&library, "orders"));
    mine.assert_same(&removed, "added and removed");
}

fn without(project: &Project, path: &str) -> Project {
    let files: BTreeMap<_, _> = project.tree.iter().filter(|(other, _)| other.as_str() != path).collect();
    let mut tree = otelgen_cli::tree::Tree::default();
    for (path, content) in files {
        tree.insert(path.clone(), content.to_vec());
    }
    Project { tree }
}
