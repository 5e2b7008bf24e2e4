//! One otelgen at a time per base folder. The lock file is there only while a command writes; one that a killed
//! process left behind is simply taken over.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::project::place;

use super::disk;
use super::error::{ApplyError, Context as _};

const FILE: &str = ".otelgen.lock";

/// The right to write below a base folder; dropping it gives the right back.
#[derive(Debug)]
pub struct Guard {
    base: PathBuf,
    lock: PathBuf,
    _file: File,
}

impl Guard {
    /// Takes the lock of `base`, an existing folder.
    ///
    /// # Errors
    /// [`ApplyError::Busy`] at once if another process has it; [`ApplyError::ReadOnly`] if nothing can be written.
    pub fn acquire(base: &Path) -> Result<Self, ApplyError> {
        disk::refuse_read_only(base)?;
        let base = place::canonical(base).context("open", base)?;
        let lock = base.join(FILE);
        let file = loop {
            if let Some(file) = open_exclusively(&base, &lock)? {
                break file;
            }
        };
        // Only for the message another process prints; a full disk will be noticed where it matters.
        let _ = write!(&file, "{}", std::process::id());
        Ok(Self { base, lock, _file: file })
    }

    /// The folder, with every link in its path resolved.
    pub fn base(&self) -> &Path {
        &self.base
    }
}

/// Removes the lock file that a killed process left at `base`. One that is held, and one in a folder that cannot be
/// written, stay.
pub fn sweep(base: &Path) {
    if base.join(FILE).exists() {
        // Whoever takes a lock over removes it in the end.
        drop(Guard::acquire(base));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // While still locked, so that nobody else's file is removed.
        let _ = fs::remove_file(&self.lock);
    }
}

fn busy(base: &Path, lock: &Path) -> ApplyError {
    let holder = fs::read_to_string(lock).ok().filter(|text| !text.is_empty());
    ApplyError::Busy { folder: base.to_path_buf(), holder: holder.unwrap_or_else(|| "unknown".to_owned()) }
}

/// `None` when the file was removed between opening and locking: its holder has just finished, so try again.
#[cfg(unix)]
fn open_exclusively(base: &Path, lock: &Path) -> Result<Option<File>, ApplyError> {
    use std::fs::TryLockError;
    use std::os::unix::fs::MetadataExt as _;

    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(lock);
    let file = file.context("create", lock)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(busy(base, lock)),
        Err(TryLockError::Error(source)) => return Err(ApplyError::from_io("lock", lock, source)),
    }
    let ours = file.metadata().context("inspect", lock)?;
    match fs::metadata(lock) {
        Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => {
            file.set_len(0).context("write", lock)?;
            Ok(Some(file))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ApplyError::from_io("inspect", lock, source)),
    }
}

/// On Windows a file opened without sharing is the lock, and goes when its handle goes.
#[cfg(windows)]
fn open_exclusively(base: &Path, lock: &Path) -> Result<Option<File>, ApplyError> {
    use std::os::windows::fs::OpenOptionsExt as _;
    const SHARING_VIOLATION: i32 = 32;
    const DELETE_ON_CLOSE: u32 = 0x0400_0000;

    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).share_mode(0).custom_flags(DELETE_ON_CLOSE);
    match options.open(lock) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Err(busy(base, lock)),
        Err(source) => Err(ApplyError::from_io("create", lock, source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_on_the_same_folder_is_refused_and_names_the_holder() {
        let folder = tempfile::tempdir().expect("a folder");
        let guard = Guard::acquire(folder.path()).expect("the lock");
        let error = Guard::acquire(folder.path()).expect_err("busy");
        assert!(
            matches!(&error, ApplyError::Busy { holder, .. } if *holder == std::process::id().to_string()),
            "{error}"
        );
        drop(guard);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
        Guard::acquire(folder.path()).expect("free again");
    }

    #[test]
    fn a_lock_file_that_a_killed_process_left_is_taken_over() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(FILE), "4194304000").expect("written");
        Guard::acquire(folder.path()).expect("the lock");
    }

    #[test]
    fn a_lock_file_is_swept_away_unless_somebody_holds_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let lock = folder.path().join(FILE);
        fs::write(&lock, "4194304000").expect("written");
        sweep(folder.path());
        assert!(!lock.exists());
        let guard = Guard::acquire(folder.path()).expect("the lock");
        sweep(folder.path());
        assert!(lock.exists());
        drop(guard);
    }

    #[test]
    fn many_processes_worth_of_threads_never_hold_the_lock_together() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().expect("a folder");
        let (inside, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Ok(_guard) = Guard::acquire(folder.path()) {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            taken.fetch_add(1, Ordering::SeqCst);
                            inside.fetch_sub(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0);
    }
}
