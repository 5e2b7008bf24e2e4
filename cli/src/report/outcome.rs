//! The edge: everything a command has to say, written at once.

use std::io::{self, Write as _};

use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Format, VerifyFormat};
use crate::verify::{VerifyReport, junit, table};

use super::changes::{ChangeReport, RecoveredReport};
use super::describe::DescribeReport;
use super::list::ListReport;
use super::problem::{Exit, Problem};
use super::wrap::{columns, wrap};

/// What a command has to say.
#[derive(Clone, Debug)]
pub enum Report {
    /// Of `new`, `add` and `remove`.
    Changes(Box<ChangeReport>),
    /// Of `list`.
    List(ListReport),
    /// Of `describe`.
    Describe(Box<DescribeReport>),
    /// Of `verify`, in the form asked for.
    Verify(Box<VerifyReport>, VerifyFormat),
    /// Of `completions`, and of `man` without a folder.
    Document(DocumentReport),
    /// Of `man` with a folder.
    Pages(PagesReport),
}

/// A text that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DocumentReport {
    /// `completions` or `man`.
    pub command: String,
    /// The text.
    pub text: String,
}

/// Pages that were written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PagesReport {
    /// The folder.
    pub folder: String,
    /// Their names.
    pub pages: Vec<String>,
}

/// A command that ran: what it says, and how the process ends.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What it says.
    pub report: Report,
    /// How the process ends.
    pub exit: Exit,
}

impl Outcome {
    /// A command that did what it was asked.
    pub fn done(report: Report) -> Self {
        Self { report, exit: Exit::Done }
    }
}

impl From<ChangeReport> for Outcome {
    fn from(report: ChangeReport) -> Self {
        let exit = report.exit();
        Self { report: Report::Changes(Box::new(report)), exit }
    }
}

/// Writes a report to the standard output. A reader that has gone away (`| head`) is no error.
///
/// # Errors
/// When the output cannot be written.
pub fn print(report: &Report, format: Format) -> io::Result<()> {
    let text = match report {
        Report::Verify(report, VerifyFormat::Junit) => return write_plain(&junit(report)),
        Report::Document(document) if format == Format::Human => return write_plain(&document.text),
        Report::Changes(report) => either(format, &**report, || report.text())?,
        Report::List(report) => either(format, report, || wrap(report.text(), columns()))?,
        Report::Describe(report) => either(format, &**report, || wrap(report.text(), columns()))?,
        Report::Verify(report, _) => either(format, &**report, || table(report))?,
        Report::Document(report) => either(format, report, String::new)?,
        Report::Pages(report) => {
            either(format, report, || format!("Wrote {} to {}\n", report.pages.join(", "), report.folder))?
        }
    };
    write_styled(&text)
}

/// Writes a problem: to the standard error for people, to the standard output as JSON.
pub fn print_problem(problem: &Problem, format: Format) {
    match format {
        Format::Human => {
            // Nobody is left to tell where the standard error is gone.
            let _ = anstream::stderr().write_all(problem.text().as_bytes());
        }
        Format::Json => {
            if let Ok(text) = json(&problem.document()) {
                let _ = write_plain(&text);
            }
        }
    }
}

/// Tells at once, on the standard error, what became of an interrupted command: what follows may fail.
pub fn tell(recovered: &RecoveredReport) {
    let _ = anstream::stderr().write_all(recovered.text().as_bytes());
}

fn either<T: Serialize>(format: Format, report: &T, text: impl FnOnce() -> String) -> io::Result<String> {
    match format {
        Format::Human => Ok(text()),
        Format::Json => json(report),
    }
}

fn json<T: Serialize>(report: &T) -> io::Result<String> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

fn write_styled(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout();
    unless_gone(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

fn write_plain(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    unless_gone(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

fn unless_gone(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}
