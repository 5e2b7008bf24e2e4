//! One error as it is told: what, why, and what to do next.

use std::error::Error;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::apply::ApplyError;
use crate::args::RequestError;
use crate::lock::LockError;
use crate::name::{Name, NameError, Reason};
use crate::plan::PlanError;
use crate::project::{PlaceError, ProjectError};
use crate::reconcile::ReconcileError;
use crate::render::{ContractError, RenderError};
use crate::verify::VerifyError;

use super::style::{ERROR, HELP, paint};

/// How the process ends; the help text of the command line says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or nothing to do.
    Done,
    /// 1: refused or failed, and nothing was changed; or the telemetry differs.
    Failed,
    /// 2: a conflict was left, or the command could not run.
    Stuck,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Stuck => 2,
        }
    }
}

/// Why a command failed, for whoever typed it.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Stable and short, for programs: `invalid-name`, `unknown-pack`, ….
    pub code: &'static str,
    /// What happened and where.
    pub message: String,
    /// What it came from, nearest first.
    pub causes: Vec<String>,
    /// What to do next.
    pub help: Option<String>,
    /// How the process ends.
    pub exit: Exit,
}

/// The JSON form.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ErrorDocument<'a> {
    /// What went wrong.
    error: ErrorReport<'a>,
}

/// An error.
#[derive(Debug, Serialize, JsonSchema)]
struct ErrorReport<'a> {
    /// Stable and short: `invalid-name`, `unknown-pack`, ….
    code: &'a str,
    /// What happened and where.
    message: &'a str,
    /// What it came from, nearest first.
    causes: &'a [String],
    /// What to do next.
    help: Option<&'a str>,
}

impl Problem {
    /// From an error with its chain of sources.
    pub fn new(code: &'static str, error: &(dyn Error + 'static)) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        Self { code, message: error.to_string(), causes, help: None, exit: Exit::Failed }
    }

    /// From a report that could not be printed.
    pub fn unwritten(error: &std::io::Error) -> Self {
        Self {
            code: "io",
            message: "could not write to the standard output".to_owned(),
            causes: vec![error.to_string()],
            help: None,
            exit: Exit::Failed,
        }
    }

    /// With what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Ending the process otherwise.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    pub(super) fn document(&self) -> ErrorDocument<'_> {
        let error =
            ErrorReport { code: self.code, message: &self.message, causes: &self.causes, help: self.help.as_deref() };
        ErrorDocument { error }
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{} {}\n", paint(ERROR, "error:"), self.message);
        for cause in &self.causes {
            let indented = cause.trim_end().replace('\n', "\n    ");
            let _ = writeln!(text, "  because: {indented}");
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "{} {help}", paint(HELP, "help:"));
        }
        text
    }
}

impl From<NameError> for Problem {
    fn from(error: NameError) -> Self {
        let message = format!("the project cannot be called `{}`: {}", error.name, error.reason);
        let problem = Self { message, ..Self::new("invalid-name", &error) };
        let last = error.name.rsplit(['/', '\\']).next().and_then(|last| Name::new(last).ok());
        match error.suggestion() {
            _ if last.is_some() && matches!(error.reason, Reason::Character('/' | '\\' | '.')) => {
                let name = last.map(|name| name.to_string()).unwrap_or_default();
                problem.help(format!("a folder goes to `--path`: `otelgen new {name} --path {}`", error.name))
            }
            Some(name) => problem.help(format!("use a name like `{name}`")),
            None => problem.help("use lower-case letters, digits and `-`, starting with a letter"),
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Name(error) => error.into(),
            RequestError::NoneAndSome { .. } => Self::new("usage", &error),
            RequestError::Setting(error) => error.into(),
        }
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::UnknownPack { ref id, .. } => {
                let help = format!("`otelgen list {}` shows all", id.kind);
                Self::new("unknown-pack", &error).help(help)
            }
            PlanError::UnknownOption { ref pack, .. } => {
                let help = format!("`otelgen describe {} {}` shows its options", pack.kind, pack.name);
                Self::new("unknown-option", &error).help(help)
            }
            PlanError::Setting(_) | PlanError::UnknownTarget { .. } | PlanError::NobodyHasOption { .. } => {
                Self::new("unknown-option", &error)
            }
            PlanError::Value { ref pack, .. } => {
                let help = format!("`otelgen describe {} {}` shows what its options take", pack.kind, pack.name);
                Self::new("invalid-option", &error).help(help)
            }
            PlanError::Constraint { ref id, .. } => {
                let help = format!("`otelgen describe {} {}` shows its options", id.pack.kind, id.pack.name);
                Self::new("invalid-option", &error).help(help)
            }
            PlanError::SetTwice { .. } => Self::new("invalid-option", &error),
            PlanError::Shape { .. } | PlanError::Conflict { .. } => Self::new("incompatible-packs", &error),
            PlanError::Library(_) | PlanError::Unreadable { .. } => Self::new("invalid-pack", &error),
            PlanError::NotThere { ref kind, .. } => {
                let help = format!("`otelgen list {kind}` shows what is there");
                Self::new("not-there", &error).help(help)
            }
            PlanError::Ambiguous { .. } => Self::new("ambiguous", &error),
            PlanError::ProjectIsCrate { .. } | PlanError::Name { .. } => Self::new("invalid-name", &error),
            _ => Self::new("impossible-project", &error),
        }
    }
}

impl From<RenderError> for Problem {
    fn from(error: RenderError) -> Self {
        let code = match error {
            RenderError::SamePath { .. } | RenderError::Inception { .. } | RenderError::SameEntry { .. } => {
                "invalid-name"
            }
            _ => "invalid-pack",
        };
        Self::new(code, &error)
    }
}

impl From<LockError> for Problem {
    fn from(error: LockError) -> Self {
        let code = match error {
            LockError::Damaged { .. } => "damaged-lock",
            LockError::Newer { .. } | LockError::Format { .. } => "newer-project",
        };
        Self::new(code, &error)
    }
}

impl From<ContractError> for Problem {
    fn from(error: ContractError) -> Self {
        Self::new("damaged-contract", &error).help("docs: `docs/src/verify.md` says what may stand there")
    }
}

impl From<ReconcileError> for Problem {
    fn from(error: ReconcileError) -> Self {
        match error {
            ReconcileError::Unresolved { .. } => Self::new("unresolved-conflicts", &error).exit(Exit::Stuck),
            ReconcileError::Foreign { .. } | ReconcileError::ForeignVendored { .. } => {
                Self::new("file-in-the-way", &error)
            }
            ReconcileError::Manifest { .. } | ReconcileError::NoManifest { .. } | ReconcileError::Renamed { .. } => {
                Self::new("damaged-manifest", &error)
            }
            ReconcileError::Base { .. } => Self::new("damaged-base", &error),
        }
    }
}

impl From<ProjectError> for Problem {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::NotFound(_) => Self::new("not-a-project", &error)
                .help("go to a project that `otelgen new` made, or make one: `otelgen new NAME`"),
            ProjectError::NotEmpty(_) => {
                Self::new("target-not-empty", &error).help("choose another name, or another folder with `--path DIR`")
            }
            ProjectError::Kind { .. } => Self::new("wrong-file-type", &error),
            ProjectError::Denied(_) => {
                Self::new("denied", &error).help("check who owns it and what its permissions are")
            }
            ProjectError::NotUtf8 { .. } => Self::new("not-utf8", &error).help("save it as UTF-8"),
            ProjectError::Manifest { .. } => {
                Self::new("damaged-manifest", &error).help("`cargo metadata` has to accept it first")
            }
            ProjectError::Place(error) => error.into(),
            ProjectError::Io { .. } => Self::new("io", &error),
        }
    }
}

impl From<PlaceError> for Problem {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::Outside { .. } => Self::new("leads-outside", &error)
                .help("otelgen writes only below the project: put a real file or folder there"),
            PlaceError::Dangling(_) => {
                Self::new("leads-outside", &error).help("remove the link, or put back what it points to")
            }
            PlaceError::Io { .. } | PlaceError::Path(_) => Self::new("io", &error),
        }
    }
}

impl From<ApplyError> for Problem {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Busy { .. } => Self::new("busy", &error).help("wait until it is done, and try again"),
            ApplyError::TargetExists(_) => {
                Self::new("target-not-empty", &error).help("choose another name, or another folder with `--path DIR`")
            }
            ApplyError::ChangedMeanwhile(_) => {
                Self::new("changed-meanwhile", &error).help("nothing was written; run the command again")
            }
            ApplyError::ReadOnly(_) => {
                Self::new("read-only", &error).help("nothing was written; make it writable, or work elsewhere")
            }
            ApplyError::Full { .. } => {
                Self::new("no-space", &error).help("nothing was written; make room, and run the command again")
            }
            ApplyError::Place(error) => error.into(),
            ApplyError::Io { .. } => Self::new("io", &error),
            ApplyError::DamagedJournal { ref path, .. } => {
                let help = format!(
                    "compare the files with their `.*.otelgen-old` and `.*.otelgen-new` siblings, then delete `{}`",
                    path.display()
                );
                Self::new("damaged-journal", &error).help(help).exit(Exit::Stuck)
            }
            ApplyError::RollBack { ref first, .. } => {
                let help = format!("first, this had failed: {first}");
                Self::new("roll-back", &error).help(help).exit(Exit::Stuck)
            }
        }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        let problem = match &error {
            VerifyError::Build { .. } => Self::new("build-failed", &error).help("make `cargo build` succeed first"),
            VerifyError::Interrupted => Self::new("interrupted", &error),
            _ => Self::new("could-not-run", &error),
        };
        problem.exit(Exit::Stuck)
    }
}
