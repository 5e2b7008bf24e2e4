//! `otelgen completions`.

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs};
use crate::report::{DocumentReport, Outcome, Problem, Report};

pub(super) fn run(args: CompletionsArgs) -> Result<Outcome, Problem> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "otelgen", &mut script);
    let text = String::from_utf8_lossy(&script).into_owned();
    Ok(Outcome::done(Report::Document(DocumentReport { command: "completions".to_owned(), text })))
}
