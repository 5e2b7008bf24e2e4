//! Bad input gets a clear error and changes nothing.

use std::fs;
use std::path::Path;

use otelgen_cli::apply::Guard;

use crate::support::{Place, Ran};

const WORKER_PATTERN: &str = "\
summary = 'counts jobs'
[pattern]
shapes = ['worker']
instances = 'one'
default_name = 'jobs'
";

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let place = Place::new();
    place.write("shop/mine.txt", "mine");
    place.write("file", "a file");
    let before = place.content();
    place.run(&["new", "shop"]).fails(1, &["shop", "not empty", "--path"]);
    place.run(&["new", "shop", "--dry-run"]).fails(1, &["not empty"]);
    place.run(&["new", "shop", "--path", "file"]).fails(1, &["file", "not a folder"]);
    place.run(&["new", "shop", "--path", "file/deeper"]).fails(1, &["file", "not a folder"]);
    assert_eq!(place.content(), before);
}

#[test]
fn something_that_is_not_there_to_choose_is_told_with_what_was_meant() {
    let place = Place::with_shop(&[]);
    let before = place.content();
    let cases: &[(&[&str], &[&str])] = &[
        (&["new", "other", "--framework", "axom"], &["framework", "did you mean `axum`", "otelgen list framework"]),
        (&["new", "other", "--pattern", "circut-breaker"], &["did you mean `circuit-breaker`"]),
        (&["new", "other", "--backend", "oltp"], &["did you mean `otlp`"]),
        (&["new", "other", "--deploy", "dokcer"], &["did you mean `docker`"]),
        (&["new", "other", "--pattern", "zzz"], &["there is circuit-breaker"]),
    ];
    for (arguments, words) in cases {
        place.run(arguments).fails(1, words);
    }
    place.run_in("shop", &["add", "pattern", "circutbreaker"]).fails(1, &["did you mean `circuit-breaker`"]);
    place
        .run_in("shop", &["remove", "pattern", "payments"])
        .fails(1, &["no pattern `payments`", "otelgen list pattern"]);
    place.run_in("shop", &["describe", "backend", "otpl"]).fails(1, &["did you mean `otlp`"]);
    place.run_in("shop", &["add", "patern", "x"]).fails(2, &["'patern'", "pattern"]);
    assert_eq!(place.content(), before);
}

#[test]
fn an_option_that_is_not_there_or_does_not_fit_is_told() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    let before = place.content();
    let new = |setting: &str| place.run(&["new", "other", "--pattern", "circuit-breaker", "--set", setting]);
    new("circuit-breaker.failure_rat=0.3").fails(1, &["did you mean `failure_rate`"]);
    new("circuit-breaker.failure_rate=7").fails(1, &["`failure_rate`", "out of range"]);
    new("circuit-breaker.failure_rate=lots").fails(1, &["`lots`", "a number"]);
    new("circuit-braker.failure_rate=0.3").fails(1, &["did you mean `circuit-breaker`"]);
    new("failure_rate").fails(1, &["pack.option=value"]);
    let add = ["add", "pattern", "circuit-breaker", "--name", "stock", "--set"];
    place.run_in("shop", &[&add[..], &["open_fro=3s"]].concat()).fails(1, &["did you mean `open_for`"]);
    place.run(&["new", "other", "--runtime", "elsewhere"]).fails(2, &["vendored", "registry", "path=DIR"]);
    assert_eq!(place.content(), before);
}

#[test]
fn what_is_chosen_twice_or_not_at_all_as_well_is_told() {
    let place = Place::new();
    let new = |arguments: &[&str]| place.run(&[&["new", "shop"], arguments].concat());
    new(&["--pattern", "circuit-breaker,circuit-breaker"])
        .fails(1, &["(payments) is chosen twice", "`circuit-breaker:a,circuit-breaker:b`"]);
    new(&["--backend", "otlp,otlp"]).fails(1, &["backend/otlp is chosen twice", "once is enough"]);
    new(&["--deploy", "none,docker"]).fails(1, &["`--deploy`", "`none`", "`docker`"]);
    assert!(place.content().is_empty());
}

#[test]
fn options_that_do_not_go_together_are_told_with_the_next_step() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    let before = place.content();
    for (settings, words) in [
        (&["window_calls=10"][..], &["`window_calls`", "`min_calls`", "10", "20"][..]),
        (&["window=1m", "window_calls=50"], &["`window` and `window_calls`"]),
        (&["open_max=1h"], &["`open_max`", "`open_backoff` above 1"]),
        (&["slow_rate=0.5"], &["`slow_rate`", "set `slow_call`"]),
        (&["window_calls=50", "window_calls=60"], &["set twice, to `50` and to `60`"]),
    ] {
        let typed: Vec<String> = settings.iter().flat_map(|it| ["--set".to_owned(), format!("stock.{it}")]).collect();
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        let new = ["new", "other", "--pattern", "circuit-breaker:stock"];
        place.run(&[&new[..], &typed].concat()).fails(1, words);
        let add = ["add", "pattern", "circuit-breaker:stock"];
        place.run_in("shop", &[&add[..], &typed].concat()).fails(1, words);
    }
    assert_eq!(place.content(), before);
}

#[test]
fn what_is_set_of_an_instance_goes_before_what_is_set_of_its_pack() {
    let place = Place::with_shop(&[
        "--pattern=circuit-breaker:stock,circuit-breaker:payments",
        "--set=stock.min_calls=7",
        "--set=circuit-breaker.min_calls=9",
        "--set=min_calls=11",
        "--set=stock.min_calls=7",
    ]);
    let lock = place.read("shop/otelgen.toml");
    assert!(lock.contains("name = \"stock\"\noptions = { min_calls = 7 }"), "{lock}");
    assert!(lock.contains("name = \"payments\"\noptions = { min_calls = 9 }"), "{lock}");
}

#[test]
fn a_pattern_that_cannot_live_in_the_framework_is_told_with_the_reason_and_what_goes_instead() {
    let place = Place::with_shop(&[]);
    place.write("packs/pattern/jobs/pack.toml", WORKER_PATTERN);
    let before = place.content();
    let words = ["`jobs`", "cannot live in `axum`", "http-server", "worker", "circuit-breaker"];
    place.run(&["new", "other", "--pattern", "jobs", "--pack", "packs"]).fails(1, &words);
    place.run_in("shop", &["add", "pattern", "jobs", "--pack", "../packs"]).fails(1, &words);
    assert_eq!(place.content(), before);
}

#[test]
fn what_can_be_in_a_project_only_once_is_not_added_twice() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    place.write("packs/framework/other/pack.toml", "summary = 'other'\n[framework]\nshape = 'http-server'\n");
    let before = place.content();
    place.run_in("shop", &["add", "framework", "other", "--pack", "../packs"]).fails(1, &["one framework"]);
    place.run_in("shop", &["add", "backend", "otlp", "--name", "second"]).fails(1, &["no instances"]);
    place.run_in("shop", &["remove", "framework", "axum"]).fails(1, &["needs a framework"]);
    place.run_in("shop", &["remove", "backend", "otlp"]).fails(1, &["needs a backend"]);
    assert_eq!(place.content(), before);
}

#[test]
fn a_name_that_could_mean_several_instances_is_told_with_all_of_them() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker:stock,circuit-breaker:payments"]);
    let before = place.content();
    place.run_in("shop", &["remove", "pattern", "circuit-breaker"]).fails(1, &["payments", "stock"]);
    assert_eq!(place.content(), before);
    place.run_in("shop", &["remove", "pattern", "stock"]).succeeds();
    place.run_in("shop", &["remove", "pattern", "circuit-breaker"]).succeeds();
}

#[test]
fn outside_a_project_the_next_step_is_told() {
    let place = Place::new();
    for arguments in [&["add", "pattern", "circuit-breaker"][..], &["remove", "pattern", "payments"]] {
        place.run(arguments).fails(1, &["no otelgen project", "otelgen new"]);
    }
    place.run(&["verify"]).fails(2, &["no otelgen project", "otelgen new"]);
    assert!(place.content().is_empty());
}

#[test]
fn a_damaged_or_a_newer_lock_is_told_with_its_place() {
    let place = Place::with_shop(&["--pattern", "circuit-breaker"]);
    let lock = place.read("shop/otelgen.toml");
    let damages: &[(String, &[&str])] = &[
        (lock.replace("[project]", "[project"), &["otelgen.toml is damaged at line", "git restore"]),
        (lock.replace("name = \"payments\"", "nmae = \"payments\""), &["damaged", "nmae"]),
        (lock.replace("[project]", "<<<<<<< ours\n[project]"), &["damaged at line"]),
        (lock.replace("otelgen = \"0", "otelgen = \"99"), &["made by otelgen 99", "install"]),
        (lock.replace("format = 1", "format = 2"), &["format 2", "up to 1", "newer otelgen"]),
        (String::new(), &["damaged"]),
    ];
    for (text, words) in damages {
        place.write("shop/otelgen.toml", text);
        let before = place.content();
        for arguments in [
            &["add", "pattern", "circuit-breaker", "--name", "stock"][..],
            &["remove", "pattern", "payments"],
            &["list"],
        ] {
            place.run_in("shop", arguments).fails(1, words);
        }
        place.run_in("shop", &["verify"]).fails(2, words);
        assert_eq!(place.content(), before);
    }
    place.write("shop/otelgen.toml", b"format = 1 # \xff");
    place.run_in("shop", &["list"]).fails(1, &["not UTF-8", "offset 13"]);
}

#[test]
fn a_manifest_that_cannot_be_edited_is_told() {
    let place = Place::with_shop(&[]);
    place.write("shop/Cargo.toml", "[package\n");
    let before = place.content();
    place.run_in("shop", &["add", "pattern", "circuit-breaker"]).fails(1, &["Cargo.toml"]);
    assert_eq!(place.content(), before);
    fs::remove_file(place.path("shop/Cargo.toml")).expect("removed");
    let before = place.content();
    place.run_in("shop", &["add", "pattern", "circuit-breaker"]).fails(1, &["Cargo.toml", "git restore"]);
    assert_eq!(place.content(), before);
}

#[test]
fn a_file_of_the_owner_is_never_written_over() {
    let place = Place::with_shop(&[]);
    place.write("shop/src/patterns/payments.rs", "// mine\n");
    let before = place.content();
    place
        .run_in("shop", &["add", "pattern", "circuit-breaker"])
        .fails(1, &["src/patterns/payments.rs", "not otelgen's"]);
    assert_eq!(place.content(), before);
}

#[test]
fn while_another_otelgen_is_at_work_nothing_is_changed() {
    let place = Place::with_shop(&[]);
    let guard = Guard::acquire(&place.path("shop")).expect("the lock");
    let before = place.content();
    let holder = format!("process {}", std::process::id());
    place.run_in("shop", &["add", "pattern", "circuit-breaker"]).fails(1, &["another otelgen", &holder]);
    assert_eq!(place.content(), before);
    drop(guard);
    place.run_in("shop", &["add", "pattern", "circuit-breaker"]).succeeds();
}

#[test]
fn packs_that_are_not_valid_are_told_with_the_place() {
    let place = Place::new();
    place.write("packs/pattern/jobs/pack.toml", format!("{WORKER_PATTERN}\nsumary = 'x'\n"));
    let before = place.content();
    place.run(&["new", "shop", "--pattern", "jobs", "--pack", "packs"]).fails(1, &["pattern/jobs", "packs", "sumary"]);
    place.run(&["new", "shop", "--pack", "nowhere"]).fails(1, &["nowhere"]);
    assert_eq!(place.content(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_named() {
    let place = Place::new();
    let full = fs::File::options().write(true).open("/dev/full").expect("a full device");
    let ran = Ran::from(place.command("").arg("list").stdout(full).output().expect("it runs"));
    ran.fails(1, &["could not write to the standard output", "No space left"]);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::Command;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    }

    #[test]
    fn a_folder_that_is_read_only_is_told_and_left_alone() {
        let place = Place::with_shop(&[]);
        let before = place.content();
        for (folder, arguments) in [
            ("", &["new", "other"][..]),
            ("shop", &["add", "pattern", "circuit-breaker"]),
            ("shop/src/patterns", &["add", "pattern", "circuit-breaker"]),
        ] {
            set_mode(&place.path(folder), 0o555);
            let work = if folder.is_empty() { "" } else { "shop" };
            let ran = place.run_in(work, arguments);
            set_mode(&place.path(folder), 0o755);
            ran.fails(1, &["read-only"]);
            assert_eq!(place.content(), before);
        }
    }

    /// `sh`, running the binary where no file can grow.
    fn without_space(place: &Place, folder: &str, arguments: &str) -> Ran {
        let mut shell = place.prepare(Command::new("sh"), folder);
        let script = format!("trap '' XFSZ; ulimit -f 0; exec \"$0\" {arguments}");
        Ran::of(shell.args(["-c", &script, env!("CARGO_BIN_EXE_otelgen")]))
    }

    #[test]
    fn when_nothing_more_can_be_written_it_is_told_and_nothing_is_changed() {
        let place = Place::with_shop(&[]);
        let before = place.content();
        without_space(&place, "", "new other --vcs none").fails(1, &["no space left"]);
        assert_eq!(place.content(), before);
        without_space(&place, "shop", "add pattern circuit-breaker").fails(1, &["no space left"]);
        assert_eq!(place.content(), before);
    }

    #[test]
    fn on_a_full_disk_nothing_is_left_behind() {
        // A disk of its own, in a mount namespace of its own, where the system allows it, with so many kilobytes left.
        let place = Place::with_shop(&[]);
        fs::create_dir(place.path("disk")).expect("made");
        let script = "\
            mount -t tmpfs -o size=16m tmpfs disk || exit 77
            cd disk && cp -r ../shop . && find . | sort >../before
            used=$(df -k --output=used . | tail -n 1)
            mount -o remount,size=$((used + $1))k \"$PWD\" || exit 77
            (cd \"$2\" && shift 2 && \"$OTELGEN\" \"$@\"); code=$?
            find . | sort >../after && cmp ../before ../after && exit $code";
        let cases: [&[&str]; 2] =
            [&["64", ".", "new", "other", "--vcs", "none"], &["16", "shop", "add", "pattern", "circuit-breaker"]];
        for arguments in cases {
            let mut unshare = place.prepare(Command::new("unshare"), "");
            unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).args(arguments);
            let Ok(output) = unshare.env("OTELGEN", env!("CARGO_BIN_EXE_otelgen")).output() else {
                eprintln!("skipped: no `unshare` to make a small disk with");
                return;
            };
            if output.status.code() == Some(77) || String::from_utf8_lossy(&output.stderr).contains("unshare:") {
                eprintln!("skipped: not allowed to mount a small disk");
                return;
            }
            Ran::from(output).fails(1, &["no space left"]);
        }
    }

    #[test]
    fn a_link_that_leads_outside_is_refused_and_nothing_is_written_there() {
        let place = Place::with_shop(&[]);
        fs::create_dir(place.path("outside")).expect("made");
        fs::rename(place.path("shop/src/patterns"), place.path("outside/patterns")).expect("moved");
        symlink(place.path("outside/patterns"), place.path("shop/src/patterns")).expect("linked");
        let before = place.content();
        place.run_in("shop", &["add", "pattern", "circuit-breaker"]).fails(1, &["src/patterns", "leads outside"]);
        assert_eq!(place.content(), before);

        fs::remove_file(place.path("shop/src/patterns")).expect("removed");
        symlink("nowhere", place.path("shop/src/patterns")).expect("linked");
        let before = place.content();
        place.run_in("shop", &["add", "pattern", "circuit-breaker"]).fails(1, &["src/patterns", "leads nowhere"]);
        assert_eq!(place.content(), before);
    }

    #[test]
    fn a_new_project_is_not_written_through_a_dangling_link() {
        let place = Place::new();
        symlink("nowhere", place.path("shop")).expect("linked");
        let before = place.content();
        place.run(&["new", "shop"]).fails(1, &["shop"]);
        assert_eq!(place.content(), before);
    }
}
