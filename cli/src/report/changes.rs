//! What `new`, `add` and `remove` did, or would do.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::apply::{Outcome, Recovered};
use crate::changes::{Action, Changes, FileChange, Note};
use crate::verify::{VerifyReport, table};

use super::diff;
use super::problem::Exit;
use super::style::{ADDED, CHANGED, FAINT, GOOD, HELP, PLACE, REMOVED, TITLE, WARNING, paint};
use super::telemetry::TelemetryDiff;

/// The result of `new`, `add` or `remove`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ChangeReport {
    /// `new`, `add` or `remove`.
    pub command: String,
    /// What came of it.
    pub status: Status,
    /// Whether nothing was written, as asked.
    pub dry_run: bool,
    /// The project's name.
    pub project: String,
    /// The project's folder.
    pub folder: String,
    /// The folder that the paths of `files` are relative to: the workspace's root, or the project's folder.
    pub base: String,
    /// Packs and instances that are in the project now and were not before.
    pub packs_added: Vec<String>,
    /// Packs and instances that were in the project before and are not now.
    pub packs_removed: Vec<String>,
    /// Packs and instances whose options are others now.
    pub packs_changed: Vec<String>,
    /// Every file that changes.
    pub files: Vec<FileReport>,
    /// What otelgen would not do by itself.
    pub notes: Vec<NoteReport>,
    /// What this does to the telemetry that is emitted.
    pub telemetry: TelemetryDiff,
    /// Whether a repository was made.
    pub repository: bool,
    /// Interrupted commands that were dealt with first.
    pub recovered: Vec<RecoveredReport>,
    /// What went wrong without harm.
    pub warnings: Vec<String>,
    /// What to type next.
    pub next: Vec<String>,
    /// What `--verify` found.
    pub verify: Option<VerifyReport>,
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is written.
    Applied,
    /// There was nothing to do.
    Unchanged,
    /// There is something to do, and it is not written, as asked.
    DryRun,
    /// There are conflicts to settle by hand; `dry_run` says whether they are in the files already.
    Conflict,
}

/// One file's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileReport {
    /// Relative to `base`, with forward slashes.
    pub path: String,
    /// `create`, `merge`, `edit` or `delete`.
    pub action: String,
    /// How many conflicts are marked in it.
    pub conflicts: usize,
    /// Whether it is otelgen's own bookkeeping, or a source it vendors.
    pub internal: bool,
    /// The difference, of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// Something to know, or to do by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NoteReport {
    /// The file it is about.
    pub path: String,
    /// What happened.
    pub message: String,
    /// What to type or paste.
    pub next_step: String,
    /// Whether it has to be settled by hand.
    pub conflict: bool,
}

/// What became of an interrupted command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RecoveredReport {
    /// What had been typed.
    pub command: String,
    /// `finished` or `rolled_back`.
    pub outcome: String,
    /// Files that were edited since and left as they are.
    pub left_alone: Vec<String>,
}

impl From<&Recovered> for RecoveredReport {
    fn from(recovered: &Recovered) -> Self {
        let outcome = match recovered.outcome {
            Outcome::Finished => "finished",
            Outcome::RolledBack => "rolled_back",
        };
        Self {
            command: recovered.command.clone(),
            outcome: outcome.to_owned(),
            left_alone: recovered.left_alone.iter().map(|path| path.display().to_string()).collect(),
        }
    }
}

impl RecoveredReport {
    /// A command of which nothing is left.
    pub fn rolled_back(command: &str) -> Self {
        Self { command: command.to_owned(), outcome: "rolled_back".to_owned(), left_alone: Vec::new() }
    }

    /// One sentence for people.
    pub(super) fn text(&self) -> String {
        let done = if self.outcome == "finished" { "finished" } else { "rolled back" };
        let left = match self.left_alone.as_slice() {
            [] => String::new(),
            files => format!("; {} edited since and left alone", files.join(", ")),
        };
        format!("{} {done} `{}`, which had been interrupted{left}\n", paint(WARNING, "note:"), self.command)
    }
}

impl From<&Note> for NoteReport {
    fn from(note: &Note) -> Self {
        Self {
            path: note.path.to_string(),
            message: note.message.clone(),
            next_step: note.next_step.clone(),
            conflict: note.conflict,
        }
    }
}

impl FileReport {
    /// Those of `changes` that change anything, with their differences if `with_diff`.
    pub fn all(changes: &Changes, with_diff: bool) -> Vec<Self> {
        let differing = changes.files.iter().filter(|change| change.before != change.after);
        differing.map(|change| Self::new(change, with_diff && !change.internal)).collect()
    }

    fn new(change: &FileChange, with_diff: bool) -> Self {
        Self {
            path: change.path.to_string(),
            action: word(change.action).to_owned(),
            conflicts: change.conflicts,
            internal: change.internal,
            diff: with_diff.then(|| diff::unified(change)),
        }
    }

    fn line(&self) -> String {
        let style = match self.action.as_str() {
            "create" => ADDED,
            "delete" => REMOVED,
            _ => CHANGED,
        };
        let conflicts = match self.conflicts {
            0 => String::new(),
            1 => paint(WARNING, "  1 conflict"),
            many => paint(WARNING, format!("  {many} conflicts")),
        };
        format!("  {} {}{conflicts}\n", paint(style, format!("{:<6}", self.action)), self.path)
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Merge => "merge",
        Action::Edit => "edit",
        Action::Delete => "delete",
    }
}

impl ChangeReport {
    /// How the process ends.
    pub fn exit(&self) -> Exit {
        match (&self.verify, self.status) {
            (_, Status::Conflict) => Exit::Stuck,
            (Some(verify), _) if !verify.passed => Exit::Failed,
            _ => Exit::Done,
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = self.headline();
        if self.files.iter().any(|file| file.diff.is_some()) {
            self.push_diffs(&mut text);
        } else {
            // Of a new project, only what was there before is worth a line: the workspace above.
            let told = |file: &&FileReport| !file.internal && (self.command != "new" || file.action != "create");
            text.extend(self.files.iter().filter(told).map(FileReport::line));
        }
        self.push_telemetry(&mut text);
        self.push_notes(&mut text);
        for warning in &self.warnings {
            let _ = writeln!(text, "{} {warning}", paint(WARNING, "warning:"));
        }
        if let Some(verify) = &self.verify {
            let _ = write!(text, "\n{}", table(verify));
        }
        self.push_next(&mut text);
        text
    }

    fn headline(&self) -> String {
        let visible = self.files.iter().filter(|file| !file.internal).count();
        let internal = self.files.len() - visible;
        let files = format!("{visible} files and {internal} of otelgen's own");
        let what = match (self.packs_added.as_slice(), self.packs_removed.as_slice()) {
            _ if self.command == "new" => format!("`{}` in {}", self.project, self.folder),
            ([], []) if !self.packs_changed.is_empty() => self.packs_changed.join(", "),
            ([], []) => format!("`{}`", self.project),
            (added, []) => added.join(", "),
            ([], removed) => removed.join(", "),
            (added, removed) => format!("{} for {}", added.join(", "), removed.join(", ")),
        };
        let (done, would) = match self.command.as_str() {
            "new" => ("Created", "Would create"),
            _ if !self.packs_changed.is_empty() && self.packs_added.is_empty() => ("Changed", "Would change"),
            _ if self.packs_added.is_empty() && self.packs_removed.is_empty() => ("Updated", "Would update"),
            "add" => ("Added", "Would add"),
            _ => ("Removed", "Would remove"),
        };
        let after = if self.status == Status::Conflict { ", with conflicts to settle" } else { "" };
        let (style, done) = match self.status {
            Status::Unchanged => return format!("{} {what} is as it should be\n", paint(GOOD, "Nothing to do:")),
            _ if self.dry_run => (TITLE, would),
            Status::Conflict => (WARNING, done),
            Status::Applied | Status::DryRun => (GOOD, done),
        };
        let note = if self.dry_run { "; this is a dry run, nothing is written" } else { "" };
        format!("{} {what} ({files}){after}{note}\n", paint(style, done))
    }

    fn push_diffs(&self, text: &mut String) {
        for file in &self.files {
            if let Some(diff) = &file.diff {
                let _ = write!(text, "\n{}", diff::coloured(diff));
            }
        }
        let internal: Vec<&str> =
            self.files.iter().filter(|file| file.internal).map(|file| file.path.as_str()).collect();
        if let [first, ..] = internal.as_slice() {
            let line = format!("… and {} of otelgen's own files ({first} …)", internal.len());
            let _ = writeln!(text, "\n{}", paint(FAINT, line));
        }
    }

    fn push_telemetry(&self, text: &mut String) {
        // What a new project emits is in its README; a preview and a change say what becomes different.
        let shown = self.command != "new" || self.dry_run;
        if shown && !self.telemetry.is_empty() {
            let _ = write!(text, "\n{}\n{}", paint(TITLE, "Telemetry:"), self.telemetry.text());
        }
    }

    fn push_notes(&self, text: &mut String) {
        for note in &self.notes {
            let label = if note.conflict { paint(WARNING, "conflict:") } else { paint(HELP, "note:") };
            let _ = writeln!(text, "{label} {}: {}", paint(PLACE, &note.path), note.message);
            for line in note.next_step.lines() {
                let _ = writeln!(text, "    {line}");
            }
        }
    }

    fn push_next(&self, text: &mut String) {
        if !self.next.is_empty() {
            let _ = writeln!(text, "\n{}", paint(TITLE, "Next:"));
        }
        for command in &self.next {
            let _ = writeln!(text, "  {command}");
        }
    }
}
