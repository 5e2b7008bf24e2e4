//! `otelgen new`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use otelgen_templates::{Kind, Library, vendored};

use crate::apply::{self, Guard};
use crate::args::{Format, NewArgs, NewRequest, Vcs, VerifyRequest};
use crate::plan::{PlanError, Runtime, Selection};
use crate::project::{self, Location};
use crate::report::{ChangeReport, Exit, NoteReport, Outcome, Problem, RecoveredReport, Report, print};

use super::ask;
use super::library::{PackFolder, library, slashes};
use super::pipeline::{Decided, Destination, Goal};
use super::session::{Access, settle};
use super::verify::prove;

pub(super) fn run(args: NewArgs) -> Result<Outcome, Problem> {
    let format = args.output.format;
    let mut request = args.request()?;
    let site = Site::find(&request)?;
    let library = site.library(&request.packs)?;
    if ask::is_wanted(&request, format) {
        ask::ask(&library, &mut request)?;
    }
    let selection = selection(&library, &request, &site.location)?;
    let location = &site.location;
    let goal = Goal { command: "new", location, lock: None, library: &library, selection: &selection };
    let decided = goal.decide()?;
    let mut report = goal.carry_out(&decided, site.destination(request.dry_run))?;
    report.recovered.splice(0..0, site.recovered.clone());
    report.notes.extend(unpublished(&library, &request.runtime, location));
    if !request.dry_run {
        init_repository(&request, &site, &mut report);
        report.next = next(&site.target, request.verify)?;
    }
    if request.verify { verified(report, decided, &site, format) } else { Ok(report.into()) }
}

/// Where the project goes.
struct Site {
    /// The project's folder.
    target: PathBuf,
    location: Location,
    /// The right to write to the base, where that exists.
    guard: Option<Guard>,
    recovered: Vec<RecoveredReport>,
}

impl Site {
    fn find(request: &NewRequest) -> Result<Self, Problem> {
        let path = request.path.clone().unwrap_or_else(|| PathBuf::from(request.name.as_str()));
        let target = project::absolute(&path)?;
        let location = project::locate_new(&target)?;
        let access = Access::of(request.dry_run);
        let recovered = settle(&location, access)?;
        let exists = project::is_vacant(&target)?;
        let writes_into = access == Access::Write && (exists || location.in_workspace());
        let guard = if writes_into { Some(Guard::acquire(&location.base)?) } else { None };
        Ok(Self { target, location, guard, recovered })
    }

    fn library(&self, folders: &[PathBuf]) -> Result<Library, Problem> {
        library(&PackFolder::all_typed(folders, &self.target)?)
    }

    fn destination(&self, dry_run: bool) -> Destination<'_> {
        match &self.guard {
            _ if dry_run => Destination::Nowhere,
            Some(guard) => Destination::Existing(guard),
            None => Destination::Fresh(&self.target),
        }
    }
}

/// What was chosen, and the defaults for the rest.
fn selection(library: &Library, request: &NewRequest, location: &Location) -> Result<Selection, Problem> {
    let mut selection = Selection::new(request.name.clone(), runtime(&request.runtime, location)?);
    let mut seen = BTreeSet::new();
    for wanted in &request.wanted {
        let id = selection.add(library, &wanted.id, wanted.instance.as_deref())?;
        if !seen.insert(format!("{}:{}", id.pack, id.label())) {
            return Err(PlanError::Twice { id }.into());
        }
    }
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| !request.without.contains(kind)).collect();
    selection.add_defaults(library, &kinds)?;
    let all: Vec<_> = selection.packs.iter().map(|chosen| chosen.id.clone()).collect();
    selection.set(library, &request.settings, &all)?;
    Ok(selection)
}

/// A relative path was typed relative to the current folder; a manifest has it relative to its own.
fn runtime(typed: &Runtime, location: &Location) -> Result<Runtime, Problem> {
    let Runtime::Path(path) = typed else { return Ok(typed.clone()) };
    let place = project::absolute(Path::new(path))?;
    let wanted = vendored::crates().first().map_or("", |(name, _)| *name);
    if project::package(&place)?.as_deref() != Some(wanted) {
        return Err(Problem {
            code: "no-runtime",
            message: format!("`{}` does not hold the runtime: there is no package `{wanted}`", place.display()),
            causes: Vec::new(),
            help: Some(format!("give `--runtime path=DIR` the folder with the Cargo.toml of `{wanted}`")),
            exit: Exit::Failed,
        });
    }
    let written = if Path::new(path).is_absolute() { place } else { project::relative(&location.base, &place) };
    Ok(Runtime::Path(slashes(&written)))
}

/// A registry has only what was published to it.
fn unpublished(library: &Library, runtime: &Runtime, location: &Location) -> Option<NoteReport> {
    let (name, _) = vendored::crates().first().filter(|_| *runtime == Runtime::Registry)?;
    let version = library.catalog().crates.get(*name)?;
    let path =
        if location.in_workspace() { format!("{}/Cargo.toml", location.folder) } else { "Cargo.toml".to_owned() };
    Some(NoteReport {
        path,
        message: format!("`{name}` comes from the registry, where version {version} has to be published"),
        next_step: "`--runtime vendored`, the default, builds without it".to_owned(),
        conflict: false,
    })
}

/// As `cargo new` does unless told otherwise. A project without a repository is still a project, so this only warns.
fn init_repository(request: &NewRequest, site: &Site, report: &mut ChangeReport) {
    if request.vcs == Some(Vcs::None) {
        return;
    }
    match apply::init_git(&site.target) {
        Ok(made) => report.repository = made,
        Err(error) => report.warnings.push(format!("there is no repository: {error}")),
    }
}

/// The three commands to type next.
fn next(target: &Path, verified: bool) -> Result<Vec<String>, Problem> {
    let here = project::absolute(Path::new("."))?;
    let path = slashes(&project::relative(&here, target));
    let quoted = if path.contains(|character: char| character.is_whitespace()) { format!("'{path}'") } else { path };
    let go = if quoted == "." { "cargo test".to_owned() } else { format!("cd {quoted}") };
    let prove = if verified { "cargo test" } else { "otelgen verify" };
    Ok(vec![go, "cargo run".to_owned(), prove.to_owned()])
}

/// `--verify`: people see what was written before the long build, machines get one document.
fn verified(mut report: ChangeReport, decided: Decided, site: &Site, format: Format) -> Result<Outcome, Problem> {
    if format == Format::Human {
        print(&Report::Changes(Box::new(report.clone())), format).map_err(|error| Problem::unwritten(&error))?;
    }
    let written = |problem: Problem| {
        let help = format!("the project is written; `otelgen verify` in {} tries again", site.target.display());
        if problem.help.is_some() { problem } else { problem.help(help) }
    };
    let verified = prove(site.target.clone(), decided.rendered.contract, VerifyRequest::default()).map_err(written)?;
    if format == Format::Human {
        let exit = if verified.passed { report.exit() } else { Exit::Failed };
        return Ok(Outcome { report: Report::Verify(Box::new(verified), crate::args::VerifyFormat::Human), exit });
    }
    report.verify = Some(verified);
    Ok(report.into())
}
