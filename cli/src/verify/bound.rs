//! A process that ends with the one that asked for it, even where that is killed: Linux tells it so, but only a process
//! about itself. So otelgen starts itself, says so, and becomes the service.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// The word by which otelgen is told to become another program; not for people.
const WORD: &str = "__bound-to";

/// The program that can bind others: the binary of otelgen itself, where the system has a way for it.
pub fn binder() -> Option<PathBuf> {
    if cfg!(target_os = "linux") { std::env::current_exe().ok() } else { None }
}

/// A command that runs `program`, bound to this process where there is a binder.
pub(super) fn command(binder: Option<&Path>, program: &Path) -> Command {
    let Some(binder) = binder else { return Command::new(program) };
    let mut command = Command::new(binder);
    command.arg(WORD).arg(std::process::id().to_string()).arg(program);
    command
}

/// Whether the arguments of this process say that it is to become another; then it does, or says why it cannot.
pub fn become_bound(arguments: &[OsString]) -> Option<std::io::Error> {
    match arguments {
        [_, word, parent, program, rest @ ..] if word == WORD => Some(become_program(parent, program, rest)),
        _ => None,
    }
}

#[cfg(target_os = "linux")]
fn become_program(parent: &OsStr, program: &OsStr, arguments: &[OsString]) -> std::io::Error {
    use std::os::unix::process::CommandExt as _;

    use rustix::process::{Signal, getppid, set_parent_process_death_signal};

    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    // It may have ended before the system was asked.
    let is_there = getppid().is_some_and(|pid| pid.as_raw_nonzero().to_string().as_str() == parent);
    if !is_there {
        return std::io::Error::other("the process that asked for it has ended");
    }
    std::process::Command::new(program).args(arguments).exec()
}

#[cfg(not(target_os = "linux"))]
fn become_program(_parent: &OsStr, _program: &OsStr, _arguments: &[OsString]) -> std::io::Error {
    std::io::ErrorKind::Unsupported.into()
}
