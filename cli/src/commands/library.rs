//! The packs that can be chosen: the built-in ones and those of folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use otelgen_templates::Library;

use crate::plan::PlanError;
use crate::project;
use crate::report::Problem;

/// The built-in packs and those of `folders`, each given as it is written and as it can be opened.
pub(super) fn library(folders: &[PackFolder]) -> Result<Library, Problem> {
    let mut library = Library::builtin().map_err(PlanError::Library)?;
    let mut seen = BTreeSet::new();
    for folder in folders.iter().filter(|folder| seen.insert(&folder.place)) {
        let files = project::read_packs(&folder.place)?;
        library = library.with_packs(&folder.written, files).map_err(PlanError::Library)?;
    }
    Ok(library)
}

/// A folder of packs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackFolder {
    /// As messages and the lock have it.
    pub written: String,
    /// Where it is.
    pub place: PathBuf,
}

impl PackFolder {
    /// Folders typed on the command line, written relative to `project` where they were typed as relative paths.
    pub fn all_typed(paths: &[PathBuf], project: &Path) -> Result<Vec<Self>, Problem> {
        paths.iter().map(|path| Self::typed(path, project)).collect()
    }

    fn typed(path: &Path, project: &Path) -> Result<Self, Problem> {
        let place = project::absolute(path)?;
        let written = if path.is_absolute() { path.to_path_buf() } else { project::relative(project, &place) };
        Ok(Self { written: slashes(&written), place })
    }

    /// A folder recorded in the lock of `project`.
    pub fn recorded(written: &str, project: &Path) -> Result<Self, Problem> {
        let place = project::absolute(&project.join(written))?;
        Ok(Self { written: written.to_owned(), place })
    }
}

/// The same spelling on every machine.
pub(super) fn slashes(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/").replace("//", "/")
}
