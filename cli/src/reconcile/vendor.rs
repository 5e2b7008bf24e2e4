//! The vendored runtime: many files that nobody is meant to edit, so that their sums are kept instead of their text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use otelgen_templates::vendored::VendoredFile;

use super::sums::sum;
use super::{Change, ReconcileError, Work, manifest};
use crate::changes::Action;
use crate::edits::style::plain;
use crate::tree::RelativePath;

/// In the form that `sha256sum --check` reads.
const SUMS: &str = ".otelgen/vendor.sums";

pub(super) fn reconcile(work: &mut Work<'_>) -> Result<(), ReconcileError> {
    let Ok(sums_path) = RelativePath::new(SUMS) else { return Ok(()) };
    let sums =
        work.standing(&sums_path).map(|content| String::from_utf8_lossy(content).into_owned()).unwrap_or_default();
    let old: BTreeMap<&str, &str> =
        sums.lines().filter_map(|line| line.split_once("  ")).map(|(sum, path)| (path, sum)).collect();
    let new: BTreeMap<&str, &VendoredFile> =
        work.request.rendered.vendored.iter().map(|file| (file.path, file)).collect();
    let paths: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    // Whoever has deleted `vendor/` and the patches takes the runtime from elsewhere, and gets no single file of it back;
    // while a patch points there, nothing builds without it.
    let needed = manifest::builds_with_vendored(work);
    let deleted = !needed && !old.is_empty() && !old.keys().any(|path| stands(work, path));
    let mut restored = Vec::new();
    for text in paths.into_iter().filter(|_| !deleted) {
        let Ok(path) = RelativePath::new(text) else { continue };
        let (old, new) = (old.get(text).copied(), new.get(text).copied());
        match new {
            Some(new) if needed && old.is_some() && work.standing(&path).is_none() => {
                work.keep(text, Some(new.text.as_bytes().to_vec()));
                restored.push(path);
            }
            _ => reconcile_file(work, &path, old, new)?,
        }
    }
    tell_restored(work, &restored);
    let mut text = String::new();
    for file in new.values() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}  {}", file.sha256, file.path);
    }
    if !text.is_empty() || !sums.is_empty() {
        work.keep(SUMS, if text.is_empty() { None } else { Some(text.into_bytes()) });
    }
    Ok(())
}

fn tell_restored(work: &mut Work<'_>, restored: &[RelativePath]) {
    let Some(first) = restored.first() else { return };
    let others = match restored.len() {
        1 => String::new(),
        all => format!(", and {} others beside it", all - 1),
    };
    work.note(
        first,
        format!("it was deleted{others}, and is restored: the project is built with it"),
        "to take the runtime from elsewhere, change [patch.crates-io] as well".to_owned(),
        false,
    );
}

fn stands(work: &Work<'_>, path: &str) -> bool {
    RelativePath::new(path).is_ok_and(|path| work.standing(&path).is_some())
}

fn reconcile_file(
    work: &mut Work<'_>,
    path: &RelativePath,
    old: Option<&str>,
    new: Option<&VendoredFile>,
) -> Result<(), ReconcileError> {
    let Some(standing) = work.standing(path) else {
        if let (None, Some(new)) = (old, new) {
            work.keep(path.as_str(), Some(new.text.as_bytes().to_vec()));
        }
        return Ok(());
    };
    if new.is_some_and(|new| old == Some(new.sha256) || plain(standing) == new.text.as_bytes()) {
        return Ok(());
    }
    let Some(old) = old else { return Err(ReconcileError::ForeignVendored { path: work.below(path) }) };
    if sum(&plain(standing)) == old {
        let action = if new.is_some() { Action::Merge } else { Action::Delete };
        let after = new.map(|new| new.text.as_bytes().to_vec());
        work.change(path, Change { internal: true, ..Change::new(action, after) });
    } else {
        work.note(
            path,
            "it stays as it is: it was edited, and the runtime has another version of it".to_owned(),
            "put your change into a module of your own, delete the file, and run the command again".to_owned(),
            true,
        );
    }
    Ok(())
}
