//! A project in a folder that does not exist yet: written to a sibling, renamed once.

use std::fs;
use std::path::{Path, PathBuf};

use crate::changes::{Changes, FileChange};

use super::disk;
use super::error::{ApplyError, Context as _};
use super::lock::Guard;
use super::steps::{Step, Steps};

/// What the folder is called in which a project called `NAME` is put together: `.NAME` and this.
const LEFT_OVER: &str = ".otelgen-new";

/// Writes the files of `changes` to `target`, an absolute path where nothing is. Says whether what an interrupted
/// attempt had left was removed first.
///
/// Nothing is flushed: until the rename there is no project to lose.
///
/// # Errors
/// See [`ApplyError`]; on any of them there is still nothing at `target`.
pub fn create(target: &Path, changes: &Changes, steps: &mut impl Steps) -> Result<bool, ApplyError> {
    let parent = target.parent().unwrap_or(target);
    let above = disk::missing_folders(parent);
    let existing = above.first().and_then(|outermost| outermost.parent()).unwrap_or(parent);
    disk::refuse_read_only(existing)?;
    let result = create_folders(&above, steps).and_then(|()| create_below(parent, target, changes, steps));
    if result.is_err() {
        for folder in above.iter().rev() {
            // Not empty if somebody else has used it since; then it is theirs.
            let _ = fs::remove_dir(folder);
        }
    }
    result
}

fn create_below(parent: &Path, target: &Path, changes: &Changes, steps: &mut impl Steps) -> Result<bool, ApplyError> {
    let site = site(parent, target);
    let found = match fs::create_dir(&site) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => true,
        made => made.context("create", &site).map(|()| false)?,
    };
    // Held by a live process, the lock tells a site in use from one that a killed process left.
    let guard = Guard::acquire(&site)?;
    let tree = guard.base().join("tree");
    let result = clear(&tree).and_then(|()| build(&tree, target, changes, steps));
    if result.is_err() {
        let _ = clear(&tree);
    }
    drop(guard);
    let _ = fs::remove_dir(&site);
    result.map(|()| found)
}

fn site(parent: &Path, target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(LEFT_OVER);
    parent.join(name)
}

fn clear(tree: &Path) -> Result<(), ApplyError> {
    match fs::remove_dir_all(tree) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ApplyError::from_io("remove", tree, error)),
        _ => Ok(()),
    }
}

fn build(tree: &Path, target: &Path, changes: &Changes, steps: &mut impl Steps) -> Result<(), ApplyError> {
    let files: Vec<(PathBuf, &FileChange)> =
        changes.files.iter().map(|change| (change.path.on_disk(tree), change)).collect();
    create_folders(&[tree.to_path_buf()], steps)?;
    create_folders(&disk::missing_folders_of(files.iter().map(|(path, _)| path.as_path())), steps)?;
    for (path, change) in &files {
        let Some(content) = &change.after else { continue };
        steps.reach(Step::Stage(path)).context("write", path)?;
        disk::write_new(path, content, change.executable)?;
    }
    steps.reach(Step::Commit(target)).context("create", target)?;
    if target.symlink_metadata().is_ok() {
        return Err(ApplyError::TargetExists(target.to_path_buf()));
    }
    fs::rename(tree, target).map_err(|error| match error.kind() {
        std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::AlreadyExists => {
            ApplyError::TargetExists(target.to_path_buf())
        }
        _ => ApplyError::from_io("create", target, error),
    })
}

fn create_folders(folders: &[PathBuf], steps: &mut impl Steps) -> Result<(), ApplyError> {
    for folder in folders {
        steps.reach(Step::Folder(folder)).context("create", folder)?;
        fs::create_dir(folder).context("create", folder)?;
    }
    Ok(())
}
