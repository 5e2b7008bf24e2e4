//! A version control repository round a new project, as `cargo new` makes one; nothing is ever committed.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why there is no repository.
#[derive(Debug, thiserror::Error)]
pub enum VcsError {
    /// `git` cannot be run.
    #[error("could not run `git init` in `{}`", folder.display())]
    Run {
        /// The new project.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `git` said no.
    #[error("`git init` failed in `{}`: {message}", folder.display())]
    Failed {
        /// The new project.
        folder: PathBuf,
        /// What git printed.
        message: String,
    },
}

/// Makes `folder` a git repository, unless it lies in one already (also in one that ignores it not: `git
/// check-ignore` decides, as it does for cargo). Says whether it made one.
///
/// # Errors
/// See [`VcsError`].
pub fn init_git(folder: &Path) -> Result<bool, VcsError> {
    if is_in_repository(folder) {
        return Ok(false);
    }
    let output = git(folder, &["init", "--quiet"]).output();
    let output = output.map_err(|source| VcsError::Run { folder: folder.to_path_buf(), source })?;
    if output.status.success() {
        return Ok(true);
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(VcsError::Failed { folder: folder.to_path_buf(), message })
}

/// Only asks git where a `.git` says that there is something to ask.
fn is_in_repository(folder: &Path) -> bool {
    let Some(root) = folder.ancestors().find(|ancestor| ancestor.join(".git").exists()) else { return false };
    let ignored = |status: std::process::ExitStatus| status.code() == Some(0);
    root == folder || !git(root, &["check-ignore", "--quiet"]).arg(folder).status().is_ok_and(ignored)
}

fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}
