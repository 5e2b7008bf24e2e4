//! Rendered files: merged with what their owner made of them, kept where that cannot be done.

use std::collections::{BTreeMap, BTreeSet};

use super::{BASES, Change, MANIFEST, ReconcileError, Work};
use crate::changes::Action;
use crate::edits::merge::{MergeError, Merged, merge};
use crate::edits::style::{Style, plain};
use crate::render::RenderedFile;
use crate::tree::RelativePath;

pub(super) fn reconcile(work: &mut Work<'_>) -> Result<(), ReconcileError> {
    let rendered = &work.request.rendered.files;
    let bases = bases(work);
    let paths: BTreeSet<&RelativePath> = bases.keys().chain(rendered.keys()).collect();
    for path in paths {
        let base = bases.get(path).map(Vec::as_slice);
        let new = rendered.get(path);
        if path.as_str() != MANIFEST {
            reconcile_file(work, path, base, new)?;
        }
        work.keep(&format!("{BASES}{path}"), new.map(|file| file.text.clone().into_bytes()));
    }
    Ok(())
}

/// The text last rendered for each file; a checkout may have changed its line endings.
fn bases(work: &Work<'_>) -> BTreeMap<RelativePath, Vec<u8>> {
    let prefix = match work.request.folder {
        "" => BASES.to_owned(),
        folder => format!("{folder}/{BASES}"),
    };
    let base = |(path, content): (&RelativePath, &[u8])| {
        let path = RelativePath::new(path.as_str().strip_prefix(&prefix)?).ok()?;
        Some((path, plain(content).into_owned()))
    };
    work.request.tree.iter().filter_map(base).collect()
}

fn reconcile_file(
    work: &mut Work<'_>,
    path: &RelativePath,
    base: Option<&[u8]>,
    new: Option<&RenderedFile>,
) -> Result<(), ReconcileError> {
    match (base, work.standing(path), new) {
        (None, None, Some(new)) => {
            let after = Some(new.text.clone().into_bytes());
            work.change(path, Change { executable: new.executable, ..Change::new(Action::Create, after) });
        }
        (None, Some(standing), Some(new)) => {
            if Style::of(standing).remove(standing) != new.text.as_bytes() {
                return Err(ReconcileError::Foreign { path: work.below(path), owner: new.owner.clone() });
            }
        }
        (Some(base), Some(standing), Some(new)) => update(work, path, base, standing, new)?,
        (Some(base), None, Some(new)) if base != new.text.as_bytes() => missed(work, path),
        (Some(base), Some(standing), None) => withdraw(work, path, base, standing),
        (_, None, _) | (None, Some(_), None) => {}
    }
    Ok(())
}

fn update(
    work: &mut Work<'_>,
    path: &RelativePath,
    base: &[u8],
    standing: &[u8],
    new: &RenderedFile,
) -> Result<(), ReconcileError> {
    match merge(base, standing, new.text.as_bytes(), parser(path)) {
        Ok(Merged { content, conflicts }) => {
            let change = Change::new(Action::Merge, Some(content));
            work.change(path, Change { executable: new.executable, conflicts, ..change });
        }
        Err(MergeError::Unresolved) => return Err(ReconcileError::Unresolved { path: work.below(path) }),
        Err(MergeError::Binary) => work.note(
            path,
            "it stays as it is: it is no text any more, so that nothing can be merged into it".to_owned(),
            format!("see {BASES}{path} for what otelgen renders now"),
            true,
        ),
    }
    Ok(())
}

/// A file that was deleted, and whose text would change now. Code that is missing part of itself does not build, or does
/// not do what was asked for.
fn missed(work: &mut Work<'_>, path: &RelativePath) {
    let is_code = path.as_str().ends_with(".rs");
    let (message, next_step) = if is_code {
        (
            "it was deleted, so that what belongs into it now is nowhere",
            format!("cp {BASES}{path} {path} puts it back; or take from there what has changed to where you keep it"),
        )
    } else {
        (
            "it was deleted and stays so, though what otelgen renders for it has changed",
            format!("see {BASES}{path} for the new text"),
        )
    };
    work.note(path, message.to_owned(), next_step, is_code);
}

/// A file that no pack renders any more.
fn withdraw(work: &mut Work<'_>, path: &RelativePath, base: &[u8], standing: &[u8]) {
    if Style::of(standing).remove(standing) == base {
        work.change(path, Change::new(Action::Delete, None));
        return;
    }
    work.note(
        path,
        "it stays: it was edited, and no pack renders it any more".to_owned(),
        "take what you need from it and delete it".to_owned(),
        true,
    );
}

/// Whether a text is well formed, for the languages that can be asked.
pub(super) fn parser(path: &RelativePath) -> fn(&[u8]) -> bool {
    match path.as_str().rsplit_once('.').map(|(_, extension)| extension) {
        Some("rs") => |content| std::str::from_utf8(content).is_ok_and(|text| syn::parse_file(text).is_ok()),
        Some("toml") => {
            |content| std::str::from_utf8(content).is_ok_and(|text| toml_edit::Document::parse(text).is_ok())
        }
        _ => |_| true,
    }
}
