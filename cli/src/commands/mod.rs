//! The commands. Each translates what was typed into one run of the pipeline, and its result into a report.

mod add;
mod ask;
mod completions;
mod describe;
mod library;
mod list;
mod man;
mod new;
mod pipeline;
mod remove;
mod session;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::{Cli, Command, Format};
use crate::report::{Exit, Outcome, Problem, print, print_problem};
use crate::verify::become_bound;

/// Runs the command line and says how the process ends.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    if let Some(error) = become_bound(&arguments) {
        print_problem(&Problem::new("could-not-run", &error).exit(Exit::Stuck), Format::Human);
        return ExitCode::from(Exit::Stuck.code());
    }
    let guessed = Format::guess(&arguments);
    let exit = match Cli::try_parse_from(arguments) {
        Ok(cli) => finish(cli.command),
        Err(error) => usage(&error, guessed),
    };
    ExitCode::from(exit.code())
}

fn finish(command: Command) -> Exit {
    let format = command.format();
    let printed = run(command).and_then(|outcome| match print(&outcome.report, format) {
        Ok(()) => Ok(outcome.exit),
        Err(error) => Err(Problem::unwritten(&error)),
    });
    printed.unwrap_or_else(|problem| {
        print_problem(&problem, format);
        problem.exit
    })
}

/// Runs one command.
///
/// # Errors
/// What went wrong, for whoever typed it.
pub fn run(command: Command) -> Result<Outcome, Problem> {
    match command {
        Command::New(args) => new::run(*args),
        Command::Add(args) => add::run(args),
        Command::Remove(args) => remove::run(args),
        Command::List(args) => list::run(args),
        Command::Describe(args) => describe::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}

/// Help and version go to the standard output; everything else that clap has to say is an error.
fn usage(error: &clap::Error, format: Format) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return Exit::Done;
    }
    if format == Format::Human {
        let _ = error.print();
        return Exit::Stuck;
    }
    let text = error.render().to_string();
    let (message, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let problem = Problem {
        code: "usage",
        message: message.trim_start_matches("error: ").trim().to_owned(),
        causes: Vec::new(),
        help: Some(rest.trim().to_owned()).filter(|help| !help.is_empty()),
        exit: Exit::Stuck,
    };
    print_problem(&problem, format);
    problem.exit
}
