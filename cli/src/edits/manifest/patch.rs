//! `[patch.crates-io]`: where a project finds the runtime until it is published.

use std::collections::BTreeMap;

use super::{ManifestError, ManifestNote, Plain, Splices, place};

/// Whether one of `crates` is taken from the folder that stands beside its name.
///
/// # Errors
/// When the manifest cannot be parsed.
pub fn is_patched(content: &[u8], crates: &BTreeMap<String, String>) -> Result<bool, ManifestError> {
    let plain = Plain::new(content)?;
    let document = plain.parse()?;
    let folder = |name: &str| {
        let (_, item) = place::lookup(&document, &["patch", "crates-io"], name)?;
        item.get("path").and_then(|path| path.as_str()).map(|path| path.trim_end_matches('/').to_owned())
    };
    Ok(crates.iter().any(|(name, expected)| folder(name).as_deref() == Some(expected)))
}

/// `content` with a patch for each crate that has none yet, and notes about those that have another.
///
/// # Errors
/// When the manifest cannot be parsed, or writes its patches in a form that is not edited.
pub fn add_patch(
    content: &[u8],
    crates: &BTreeMap<String, String>,
) -> Result<(Vec<u8>, Vec<ManifestNote>), ManifestError> {
    let mut plain = Plain::new(content)?;
    let document = plain.parse()?;
    let path = ["patch", "crates-io"];
    let mut lines = String::new();
    let mut notes = Vec::new();
    for (name, folder) in crates {
        match place::lookup(&document, &path, name) {
            None => lines.push_str(&format!("{name} = {{ path = \"{folder}\" }}\n")),
            Some((_, item)) => {
                let other = item.get("path").and_then(|path| path.as_str()).unwrap_or("another source");
                if other != folder {
                    notes.push(ManifestNote {
                        message: format!("`{name}` is patched with {other} already, and stays so"),
                        next_step: format!("see that it is the same version as {folder}"),
                        gone: Vec::new(),
                    });
                }
            }
        }
    }
    if lines.is_empty() {
        return Ok((plain.finish(), notes));
    }
    let mut splices = Splices::default();
    match place::section(&document, &path)? {
        Some(section) => {
            let at = section.end(&plain.text);
            splices.replace(at..at, lines);
        }
        None => {
            let end = plain.text.len();
            let gap = if end == 0 { "" } else { "\n" };
            splices.replace(end..end, format!("{gap}[patch.crates-io]\n{lines}"));
        }
    }
    drop(document);
    plain.edit(splices)?;
    Ok((plain.finish(), notes))
}
