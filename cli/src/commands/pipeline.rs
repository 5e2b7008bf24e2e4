//! Plan → Changes → apply, the same for `new`, `add` and `remove`.

use std::collections::BTreeMap;
use std::path::Path;

use otelgen_templates::{Library, PackId};

use crate::apply::{self, Guard, Unwatched};
use crate::changes::Changes;
use crate::lock::Lock;
use crate::plan::{Chosen, Plan, PlanError, Selection, plan};
use crate::project::{Location, Reader};
use crate::reconcile::{self, Reconcile, reconcile};
use crate::render::{Rendered, Telemetry, render, telemetry_of};
use crate::report::{
    ChangeReport, FileReport, NoteReport, Outcome, Problem, RecoveredReport, Status, TelemetryDiff, tell,
};
use crate::tree::Tree;

use super::session::Session;

/// What a command wants of a project.
pub(super) struct Goal<'a> {
    /// `new`, `add` or `remove`.
    pub command: &'a str,
    pub location: &'a Location,
    /// As it stands; `None` for a project that is new.
    pub lock: Option<&'a Lock>,
    pub library: &'a Library,
    /// The packs that should be there.
    pub selection: &'a Selection,
}

/// Where changes go.
#[derive(Clone, Copy)]
pub(super) enum Destination<'a> {
    /// Nowhere: a dry run.
    Nowhere,
    /// A folder that does not exist yet.
    Fresh(&'a Path),
    /// A folder that exists, or the workspace above.
    Existing(&'a Guard),
}

/// What is to be done for a goal.
pub(super) struct Decided {
    pub changes: Changes,
    pub rendered: Rendered,
    before: Telemetry,
}

impl<'a> Goal<'a> {
    /// All of it, for a project that is open.
    pub fn change(command: &'a str, session: &'a Session, selection: &'a Selection) -> Result<Outcome, Problem> {
        let Session { location, lock, library, recovered, guard } = session;
        let goal = Self { command, location, lock: Some(lock), library, selection };
        let destination = guard.as_ref().map_or(Destination::Nowhere, Destination::Existing);
        let mut report = goal.carry_out(&goal.decide()?, destination)?;
        report.recovered = recovered.clone();
        if report.status == Status::Applied {
            report.next = vec!["otelgen verify".to_owned()];
        }
        Ok(report.into())
    }

    /// Everything but writing.
    pub fn decide(&self) -> Result<Decided, Problem> {
        let rendered = render(self.library, &self.plan(self.selection)?)?;
        let tree = self.tree(&rendered)?;
        if let Some(lock) = self.lock {
            let again = || render(self.library, &self.plan(&lock.selection).ok()?).ok();
            reconcile::check_bases(&self.location.folder, &tree, lock, again)?;
        }
        let changes = reconcile(&Reconcile {
            folder: &self.location.folder,
            tree: &tree,
            lock: self.lock,
            selection: self.selection,
            origins: &self.origins(),
            rendered: &rendered,
        })?;
        let before = match self.lock {
            Some(lock) => telemetry_of(self.library, &self.plan(&lock.selection)?)?,
            None => Telemetry::default(),
        };
        Ok(Decided { changes, rendered, before })
    }

    /// The plan of a selection, where this project is.
    fn plan(&self, selection: &Selection) -> Result<Plan, PlanError> {
        Ok(plan(self.library, selection)?.within(&self.location.folder))
    }

    /// Every file that matters, as it stands.
    fn tree(&self, rendered: &Rendered) -> Result<Tree, Problem> {
        let folder = &self.location.folder;
        let reader = Reader::new(&self.location.base);
        let mut listing = Vec::new();
        for folder in reconcile::folders(folder) {
            listing.extend(reader.files(&folder)?);
        }
        Ok(reader.tree(&reconcile::paths(folder, &listing, rendered))?)
    }

    fn origins(&self) -> BTreeMap<PackId, String> {
        let ids = self.selection.packs.iter().map(|chosen| &chosen.id.pack);
        ids.filter_map(|id| Some((id.clone(), self.library.origin(id)?.to_owned()))).collect()
    }

    /// Writes what was decided, and says what was done.
    pub fn carry_out(&self, decided: &Decided, destination: Destination<'_>) -> Result<ChangeReport, Problem> {
        let mut report = self.report(decided, matches!(destination, Destination::Nowhere));
        match destination {
            Destination::Nowhere => {}
            Destination::Fresh(target) => {
                if apply::create(target, &decided.changes, &mut Unwatched)? {
                    let left_over = RecoveredReport::rolled_back("otelgen new");
                    tell(&left_over);
                    report.recovered.push(left_over);
                }
            }
            Destination::Existing(guard) => {
                let command = self.typed(&report);
                apply::update(guard, &decided.changes, &command, &mut Unwatched)?;
            }
        }
        Ok(report)
    }

    fn report(&self, decided: &Decided, dry_run: bool) -> ChangeReport {
        let labels = |selection: Option<&Selection>| -> Vec<String> {
            selection.into_iter().flat_map(|it| &it.packs).map(|chosen| chosen.id.to_string()).collect()
        };
        let before = labels(self.lock.map(|lock| &lock.selection));
        let after = labels(Some(self.selection));
        let beyond = |some: &[String], others: &[String]| {
            some.iter().filter(|label| !others.contains(label)).cloned().collect::<Vec<String>>()
        };
        let files = FileReport::all(&decided.changes, dry_run);
        let notes: Vec<NoteReport> = decided.changes.notes.iter().map(NoteReport::from).collect();
        let conflicts = files.iter().any(|file| file.conflicts > 0) || notes.iter().any(|note| note.conflict);
        let status = match (dry_run, files.is_empty()) {
            (_, _) if conflicts => Status::Conflict,
            (_, true) => Status::Unchanged,
            (true, _) => Status::DryRun,
            (false, _) => Status::Applied,
        };
        ChangeReport {
            command: self.command.to_owned(),
            status,
            dry_run,
            project: self.selection.project.to_string(),
            folder: self.location.project().display().to_string(),
            base: self.location.base.display().to_string(),
            packs_changed: self.changed(),
            packs_added: beyond(&after, &before),
            packs_removed: beyond(&before, &after),
            files,
            notes,
            telemetry: TelemetryDiff::between(&decided.before, &decided.rendered.contract.telemetry),
            repository: false,
            recovered: Vec::new(),
            warnings: Vec::new(),
            next: Vec::new(),
            verify: None,
        }
    }

    /// The instances that stay, with other options.
    fn changed(&self) -> Vec<String> {
        let before = self.lock.map(|lock| lock.selection.packs.as_slice()).unwrap_or_default();
        let differs = |chosen: &&Chosen| before.iter().any(|old| old.id == chosen.id && old.options != chosen.options);
        self.selection.packs.iter().filter(differs).map(|chosen| chosen.id.to_string()).collect()
    }

    /// What recovery would call the command.
    fn typed(&self, report: &ChangeReport) -> String {
        let packs = report
            .packs_added
            .iter()
            .chain(&report.packs_removed)
            .chain(&report.packs_changed)
            .cloned()
            .collect::<Vec<_>>()
            .join(" ");
        let of = if self.command == "new" { report.project.as_str() } else { packs.as_str() };
        format!("otelgen {} {of}", self.command).trim_end().to_owned()
    }
}
