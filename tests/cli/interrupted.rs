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
