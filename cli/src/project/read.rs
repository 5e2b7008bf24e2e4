//! Reads files below one base folder.
#![allow(clippy::disallowed_methods)] // part of the one place that reads

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::tree::{RelativePath, Tree};

use super::error::ProjectError;
use super::place::{self, PlaceError};

/// Reads files below a base folder; links are followed while they stay inside it.
#[derive(Clone, Debug)]
pub struct Reader {
    base: PathBuf,
}

impl Reader {
    /// For files below `base`, which has to have no link in its path (see [`super::absolute`]).
    pub fn new(base: &Path) -> Self {
        Self { base: base.to_path_buf() }
    }

    /// The folder.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The content of a file, `None` if there is none.
    ///
    /// # Errors
    /// When there is something else than a file, or reading it is refused.
    pub fn read(&self, path: &RelativePath) -> Result<Option<Vec<u8>>, ProjectError> {
        let place = place::resolve(&self.base, path)?;
        match fs::metadata(&place) {
            Ok(metadata) if !metadata.is_file() => return Err(ProjectError::Kind { path: place, expected: "file" }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        fs::read(&place).map(Some).map_err(|source| ProjectError::from_io(&place, source))
    }

    /// The content of a text file, `None` if there is none.
    ///
    /// # Errors
    /// As [`Reader::read`], and when it is not UTF-8.
    pub fn text(&self, path: &RelativePath) -> Result<Option<String>, ProjectError> {
        let Some(content) = self.read(path)? else { return Ok(None) };
        String::from_utf8(content).map(Some).map_err(|error| ProjectError::NotUtf8 {
            path: path.on_disk(&self.base),
            offset: error.utf8_error().valid_up_to(),
        })
    }

    /// Those of `paths` that exist.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn tree<'a>(&self, paths: impl IntoIterator<Item = &'a RelativePath>) -> Result<Tree, ProjectError> {
        let mut tree = Tree::default();
        for path in paths {
            if let Some(content) = self.read(path)? {
                tree.insert(path.clone(), content);
            }
        }
        Ok(tree)
    }

    /// Every file at any depth of `folder`; nothing if there is no such folder.
    ///
    /// # Errors
    /// As [`Reader::read`], and when `folder` is a file.
    pub fn files(&self, folder: &RelativePath) -> Result<Vec<RelativePath>, ProjectError> {
        let mut found = Vec::new();
        self.collect(folder, &mut found)?;
        found.sort();
        Ok(found)
    }

    fn collect(&self, folder: &RelativePath, found: &mut Vec<RelativePath>) -> Result<(), ProjectError> {
        let place = place::resolve(&self.base, folder)?;
        let entries = match fs::read_dir(&place) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(ProjectError::Kind { path: place, expected: "folder" });
            }
            Err(source) => return Err(ProjectError::from_io(&place, source)),
        };
        for entry in entries {
            let entry = entry.map_err(|source| ProjectError::from_io(&place, source))?;
            let kind = entry.file_type().map_err(|source| ProjectError::from_io(&entry.path(), source))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = RelativePath::new(&format!("{folder}/{name}")).map_err(PlaceError::from)?;
            if kind.is_dir() { self.collect(&path, found)? } else { found.push(path) }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        RelativePath::new(text).expect(text)
    }

    fn reader(folder: &tempfile::TempDir) -> Reader {
        Reader::new(&folder.path().canonicalize().expect("a path"))
    }

    #[test]
    fn a_file_that_is_not_there_is_no_error() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(reader(&folder).read(&path("a/b")).expect("read"), None);
        assert_eq!(reader(&folder).files(&path("a")).expect("listed"), []);
    }

    #[test]
    fn bytes_that_are_no_text_are_told_with_their_offset() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a"), b"ab\xff").expect("written");
        let error = reader(&folder).text(&path("a")).expect_err("no text");
        assert!(matches!(error, ProjectError::NotUtf8 { offset: 2, .. }), "{error}");
    }

    #[test]
    fn a_folder_in_place_of_a_file_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("a")).expect("made");
        let error = reader(&folder).read(&path("a")).expect_err("no file");
        assert!(matches!(error, ProjectError::Kind { expected: "file", .. }), "{error}");
    }

    #[test]
    fn files_of_a_folder_come_sorted_from_every_depth() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("a/c")).expect("made");
        for name in ["a/z", "a/c/d", "a/b"] {
            fs::write(folder.path().join(name), "").expect("written");
        }
        assert_eq!(reader(&folder).files(&path("a")).expect("listed"), [path("a/b"), path("a/c/d"), path("a/z")]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_and_refused_outside() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret"), "secret").expect("written");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("real"), "real").expect("written");
        symlink("real", folder.path().join("inside")).expect("linked");
        symlink(outside.path(), folder.path().join("out")).expect("linked");
        symlink("nowhere", folder.path().join("dangling")).expect("linked");

        let reader = reader(&folder);
        assert_eq!(reader.read(&path("inside")).expect("read").as_deref(), Some(&b"real"[..]));
        let error = reader.read(&path("out/secret")).expect_err("outside");
        assert!(matches!(error, ProjectError::Place(PlaceError::Outside { .. })), "{error}");
        let error = reader.read(&path("dangling")).expect_err("dangling");
        assert!(matches!(error, ProjectError::Place(PlaceError::Dangling(_))), "{error}");
    }
}
