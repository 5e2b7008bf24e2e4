//! `Cargo.toml`: found by `toml_edit`'s spans, changed by splicing text, so that order, comments, alignment and line
//! endings stay. Nothing is rewritten or downgraded, and what was added can be taken out again to the byte.

mod crates;
mod entry;
mod features;
mod locked;
mod patch;
mod place;
#[cfg(test)]
mod tests;
mod workspace;

use toml_edit::Document;

use super::Splices;
use super::style::Style;

pub use crates::{Edited, reconcile_crates};
pub use locked::{LockedCrate, LockedCrates};
pub use patch::{add_patch, is_patched};
pub use workspace::{Workspace, WorkspaceCrate};

/// Why a manifest cannot be edited; it is then left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is no TOML.
    #[error("it is not valid TOML: {}", problem.trim_end())]
    Syntax {
        /// What is wrong, with line and column.
        problem: String,
    },
    /// It is no UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// A table has a form that is not edited.
    #[error("`{table}` is not written as a table with a [{table}] header; write it so and run the command again")]
    Form {
        /// The table.
        table: String,
    },
}

/// Something about a manifest that its owner has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestNote {
    /// What it is, in one lower-case sentence.
    pub message: String,
    /// What to do about it.
    pub next_step: String,
    /// Crates that packs brought and that are not there: code that uses one of them does not build.
    pub gone: Vec<String>,
}

/// The name that code knows the package by: its library's, or else its own; `None` for a manifest without a package.
///
/// # Errors
/// When the manifest cannot be parsed.
pub fn crate_name(content: &[u8]) -> Result<Option<String>, ManifestError> {
    let plain = Plain::new(content)?;
    let document = plain.parse()?;
    let name = |table: &str| document.get(table)?.get("name")?.as_str().map(str::to_owned);
    Ok(name("lib").or_else(|| name("package")))
}

/// A manifest's text with `\n` as line ending, and how to give back what its owner has.
struct Plain {
    text: String,
    style: Style,
}

impl Plain {
    fn new(content: &[u8]) -> Result<Self, ManifestError> {
        let style = Style::of(content);
        let text = String::from_utf8(style.remove(content)).map_err(|_| ManifestError::NotUtf8)?;
        Ok(Self { text, style })
    }

    fn parse(&self) -> Result<Document<&str>, ManifestError> {
        parse(&self.text)
    }

    /// Applies edits; the result is parsed before it is accepted.
    fn edit(&mut self, splices: Splices) -> Result<(), ManifestError> {
        if splices.is_empty() {
            return Ok(());
        }
        let lost = || ManifestError::Syntax { problem: "an edit does not fit it".to_owned() };
        let text = splices.apply(&self.text).ok_or_else(lost)?;
        parse(&text)?;
        self.text = text;
        Ok(())
    }

    fn finish(self) -> Vec<u8> {
        self.style.restore(self.text.into_bytes())
    }
}

fn parse(text: &str) -> Result<Document<&str>, ManifestError> {
    Document::parse(text).map_err(|error| ManifestError::Syntax { problem: error.to_string() })
}
