//! A folder to run the binary in, and everything that is in a folder, to compare.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Every file with its content, every link with where it leads, every folder; repositories are left out.
pub type Content = BTreeMap<PathBuf, Thing>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    File(Vec<u8>),
    Link(PathBuf),
    Folder,
}

pub fn content(folder: &Path) -> Content {
    fn collect(base: &Path, folder: &Path, found: &mut Content) {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("an entry").path();
            let below = path.strip_prefix(base).expect("below").to_path_buf();
            if path.is_symlink() {
                found.insert(below, Thing::Link(fs::read_link(&path).expect("a link")));
            } else if path.is_dir() && path.file_name().is_none_or(|name| name != ".git") {
                found.insert(below, Thing::Folder);
                collect(base, &path, found);
            } else if path.is_file() {
                found.insert(below, Thing::File(fs::read(&path).expect("readable")));
            }
        }
    }
    let mut found = Content::new();
    collect(folder, folder, &mut found);
    found
}

pub fn copy(from: &Path, to: &Path) {
    for (path, thing) in content(from) {
        match thing {
            Thing::Folder => fs::create_dir_all(to.join(path)).expect("made"),
            Thing::File(content) => {
                let place = to.join(path);
                fs::create_dir_all(place.parent().expect("a parent")).expect("made");
                fs::write(place, content).expect("written");
            }
            Thing::Link(_) => {}
        }
    }
}

/// A temporary folder.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// With a project called `shop` in it, of few files.
    pub fn with_shop(arguments: &[&str]) -> Self {
        let place = Self::new();
        let all = [&["new", "shop", "--vcs", "none", "--runtime", "registry"], arguments].concat();
        place.run(&all).succeeds();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, content).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn content(&self) -> Content {
        content(self.0.path())
    }

    /// Runs the binary here.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in("", arguments)
    }

    /// Runs the binary in a folder below.
    pub fn run_in(&self, folder: &str, arguments: &[&str]) -> Ran {
        Ran::of(self.command(folder).args(arguments))
    }

    /// The binary, to be run in a folder below, without anything of the surroundings that could change its output.
    pub fn command(&self, folder: &str) -> Command {
        self.prepare(Command::new(env!("CARGO_BIN_EXE_otelgen")), folder)
    }

    pub fn prepare(&self, mut command: Command, folder: &str) -> Command {
        command.current_dir(self.path(folder)).stdin(Stdio::null());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(name);
        }
        command
    }
}

/// A command that has ended.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("it runs"))
    }

    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// With `code`, saying all of `words` on the standard error and nothing on the standard output.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in:\n{}", self.stderr);
        }
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
