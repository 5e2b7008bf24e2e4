//! `otelgen remove`.

use crate::args::RemoveArgs;
use crate::report::{Outcome, Problem};

use super::pipeline::Goal;
use super::session::{Access, Session};

pub(super) fn run(args: RemoveArgs) -> Result<Outcome, Problem> {
    let request = args.request();
    let session = Session::open(Access::of(request.dry_run), &[])?;
    let mut selection = session.selection().clone();
    selection.remove(&session.library, request.kind, &request.name)?;
    Goal::change("remove", &session, &selection)
}
