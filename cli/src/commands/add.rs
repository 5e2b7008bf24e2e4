//! `otelgen add`.

use otelgen_templates::PackId;

use crate::args::AddArgs;
use crate::report::{Outcome, Problem};

use super::pipeline::Goal;
use super::session::{Access, Session};

pub(super) fn run(args: AddArgs) -> Result<Outcome, Problem> {
    let request = args.request()?;
    let session = Session::open(Access::of(request.dry_run), &request.packs)?;
    let mut selection = session.selection().clone();
    let id = PackId::new(request.kind, request.name);
    let added = selection.add(&session.library, &id, request.instance.as_deref())?;
    selection.set(&session.library, &request.settings, &[added])?;
    Goal::change("add", &session, &selection)
}
