//! `new`, `add` and `remove` are this one function: what was rendered last, what the owner made of it, and what is
//! rendered now give the changes. Pure: a tree in, changes out.

mod bases;
mod error;
mod files;
mod manifest;
mod sums;
mod vendor;

use std::collections::BTreeMap;

use otelgen_templates::{PackId, vendored};

use crate::changes::{Action, Changes, FileChange, Note};
use crate::edits::merge;
use crate::lock::{Lock, VERSION};
use crate::plan::Selection;
use crate::project::LOCK_FILE;
use crate::render::Rendered;
use crate::tree::{RelativePath, Tree};

pub use bases::check_bases;
pub use error::ReconcileError;

/// Where the merge bases are, below the project.
const BASES: &str = ".otelgen/base/";
const MANIFEST: &str = "Cargo.toml";

/// What to bring together.
#[derive(Clone, Copy, Debug)]
pub struct Reconcile<'a> {
    /// The project's folder below the base of the changes: empty, or where it is in its workspace.
    pub folder: &'a str,
    /// The files as they stand, below that base: see [`folders`] and [`paths`].
    pub tree: &'a Tree,
    /// The lock as it stands; `None` for a new project.
    pub lock: Option<&'a Lock>,
    /// The packs that should be there.
    pub selection: &'a Selection,
    /// The folder each of them that is not built in was loaded from.
    pub origins: &'a BTreeMap<PackId, String>,
    /// What they render.
    pub rendered: &'a Rendered,
}

/// The folders all of whose files have to be in the tree.
pub fn folders(folder: &str) -> Vec<RelativePath> {
    let known = std::iter::once(".otelgen").chain(vendored::crates().iter().map(|(_, folder)| *folder));
    known.filter_map(|path| RelativePath::new(path).ok()).map(|path| RelativePath::below(folder, &path)).collect()
}

/// The files that have to be in the tree where they exist; `listing` are the files in [`folders`].
pub fn paths(folder: &str, listing: &[RelativePath], rendered: &Rendered) -> Vec<RelativePath> {
    let bases =
        RelativePath::new(BASES.trim_end_matches('/')).map(|path| format!("{}/", RelativePath::below(folder, &path)));
    let bases = bases.unwrap_or_default();
    let own = listing
        .iter()
        .filter_map(|path| path.as_str().strip_prefix(&bases))
        .filter_map(|path| RelativePath::new(path).ok());
    let fixed = [LOCK_FILE, MANIFEST].into_iter().filter_map(|path| RelativePath::new(path).ok());
    let vendored = rendered.vendored.iter().filter_map(|file| RelativePath::new(file.path).ok());
    let below = own
        .chain(fixed)
        .chain(vendored)
        .chain(rendered.files.keys().cloned())
        .map(|path| RelativePath::below(folder, &path));
    let root = RelativePath::new(MANIFEST).ok();
    let mut paths: Vec<RelativePath> = below.chain(listing.iter().cloned()).chain(root).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Decides what to change.
///
/// # Errors
/// When a file that is not otelgen's is in the way, a manifest cannot be edited, or conflicts of an earlier merge
/// are still marked; nothing is to be changed then.
pub fn reconcile(request: &Reconcile<'_>) -> Result<Changes, ReconcileError> {
    let mut work = Work { request, changes: Changes::default() };
    files::reconcile(&mut work)?;
    let crates = manifest::reconcile(&mut work)?;
    vendor::reconcile(&mut work)?;
    let lock = Lock {
        otelgen: VERSION.to_owned(),
        selection: request.selection.clone(),
        origins: request.origins.clone(),
        crates,
        bases: bases::sums(request.rendered),
    };
    work.write_lock(&lock);
    work.changes.files.sort_by(|left, right| left.path.cmp(&right.path));
    work.changes.notes.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(work.changes)
}

/// Refuses conflict markers anywhere in `tree`, which is read by [`paths`].
///
/// # Errors
/// [`ReconcileError::Unresolved`] names the first file with some.
pub fn refuse_unresolved(tree: &Tree) -> Result<(), ReconcileError> {
    match tree.iter().find(|(_, content)| merge::is_unresolved(content)) {
        Some((path, _)) => Err(ReconcileError::Unresolved { path: path.clone() }),
        None => Ok(()),
    }
}

struct Work<'a> {
    request: &'a Reconcile<'a>,
    changes: Changes,
}

impl<'a> Work<'a> {
    /// A file of the project as it stands.
    fn standing(&self, path: &RelativePath) -> Option<&'a [u8]> {
        self.request.tree.get(&self.below(path))
    }

    fn below(&self, path: &RelativePath) -> RelativePath {
        RelativePath::below(self.request.folder, path)
    }

    /// A change to a file of the project; none if it stands so already.
    fn change(&mut self, path: &RelativePath, change: Change) {
        let before = self.standing(path).map(<[u8]>::to_vec);
        if before != change.after {
            let Change { action, after, executable, conflicts, internal } = change;
            let path = self.below(path);
            self.changes.files.push(FileChange { path, action, before, after, executable, conflicts, internal });
        }
    }

    fn note(&mut self, path: &RelativePath, message: String, next_step: String, conflict: bool) {
        let path = self.below(path);
        self.changes.notes.push(Note { path, message, next_step, conflict });
    }

    /// Bookkeeping: what `path` is to hold from now on.
    fn keep(&mut self, path: &str, after: Option<Vec<u8>>) {
        if let Ok(path) = RelativePath::new(path) {
            let action = match (&after, self.standing(&path)) {
                (None, _) => Action::Delete,
                (Some(_), None) => Action::Create,
                (Some(_), Some(_)) => Action::Merge,
            };
            self.change(&path, Change { internal: true, ..Change::new(action, after) });
        }
    }

    /// Writes the lock; what its owner wrote into it (comments) is merged like any edit.
    fn write_lock(&mut self, lock: &Lock) {
        let Ok(path) = RelativePath::new(LOCK_FILE) else { return };
        let text = lock.to_text().into_bytes();
        let before = self.request.lock.map(|lock| lock.to_text().into_bytes());
        let parses = |content: &[u8]| std::str::from_utf8(content).is_ok_and(|text| Lock::parse(text).is_ok());
        let merged = match (before, self.standing(&path)) {
            (Some(base), Some(standing)) => merge::merge(&base, standing, &text, parses).ok(),
            _ => None,
        };
        let after = merged
            .filter(|merged| merged.conflicts == 0 && parses(&merged.content))
            .map_or(text, |merged| merged.content);
        self.keep(path.as_str(), Some(after));
    }
}

/// What becomes of a file.
struct Change {
    action: Action,
    after: Option<Vec<u8>>,
    executable: bool,
    conflicts: usize,
    internal: bool,
}

impl Change {
    fn new(action: Action, after: Option<Vec<u8>>) -> Self {
        Self { action, after, executable: false, conflicts: 0, internal: false }
    }
}
