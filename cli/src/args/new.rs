//! `otelgen new`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use otelgen_templates::{Kind, PackId};

use crate::name::{Name, NameError};
use crate::plan::{PlanError, Runtime, Setting};

use super::output::OutputArgs;

/// Arguments of `new`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("examples/new.txt"))]
pub struct NewArgs {
    /// The project's name, and its folder unless --path says otherwise
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What the project is; `otelgen list framework` shows all
    #[arg(long, value_name = "NAME", help_heading = "What is in it")]
    pub framework: Option<String>,
    /// Patterns, each PATTERN or PATTERN:INSTANCE; repeat or separate by commas
    #[arg(long, value_name = "PATTERN[:INSTANCE]", value_delimiter = ',', help_heading = "What is in it")]
    pub pattern: Vec<String>,
    /// Where telemetry goes; repeat or separate by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "What is in it")]
    pub backend: Vec<String>,
    /// Container and environment files; repeat or separate by commas, `none` for none
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "What is in it")]
    pub deploy: Vec<String>,
    /// What a service mesh needs
    #[arg(long, value_name = "NAME", help_heading = "What is in it")]
    pub mesh: Option<String>,
    /// An option of a pack or of an instance; repeatable
    #[arg(long, value_name = "PACK.OPTION=VALUE", help_heading = "What is in it")]
    pub set: Vec<String>,
    /// A folder with packs of your own; repeatable
    #[arg(long, value_name = "PATH", help_heading = "What is in it")]
    pub pack: Vec<PathBuf>,
    /// The folder to create the project in [default: ./NAME]
    #[arg(long, value_name = "DIR", help_heading = "Where it goes")]
    pub path: Option<PathBuf>,
    /// Where the project finds the runtime crate: vendored, registry or path=DIR
    #[arg(long, value_name = "SOURCE", default_value = "vendored", value_parser = str::parse::<Runtime>, help_heading = "Where it goes")]
    pub runtime: Runtime,
    /// Make a repository, unless the folder is in one [default: git]
    #[arg(long, value_name = "VCS", value_enum, help_heading = "Where it goes")]
    pub vcs: Option<Vcs>,
    /// Run `otelgen verify` afterwards
    #[arg(long, conflicts_with = "dry_run")]
    pub verify: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Never ask; take the defaults for what is not chosen
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// Version control for a new project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Vcs {
    /// `git init`, without a commit
    Git,
    /// None
    None,
}

/// What `new` is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRequest {
    /// The project's name.
    pub name: Name,
    /// Its folder; `None`: named like the project, in the current one.
    pub path: Option<PathBuf>,
    /// The packs that were chosen.
    pub wanted: Vec<Wanted>,
    /// Kinds for which nothing at all is wanted, not even the default.
    pub without: Vec<Kind>,
    /// Values of options.
    pub settings: Vec<Setting>,
    /// Folders of packs beside the built-in ones.
    pub packs: Vec<PathBuf>,
    /// Where the project finds the runtime crate.
    pub runtime: Runtime,
    /// Version control; `None`: as cargo would.
    pub vcs: Option<Vcs>,
    /// Whether the telemetry is to be proven afterwards.
    pub verify: bool,
    /// Whether to write nothing.
    pub dry_run: bool,
    /// Whether nothing may be asked.
    pub yes: bool,
}

/// A pack, and the name of the instance where one was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The pack.
    pub id: PackId,
    /// The instance's name.
    pub instance: Option<String>,
}

impl Wanted {
    /// `PACK` or `PACK:INSTANCE`.
    fn parse(kind: Kind, text: &str) -> Self {
        match text.split_once(':') {
            Some((pack, instance)) => Self { id: PackId::new(kind, pack), instance: Some(instance.to_owned()) },
            None => Self { id: PackId::new(kind, text), instance: None },
        }
    }
}

/// Why arguments make no request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The project cannot have this name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// `none` and something as well.
    #[error("`--{kind}` has `{NONE}` and `{name}`: leave one of them out")]
    NoneAndSome {
        /// Of what.
        kind: Kind,
        /// The other.
        name: String,
    },
    /// A `--set` that sets nothing.
    #[error(transparent)]
    Setting(#[from] PlanError),
}

const NONE: &str = "none";

impl NewArgs {
    /// The request that was typed.
    ///
    /// # Errors
    /// An invalid name, `none` beside something else, or a `--set` without `=`.
    pub fn request(self) -> Result<NewRequest, RequestError> {
        let named = [
            (Kind::Framework, Vec::from_iter(self.framework)),
            (Kind::Pattern, self.pattern),
            (Kind::Backend, self.backend),
            (Kind::Deploy, self.deploy),
            (Kind::Mesh, Vec::from_iter(self.mesh)),
        ];
        for (kind, names) in &named {
            let other = names.iter().find(|name| *name != NONE).filter(|_| names.iter().any(|name| name == NONE));
            if let Some(name) = other {
                return Err(RequestError::NoneAndSome { kind: *kind, name: name.clone() });
            }
        }
        let without = named.iter().filter(|(_, names)| names.iter().any(|name| name == NONE)).map(|(kind, _)| *kind);
        let wanted = |(kind, names): &(Kind, Vec<String>)| {
            let kind = *kind;
            names.iter().filter(|name| *name != NONE).map(|name| Wanted::parse(kind, name.trim())).collect::<Vec<_>>()
        };
        Ok(NewRequest {
            name: Name::new(&self.name)?,
            path: self.path,
            without: without.collect(),
            wanted: named.iter().flat_map(wanted).collect(),
            settings: settings(&self.set)?,
            packs: self.pack,
            runtime: self.runtime,
            vcs: self.vcs,
            verify: self.verify,
            dry_run: self.dry_run,
            yes: self.yes,
        })
    }
}

/// Every `--set`.
pub(super) fn settings(texts: &[String]) -> Result<Vec<Setting>, PlanError> {
    texts.iter().map(|text| text.parse()).collect()
}
