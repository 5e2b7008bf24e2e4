//! The moments of an application at which a crash leaves something different on disk: what tests interrupt.

use std::io;
use std::path::Path;

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// The journal is written or replaced.
    Journal(&'a Path),
    /// A folder is made.
    Folder(&'a Path),
    /// New content is written beside its target.
    Stage(&'a Path),
    /// The old content is kept beside its target.
    Keep(&'a Path),
    /// The target is replaced or removed.
    Commit(&'a Path),
    /// The old content is put back.
    Restore(&'a Path),
    /// Something that is no longer needed is removed.
    Clean(&'a Path),
}

/// Is told of every step before it is taken, and may fail it.
pub trait Steps {
    /// Called before `step`.
    ///
    /// # Errors
    /// An error is treated as if the step itself had failed with it.
    fn reach(&mut self, step: Step<'_>) -> io::Result<()>;
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Steps for Unwatched {
    fn reach(&mut self, _step: Step<'_>) -> io::Result<()> {
        Ok(())
    }
}
