//! An open project: what an interrupted command left is dealt with, the lock file is held where something will be
//! written, `otelgen.toml` is read and the packs it needs are loaded.

use std::path::{Path, PathBuf};

use otelgen_templates::{Library, PackId};

use crate::apply::{self, Guard, Unwatched};
use crate::lock::Lock;
use crate::plan::Selection;
use crate::project::{self, LOCK_FILE, Location, PlaceError, ProjectError, Reader};
use crate::report::{Exit, Problem, RecoveredReport, tell};
use crate::tree::RelativePath;

use super::library::{PackFolder, library};

/// What a command will do to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Only look.
    Read,
    /// Look, and promise to write nothing whatever.
    DryRun,
    /// Write.
    Write,
}

impl Access {
    /// Of a command that changes files.
    pub fn of(dry_run: bool) -> Self {
        if dry_run { Self::DryRun } else { Self::Write }
    }
}

/// An open project.
pub(super) struct Session {
    pub location: Location,
    pub lock: Lock,
    pub library: Library,
    pub recovered: Vec<RecoveredReport>,
    /// Held while the command writes.
    pub guard: Option<Guard>,
}

impl Session {
    /// Opens the project that the current folder lies in, with packs of `folders` besides its own.
    pub fn open(access: Access, folders: &[PathBuf]) -> Result<Self, Problem> {
        let (session, gone) = Self::at(project::locate(Path::new("."))?, access, folders)?;
        gone.into_iter().next().map_or(Ok(session), |gone| Err(gone.into()))
    }

    /// The project, and the folders of packs that it names and that are not there.
    fn at(location: Location, access: Access, folders: &[PathBuf]) -> Result<(Self, Vec<GoneFolder>), Problem> {
        let recovered = settle(&location, access)?;
        let guard = if access == Access::Write { Some(Guard::acquire(&location.base)?) } else { None };
        let project = location.project();
        let path = RelativePath::new(LOCK_FILE).map_err(PlaceError::from)?;
        let text = Reader::new(&project).text(&path)?.ok_or_else(|| ProjectError::NotFound(project.clone()))?;
        let lock = Lock::parse(&text)?;
        let mut packs: Vec<PackFolder> = Vec::new();
        let mut gone = Vec::new();
        for (id, origin) in &lock.origins {
            let folder = PackFolder::recorded(origin, &project)?;
            if project::is_folder(&folder.place) {
                packs.push(folder);
            } else {
                gone.push(GoneFolder { id: id.clone(), folder: origin.clone() });
            }
        }
        packs.extend(PackFolder::all_typed(folders, &project)?);
        let library = library(&packs)?;
        Ok((Self { location, lock, library, recovered, guard }, gone))
    }

    /// The packs of the project.
    pub fn selection(&self) -> &Selection {
        &self.lock.selection
    }
}

/// What can be chosen where the user is.
pub(super) struct Here {
    /// In a project, its own packs too.
    pub library: Library,
    /// The packs of the project, if there is one.
    pub selection: Option<Selection>,
    pub recovered: Vec<RecoveredReport>,
    /// What the project names and what is not there.
    pub gone: Vec<String>,
}

/// A folder of packs that a project names and that is not there.
#[derive(Debug, thiserror::Error)]
#[error("otelgen.toml takes {id} from `{folder}`, and there is no such folder")]
struct GoneFolder {
    id: PackId,
    folder: String,
}

impl From<GoneFolder> for Problem {
    fn from(gone: GoneFolder) -> Self {
        Self::new("missing-packs", &gone).help("put it back, or write where it is now as `from` in otelgen.toml")
    }
}

impl Here {
    /// Looks round the current folder, with packs of `folders` besides.
    pub fn look(folders: &[PathBuf]) -> Result<Self, Problem> {
        match project::locate(Path::new(".")) {
            Ok(location) => {
                let (session, gone) = Session::at(location, Access::Read, folders)?;
                let Session { library, lock: Lock { selection, .. }, recovered, .. } = session;
                let mut all: Vec<String> = gone.iter().map(ToString::to_string).collect();
                let unknown = |id: &&PackId| {
                    !library.ids().any(|known| known == *id) && !gone.iter().any(|folder| folder.id == **id)
                };
                let named = selection.packs.iter().map(|chosen| &chosen.id.pack).filter(unknown);
                all.extend(named.map(|id| format!("otelgen.toml has {id}, and there is no such pack")));
                Ok(Self { library, selection: Some(selection), recovered, gone: all })
            }
            Err(ProjectError::NotFound(folder)) => {
                let packs = PackFolder::all_typed(folders, &folder)?;
                Ok(Self { library: library(&packs)?, selection: None, recovered: Vec::new(), gone: Vec::new() })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Finishes or rolls back what an interrupted command left at `location`.
pub(super) fn settle(location: &Location, access: Access) -> Result<Vec<RecoveredReport>, Problem> {
    let mut recovered = Vec::new();
    let project = location.project();
    let mut places = vec![&location.base];
    places.extend(location.in_workspace().then_some(&project));
    if access != Access::DryRun {
        places.iter().for_each(|place| apply::sweep(place));
    }
    for place in places.into_iter().filter(|place| apply::is_pending(place)) {
        if access == Access::DryRun {
            return Err(interrupted(place));
        }
        if let Some(found) = apply::recover(&Guard::acquire(place)?, &mut Unwatched)? {
            let report = RecoveredReport::from(&found);
            tell(&report);
            recovered.push(report);
        }
    }
    Ok(recovered)
}

fn interrupted(place: &Path) -> Problem {
    Problem {
        code: "interrupted-before",
        message: format!("an earlier command was interrupted while it changed `{}`", place.display()),
        causes: Vec::new(),
        help: Some("a dry run writes nothing; `otelgen list` there finishes it or rolls it back".to_owned()),
        exit: Exit::Stuck,
    }
}
