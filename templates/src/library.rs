//! All packs that can be chosen: the built-in ones and those a user loads. A pack is parsed when it is first
//! asked for, so a command pays only for the packs of its project.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::manifest::Manifest;

include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// The kinds of packs, in the order they are rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Files that several frameworks share; only required, never chosen.
    Base,
    /// What the project is.
    Framework,
    /// Framework-neutral logic.
    Pattern,
    /// Where telemetry goes.
    Backend,
    /// Container and environment files.
    Deploy,
    /// What a service mesh needs.
    Mesh,
}

impl Kind {
    /// All kinds, in order.
    pub const ALL: [Self; 6] = [Self::Base, Self::Framework, Self::Pattern, Self::Backend, Self::Deploy, Self::Mesh];

    /// The word on the command line and in paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Framework => "framework",
            Self::Pattern => "pattern",
            Self::Backend => "backend",
            Self::Deploy => "deploy",
            Self::Mesh => "mesh",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A pack's name, written `kind/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PackId {
    /// What it brings.
    pub kind: Kind,
    /// Its folder's name.
    pub name: String,
}

impl PackId {
    /// The pack `name` of `kind`.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for PackId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.name)
    }
}

impl FromStr for PackId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').filter(|(_, name)| !name.is_empty() && !name.contains('/'));
        let kind = parts.and_then(|(kind, _)| Kind::ALL.into_iter().find(|known| known.as_str() == kind));
        match (kind, parts) {
            (Some(kind), Some((_, name))) => Ok(Self::new(kind, name)),
            _ => Err(format!(
                "`{text}` is no pack: write kind/name with base, framework, pattern, backend, deploy or mesh"
            )),
        }
    }
}

impl TryFrom<String> for PackId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PackId> for String {
    fn from(id: PackId) -> Self {
        id.to_string()
    }
}

/// A pack: what it says and the files it has.
#[derive(Clone, Debug)]
pub struct Pack {
    /// Kind and name.
    pub id: PackId,
    /// `pack.toml`.
    pub manifest: Manifest,
    files: PackFiles,
}

type PackFiles = BTreeMap<Cow<'static, str>, Cow<'static, str>>;

impl Pack {
    /// The text of a file of the pack, with `\n` as line ending on every machine.
    pub fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(Cow::as_ref)
    }

    /// The files beside `pack.toml`, by path in the pack's folder.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter(|(path, _)| *path != MANIFEST).map(|(path, text)| (path.as_ref(), text.as_ref()))
    }
}

const MANIFEST: &str = "pack.toml";

/// Why a library or one of its packs cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LibraryError {
    /// There is no such pack.
    #[error("there is no {} called `{}`", id.kind, id.name)]
    UnknownPack {
        /// What was asked for.
        id: PackId,
        /// All of that kind.
        known: Vec<String>,
    },
    /// Its `pack.toml` is wrong.
    #[error("pack.toml of {id} ({origin}) is not valid: {}", problem.trim_end())]
    Manifest {
        /// The pack.
        id: PackId,
        /// Where it comes from.
        origin: String,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A folder of packs holds something else.
    #[error("`{path}` in {origin} belongs to no pack: packs are folders called kind/name with a pack.toml in each")]
    Stray {
        /// The file.
        path: String,
        /// The folder.
        origin: String,
    },
    /// Two packs of one name.
    #[error("there are two packs called {id}: one is {first}, one is from {second}; rename the folder of one")]
    Duplicate {
        /// The pack.
        id: PackId,
        /// Where the first is from.
        first: String,
        /// Where the second is from.
        second: String,
    },
    /// The catalog is wrong.
    #[error("the catalog of versions is not valid: {0}")]
    Catalog(String),
}

/// All packs that can be chosen.
#[derive(Debug)]
pub struct Library {
    catalog: Catalog,
    packs: BTreeMap<PackId, Entry>,
}

#[derive(Debug)]
struct Entry {
    origin: String,
    files: PackFiles,
    parsed: OnceLock<Result<Pack, LibraryError>>,
}

const BUILT_IN: &str = "built in";

impl Library {
    /// The packs that ship with this version.
    ///
    /// # Errors
    /// When what is embedded is not valid, which the tests of this crate rule out for a released one.
    pub fn builtin() -> Result<Self, LibraryError> {
        let catalog = Catalog::builtin().map_err(|error| LibraryError::Catalog(error.to_string()))?;
        let mut library = Self { catalog, packs: BTreeMap::new() };
        let files = EMBEDDED.iter().map(|(path, text)| (Cow::Borrowed(*path), Cow::Borrowed(*text)));
        library.insert(BUILT_IN, files)?;
        Ok(library)
    }

    /// Adds the packs of a folder: `files` maps `kind/name/path` to text, `origin` is the folder as the user
    /// wrote it.
    ///
    /// # Errors
    /// When a file belongs to no pack, or a pack is there already.
    pub fn with_packs(mut self, origin: &str, files: BTreeMap<String, String>) -> Result<Self, LibraryError> {
        self.insert(origin, files.into_iter().map(|(path, text)| (Cow::Owned(path), Cow::Owned(text))))?;
        Ok(self)
    }

    fn insert(
        &mut self,
        origin: &str,
        files: impl Iterator<Item = (Cow<'static, str>, Cow<'static, str>)>,
    ) -> Result<(), LibraryError> {
        for (path, text) in files {
            let Some((id, inner)) = split(&path) else {
                return Err(LibraryError::Stray { path: path.into_owned(), origin: origin.to_owned() });
            };
            let new = || Entry { origin: origin.to_owned(), files: PackFiles::new(), parsed: OnceLock::new() };
            let entry = self.packs.entry(id.clone()).or_insert_with(new);
            if entry.origin != origin {
                let (first, second) = (entry.origin.clone(), origin.to_owned());
                return Err(LibraryError::Duplicate { id, first, second });
            }
            entry.files.insert(inner, unix(text));
        }
        Ok(())
    }

    /// The versions packs are rendered with.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The names of all packs, in rendering order.
    pub fn ids(&self) -> impl Iterator<Item = &PackId> {
        self.packs.keys()
    }

    /// The names of all packs of a kind.
    pub fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.ids().filter(move |id| id.kind == kind).map(|id| id.name.as_str())
    }

    /// Where a pack comes from: `None` for a built-in one, else the folder as the user wrote it.
    pub fn origin(&self, id: &PackId) -> Option<&str> {
        self.packs.get(id).map(|entry| entry.origin.as_str()).filter(|origin| *origin != BUILT_IN)
    }

    /// The pack `id`, parsed.
    ///
    /// # Errors
    /// When there is none, or its `pack.toml` is not valid.
    pub fn get(&self, id: &PackId) -> Result<&Pack, LibraryError> {
        let Some(entry) = self.packs.get(id) else {
            let known = self.names(id.kind).map(str::to_owned).collect();
            return Err(LibraryError::UnknownPack { id: id.clone(), known });
        };
        entry.parsed.get_or_init(|| parse(id, entry)).as_ref().map_err(Clone::clone)
    }
}

fn parse(id: &PackId, entry: &Entry) -> Result<Pack, LibraryError> {
    let problem = |problem: String| LibraryError::Manifest { id: id.clone(), origin: entry.origin.clone(), problem };
    let text = entry.files.get(MANIFEST).ok_or_else(|| problem("there is none".to_owned()))?;
    let manifest: Manifest = toml::from_str(text).map_err(|error| problem(error.to_string()))?;
    if (id.kind == Kind::Framework) != manifest.framework.is_some() {
        return Err(problem("a framework, and nothing else, has a [framework] table".to_owned()));
    }
    if (id.kind == Kind::Pattern) != manifest.pattern.is_some() {
        return Err(problem("a pattern, and nothing else, has a [pattern] table".to_owned()));
    }
    Ok(Pack { id: id.clone(), manifest, files: entry.files.clone() })
}

/// `pattern/retry/mod.rs.tera` as pack and path in it.
#[expect(clippy::ptr_arg, reason = "what is borrowed stays borrowed for all of the program")]
fn split(path: &Cow<'static, str>) -> Option<(PackId, Cow<'static, str>)> {
    let (kind, rest) = path.split_once('/')?;
    let (name, inner) = rest.split_once('/')?;
    let id = format!("{kind}/{name}").parse().ok()?;
    let inner = match path {
        Cow::Borrowed(path) => Cow::Borrowed(path.get(path.len() - inner.len()..)?),
        Cow::Owned(_) => Cow::Owned(inner.to_owned()),
    };
    Some((id, inner))
}

fn unix(text: Cow<'static, str>) -> Cow<'static, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n")) } else { text }
}
