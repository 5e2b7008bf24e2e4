//! Small things done to the disk, each with the path in its error.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::{ApplyError, Context as _};

/// Refuses a folder that is marked read-only, even to a superuser whom the system would let write.
pub(super) fn refuse_read_only(folder: &Path) -> Result<(), ApplyError> {
    let metadata = fs::metadata(folder).context("open", folder)?;
    if cfg!(unix) && metadata.permissions().readonly() {
        return Err(ApplyError::ReadOnly(folder.to_path_buf()));
    }
    Ok(())
}

/// The content of a file, `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, ApplyError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ApplyError::Io { action: "read", path: path.to_path_buf(), source }),
    }
}

/// Writes a file that must not exist yet.
pub(super) fn write_new(path: &Path, content: &[u8], executable: bool) -> Result<File, ApplyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    set_mode(&mut options, executable);
    let mut file = options.open(path).context("create", path)?;
    file.write_all(content).context("write", path)?;
    Ok(file)
}

#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, executable: bool) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(if executable { 0o777 } else { 0o666 });
}

#[cfg(not(unix))]
fn set_mode(_options: &mut OpenOptions, _executable: bool) {}

/// Permissions of the old file for the new one, made executable where asked.
#[cfg(unix)]
pub(super) fn inherit(permissions: Permissions, executable: bool) -> Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = permissions.mode();
    let readers = mode & 0o444;
    Permissions::from_mode(if executable { mode | (readers >> 2) } else { mode })
}

#[cfg(not(unix))]
pub(super) fn inherit(permissions: Permissions, _executable: bool) -> Permissions {
    permissions
}

/// Gives `path` the owner of `like`, where the system lets us.
#[cfg(unix)]
pub(super) fn inherit_owner(path: &Path, like: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let differs = fs::metadata(path).is_ok_and(|ours| (ours.uid(), ours.gid()) != (like.uid(), like.gid()));
    if differs {
        // Only a superuser may give files away; for everybody else the owner was the same before.
        let _ = chown(path, Some(like.uid()), Some(like.gid()));
    }
}

#[cfg(not(unix))]
pub(super) fn inherit_owner(_path: &Path, _like: &fs::Metadata) {}

/// Removes a file that may be gone already.
pub(super) fn remove_file(path: &Path) -> Result<(), ApplyError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ApplyError::from_io("remove", path, error)),
        _ => Ok(()),
    }
}

/// Folders at and above `folder` that do not exist yet, outermost first.
pub(super) fn missing_folders(folder: &Path) -> Vec<PathBuf> {
    let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let mut missing: Vec<PathBuf> = folder.ancestors().take_while(missing).map(Path::to_path_buf).collect();
    missing.reverse();
    missing
}

/// Every folder that has to be made below `base` for `files` to have a place, outermost first.
pub(super) fn missing_folders_of<'a>(files: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let parents: BTreeSet<&Path> = files.filter_map(Path::parent).collect();
    let missing: BTreeSet<PathBuf> = parents.into_iter().flat_map(missing_folders).collect();
    missing.into_iter().collect()
}

/// Makes what was renamed in `folder` last through a power cut.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> Result<(), ApplyError> {
    File::open(folder).and_then(|file| file.sync_all()).context("flush", folder)
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) -> Result<(), ApplyError> {
    Ok(())
}
