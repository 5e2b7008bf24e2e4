//! `otelgen verify`.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use crate::args::{VerifyArgs, VerifyRequest};
use crate::plan::plan;
use crate::project::{Location, PlaceError, Reader};
use crate::reconcile;
use crate::render::{CONTRACT_FILE, Contract, Rendered, render};
use crate::report::{Exit, Outcome, Problem, Progress, Report};
use crate::tree::RelativePath;
use crate::verify::{VerifyOptions, VerifyReport, binder, verify};

use super::session::{Access, Session};

pub(super) fn run(args: VerifyArgs) -> Result<Outcome, Problem> {
    let format = args.format;
    let session = Session::open(Access::Read, &[]).map_err(|problem| problem.exit(Exit::Stuck))?;
    let rendered = rendered(&session).map_err(|problem| problem.exit(Exit::Stuck))?;
    resolved(&session, &rendered).map_err(|problem| problem.exit(Exit::Stuck))?;
    let contract = contract(&session, rendered).map_err(|problem| problem.exit(Exit::Stuck))?;
    let report = prove(session.location.project(), contract, args.request())?;
    let exit = if report.passed { Exit::Done } else { Exit::Failed };
    Ok(Outcome { report: Report::Verify(Box::new(report), format), exit })
}

fn rendered(session: &Session) -> Result<Rendered, Problem> {
    let plan = plan(&session.library, session.selection())?.within(&session.location.folder);
    Ok(render(&session.library, &plan)?)
}

/// A conflict that is still marked would end a build of minutes in what the compiler makes of the marks.
fn resolved(session: &Session, rendered: &Rendered) -> Result<(), Problem> {
    let Location { base, folder } = &session.location;
    let tree = Reader::new(base).tree(&reconcile::paths(folder, &[], rendered))?;
    Ok(reconcile::refuse_unresolved(&tree)?)
}

/// What the project's owner promises in `telemetry.toml`, or where there is none, what its packs do.
fn contract(session: &Session, rendered: Rendered) -> Result<Contract, Problem> {
    let path = RelativePath::new(CONTRACT_FILE).map_err(PlaceError::from)?;
    match Reader::new(&session.location.project()).text(&path)? {
        Some(text) => Ok(Contract::parse(&text)?),
        None => Ok(rendered.contract),
    }
}

/// Runs the project in `folder` and compares, with a line that moves on a terminal.
pub(super) fn prove(folder: PathBuf, contract: Contract, request: VerifyRequest) -> Result<VerifyReport, Problem> {
    let progress = Progress::start();
    let options = VerifyOptions {
        folder,
        contract,
        bin: request.bin,
        release: request.release,
        color: io::stderr().is_terminal(),
        protocol: request.protocol,
        receiver: request.receiver,
        undeclared: request.undeclared,
        binder: binder(),
        progress: progress.sink(),
    };
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|error| Problem::new("could-not-run", &error).exit(Exit::Stuck))?;
    Ok(runtime.block_on(verify(options))?)
}
