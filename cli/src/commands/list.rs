//! `otelgen list`.

use otelgen_templates::{Kind, PackId};

use crate::args::ListArgs;
use crate::plan::PlanError;
use crate::report::{Exit, ListReport, ListedPack, Outcome, Problem, Report};

use super::describe::{several, shapes};
use super::session::Here;

pub(super) fn run(args: ListArgs) -> Result<Outcome, Problem> {
    let here = Here::look(&args.pack)?;
    let kind = args.kind.map(Kind::from);
    let chosen = |id: &&PackId| id.kind != Kind::Base && kind.is_none_or(|kind| id.kind == kind);
    let packs: Result<Vec<ListedPack>, Problem> =
        here.library.ids().filter(chosen).map(|id| listed(&here, id)).collect();
    // A project that names what is not there is none that can be changed.
    let exit = if here.gone.is_empty() { Exit::Done } else { Exit::Failed };
    let report = Report::List(ListReport {
        project: here.selection.as_ref().map(|selection| selection.project.to_string()),
        packs: packs?,
        recovered: here.recovered.clone(),
        warnings: here.gone,
    });
    Ok(Outcome { report, exit })
}

fn listed(here: &Here, id: &PackId) -> Result<ListedPack, Problem> {
    let pack = here.library.get(id).map_err(PlanError::Library)?;
    let chosen = here.selection.iter().flat_map(|selection| &selection.packs);
    let installed = chosen.filter(|chosen| chosen.id.pack == *id).map(|chosen| chosen.id.label().to_owned());
    Ok(ListedPack {
        kind: id.kind,
        name: id.name.clone(),
        summary: pack.manifest.summary.clone(),
        default: pack.manifest.default,
        shapes: shapes(pack),
        several: several(pack),
        installed: installed.collect(),
        origin: here.library.origin(id).map(str::to_owned),
    })
}
