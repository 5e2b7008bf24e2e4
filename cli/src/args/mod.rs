//! What can be typed: clap structs, and their translation into one request per command. It knows no pack by name
//! and touches no disk.

mod change;
mod kind;
mod look;
mod new;
mod output;
pub mod reference;
mod verify;

use clap::{Parser, Subcommand};

pub use change::{AddArgs, ChangeRequest, RemoveArgs};
pub use kind::KindArg;
pub use look::{CompletionsArgs, DescribeArgs, ListArgs, ManArgs};
pub use new::{NewArgs, NewRequest, RequestError, Vcs, Wanted};
pub use output::{Format, OutputArgs};
pub use verify::{ProtocolArg, VerifyArgs, VerifyFormat, VerifyRequest};

/// How the process ends, said once for the help text and the reference.
const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing to do
  1  refused or failed, and nothing was changed; or `verify` found a difference
  2  a conflict was left for you to settle, or the command could not run";

/// Scaffolds and extends instrumented Rust services, and proves that their telemetry arrives.
#[derive(Debug, Parser)]
#[command(name = "otelgen", version, propagate_version = true, after_help = EXIT_CODES, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a service whose traces, metrics and logs work the first time it runs
    New(Box<NewArgs>),
    /// Add a pattern, backend or deployment to the project you are in
    Add(AddArgs),
    /// Remove what was added, keeping your own edits
    Remove(RemoveArgs),
    /// List what there is to choose, and what this project has of it
    List(ListArgs),
    /// Say what something writes, needs and emits
    Describe(DescribeArgs),
    /// Build and run the project, and compare the telemetry that arrives with what it declares
    Verify(VerifyArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write one page per command
    Man(ManArgs),
}

impl Command {
    /// Whether output is for machines; errors then are as well.
    pub fn format(&self) -> Format {
        match self {
            Self::New(args) => args.output.format,
            Self::Add(args) => args.output.format,
            Self::Remove(args) => args.output.format,
            Self::List(args) => args.output.format,
            Self::Describe(args) => args.output.format,
            Self::Verify(args) => args.format.for_errors(),
            Self::Completions(args) => args.output.format,
            Self::Man(args) => args.output.format,
        }
    }
}
