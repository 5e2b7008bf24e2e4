//! In a terminal, `new` asks where nothing was chosen. `script` (util-linux) makes the terminal.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::support::Place;

const ENTER: &[u8] = b"\r";
const SPACE: &[u8] = b" ";
const CONTROL_C: &[u8] = b"\x03";

/// Runs the binary in a terminal; each answer is typed once its question is on the screen.
fn converse(place: &Place, arguments: &str, answers: &[(&str, &[&[u8]])]) -> Option<(Option<i32>, String)> {
    let mut command = place.prepare(Command::new("script"), "");
    let line = format!("\"{}\" {arguments}", env!("CARGO_BIN_EXE_otelgen"));
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh");
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = spawned else {
        eprintln!("skipped: there is no `script` to make a terminal with");
        return None;
    };
    let mut input = child.stdin.take().expect("an input");
    let mut output = child.stdout.take().expect("an output");
    let (mut screen, mut chunk) = (String::new(), [0; 4096]);
    for (question, keys) in answers {
        while !screen.contains(question) {
            let length = output.read(&mut chunk).expect("readable");
            assert!(length > 0, "no `{question}` in:\n{screen}");
            screen.push_str(&String::from_utf8_lossy(&chunk[..length]));
        }
        for key in *keys {
            input.write_all(key).expect("typed");
        }
    }
    output.read_to_string(&mut screen).expect("readable");
    Some((child.wait().expect("it ends").code(), screen))
}

#[test]
fn in_a_terminal_what_was_not_chosen_is_asked_with_an_explanation_each() {
    let place = Place::new();
    let answers: [(&str, &[&[u8]]); 3] =
        [("What is it?", &[ENTER]), ("Which patterns?", &[SPACE, ENTER]), ("Where does telemetry go?", &[ENTER])];
    let Some((code, screen)) = converse(&place, "new shop --vcs none --runtime registry", &answers) else { return };
    assert_eq!(code, Some(0), "{screen}");
    for expected in ["axum", "HTTP service on axum", "circuit-breaker", "stops calling a dependency", "otlp", "Created"]
    {
        assert!(screen.contains(expected), "no `{expected}` in:\n{screen}");
    }
    assert!(place.path("shop/src/patterns/payments.rs").is_file(), "{screen}");
}

#[test]
fn what_was_chosen_or_waved_through_is_not_asked() {
    for arguments in ["--yes", "--pattern circuit-breaker", "--format json"] {
        let place = Place::new();
        let line = format!("new shop --vcs none --runtime registry {arguments}");
        let Some((code, screen)) = converse(&place, &line, &[]) else { return };
        assert_eq!(code, Some(0), "{screen}");
        assert!(!screen.contains("What is it?"), "{screen}");
    }
}

#[test]
fn giving_up_writes_nothing() {
    let place = Place::new();
    let Some((code, screen)) = converse(&place, "new shop", &[("What is it?", &[CONTROL_C])]) else { return };
    // Between two questions the terminal itself turns the key into a signal.
    assert!(matches!(code, Some(1 | 130)), "{code:?}: {screen}");
    assert!(place.content().is_empty());
}

#[test]
fn in_a_narrow_terminal_lines_are_broken_between_words() {
    let place = Place::new();
    for arguments in ["list", "describe pattern circuit-breaker"] {
        let Some((code, screen)) = converse(&place, arguments, &[]) else { return };
        assert_eq!(code, Some(0), "{screen}");
    }
    let mut shell = place.prepare(Command::new("script"), "");
    let line = format!("stty rows 40 cols 50; \"{}\" describe pattern circuit-breaker", env!("CARGO_BIN_EXE_otelgen"));
    shell.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("TERM", "xterm").env("NO_COLOR", "1");
    let Ok(output) = shell.env("SHELL", "/bin/sh").output() else { return };
    let screen = String::from_utf8_lossy(&output.stdout);
    let fits = |line: &&str| line.trim_end().chars().count() <= 50 || line.trim().split(' ').count() == 1;
    let long: Vec<&str> = screen.lines().filter(|line| !fits(line)).collect();
    assert!(screen.contains("Options") && long.is_empty(), "{long:#?} in:\n{screen}");
}
