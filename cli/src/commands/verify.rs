//! `otelgen verify`.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use crate::args::{VerifyArgs, VerifyRequest};
use crate::plan::plan;
use crate::project::{PlaceError, Reader};
use crate::render::{CONTRACT_FILE, Contract, render};
use crate::report::{Exit, Outcome, Problem, Progress, Report};
use crate::tree::RelativePath;
use crate::verify::{VerifyOptions, VerifyReport, verify};

use super::session::{Access, Session};

pub(super) fn run(args: VerifyArgs) -> Result<Outcome, Problem> {
    let format = args.format;
    let session = Session::open(Access::Read, &[]).map_err(|problem| problem.exit(Exit::Stuck))?;
    let contract = contract(&session).map_err(|problem| problem.exit(Exit::Stuck))?;
    let report = prove(session.location.project(), contract, args.request())?;
    let exit = if report.passed { Exit::Done } else { Exit::Failed };
    Ok(Outcome { report: Report::Verify(Box::new(report), format), exit })
}

/// What the project's owner promises in `telemetry.toml`, or where there is none, what its packs do.
fn contract(session: &Session) -> Result<Contract, Problem> {
    let path = RelativePath::new(CONTRACT_FILE).map_err(PlaceError::from)?;
    if let Some(text) = Reader::new(&session.location.project()).text(&path)? {
        return Ok(Contract::parse(&text)?);
    }
    let plan = plan(&session.library, session.selection())?.within(&session.location.folder);
    Ok(render(&session.library, &plan)?.contract)
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
        progress: progress.sink(),
    };
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|error| Problem::new("could-not-run", &error).exit(Exit::Stuck))?;
    Ok(runtime.block_on(verify(options))?)
}
