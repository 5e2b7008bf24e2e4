//! Finds the project at or above a folder, and the cargo workspace it belongs to, by cargo's own rules
//! (`find_workspace_root_with_loader`, `WorkspaceRootConfig::is_excluded`).
#![allow(clippy::disallowed_methods)] // part of the one place that reads

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::ProjectError;
use super::place;

/// The file that makes a folder an otelgen project.
pub const LOCK_FILE: &str = "otelgen.toml";

/// Where a project is, and what changes to it are relative to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The workspace's root if a workspace is above, else the project itself. Absolute; no link in it.
    pub base: PathBuf,
    /// The project below `base`, with forward slashes; empty for `base` itself.
    pub folder: String,
}

impl Location {
    /// The project's own folder.
    pub fn project(&self) -> PathBuf {
        if self.folder.is_empty() { self.base.clone() } else { self.base.join(&self.folder) }
    }

    /// Whether the project is a member of a workspace above it.
    pub fn in_workspace(&self) -> bool {
        !self.folder.is_empty()
    }

    fn new(project: PathBuf) -> Result<Self, ProjectError> {
        let root = workspace_above(&project)?.unwrap_or_else(|| project.clone());
        let below = project.strip_prefix(&root).ok();
        let parts: Option<Vec<&str>> = below.and_then(|below| below.iter().map(|part| part.to_str()).collect());
        Ok(match parts {
            Some(parts) => Self { base: root, folder: parts.join("/") },
            // A root elsewhere (`package.workspace`) is out of reach; the project stands for itself.
            None => Self { base: project, folder: String::new() },
        })
    }
}

/// The project that `start` lies in, at any depth.
///
/// # Errors
/// [`ProjectError::NotFound`] if there is none; [`ProjectError::Manifest`] for a damaged manifest above it.
pub fn locate(start: &Path) -> Result<Location, ProjectError> {
    let start = place::canonical(start).map_err(|source| ProjectError::from_io(start, source))?;
    let found = start.ancestors().find(|folder| folder.join(LOCK_FILE).symlink_metadata().is_ok());
    match found {
        Some(folder) => Location::new(folder.to_path_buf()),
        None => Err(ProjectError::NotFound(start)),
    }
}

/// Where a project at `target` would be; `target` comes from [`absolute`] and need not exist.
///
/// # Errors
/// [`ProjectError::Manifest`] for a damaged manifest above it.
pub fn locate_new(target: &Path) -> Result<Location, ProjectError> {
    Location::new(target.to_path_buf())
}

/// `path` from the root of the file system, without `.`, `..` or links in the part that exists.
///
/// # Errors
/// When the current folder is gone or part of the path cannot be entered.
pub fn absolute(path: &Path) -> Result<PathBuf, ProjectError> {
    let whole = std::path::absolute(path).map_err(|source| ProjectError::from_io(path, source))?;
    let mut resolved = PathBuf::new();
    for part in whole.components() {
        match part {
            std::path::Component::ParentDir => {
                resolved.pop();
            }
            part => resolved.push(part),
        }
        match place::canonical(&resolved) {
            Ok(real) => resolved = real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                let path = resolved.parent().unwrap_or(&resolved).to_path_buf();
                return Err(ProjectError::Kind { path, expected: "folder" });
            }
            Err(source) => return Err(ProjectError::from_io(&resolved, source)),
        }
    }
    Ok(resolved)
}

/// How `target` is written relative to `folder`, both from [`absolute`]; absolute where they share no root.
pub fn relative(folder: &Path, target: &Path) -> PathBuf {
    let shared = folder.components().zip(target.components()).take_while(|(left, right)| left == right).count();
    if shared == 0 {
        return target.to_path_buf();
    }
    let up = folder.components().skip(shared).map(|_| std::path::Component::ParentDir);
    let path: PathBuf = up.chain(target.components().skip(shared)).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

/// The name of the package in `folder`, if there is one.
///
/// # Errors
/// [`ProjectError::Manifest`] if its manifest is damaged.
pub fn package(folder: &Path) -> Result<Option<String>, ProjectError> {
    Ok(read_manifest(folder)?.and_then(|manifest| manifest.package?.name))
}

/// Whether there is a folder at `path`.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// Whether a new project can be written to `target`: nothing is there (`false`: make it), or a folder with nothing
/// but a version control repository in it (`true`: fill it).
///
/// # Errors
/// [`ProjectError::NotEmpty`], or [`ProjectError::Kind`] if it is a file.
pub fn is_vacant(target: &Path) -> Result<bool, ProjectError> {
    let entries = match fs::read_dir(target) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound && target.symlink_metadata().is_err() => {
            return Ok(false);
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::NotFound) => {
            return Err(ProjectError::Kind { path: target.to_path_buf(), expected: "folder" });
        }
        Err(source) => return Err(ProjectError::from_io(target, source)),
    };
    for entry in entries {
        let entry = entry.map_err(|source| ProjectError::from_io(target, source))?;
        let name = entry.file_name();
        if ![".git", ".hg", ".jj", ".otelgen.lock"].iter().any(|known| name == *known) {
            return Err(ProjectError::NotEmpty(target.to_path_buf()));
        }
    }
    Ok(true)
}

#[derive(Deserialize)]
struct Manifest {
    package: Option<Package>,
    workspace: Option<Workspace>,
}

#[derive(Deserialize)]
struct Package {
    name: Option<String>,
    workspace: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Workspace {
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

impl Workspace {
    /// Cargo compares paths, not patterns, here.
    fn excludes(&self, root: &Path, project: &Path) -> bool {
        let lists = |paths: &[String]| paths.iter().any(|path| project.starts_with(root.join(path)));
        lists(&self.exclude) && !lists(&self.members)
    }
}

/// The root of the workspace that cargo would put `project` into, if there is one.
fn workspace_above(project: &Path) -> Result<Option<PathBuf>, ProjectError> {
    if let Some(own) = read_manifest(project)? {
        if own.workspace.is_some() {
            return Ok(None);
        }
        if let Some(root) = own.package.and_then(|package| package.workspace) {
            return Ok(place::canonical(&project.join(root)).ok());
        }
    }
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    for folder in project.ancestors().skip(1) {
        if folder.ends_with("target/package") {
            break;
        }
        let workspace = read_manifest(folder)?.and_then(|manifest| manifest.workspace);
        if workspace.is_some_and(|workspace| !workspace.excludes(folder, project)) {
            return Ok(Some(folder.to_path_buf()));
        }
        if home.as_deref() == Some(folder) {
            break;
        }
    }
    Ok(None)
}

fn read_manifest(folder: &Path) -> Result<Option<Manifest>, ProjectError> {
    let path = folder.join("Cargo.toml");
    let content = match fs::read(&path) {
        Ok(content) => content,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(ProjectError::from_io(&path, source)),
    };
    let text = String::from_utf8(content)
        .map_err(|error| ProjectError::NotUtf8 { path: path.clone(), offset: error.utf8_error().valid_up_to() })?;
    toml::from_str(&text).map(Some).map_err(|source| ProjectError::Manifest { path, source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = Self(tempfile::tempdir().expect("a folder"));
            for (name, content) in files {
                let path = folder.path(name);
                fs::create_dir_all(path.parent().expect("a parent")).expect("made");
                fs::write(path, content).expect("written");
            }
            folder
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().canonicalize().expect("a path").join(name)
        }

        fn locate_new(&self, name: &str) -> (PathBuf, String) {
            let location = locate_new(&self.path(name)).expect("a location");
            (location.base, location.folder)
        }
    }

    const PACKAGE: &str = "[package]\nname = 'x'\n";

    #[test]
    fn a_project_is_found_from_any_depth_inside_it() {
        let folder = Folder::new(&[("shop/otelgen.toml", ""), ("shop/src/a/b.rs", "")]);
        let location = locate(&folder.path("shop/src/a")).expect("found");
        assert_eq!(location, Location { base: folder.path("shop"), folder: String::new() });
    }

    #[test]
    fn outside_a_project_the_folder_is_named() {
        let folder = Folder::new(&[]);
        let error = locate(&folder.path("")).expect_err("none");
        assert!(matches!(error, ProjectError::NotFound(_)), "{error}");
    }

    #[test]
    fn a_project_in_a_workspace_is_relative_to_its_root() {
        let root = "[workspace]\nmembers = ['services/*']\n";
        let folder = Folder::new(&[("Cargo.toml", root), ("services/shop/otelgen.toml", "")]);
        let location = locate(&folder.path("services/shop")).expect("found");
        assert_eq!(location, Location { base: folder.path(""), folder: "services/shop".to_owned() });
        assert_eq!(folder.locate_new("anywhere"), (folder.path(""), "anywhere".to_owned()));
    }

    #[test]
    fn an_excluded_folder_is_in_no_workspace_unless_a_member_names_it() {
        let root = "[workspace]\nexclude = ['tools', 'apps']\nmembers = ['apps/one']\n";
        let folder = Folder::new(&[("Cargo.toml", root)]);
        assert_eq!(folder.locate_new("tools/shop"), (folder.path("tools/shop"), String::new()));
        assert_eq!(folder.locate_new("apps/one"), (folder.path(""), "apps/one".to_owned()));
    }

    #[test]
    fn a_package_without_a_workspace_above_is_passed_by() {
        let folder = Folder::new(&[("Cargo.toml", "[workspace]\n"), ("a/Cargo.toml", PACKAGE)]);
        assert_eq!(folder.locate_new("a/shop"), (folder.path(""), "a/shop".to_owned()));
        let alone = Folder::new(&[("Cargo.toml", PACKAGE)]);
        assert_eq!(alone.locate_new("shop"), (alone.path("shop"), String::new()));
    }

    #[test]
    fn a_project_that_is_a_workspace_root_itself_stands_alone() {
        let folder = Folder::new(&[("Cargo.toml", "[workspace]\n"), ("shop/Cargo.toml", "[workspace]\n")]);
        assert_eq!(folder.locate_new("shop"), (folder.path("shop"), String::new()));
    }

    #[test]
    fn a_damaged_manifest_above_is_told_with_its_path() {
        let folder = Folder::new(&[("Cargo.toml", "[workspace\n")]);
        let error = locate_new(&folder.path("shop")).expect_err("damaged");
        assert!(matches!(&error, ProjectError::Manifest { path, .. } if *path == folder.path("Cargo.toml")), "{error}");
    }

    #[test]
    fn only_an_empty_folder_or_a_bare_repository_is_vacant() {
        let folder = Folder::new(&[("git/.git/HEAD", ""), ("full/a", ""), ("file", "")]);
        fs::create_dir(folder.path("empty")).expect("made");
        assert!(!is_vacant(&folder.path("none")).expect("vacant"));
        assert!(is_vacant(&folder.path("empty")).expect("vacant"));
        assert!(is_vacant(&folder.path("git")).expect("vacant"));
        assert!(matches!(is_vacant(&folder.path("full")), Err(ProjectError::NotEmpty(_))));
        assert!(matches!(is_vacant(&folder.path("file")), Err(ProjectError::Kind { .. })));
    }

    #[test]
    fn a_relative_path_climbs_as_far_as_it_must() {
        let relative =
            |folder: &str, target: &str| relative(Path::new(folder), Path::new(target)).display().to_string();
        assert_eq!(relative("/a/b", "/a/b/c"), "c");
        assert_eq!(relative("/a/b/c", "/a/d"), "../../d");
        assert_eq!(relative("/a/b", "/a/b"), ".");
    }

    #[test]
    fn an_absolute_path_has_no_dots_and_may_end_in_what_is_not_there() {
        let folder = Folder::new(&[]);
        let target = absolute(&folder.path("a/../b/./c")).expect("a path");
        assert_eq!(target, folder.path("b/c"));
    }
}
