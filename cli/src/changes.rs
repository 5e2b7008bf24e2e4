//! What a command would do to each file: decided by the pure stages, shown by `report`, carried out by `apply`.

use crate::tree::RelativePath;

/// Everything one command changes, below one base folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Sorted by path, each path once.
    pub files: Vec<FileChange>,
    /// What the user has to know or do by hand.
    pub notes: Vec<Note>,
}

/// One file's change. `before` and `after` are both there so that a report can show the difference and
/// `apply` can check that nobody wrote in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Below the base folder.
    pub path: RelativePath,
    /// What kind of change it is.
    pub action: Action,
    /// The content expected to be there (`None`: no file).
    pub before: Option<Vec<u8>>,
    /// The content to leave (`None`: no file).
    pub after: Option<Vec<u8>>,
    /// Whether the file is to be executable.
    pub executable: bool,
    /// How many conflicts are marked in `after`; more than zero makes the command exit 2.
    pub conflicts: usize,
    /// Bookkeeping (`.otelgen/`, the lock) and the vendored runtime: applied, never shown in a diff.
    pub internal: bool,
}

/// The kinds of change; there is no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A file that was not there.
    Create,
    /// A rendered file, merged with what its owner made of it.
    Merge,
    /// A splice into a file that otelgen did not render.
    Edit,
    /// A rendered file that no pack renders any more.
    Delete,
}

/// Something otelgen could or would not do by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file it is about.
    pub path: RelativePath,
    /// What happened, in one lower-case sentence.
    pub message: String,
    /// What to type or paste.
    pub next_step: String,
    /// Whether it counts as a conflict (exit 2).
    pub conflict: bool,
}
