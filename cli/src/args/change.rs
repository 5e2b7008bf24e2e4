//! `otelgen add` and `otelgen remove`.

use std::path::PathBuf;

use clap::Args;
use otelgen_templates::Kind;

use crate::plan::{PlanError, Setting};

use super::kind::KindArg;
use super::new::settings;
use super::output::OutputArgs;

/// Arguments of `add`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("examples/add.txt"))]
pub struct AddArgs {
    /// What kind of thing to add
    #[arg(value_name = "KIND", value_enum)]
    pub kind: KindArg,
    /// Which; `otelgen list KIND` shows all
    #[arg(value_name = "PACK")]
    pub pack_name: String,
    /// The instance's name, for a pattern that can be there several times
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// An option of what is added; repeatable
    #[arg(long, value_name = "OPTION=VALUE")]
    pub set: Vec<String>,
    /// A folder with packs of your own; recorded in otelgen.toml
    #[arg(long, value_name = "PATH")]
    pub pack: Vec<PathBuf>,
    /// Show what would be written and emitted, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// Arguments of `remove`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("examples/remove.txt"))]
pub struct RemoveArgs {
    /// What kind of thing to remove
    #[arg(value_name = "KIND", value_enum)]
    pub kind: KindArg,
    /// Which: the instance's name, or the pack's where there is only one of it
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Show what would be changed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// What `add` or `remove` is to do to the set of packs.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeRequest {
    /// Of the pack.
    pub kind: Kind,
    /// The pack to add; the pack or instance to remove.
    pub name: String,
    /// The instance's name, when adding.
    pub instance: Option<String>,
    /// Values of options, when adding.
    pub settings: Vec<Setting>,
    /// Folders of packs beside the built-in ones.
    pub packs: Vec<PathBuf>,
    /// Whether to write nothing.
    pub dry_run: bool,
}

impl AddArgs {
    /// The request that was typed.
    ///
    /// # Errors
    /// A `--set` without `=`.
    pub fn request(self) -> Result<ChangeRequest, PlanError> {
        let (name, instance) = match self.pack_name.split_once(':') {
            Some((pack, instance)) if self.name.is_none() => (pack.to_owned(), Some(instance.to_owned())),
            _ => (self.pack_name, self.name),
        };
        Ok(ChangeRequest {
            kind: self.kind.into(),
            name,
            instance,
            settings: settings(&self.set)?,
            packs: self.pack,
            dry_run: self.dry_run,
        })
    }
}

impl RemoveArgs {
    /// The request that was typed.
    pub fn request(self) -> ChangeRequest {
        ChangeRequest {
            kind: self.kind.into(),
            name: self.name,
            instance: None,
            settings: Vec::new(),
            packs: Vec::new(),
            dry_run: self.dry_run,
        }
    }
}
