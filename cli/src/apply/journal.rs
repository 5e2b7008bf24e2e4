//! What a transaction is about to do, on disk before it does it, so that the next command can finish or undo it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::disk;
use super::error::{ApplyError, Context as _};
use super::steps::{Step, Steps};

const FILE: &str = ".otelgen.journal";
const STAGED_FILE: &str = ".otelgen.journal.otelgen-new";

/// Whether a command was interrupted while it changed files below `base`.
pub fn is_pending(base: &Path) -> bool {
    base.join(FILE).exists() || base.join(STAGED_FILE).exists()
}

/// The whole journal. Paths are relative to the base folder, with forward slashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    /// What was typed, for the message of the command that recovers.
    pub command: String,
    pub phase: Phase,
    pub entries: Vec<Entry>,
    /// Folders made for new files, outermost first.
    pub folders: Vec<String>,
}

/// How far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// No target has been touched.
    Staging,
    /// All new content is on disk beside its target; targets are being replaced.
    Committing,
}

/// One target: the hashes (SHA-256, hexadecimal) of its old and new content, `None` for no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub path: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Journal {
    /// Reads the journal of `base`, if there is one.
    pub fn read(base: &Path) -> Result<Option<Self>, ApplyError> {
        let path = base.join(FILE);
        let Some(content) = disk::read(&path)? else { return Ok(None) };
        serde_json::from_slice(&content).map(Some).map_err(|source| ApplyError::DamagedJournal { path, source })
    }

    /// Puts the journal in place, whole or not at all.
    pub fn write(&self, base: &Path, steps: &mut impl Steps) -> Result<(), ApplyError> {
        let (staged, path) = (base.join(STAGED_FILE), base.join(FILE));
        let text =
            serde_json::to_vec_pretty(self).map_err(|source| ApplyError::from_io("write", &path, source.into()))?;
        disk::remove_file(&staged)?;
        steps.reach(Step::Journal(&staged)).context("write", &staged)?;
        let file = disk::write_new(&staged, &text, false)?;
        file.sync_all().context("write", &staged)?;
        steps.reach(Step::Journal(&path)).context("write", &path)?;
        fs::rename(&staged, &path).context("write", &path)?;
        disk::sync_folder(base)
    }

    /// Ends the transaction.
    pub fn remove(base: &Path, steps: &mut impl Steps) -> Result<(), ApplyError> {
        for path in [base.join(STAGED_FILE), base.join(FILE)] {
            steps.reach(Step::Journal(&path)).context("remove", &path)?;
            disk::remove_file(&path)?;
        }
        Ok(())
    }
}

/// The fingerprint by which recovery knows a content again.
pub(super) fn hash(content: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where the new content waits beside `target`.
pub(super) fn staged(target: &Path) -> PathBuf {
    sibling(target, "new")
}

/// Where the old content is kept beside `target`.
pub(super) fn kept(target: &Path) -> PathBuf {
    sibling(target, "old")
}

fn sibling(target: &Path, what: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".otelgen-{what}"));
    target.with_file_name(name)
}
