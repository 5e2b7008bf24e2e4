//! Reads a folder of packs that a user wrote.
#![allow(clippy::disallowed_methods)] // part of the one place that reads

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::ProjectError;
use super::place;

/// The files of the packs in `folder`, as `kind/name/path` with their text. `folder` holds packs as `kind/name/`, or
/// is itself one of them; hidden files, and files that lie beside the kinds (a README), are passed over.
///
/// # Errors
/// When there is no such folder, or something in it cannot be read as text.
pub fn read_packs(folder: &Path) -> Result<BTreeMap<String, String>, ProjectError> {
    let folder = place::canonical(folder).map_err(|source| ProjectError::from_io(folder, source))?;
    let is_pack = folder.join("pack.toml").is_file();
    let root = if is_pack { folder.ancestors().nth(2).unwrap_or(&folder) } else { &folder };
    let mut files = BTreeMap::new();
    collect(root, &folder, &mut files)?;
    files.retain(|path, _| path.contains('/'));
    Ok(files)
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> Result<(), ProjectError> {
    let entries = fs::read_dir(folder).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotADirectory => ProjectError::Kind { path: folder.to_path_buf(), expected: "folder" },
        _ => ProjectError::from_io(folder, source),
    })?;
    for entry in entries {
        let entry = entry.map_err(|source| ProjectError::from_io(folder, source))?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            files.insert(below(root, &path), read_text(&path)?);
        }
    }
    Ok(())
}

fn below(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).iter().map(|part| part.to_string_lossy().into_owned());
    parts.collect::<Vec<String>>().join("/")
}

fn read_text(path: &PathBuf) -> Result<String, ProjectError> {
    let content = fs::read(path).map_err(|source| ProjectError::from_io(path, source))?;
    String::from_utf8(content)
        .map_err(|error| ProjectError::NotUtf8 { path: path.clone(), offset: error.utf8_error().valid_up_to() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_packs_and_one_pack_alone_give_the_same_paths() {
        let folder = tempfile::tempdir().expect("a folder");
        let pack = folder.path().join("pattern/greeting");
        fs::create_dir_all(pack.join("deep")).expect("made");
        fs::create_dir(folder.path().join(".git")).expect("made");
        for name in ["README.md", ".git/HEAD", "pattern/greeting/pack.toml", "pattern/greeting/deep/a.tera"] {
            fs::write(folder.path().join(name), "text").expect("written");
        }
        let all = read_packs(folder.path()).expect("read");
        assert_eq!(all.keys().collect::<Vec<_>>(), ["pattern/greeting/deep/a.tera", "pattern/greeting/pack.toml"]);
        assert_eq!(read_packs(&pack).expect("read"), all);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = read_packs(Path::new("/nowhere/at/all")).expect_err("none");
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
