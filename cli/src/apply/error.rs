//! Why an application failed; in every case but the last two, nothing is changed.

use std::io;
use std::path::{Path, PathBuf};

use crate::project::PlaceError;

/// Why changes could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Another process holds the lock.
    #[error("another otelgen (process {holder}) is changing `{}`", folder.display())]
    Busy {
        /// The base folder.
        folder: PathBuf,
        /// Its process id, or `unknown`.
        holder: String,
    },
    /// The folder of a new project holds something already.
    #[error("`{}` already exists and is not empty", .0.display())]
    TargetExists(PathBuf),
    /// Somebody wrote between reading and writing.
    #[error("`{}` changed while otelgen was at work", .0.display())]
    ChangedMeanwhile(PathBuf),
    /// Nobody may write there.
    #[error("`{}` is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// The disk, a quota or a file-size limit is exhausted.
    #[error("no space left while writing `{}`", path.display())]
    Full {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else that the system refuses.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// What was tried: `write`, `replace` …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A path leads out of the base folder.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The journal of an interrupted command cannot be read.
    #[error("the journal `{}` of an interrupted command is damaged", path.display())]
    DamagedJournal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The way back failed as well; the journal stays for the next command.
    #[error("rolling back failed; the next otelgen command will try again")]
    RollBack {
        /// What failed on the way back.
        #[source]
        source: Box<ApplyError>,
        /// What had failed before.
        first: Box<ApplyError>,
    },
}

impl ApplyError {
    /// Sorts a system error by what its reader can do about it.
    pub(super) fn from_io(action: &'static str, path: &Path, source: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let path = path.to_path_buf();
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full { path, source },
            PermissionDenied | ReadOnlyFilesystem => Self::ReadOnly(path),
            _ => Self::Io { action, path, source },
        }
    }
}

/// Adds what was tried, and on what, to a system error.
pub(super) trait Context<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, ApplyError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, ApplyError> {
        self.map_err(|source| ApplyError::from_io(action, path, source))
    }
}
