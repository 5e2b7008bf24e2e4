//! Why a project could not be found or read.

use std::io;
use std::path::{Path, PathBuf};

use super::place::PlaceError;

/// Why a project could not be found or read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// No `otelgen.toml` here or above.
    #[error("there is no otelgen project in `{}` or above", .0.display())]
    NotFound(PathBuf),
    /// The folder for a new project has something in it.
    #[error("`{}` already exists and is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// There is a file where a folder should be, or a folder, device or pipe where a file should be.
    #[error("`{}` is not a {expected}", path.display())]
    Kind {
        /// Where.
        path: PathBuf,
        /// `file` or `folder`.
        expected: &'static str,
    },
    /// Reading is not allowed.
    #[error("not allowed to read `{}`", .0.display())]
    Denied(PathBuf),
    /// Text was needed.
    #[error("`{}` is not UTF-8 (first bad byte at offset {offset})", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// How much of it is text.
        offset: usize,
    },
    /// A `Cargo.toml` at or above the project cannot be read as one.
    #[error("`{}` is not a valid manifest", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: Box<toml::de::Error>,
    },
    /// Anything else that the system refuses.
    #[error("could not read `{}`", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A path leads out of the project.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

impl ProjectError {
    pub(super) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied(path),
            _ => Self::Io { path, source },
        }
    }
}
