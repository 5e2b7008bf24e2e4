//! The real binary, killed for real: what is left is the old project or the new one, and the next command says which.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Content, Place, Ran, content, copy};

/// Moments to try, and how often to try them all where a fast or a busy machine never hits one.
const MOMENTS: u32 = 12;
const ROUNDS: u32 = 8 * MOMENTS;
const HITS: u32 = 3;

/// Kills `child` some time after `begun` holds, unless it has ended by itself.
fn kill(mut child: Child, begun: impl Fn() -> bool, after: Duration) {
    while !begun() && child.try_wait().expect("a state").is_none() {
        std::thread::yield_now();
    }
    let from = Instant::now();
    while from.elapsed() < after {
        std::hint::spin_loop();
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
}

/// Evenly spread moments, the same in every run of the test.
fn moments(window: Duration) -> impl Iterator<Item = (u32, Duration)> {
    (0..ROUNDS).map(move |round| (round, window * (round % MOMENTS) / MOMENTS))
}

fn is_enough(round: u32, hits: u32) -> bool {
    round >= MOMENTS && hits >= HITS
}

fn without_lock_file(mut content: Content) -> Content {
    content.remove(Path::new(".otelgen.lock"));
    content
}

#[test]
fn killed_while_adding_a_project_is_what_it_was_or_what_it_should_be() {
    let place = Place::with_shop(&[]);
    let old = content(&place.path("shop"));
    copy(&place.path("shop"), &place.path("reference"));
    let add = ["add", "pattern", "circuit-breaker"];
    place.run_in("reference", &add).succeeds();
    let new = content(&place.path("reference"));

    let (mut finished, mut rolled_back) = (0, 0);
    for (round, moment) in moments(Duration::from_millis(30)) {
        if is_enough(round, finished + rolled_back) {
            break;
        }
        let name = format!("round-{round}");
        copy(&place.path("shop"), &place.path(&name));
        let journal = place.path(&name).join(".otelgen.journal");
        let child =
            place.command(&name).args(add).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        kill(child, || journal.exists(), moment);
        let next = place.run_in(&name, &["list"]).succeeds();
        let found = without_lock_file(content(&place.path(&name)));
        let note = "`otelgen add pattern/circuit-breaker (payments)`, which had been interrupted";
        if next.stderr.starts_with("note: finished ") {
            assert!(next.stderr.contains(note), "{}", next.stderr);
            assert!(found == new, "round {round}: finished, but not the new project");
            finished += 1;
        } else if next.stderr.starts_with("note: rolled back ") {
            assert!(next.stderr.contains(note), "{}", next.stderr);
            assert!(found == old, "round {round}: rolled back, but not the old project");
            rolled_back += 1;
        } else {
            assert!(found == old || found == new, "round {round}: neither the old nor the new project");
        }
        if round % 6 == 0 {
            place.run_in(&name, &add).succeeds();
            assert!(content(&place.path(&name)) == new, "round {round}: the command does not work afterwards");
        }
    }
    assert!(finished + rolled_back > 0, "no round hit a transaction: {finished} finished, {rolled_back} rolled back");
}

#[test]
fn killed_while_creating_there_is_no_project_or_all_of_it() {
    let place = Place::new();
    let arguments = |name: &str| {
        [
            "new".to_owned(),
            "shop".to_owned(),
            "--vcs".to_owned(),
            "none".to_owned(),
            "--path".to_owned(),
            format!("{name}/shop"),
        ]
    };
    place.run(&arguments("reference").each_ref().map(String::as_str)).succeeds();
    let whole = content(&place.path("reference"));
    let (mut cut_off, mut left_over) = (0, 0);
    for (round, moment) in moments(Duration::from_millis(20)) {
        if is_enough(round, cut_off.min(left_over)) {
            break;
        }
        let name = format!("round-{round}");
        std::fs::create_dir(place.path(&name)).expect("made");
        let site = place.path(&name).join(".shop.otelgen-new");
        let child = place.command("").args(arguments(&name)).stdout(Stdio::null()).spawn().expect("it runs");
        kill(child, || site.exists(), moment);
        if place.path(&name).join("shop").exists() {
            let found = content(&place.path(&name).join("shop"));
            assert!(found == content(&place.path("reference/shop")), "round {round}: half a project");
            continue;
        }
        cut_off += 1;
        let ran = Ran::of(place.command("").args(arguments(&name))).succeeds();
        left_over += u32::from(ran.stderr.starts_with("note: rolled back `otelgen new`"));
        assert!(content(&place.path(&name)) == whole, "round {round}: something is left over");
    }
    assert!(cut_off > 0 && left_over > 0, "no round hit the creation: {cut_off} cut off, {left_over} left over");
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_under_verify_ends_with_otelgen_however_that_ends() {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Command, Stdio};

    // The shell is what otelgen is to the service; the service holds the pipe open as long as it runs.
    let script = r#""$OTELGEN" __bound-to $$ sh -c 'echo up; exec sleep 1000' & wait"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).env("OTELGEN", env!("CARGO_BIN_EXE_otelgen"));
    let mut parent = shell.stdout(Stdio::piped()).spawn().expect("it runs");
    let mut output = BufReader::new(parent.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line, "up\n");
    parent.kill().expect("killed");
    parent.wait().expect("ended");
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(output.read_to_end(&mut Vec::new()).is_ok()));
    assert_eq!(ended.recv_timeout(std::time::Duration::from_secs(30)), Ok(true), "the service still runs");
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_whose_otelgen_has_ended_already_is_not_started() {
    let place = Place::new();
    let ran = place.run(&["__bound-to", "1", "touch", "started"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("has ended"), "{}", ran.stderr);
    assert!(!place.path("started").exists());
}

#[test]
fn a_lock_file_that_a_killed_command_left_goes_with_the_next_command_of_any_kind() {
    for arguments in [&["list"][..], &["describe", "backend", "otlp"], &["add", "pattern", "zzz"]] {
        let place = Place::with_shop(&[]);
        place.write("shop/.otelgen.lock", "4194304000");
        place.run_in("shop", arguments);
        assert!(!place.path("shop/.otelgen.lock").exists(), "{arguments:?}");
    }
}
