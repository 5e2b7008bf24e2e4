//! Finishes or undoes what an interrupted command left, judging each file by its content alone: every step of
//! recovery may itself be interrupted, and an edit made since is never overwritten.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project::place;
use crate::tree::RelativePath;

use super::disk;
use super::error::{ApplyError, Context as _};
use super::journal::{Entry, Journal, Phase, hash, is_pending, kept, staged};
use super::lock::Guard;
use super::steps::{Step, Steps};
use super::update::commit_one;

/// What became of an interrupted command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All its changes are made.
    Finished,
    /// None of its changes is made.
    RolledBack,
}

/// An interrupted command that has been dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// What had been typed.
    pub command: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Files that were edited since and left as they are.
    pub left_alone: Vec<PathBuf>,
}

/// Deals with an interrupted command below the guarded folder, if there is one.
///
/// # Errors
/// [`ApplyError::DamagedJournal`], or what the system refuses; the journal stays for another attempt.
pub fn recover(guard: &Guard, steps: &mut impl Steps) -> Result<Option<Recovered>, ApplyError> {
    let base = guard.base();
    let Some(journal) = Journal::read(base)? else {
        if is_pending(base) {
            Journal::remove(base, steps)?;
        }
        return Ok(None);
    };
    let states = State::all(base, &journal)?;
    let outcome = decide(journal.phase, &states);
    match outcome {
        Outcome::Finished => finish(&states, steps)?,
        Outcome::RolledBack => restore(base, &journal, steps)?,
    }
    let left_alone = states.into_iter().filter(|state| state.found.is_edited()).map(|state| state.place).collect();
    clean(base, &journal, steps)?;
    Ok(Some(Recovered { command: journal.command, outcome, left_alone }))
}

/// One journalled file as it stands now.
struct State<'a> {
    entry: &'a Entry,
    place: PathBuf,
    found: Found,
}

/// What its content says about how far the command got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// The new content.
    Replaced,
    /// The old content, and the new one waits beside it.
    Waiting,
    /// The old content, put back already.
    PutBack,
    /// Something else, written on top of the old content.
    EditedOld,
    /// Something else, written on top of the new content.
    EditedNew,
}

impl Found {
    fn is_edited(self) -> bool {
        matches!(self, Self::EditedOld | Self::EditedNew)
    }
}

impl<'a> State<'a> {
    fn all(base: &Path, journal: &'a Journal) -> Result<Vec<Self>, ApplyError> {
        journal.entries.iter().map(|entry| Self::new(base, entry)).collect()
    }

    fn new(base: &Path, entry: &'a Entry) -> Result<Self, ApplyError> {
        let place = resolve(base, entry)?;
        let current = disk::read(&place)?.as_deref().map(hash);
        let waits = entry.after.is_none() || disk::read(&staged(&place))?.as_deref().map(hash) == entry.after;
        let found = match (current == entry.after, current == entry.before) {
            (true, _) => Found::Replaced,
            (_, true) if waits => Found::Waiting,
            (_, true) => Found::PutBack,
            _ if waits => Found::EditedOld,
            _ => Found::EditedNew,
        };
        Ok(Self { entry, place, found })
    }
}

/// Forward if everything needed is there, unless the way back had begun or an edit stands on an old text.
fn decide(phase: Phase, states: &[State<'_>]) -> Outcome {
    let any = |found: Found| states.iter().any(|state| state.found == found);
    let must_go_back = any(Found::PutBack) || any(Found::EditedOld);
    if phase == Phase::Staging || (must_go_back && !any(Found::EditedNew)) {
        Outcome::RolledBack
    } else {
        Outcome::Finished
    }
}

fn finish(states: &[State<'_>], steps: &mut impl Steps) -> Result<(), ApplyError> {
    let waiting = states.iter().filter(|state| state.found == Found::Waiting);
    for state in waiting {
        commit_one(&state.place, state.entry.after.is_some(), steps)?;
    }
    Ok(())
}

/// Puts the old content back wherever the new one stands.
pub(super) fn restore(base: &Path, journal: &Journal, steps: &mut impl Steps) -> Result<(), ApplyError> {
    for state in State::all(base, journal)? {
        if journal.phase == Phase::Staging || state.found != Found::Replaced {
            continue;
        }
        steps.reach(Step::Restore(&state.place)).context("restore", &state.place)?;
        if state.entry.before.is_some() {
            fs::rename(kept(&state.place), &state.place).context("restore", &state.place)?;
        } else {
            disk::remove_file(&state.place)?;
        }
    }
    Ok(())
}

/// Removes what only the transaction needed: whatever waits or is kept, folders that are empty for it, the journal.
pub(super) fn clean(base: &Path, journal: &Journal, steps: &mut impl Steps) -> Result<(), ApplyError> {
    for entry in &journal.entries {
        let place = resolve(base, entry)?;
        for path in [staged(&place), kept(&place)] {
            steps.reach(Step::Clean(&path)).context("remove", &path)?;
            disk::remove_file(&path)?;
        }
        if entry.after.is_none() {
            remove_emptied(base, &place);
        }
    }
    for folder in journal.folders.iter().rev() {
        let folder = place::resolve(base, &RelativePath::new(folder).map_err(place::PlaceError::from)?)?;
        // Only an empty folder can be removed so; any other has to stay.
        let _ = fs::remove_dir(folder);
    }
    disk::sync_folder(base)?;
    Journal::remove(base, steps)
}

fn remove_emptied(base: &Path, place: &Path) {
    let folders = place.ancestors().skip(1).take_while(|folder| *folder != base);
    for folder in folders {
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

fn resolve(base: &Path, entry: &Entry) -> Result<PathBuf, ApplyError> {
    let path = RelativePath::new(&entry.path).map_err(place::PlaceError::from)?;
    Ok(place::resolve(base, &path)?)
}
