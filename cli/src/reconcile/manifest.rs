//! `Cargo.toml`: crates are edited in; the rest of it is merged like any rendered file. A new project joins the
//! workspace above it.

use otelgen_templates::names;

use super::files::parser;
use super::{BASES, Change, MANIFEST, ReconcileError, Work};
use crate::changes::Action;
use crate::edits::manifest::{
    LockedCrates, ManifestError, ManifestNote, Workspace, add_patch, crate_name, is_patched, reconcile_crates,
};
use crate::edits::merge::{MergeError, is_unresolved, merge};
use crate::edits::style::plain;
use crate::tree::RelativePath;

pub(super) fn reconcile(work: &mut Work<'_>) -> Result<LockedCrates, ReconcileError> {
    let Ok(path) = RelativePath::new(MANIFEST) else { return Ok(LockedCrates::default()) };
    let own = work.below(&path);
    let request = work.request;
    let wrong = |problem| ReconcileError::Manifest { path: own.clone(), problem };
    let root = root(work);
    let workspace = root.map(Workspace::parse).transpose().map_err(|problem| root_error(&path, problem))?;
    let Some(rendered) = request.rendered.files.get(&path) else {
        return Err(ReconcileError::NoManifest { path: own });
    };
    let rendered = rendered.text.as_bytes();
    let standing = work.standing(&path);
    if standing.is_some_and(is_unresolved) {
        return Err(ReconcileError::Unresolved { path: own });
    }
    check_name(work, standing, &own)?;
    let content = match (standing, &workspace) {
        (Some(standing), _) => standing.to_vec(),
        (None, _) if request.lock.is_some() => return Err(ReconcileError::NoManifest { path: own }),
        (None, Some(workspace)) => workspace.settle(rendered).map_err(wrong)?,
        (None, None) => rendered.to_vec(),
    };
    let nothing = LockedCrates::default();
    let old = request.lock.map_or(&nothing, |lock| &lock.crates);
    // A project may have become the root of a workspace of its own.
    let workspace = workspace.map_or_else(|| Workspace::parse(&content), Ok).map_err(wrong)?;
    let edited = reconcile_crates(&content, old, &request.rendered.crates, Some(&workspace)).map_err(wrong)?;
    tell(work, &path, edited.notes);
    let (content, notes) = match (patched(work), root) {
        (true, None) => add_patch(&edited.content, &request.rendered.patch).map_err(wrong)?,
        _ => (edited.content, Vec::new()),
    };
    tell(work, &path, notes);
    let base = RelativePath::new(&format!("{BASES}{MANIFEST}")).ok().and_then(|base| work.standing(&base));
    let (content, conflicts) = match base.map(plain) {
        None => (content, 0),
        Some(base) => match merge(&base, &content, rendered, parser(&path)) {
            Ok(merged) => (merged.content, merged.conflicts),
            Err(MergeError::Unresolved | MergeError::Binary) => return Err(ReconcileError::Unresolved { path: own }),
        },
    };
    let action = if standing.is_some() { Action::Edit } else { Action::Create };
    work.change(&path, Change { conflicts, ..Change::new(action, Some(content)) });
    if let Some(root) = root {
        reconcile_root(work, root, &path)?;
    }
    Ok(edited.locked)
}

/// What is rendered names the crate: it has to be the one that is there.
fn check_name(work: &Work<'_>, standing: Option<&[u8]>, own: &RelativePath) -> Result<(), ReconcileError> {
    let Some(standing) = standing.filter(|_| work.request.lock.is_some()) else { return Ok(()) };
    let wrong = |problem| ReconcileError::Manifest { path: own.clone(), problem };
    let project = work.request.selection.project.as_str();
    match crate_name(standing).map_err(wrong)? {
        Some(package) if names::ident(&package) != names::ident(project) => {
            Err(ReconcileError::Renamed { path: own.clone(), package, project: project.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Whether the project, as it stands or will stand, takes the runtime from the sources that are vendored.
pub(super) fn builds_with_vendored(work: &Work<'_>) -> bool {
    if patched(work) {
        return true;
    }
    let request = work.request;
    let Ok(path) = RelativePath::new(MANIFEST) else { return false };
    let below = |(name, folder): (&String, &String)| match request.folder {
        "" => (name.clone(), folder.clone()),
        own => (name.clone(), format!("{own}/{folder}")),
    };
    let crates = request.rendered.patch.iter().map(below).collect();
    request.tree.get(&path).is_some_and(|manifest| is_patched(manifest, &crates).unwrap_or(false))
}

/// The root manifest of the workspace above the project.
fn root<'a>(work: &Work<'a>) -> Option<&'a [u8]> {
    let path = RelativePath::new(MANIFEST).ok()?;
    if work.request.folder.is_empty() { None } else { work.request.tree.get(&path) }
}

/// Whether patches are to be written: once, so that an owner can delete them.
fn patched(work: &Work<'_>) -> bool {
    work.request.lock.is_none_or(|lock| lock.selection.runtime != work.request.selection.runtime)
}

/// The workspace's manifest: the new member, and the patches, which cargo reads only there.
fn reconcile_root(work: &mut Work<'_>, root: &[u8], path: &RelativePath) -> Result<(), ReconcileError> {
    let request = work.request;
    let wrong = |problem| root_error(path, problem);
    let mut content = root.to_vec();
    if request.lock.is_none() {
        content = Workspace::join(&content, request.folder).map_err(wrong)?;
    }
    let mut notes = Vec::new();
    if patched(work) {
        let below = |(name, folder): (&String, &String)| {
            let vendored = RelativePath::new(folder).is_ok_and(|_| !request.rendered.vendored.is_empty());
            (name.clone(), if vendored { format!("{}/{folder}", request.folder) } else { folder.clone() })
        };
        let crates = request.rendered.patch.iter().map(below).collect();
        (content, notes) = add_patch(&content, &crates).map_err(wrong)?;
    }
    for note in notes {
        work.changes.notes.push(crate::changes::Note {
            path: path.clone(),
            message: note.message,
            next_step: note.next_step,
            conflict: false,
        });
    }
    if content != root {
        work.changes.files.push(crate::changes::FileChange {
            path: path.clone(),
            action: Action::Edit,
            before: Some(root.to_vec()),
            after: Some(content),
            executable: false,
            conflicts: 0,
            internal: false,
        });
    }
    Ok(())
}

fn root_error(path: &RelativePath, problem: ManifestError) -> ReconcileError {
    ReconcileError::Manifest { path: path.clone(), problem }
}

fn tell(work: &mut Work<'_>, path: &RelativePath, notes: Vec<ManifestNote>) {
    for note in notes {
        let missed = note.gone.iter().any(|name| is_used(work, &names::ident(name)));
        work.note(path, note.message, note.next_step, missed);
    }
}

/// Whether the project's code names a crate.
fn is_used(work: &Work<'_>, ident: &str) -> bool {
    let names = |content: &[u8]| {
        let mut words = content.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
        words.any(|word| word == ident.as_bytes())
    };
    let code = work.request.rendered.files.keys().filter(|path| path.as_str().ends_with(".rs"));
    let mut standing = code.filter_map(|path| work.standing(path));
    standing.any(names)
}
