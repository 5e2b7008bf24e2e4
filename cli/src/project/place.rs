//! Where a path below a base folder really is: links are followed while they stay inside.
#![allow(clippy::disallowed_methods)] // part of the one place that reads

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::tree::{PathError, RelativePath};

/// Why a path has no place below its base.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A symbolic link leads out of the base.
    #[error("`{}` is a symbolic link that leads outside, to `{}`", link.display(), target.display())]
    Outside {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A symbolic link leads nowhere.
    #[error("`{}` is a symbolic link that leads nowhere", .0.display())]
    Dangling(PathBuf),
    /// Part of the path cannot be looked at.
    #[error("could not look at `{}`", path.display())]
    Io {
        /// The part.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The text is no path below anything.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// The place of `path` below `base`, which has no link in it itself. The file need not exist.
///
/// # Errors
/// [`PlaceError::Outside`] and [`PlaceError::Dangling`] name the link.
pub fn resolve(base: &Path, path: &RelativePath) -> Result<PathBuf, PlaceError> {
    let mut place = base.to_path_buf();
    for part in path.as_str().split('/') {
        place.push(part);
        match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_symlink() => place = follow(base, place)?,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(PlaceError::Io { path: place, source }),
        }
    }
    Ok(place)
}

/// `path` without links, in the spelling that other programs understand: on Windows without the `\\?\` in front.
///
/// # Errors
/// When there is nothing there, or part of the path cannot be entered.
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    let real = fs::canonicalize(path)?;
    let plain = real.to_str().and_then(|text| text.strip_prefix(r"\\?\")).filter(|text| text.get(1..2) == Some(":"));
    Ok(plain.map(PathBuf::from).unwrap_or(real))
}

fn follow(base: &Path, link: PathBuf) -> Result<PathBuf, PlaceError> {
    match canonical(&link) {
        Ok(target) if target.starts_with(base) => Ok(target),
        Ok(target) => Err(PlaceError::Outside { link, target }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PlaceError::Dangling(link)),
        Err(source) => Err(PlaceError::Io { path: link, source }),
    }
}
