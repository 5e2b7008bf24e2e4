//! The merge bases against the sums in the lock: a base that is gone or is not what was rendered would turn an owner's
//! edits into conflicts, or their files into somebody else's.

use std::collections::BTreeMap;

use super::sums::sum;
use super::{BASES, ReconcileError};
use crate::edits::style::plain;
use crate::lock::Lock;
use crate::render::Rendered;
use crate::tree::{RelativePath, Tree};

/// Half of a SHA-256: enough against accidents, and a line that people can read past.
const DIGITS: usize = 16;

/// What the lock keeps of the bases that `rendered` leaves.
pub(super) fn sums(rendered: &Rendered) -> BTreeMap<String, String> {
    rendered.files.iter().map(|(path, file)| (path.to_string(), short(file.text.as_bytes()))).collect()
}

/// Checks the bases of the project in `folder`. `again` renders what the lock says: where two branches were merged, the
/// base is right and only its sum is not.
///
/// # Errors
/// [`ReconcileError::Base`] names the first base that is gone or damaged.
pub fn check_bases(
    folder: &str,
    tree: &Tree,
    lock: &Lock,
    again: impl FnOnce() -> Option<Rendered>,
) -> Result<(), ReconcileError> {
    let mut gone = Vec::new();
    let mut other = Vec::new();
    for (path, expected) in &lock.bases {
        let Some(base) = base(folder, path) else { continue };
        match tree.get(&base) {
            None => gone.push(base),
            Some(content) if short(&plain(content)) != *expected => other.push((path, base)),
            Some(_) => {}
        }
    }
    let told = |all: Vec<RelativePath>, gone| {
        let more = all.len().saturating_sub(1);
        let folder = RelativePath::new(".otelgen").map(|path| RelativePath::below(folder, &path)).ok();
        let first = all.into_iter().next().zip(folder);
        first.map_or(Ok(()), |(path, folder)| Err(ReconcileError::Base { path, gone, more, folder }))
    };
    told(gone, true)?;
    if other.is_empty() {
        return Ok(());
    }
    let rendered = again();
    let is_right = |path: &str, base: &RelativePath| {
        let text = RelativePath::new(path).ok().and_then(|path| rendered.as_ref()?.files.get(&path));
        text.is_some_and(|file| tree.get(base).is_some_and(|content| *plain(content) == *file.text.as_bytes()))
    };
    told(other.into_iter().filter(|(path, base)| !is_right(path, base)).map(|(_, base)| base).collect(), false)
}

fn base(folder: &str, path: &str) -> Option<RelativePath> {
    let path = RelativePath::new(&format!("{BASES}{path}")).ok()?;
    Some(RelativePath::below(folder, &path))
}

fn short(content: &[u8]) -> String {
    let mut sum = sum(content);
    sum.truncate(DIGITS);
    sum
}
