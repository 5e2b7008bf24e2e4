//! A folder as text in memory: what `project` has read and the pure stages work on. It may not touch the disk.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A path below the base folder: relative, with forward slashes, without `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(String);

/// Why a text is no [`RelativePath`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a path below the project: use a relative path without `..`")]
pub struct PathError(pub String);

impl RelativePath {
    /// Checks and normalises `text`; backslashes count as separators only on Windows, before this point.
    pub fn new(text: &str) -> Result<Self, PathError> {
        let escapes = text.is_empty() || text.contains('\\') || text.contains(':');
        if escapes || text.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
            return Err(PathError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path below `folder` (which may be empty for the base itself).
    pub fn below(folder: &str, path: &RelativePath) -> Self {
        if folder.is_empty() { path.clone() } else { Self(format!("{folder}/{path}")) }
    }

    /// The text, with forward slashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The place on disk, below `base`.
    pub fn on_disk(&self, base: &Path) -> PathBuf {
        base.join(&self.0)
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The files that were asked for, as they stood when read; an absent file is not in the map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<RelativePath, Vec<u8>>,
}

impl Tree {
    /// The content of a file, if it was there.
    pub fn get(&self, path: &RelativePath) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Puts a file in (while reading, or in tests).
    pub fn insert(&mut self, path: RelativePath, content: Vec<u8>) {
        self.files.insert(path, content);
    }

    /// All files, in order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&RelativePath, &[u8])> {
        self.files.iter().map(|(path, content)| (path, content.as_slice()))
    }
}
