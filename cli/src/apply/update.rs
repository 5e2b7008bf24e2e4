//! Changes to a folder that exists, as one transaction.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use crate::changes::{Changes, FileChange};
use crate::project::place;

use super::disk;
use super::error::{ApplyError, Context as _};
use super::journal::{Entry, Journal, Phase, hash, kept, staged};
use super::lock::Guard;
use super::recover::{clean, restore};
use super::steps::{Step, Steps};

/// Carries `changes` out below the guarded folder; `command` is what recovery will call it.
///
/// # Errors
/// See [`ApplyError`]; on any of them but [`ApplyError::RollBack`] the folder is as it was.
pub fn update(guard: &Guard, changes: &Changes, command: &str, steps: &mut impl Steps) -> Result<(), ApplyError> {
    let targets = Target::all(guard.base(), changes)?;
    if targets.is_empty() {
        return Ok(());
    }
    let folders = disk::missing_folders_of(targets.iter().filter(|target| target.writes()).map(Target::place));
    let journal = Journal {
        command: command.to_owned(),
        phase: Phase::Staging,
        entries: targets.iter().map(Target::entry).collect(),
        folders: folders.iter().filter_map(|folder| relative(guard.base(), folder)).collect(),
    };
    let journal = match stage(guard.base(), &targets, &folders, journal.clone(), steps) {
        Ok(journal) => journal,
        Err(error) => return Err(undo(error, || clean(guard.base(), &journal, steps))),
    };
    match commit(&targets, steps) {
        Ok(()) => clean(guard.base(), &journal, steps),
        Err(error) => Err(undo(error, || {
            restore(guard.base(), &journal, steps)?;
            clean(guard.base(), &journal, steps)
        })),
    }
}

/// One file to change, with its place on disk and what stands there.
struct Target<'a> {
    change: &'a FileChange,
    place: PathBuf,
    metadata: Option<Metadata>,
}

impl<'a> Target<'a> {
    /// Every file that really changes; checks that each is as it was when it was read, and can be written.
    fn all(base: &Path, changes: &'a Changes) -> Result<Vec<Self>, ApplyError> {
        let differing = changes.files.iter().filter(|change| change.before != change.after);
        differing.map(|change| Self::new(base, change)).collect()
    }

    fn new(base: &Path, change: &'a FileChange) -> Result<Self, ApplyError> {
        let place = place::resolve(base, &change.path)?;
        if disk::read(&place)? != change.before {
            return Err(ApplyError::ChangedMeanwhile(place));
        }
        let metadata = fs::metadata(&place).ok();
        if metadata.as_ref().is_some_and(|metadata| metadata.permissions().readonly()) {
            return Err(ApplyError::ReadOnly(place));
        }
        if let Some(folder) = place.ancestors().skip(1).find(|folder| folder.exists()) {
            disk::refuse_read_only(folder)?;
        }
        Ok(Self { change, place, metadata })
    }

    fn place(&self) -> &Path {
        &self.place
    }

    fn writes(&self) -> bool {
        self.change.after.is_some()
    }

    fn entry(&self) -> Entry {
        Entry {
            path: self.change.path.to_string(),
            before: self.change.before.as_deref().map(hash),
            after: self.change.after.as_deref().map(hash),
        }
    }
}

/// Writes everything that is new beside its target, then decides.
fn stage(
    base: &Path,
    targets: &[Target<'_>],
    folders: &[PathBuf],
    mut journal: Journal,
    steps: &mut impl Steps,
) -> Result<Journal, ApplyError> {
    journal.write(base, steps)?;
    for folder in folders {
        steps.reach(Step::Folder(folder)).context("create", folder)?;
        fs::create_dir(folder).context("create", folder)?;
    }
    for target in targets {
        stage_one(target, steps)?;
    }
    journal.phase = Phase::Committing;
    journal.write(base, steps)?;
    Ok(journal)
}

fn stage_one(target: &Target<'_>, steps: &mut impl Steps) -> Result<(), ApplyError> {
    if let Some(content) = &target.change.after {
        let path = staged(&target.place);
        steps.reach(Step::Stage(&path)).context("write", &path)?;
        let file = disk::write_new(&path, content, target.change.executable)?;
        if let Some(metadata) = &target.metadata {
            disk::inherit_owner(&path, metadata);
            let permissions = disk::inherit(metadata.permissions(), target.change.executable);
            file.set_permissions(permissions).context("write", &path)?;
        }
        file.sync_all().context("write", &path)?;
    }
    if target.change.before.is_some() {
        let path = kept(&target.place);
        steps.reach(Step::Keep(&path)).context("write", &path)?;
        // A link costs nothing; a copy serves file systems that have none.
        if fs::hard_link(&target.place, &path).is_err() {
            fs::copy(&target.place, &path).context("write", &path)?;
        }
    }
    Ok(())
}

fn commit(targets: &[Target<'_>], steps: &mut impl Steps) -> Result<(), ApplyError> {
    targets.iter().try_for_each(|target| commit_one(&target.place, target.writes(), steps))
}

/// Replaces one target with what is staged beside it, or removes it.
pub(super) fn commit_one(place: &Path, writes: bool, steps: &mut impl Steps) -> Result<(), ApplyError> {
    steps.reach(Step::Commit(place)).context("replace", place)?;
    if writes { fs::rename(staged(place), place).context("replace", place) } else { disk::remove_file(place) }
}

/// The way back after `error`.
fn undo(error: ApplyError, back: impl FnOnce() -> Result<(), ApplyError>) -> ApplyError {
    match back() {
        Ok(()) => error,
        Err(source) => ApplyError::RollBack { source: Box::new(source), first: Box::new(error) },
    }
}

/// `folder` below `base`, with forward slashes.
fn relative(base: &Path, folder: &Path) -> Option<String> {
    let below = folder.strip_prefix(base).ok()?;
    let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}
