//! Changes to a folder are one transaction: interrupted at any step, and again while recovering, it ends as the old
//! folder or the new one; failed at any step, it ends as the old one.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // a test may

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use otelgen_cli::apply::{ApplyError, Guard, Outcome, Step, Steps, Unwatched, create, is_pending, recover, update};
use otelgen_cli::changes::{Action, Changes, FileChange};
use otelgen_cli::tree::RelativePath;

/// What a process that was killed would not have done: everything from step `at` on.
struct KilledAt {
    at: usize,
    reached: usize,
}

impl Steps for KilledAt {
    fn reach(&mut self, _step: Step<'_>) -> io::Result<()> {
        self.reached += 1;
        assert!(self.reached <= self.at, "killed");
        Ok(())
    }
}

/// A disk that refuses step `at`, once.
struct FailsAt {
    at: usize,
    reached: usize,
}

impl Steps for FailsAt {
    fn reach(&mut self, _step: Step<'_>) -> io::Result<()> {
        self.reached += 1;
        if self.reached == self.at { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

/// A folder; in memory where there is such a place, since thousands of transactions are flushed to it.
fn new_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

type Content = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Every file with its content and every folder below `base`.
fn content(base: &Path) -> Content {
    fn collect(base: &Path, folder: &Path, found: &mut Content) {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("an entry").path();
            let below = path.strip_prefix(base).expect("below").to_path_buf();
            if path.is_dir() {
                found.insert(below, None);
                collect(base, &path, found);
            } else {
                found.insert(below, Some(fs::read(&path).expect("readable")));
            }
        }
    }
    let mut found = Content::new();
    collect(base, base, &mut found);
    found
}

fn change(path: &str, before: Option<&str>, after: Option<&str>) -> FileChange {
    let action = match (before, after) {
        (None, _) => Action::Create,
        (_, None) => Action::Delete,
        _ => Action::Merge,
    };
    FileChange {
        path: RelativePath::new(path).expect(path),
        action,
        before: before.map(|text| text.as_bytes().to_vec()),
        after: after.map(|text| text.as_bytes().to_vec()),
        executable: false,
        conflicts: 0,
        internal: false,
    }
}

fn changes(files: Vec<FileChange>) -> Changes {
    Changes { files, notes: Vec::new() }
}

/// A folder with files to be replaced, removed, left alone, and a change of each kind.
fn example() -> (tempfile::TempDir, Changes) {
    let folder = new_folder();
    for (name, text) in [
        ("Cargo.toml", "old manifest"),
        ("src/main.rs", "old main"),
        ("src/gone/only.rs", "old only"),
        ("src/mine.rs", "mine"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }
    let changes = changes(vec![
        change("Cargo.toml", Some("old manifest"), Some("new manifest")),
        change("src/fresh/deep/a.rs", None, Some("new a")),
        change("src/gone/only.rs", Some("old only"), None),
        change("src/main.rs", Some("old main"), Some("new main")),
        change("src/same.rs", None, None),
    ]);
    (folder, changes)
}

fn new_content() -> Content {
    let (folder, changes) = example();
    let guard = Guard::acquire(folder.path()).expect("the lock");
    update(&guard, &changes, "test", &mut Unwatched).expect("applied");
    drop(guard);
    content(folder.path())
}

/// Runs `work` until it is killed; whether it was.
fn is_killed(work: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_err()
}

/// A killed process says nothing; a failed assertion does.
fn silence_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&"killed") {
            usual(panic);
        }
    }));
}

#[test]
fn an_update_replaces_creates_and_removes_and_leaves_nothing_else() {
    let content = new_content();
    let text = |name: &str| {
        content.get(Path::new(name)).cloned().flatten().map(|bytes| String::from_utf8(bytes).expect("text"))
    };
    assert_eq!(text("Cargo.toml").as_deref(), Some("new manifest"));
    assert_eq!(text("src/main.rs").as_deref(), Some("new main"));
    assert_eq!(text("src/fresh/deep/a.rs").as_deref(), Some("new a"));
    assert_eq!(text("src/mine.rs").as_deref(), Some("mine"));
    assert!(!content.contains_key(Path::new("src/gone")), "a folder that became empty is removed");
    assert_eq!(content.len(), 7, "{content:?}");
}

#[test]
fn killed_at_any_step_the_next_command_leaves_the_old_or_the_new_folder() {
    silence_panics();
    let new = new_content();
    let (mut finished, mut rolled_back) = (0, 0);
    for at in 0.. {
        let (folder, changes) = example();
        let old = content(folder.path());
        let killed = is_killed(|| {
            let guard = Guard::acquire(folder.path()).expect("the lock");
            update(&guard, &changes, "add it", &mut KilledAt { at, reached: 0 }).expect("no other failure");
        });
        if !killed {
            assert!(at > 15, "the example has more steps than {at}");
            break;
        }
        let pending = is_pending(folder.path());
        let guard = Guard::acquire(folder.path()).expect("the lock");
        let recovered = recover(&guard, &mut Unwatched).expect("recovered");
        drop(guard);
        let found = content(folder.path());
        match recovered.as_ref().map(|recovered| recovered.outcome) {
            Some(Outcome::Finished) => {
                assert_eq!(found, new, "step {at}");
                finished += 1;
            }
            Some(Outcome::RolledBack) => {
                assert_eq!(found, old, "step {at}");
                rolled_back += 1;
            }
            None => assert!(found == old || found == new, "step {at}"),
        }
        assert!(recovered.is_none_or(|recovered| pending && recovered.command == "add it"));
        assert!(!is_pending(folder.path()));
    }
    assert!(finished > 3 && rolled_back > 3, "{finished} finished, {rolled_back} rolled back");
}

#[test]
fn killed_again_while_recovering_the_command_after_that_still_ends_with_one_of_the_two() {
    silence_panics();
    let new = new_content();
    let mut both = 0;
    for first in 0.. {
        let mut first_is_killed = false;
        for second in 0.. {
            let (folder, changes) = example();
            let old = content(folder.path());
            first_is_killed = is_killed(|| {
                let guard = Guard::acquire(folder.path()).expect("the lock");
                update(&guard, &changes, "add", &mut KilledAt { at: first, reached: 0 }).expect("no other failure");
            });
            let second_is_killed = is_killed(|| {
                let guard = Guard::acquire(folder.path()).expect("the lock");
                recover(&guard, &mut KilledAt { at: second, reached: 0 }).expect("no other failure");
            });
            let guard = Guard::acquire(folder.path()).expect("the lock");
            recover(&guard, &mut Unwatched).expect("recovered");
            drop(guard);
            let found = content(folder.path());
            assert!(found == old || found == new, "killed at {first}, then at {second}: {found:?}");
            if !second_is_killed {
                break;
            }
            both += 1;
        }
        if !first_is_killed {
            break;
        }
    }
    assert!(both > 100, "{both} pairs");
}

#[test]
fn a_failure_at_any_step_changes_nothing_or_is_finished_by_the_next_command() {
    let new = new_content();
    let mut failed = 0;
    for at in 1.. {
        let (folder, changes) = example();
        let old = content(folder.path());
        let guard = Guard::acquire(folder.path()).expect("the lock");
        let mut steps = FailsAt { at, reached: 0 };
        let result = update(&guard, &changes, "add", &mut steps);
        drop(guard);
        if steps.reached < at {
            break;
        }
        failed += 1;
        assert!(matches!(result.expect_err("failed"), ApplyError::Full { .. }), "step {at}");
        if is_pending(folder.path()) {
            // All targets are replaced; only tidying up has failed.
            let guard = Guard::acquire(folder.path()).expect("the lock");
            let recovered = recover(&guard, &mut Unwatched).expect("recovered");
            assert_eq!(recovered.map(|recovered| recovered.outcome), Some(Outcome::Finished));
            drop(guard);
            assert_eq!(content(folder.path()), new, "step {at}");
        } else {
            assert_eq!(content(folder.path()), old, "step {at}");
        }
    }
    assert!(failed > 15, "{failed}");
}

#[test]
fn killed_while_rolling_back_a_failure_the_next_command_ends_with_one_of_the_two() {
    struct FailsThenKilled(FailsAt, usize);
    impl Steps for FailsThenKilled {
        fn reach(&mut self, step: Step<'_>) -> io::Result<()> {
            assert!(self.0.reached < self.0.at + self.1, "killed");
            self.0.reach(step)
        }
    }
    silence_panics();
    let new = new_content();
    for at in 1..30 {
        for later in 0..20 {
            let (folder, changes) = example();
            let old = content(folder.path());
            is_killed(|| {
                let guard = Guard::acquire(folder.path()).expect("the lock");
                let mut steps = FailsThenKilled(FailsAt { at, reached: 0 }, later);
                let _ = update(&guard, &changes, "add", &mut steps);
            });
            let guard = Guard::acquire(folder.path()).expect("the lock");
            recover(&guard, &mut Unwatched).expect("recovered");
            drop(guard);
            let found = content(folder.path());
            assert!(found == old || found == new, "failed at {at}, killed {later} later: {found:?}");
        }
    }
}

#[test]
fn an_edit_made_after_the_interruption_is_never_overwritten() {
    silence_panics();
    for at in 0.. {
        let (folder, changes) = example();
        let killed = is_killed(|| {
            let guard = Guard::acquire(folder.path()).expect("the lock");
            update(&guard, &changes, "add", &mut KilledAt { at, reached: 0 }).expect("no other failure");
        });
        if !killed {
            break;
        }
        fs::write(folder.path().join("src/main.rs"), "edited since").expect("written");
        let guard = Guard::acquire(folder.path()).expect("the lock");
        let recovered = recover(&guard, &mut Unwatched).expect("recovered");
        let text = fs::read_to_string(folder.path().join("src/main.rs")).expect("read");
        assert_eq!(text, "edited since", "step {at}");
        let main = guard.base().join("src/main.rs");
        assert!(recovered.is_none_or(|recovered| recovered.left_alone == [main]), "step {at}");
    }
}

#[test]
fn a_file_that_changed_since_it_was_read_stops_everything() {
    let (folder, changes) = example();
    fs::write(folder.path().join("src/main.rs"), "somebody else's").expect("written");
    let old = content(folder.path());
    let guard = Guard::acquire(folder.path()).expect("the lock");
    let error = update(&guard, &changes, "add", &mut Unwatched).expect_err("refused");
    drop(guard);
    assert!(matches!(&error, ApplyError::ChangedMeanwhile(path) if path.ends_with("src/main.rs")), "{error}");
    assert_eq!(content(folder.path()), old);
}

#[test]
fn a_damaged_journal_is_named_and_left_for_a_person_to_judge() {
    let (folder, _) = example();
    fs::write(folder.path().join(".otelgen.journal"), "{").expect("written");
    let guard = Guard::acquire(folder.path()).expect("the lock");
    let error = recover(&guard, &mut Unwatched).expect_err("damaged");
    assert!(matches!(error, ApplyError::DamagedJournal { .. }), "{error}");
    assert!(is_pending(folder.path()));
}

#[test]
fn a_journal_cannot_reach_outside_its_folder() {
    let (folder, _) = example();
    let journal = r#"{"command":"x","phase":"committing","folders":[],
        "entries":[{"path":"../outside","before":null,"after":null}]}"#;
    fs::write(folder.path().join(".otelgen.journal"), journal).expect("written");
    let guard = Guard::acquire(folder.path()).expect("the lock");
    assert!(matches!(recover(&guard, &mut Unwatched), Err(ApplyError::Place(_))));
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("metadata").permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    }

    #[test]
    fn a_replaced_file_keeps_its_permissions_and_may_become_executable() {
        let (folder, mut changes) = example();
        set_mode(&folder.path().join("Cargo.toml"), 0o600);
        set_mode(&folder.path().join("src/main.rs"), 0o640);
        changes.files[3].executable = true;
        changes.files[1].executable = true;
        let guard = Guard::acquire(folder.path()).expect("the lock");
        update(&guard, &changes, "add", &mut Unwatched).expect("applied");
        assert_eq!(mode(&folder.path().join("Cargo.toml")), 0o600);
        assert_eq!(mode(&folder.path().join("src/main.rs")), 0o750);
        assert_eq!(mode(&folder.path().join("src/fresh/deep/a.rs")) & 0o100, 0o100);
    }

    #[test]
    fn a_read_only_folder_or_file_is_refused_before_anything_is_written() {
        for (name, writable, read_only) in [("src", 0o755, 0o555), ("src/main.rs", 0o644, 0o444)] {
            let (folder, changes) = example();
            let old = content(folder.path());
            set_mode(&folder.path().join(name), read_only);
            let guard = Guard::acquire(folder.path()).expect("the lock");
            let error = update(&guard, &changes, "add", &mut Unwatched).expect_err("refused");
            drop(guard);
            set_mode(&folder.path().join(name), writable);
            assert!(matches!(&error, ApplyError::ReadOnly(path) if path.ends_with(name)), "{error}");
            assert_eq!(content(folder.path()), old);
        }
        let (folder, _) = example();
        set_mode(folder.path(), 0o555);
        let error = Guard::acquire(folder.path()).expect_err("refused");
        set_mode(folder.path(), 0o755);
        assert!(matches!(error, ApplyError::ReadOnly(_)), "{error}");
    }

    #[test]
    fn a_link_inside_is_written_through_and_a_link_outside_is_refused() {
        let (folder, inside) = example();
        fs::rename(folder.path().join("src/main.rs"), folder.path().join("real.rs")).expect("moved");
        symlink("../real.rs", folder.path().join("src/main.rs")).expect("linked");
        let guard = Guard::acquire(folder.path()).expect("the lock");
        update(&guard, &inside, "add", &mut Unwatched).expect("applied");
        drop(guard);
        assert_eq!(fs::read_to_string(folder.path().join("real.rs")).expect("read"), "new main");
        assert!(folder.path().join("src/main.rs").is_symlink());

        let (folder, changes) = example();
        let outside = new_folder();
        symlink(outside.path(), folder.path().join("src/fresh")).expect("linked");
        let old = content(folder.path());
        let guard = Guard::acquire(folder.path()).expect("the lock");
        let error = update(&guard, &changes, "add", &mut Unwatched).expect_err("refused");
        drop(guard);
        assert!(matches!(error, ApplyError::Place(_)), "{error}");
        assert_eq!(content(folder.path()), old);
        assert_eq!(fs::read_dir(outside.path()).expect("readable").count(), 0);
    }
}

mod creating {
    use super::*;

    fn files() -> Changes {
        changes(vec![
            change("Cargo.toml", None, Some("manifest")),
            change("src/a/b.rs", None, Some("b")),
            change("src/main.rs", None, Some("main")),
        ])
    }

    #[test]
    fn a_new_project_appears_whole_with_the_folders_above_it() {
        let folder = new_folder();
        let target = folder.path().join("deep/er/shop");
        assert!(!create(&target, &files(), &mut Unwatched).expect("created"));
        assert_eq!(fs::read_to_string(target.join("src/a/b.rs")).expect("read"), "b");
        let beside: Vec<_> = fs::read_dir(folder.path().join("deep/er")).expect("readable").collect();
        assert_eq!(beside.len(), 1, "{beside:?}");
    }

    #[test]
    fn killed_at_any_step_there_is_nothing_or_everything_and_the_next_attempt_succeeds() {
        silence_panics();
        let mut found = 0;
        for at in 0.. {
            let folder = new_folder();
            let target = folder.path().join("shop");
            let killed = is_killed(|| {
                create(&target, &files(), &mut KilledAt { at, reached: 0 }).expect("no other failure");
            });
            if !killed {
                break;
            }
            assert!(!target.exists(), "step {at}");
            found += usize::from(create(&target, &files(), &mut Unwatched).expect("created"));
            assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "step {at}");
            assert_eq!(content(&target).len(), 5);
        }
        assert!(found > 3, "{found} left-overs");
    }

    #[test]
    fn a_failure_at_any_step_leaves_nothing_at_all() {
        for at in 1.. {
            let folder = new_folder();
            let mut steps = FailsAt { at, reached: 0 };
            let result = create(&folder.path().join("deep/shop"), &files(), &mut steps);
            if steps.reached < at {
                result.expect("created");
                break;
            }
            assert!(matches!(result, Err(ApplyError::Full { .. })), "step {at}");
            assert_eq!(content(folder.path()).len(), 0, "step {at}");
        }
    }

    #[test]
    fn a_project_that_somebody_else_made_meanwhile_is_not_touched() {
        struct Meanwhile(PathBuf);
        impl Steps for Meanwhile {
            fn reach(&mut self, step: Step<'_>) -> io::Result<()> {
                if matches!(step, Step::Commit(_)) {
                    fs::create_dir(&self.0)?;
                    fs::write(self.0.join("theirs"), "theirs")?;
                }
                Ok(())
            }
        }
        let folder = new_folder();
        let target = folder.path().join("shop");
        let error = create(&target, &files(), &mut Meanwhile(target.clone())).expect_err("refused");
        assert!(matches!(error, ApplyError::TargetExists(_)), "{error}");
        assert_eq!(content(folder.path()).len(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_read_only_parent_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = new_folder();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).expect("set");
        for target in ["shop", "deep/shop"] {
            let error = create(&folder.path().join(target), &files(), &mut Unwatched).expect_err("refused");
            assert!(matches!(error, ApplyError::ReadOnly(_)), "{error}");
        }
        assert_eq!(content(folder.path()).len(), 0);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    }
}
