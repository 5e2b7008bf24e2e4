//! What `list` shows.

use std::fmt::Write as _;

use otelgen_templates::Kind;
use schemars::JsonSchema;
use serde::Serialize;

use super::changes::RecoveredReport;
use super::style::{ADDED, FAINT, TITLE, WARNING, paint};

/// Everything there is to choose, and what the project has of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ListReport {
    /// The project in whose folder it was asked, if any.
    pub project: Option<String>,
    /// The packs, by kind and name.
    pub packs: Vec<ListedPack>,
    /// Interrupted commands that were dealt with first.
    pub recovered: Vec<RecoveredReport>,
    /// What the project names and what is not there.
    pub warnings: Vec<String>,
}

/// One pack that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListedPack {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What it is, in one line.
    pub summary: String,
    /// Whether `new` takes it where nothing of its kind is chosen.
    pub default: bool,
    /// What a framework is, or what a pattern can live in.
    pub shapes: Vec<String>,
    /// Whether a project can have several of it.
    pub several: bool,
    /// Its instances in the project; for a pack without instances, its own name.
    pub installed: Vec<String>,
    /// The folder it was loaded from, unless it is built in.
    pub origin: Option<String>,
}

impl ListReport {
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let width = self.packs.iter().map(|pack| pack.name.len()).max().unwrap_or_default();
        let mut kind = None;
        for pack in &self.packs {
            if kind.replace(pack.kind) != Some(pack.kind) {
                let gap = if text.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{gap}{}", paint(TITLE, pack.kind));
            }
            let _ = writeln!(text, "  {:<width$}  {}{}", pack.name, pack.summary, pack.marks());
        }
        if self.packs.is_empty() {
            text.push_str("there is none of this kind\n");
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "{} {warning}", paint(WARNING, "warning:"));
        }
        text
    }
}

impl ListedPack {
    fn marks(&self) -> String {
        let mut marks = String::new();
        if !self.installed.is_empty() {
            let here = if self.installed == [self.name.clone()] {
                String::new()
            } else {
                format!(": {}", self.installed.join(", "))
            };
            let _ = write!(marks, "  {}", paint(ADDED, format!("[in this project{here}]")));
        }
        if self.default {
            let _ = write!(marks, "  {}", paint(FAINT, "[default]"));
        }
        if let Some(origin) = &self.origin {
            let _ = write!(marks, "  {}", paint(FAINT, format!("[from {origin}]")));
        }
        marks
    }
}
