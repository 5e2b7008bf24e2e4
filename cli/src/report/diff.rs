//! Unified diffs of files.

use std::fmt::Write as _;

use diffy::DiffOptions;

use crate::changes::FileChange;

use super::style::{ADDED, PLACE, REMOVED, TITLE, paint};

/// The difference a change makes, as `patch` and `git apply` read it.
pub(super) fn unified(change: &FileChange) -> String {
    let (before, after) = (text(change.before.as_deref()), text(change.after.as_deref()));
    let (Some(before), Some(after)) = (before, after) else {
        return format!("Binary files a/{path} and b/{path} differ\n", path = change.path);
    };
    let name = |side: char, content: Option<&[u8]>| match content {
        Some(_) => format!("{side}/{}", change.path),
        None => "/dev/null".to_owned(),
    };
    let mut options = DiffOptions::new();
    options.set_original_filename(name('a', change.before.as_deref()));
    options.set_modified_filename(name('b', change.after.as_deref()));
    options.create_patch(before, after).to_string()
}

fn text(content: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(content.unwrap_or_default()).ok()
}

/// The same with colours.
pub(super) fn coloured(diff: &str) -> String {
    let mut text = String::with_capacity(diff.len() * 2);
    for (number, line) in diff.lines().enumerate() {
        let style = match line.as_bytes().first() {
            _ if number < 2 => TITLE,
            Some(b'+') => ADDED,
            Some(b'-') => REMOVED,
            Some(b'@') => PLACE,
            _ => {
                let _ = writeln!(text, "{line}");
                continue;
            }
        };
        let _ = writeln!(text, "{}", paint(style, line));
    }
    text
}
