//! The commands that only look: `list`, `describe`, `completions` and `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::kind::KindArg;
use super::output::OutputArgs;

/// Arguments of `list`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("examples/list.txt"))]
pub struct ListArgs {
    /// Only this kind
    #[arg(value_name = "KIND", value_enum)]
    pub kind: Option<KindArg>,
    /// A folder with packs of your own; repeatable
    #[arg(long, value_name = "PATH")]
    pub pack: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// Arguments of `describe`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("examples/describe.txt"))]
pub struct DescribeArgs {
    /// What kind of thing to describe
    #[arg(value_name = "KIND", value_enum)]
    pub kind: KindArg,
    /// Which; `otelgen list KIND` shows all
    #[arg(value_name = "PACK")]
    pub name: String,
    /// A folder with packs of your own; repeatable
    #[arg(long, value_name = "PATH")]
    pub pack: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("examples/completions.txt"))]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("examples/man.txt"))]
pub struct ManArgs {
    /// Write otelgen.1 and a page per command into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}
