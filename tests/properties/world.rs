//! Projects in memory: the same stages as the command line, without a disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use otelgen_cli::changes::Changes;
use otelgen_cli::lock::Lock;
use otelgen_cli::name::Name;
use otelgen_cli::plan::{PlanError, Runtime, Selection, patterns_for, plan};
use otelgen_cli::reconcile::{Reconcile, ReconcileError, reconcile};
use otelgen_cli::render::{Rendered, render};
use otelgen_cli::tree::{RelativePath, Tree};
use otelgen_templates::{Kind, Library, PackId};

pub const PACKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packs");

/// The built-in packs and two of a third party's.
pub fn library() -> Library {
    let mut files = BTreeMap::new();
    read(Path::new(PACKS), "", &mut files);
    Library::builtin().expect("built-in packs").with_packs("tests/packs", files).expect("packs of tests/packs")
}

fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = format!("{prefix}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            read(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read_to_string(&path).expect("text"));
        }
    }
}

/// A pattern with the name of the instance.
pub type Wish = (String, String);

/// The frameworks, each with the patterns that can live in it.
pub fn frameworks(library: &Library) -> Vec<(String, Vec<String>)> {
    let frameworks = library.names(Kind::Framework);
    let fitting = |name: &str| {
        let pack = library.get(&PackId::new(Kind::Framework, name)).expect("a framework");
        let shape = &pack.manifest.framework.as_ref().expect("a framework").shape;
        (name.to_owned(), patterns_for(library, shape).expect("patterns"))
    };
    frameworks.map(fitting).collect()
}

pub fn selection(library: &Library, framework: &str, patterns: &[Wish]) -> Selection {
    let mut selection = Selection::new(Name::new("shop").expect("a name"), Runtime::Registry);
    selection.add(library, &PackId::new(Kind::Framework, framework), None).expect("a framework");
    selection.add_defaults(library, &[Kind::Backend, Kind::Deploy]).expect("defaults");
    for (pattern, name) in patterns {
        selection.add(library, &PackId::new(Kind::Pattern, pattern.as_str()), Some(name)).expect("a pattern");
    }
    selection
}

pub fn rendered(library: &Library, selection: &Selection) -> Result<Rendered, PlanError> {
    let plan = plan(library, selection)?;
    Ok(render(library, &plan).unwrap_or_else(|error| panic!("{error}")))
}

/// A project: its files, the lock among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    pub tree: Tree,
}

impl Project {
    pub fn new(library: &Library, selection: &Selection) -> Self {
        let empty = Self { tree: Tree::default() };
        let changes = empty.reconciled(library, None, selection).unwrap_or_else(|error| panic!("{error}"));
        empty.after(&changes)
    }

    pub fn lock(&self) -> Lock {
        Lock::parse(&self.text("otelgen.toml")).expect("a lock")
    }

    pub fn text(&self, path: &str) -> String {
        let content = self.tree.get(&RelativePath::new(path).expect(path)).unwrap_or_else(|| panic!("no {path}"));
        String::from_utf8(content.to_vec()).expect("text")
    }

    pub fn with(&self, path: &str, content: &str) -> Self {
        let mut tree = self.tree.clone();
        tree.insert(RelativePath::new(path).expect(path), content.as_bytes().to_vec());
        Self { tree }
    }

    pub fn adding(&self, library: &Library, wish: &Wish) -> Changes {
        self.try_adding(library, wish).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn try_adding(&self, library: &Library, wish: &Wish) -> Result<Changes, ReconcileError> {
        let lock = self.lock();
        let mut selection = lock.selection.clone();
        selection.add(library, &PackId::new(Kind::Pattern, wish.0.as_str()), Some(&wish.1)).expect("a pattern");
        self.reconciled(library, Some(&lock), &selection)
    }

    pub fn removing(&self, library: &Library, name: &str) -> Changes {
        let lock = self.lock();
        let mut selection = lock.selection.clone();
        selection.remove(library, Kind::Pattern, name).expect("an instance");
        self.reconciled(library, Some(&lock), &selection).unwrap_or_else(|error| panic!("{error}"))
    }

    fn reconciled(
        &self,
        library: &Library,
        lock: Option<&Lock>,
        selection: &Selection,
    ) -> Result<Changes, ReconcileError> {
        let rendered = rendered(library, selection).expect("a plan");
        let origins = origins(library, selection);
        let request =
            Reconcile { folder: "", tree: &self.tree, lock, selection, origins: &origins, rendered: &rendered };
        reconcile(&request)
    }

    /// The project once the changes have been carried out.
    pub fn after(&self, changes: &Changes) -> Self {
        let mut files: BTreeMap<&RelativePath, &[u8]> = self.tree.iter().collect();
        for change in &changes.files {
            assert_eq!(files.get(&change.path).copied(), change.before.as_deref(), "{}", change.path);
            match &change.after {
                Some(content) => files.insert(&change.path, content),
                None => files.remove(&change.path),
            };
        }
        let mut tree = Tree::default();
        for (path, content) in files {
            tree.insert(path.clone(), content.to_vec());
        }
        Self { tree }
    }

    /// Says which file differs first, instead of printing two projects.
    pub fn assert_same(&self, other: &Self, what: &str) {
        for (path, content) in self.tree.iter() {
            let other = other.tree.get(path).unwrap_or_else(|| panic!("{what}: {path} is missing"));
            let (left, right) = (String::from_utf8_lossy(content), String::from_utf8_lossy(other));
            assert!(left == right, "{what}: {path} differs\n{}", diffy::create_patch(&left, &right));
        }
        assert_eq!(self.tree.iter().count(), other.tree.iter().count(), "{what}: there are files too many");
    }
}

pub fn origins(library: &Library, selection: &Selection) -> BTreeMap<PackId, String> {
    let ids = selection.packs.iter().map(|chosen| &chosen.id.pack);
    ids.filter_map(|id| Some((id.clone(), library.origin(id)?.to_owned()))).collect()
}
