//! Help, the command reference, completions and manual pages: all from one definition.

use std::fs;
use std::path::Path;

use crate::support::Place;

const COMMANDS: [&str; 8] = ["new", "add", "remove", "list", "describe", "verify", "completions", "man"];

/// Compares a file of the repository with what it should be; `OTELGEN_UPDATE=1` writes it.
#[track_caller]
pub fn compare(path: &str, expected: &str) {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("OTELGEN_UPDATE").is_some_and(|value| value == "1") {
        fs::create_dir_all(place.parent().expect("a folder")).expect("made");
        fs::write(&place, expected).expect("written");
    }
    let found = fs::read_to_string(&place).unwrap_or_default().replace("\r\n", "\n");
    assert!(found == expected, "{path} is out of date: OTELGEN_UPDATE=1 cargo test --test cli\n{expected}");
}

#[test]
fn the_command_reference_of_the_book_is_that_of_the_binary() {
    compare("docs/src/commands.md", &otelgen_cli::args::reference::markdown());
}

#[test]
fn help_is_short_and_has_examples_and_exit_codes() {
    let place = Place::new();
    let root = place.run(&["--help"]).succeeds().stdout;
    assert!(root.contains("Exit codes:"), "{root}");
    for command in COMMANDS {
        assert!(root.contains(&format!("\n  {command} ")), "{root}");
        let help = place.run(&[command, "--help"]).succeeds().stdout;
        assert!(help.contains("Examples:\n  otelgen "), "{help}");
        let short = place.run(&[command, "-h"]).succeeds().stdout;
        assert!(short.contains("Examples:\n  otelgen ") && short.lines().count() <= 50, "{short}");
    }
    let nothing = place.run(&[]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(2), ""));
    assert!(nothing.stderr.contains("Usage: otelgen <COMMAND>"), "{}", nothing.stderr);
    assert!(place.run(&["--version"]).succeeds().stdout.starts_with("otelgen 0."));
}

#[test]
fn help_can_be_asked_for_by_a_command() {
    let place = Place::new();
    assert_eq!(place.run(&["help"]).succeeds().stdout, place.run(&["--help"]).succeeds().stdout);
    assert_eq!(place.run(&["help", "new"]).succeeds().stdout, place.run(&["new", "--help"]).succeeds().stdout);
    place.run(&["help", "nwe"]).fails(2, &["nwe"]);
}

#[test]
fn no_code_of_the_command_line_names_a_pack() {
    fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let library = otelgen_templates::Library::builtin().expect("the packs");
    // `base` packs are not chosen by anyone; their names are ordinary words.
    let names: Vec<&str> =
        library.ids().filter(|id| id.kind != otelgen_templates::Kind::Base).map(|id| id.name.as_str()).collect();
    assert!(names.len() > 3, "{names:?}");
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli/src");
    sources(&root, &mut files);
    files.retain(|file| file.strip_prefix(&root).is_ok_and(|below| !below.to_string_lossy().contains("tests")));
    assert!(files.len() > 50, "{files:?}");
    let mut found = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("readable");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (name, line) in lines.flat_map(|line| names.iter().map(move |name| (*name, line))) {
            let mut words = line.split(|it: char| !it.is_ascii_alphanumeric() && !matches!(it, '-' | '_'));
            if words.any(|word| word == name) {
                found.push(format!("{}: {line}", file.display()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_example_in_the_help_is_a_command_that_can_be_typed() {
    use clap::Parser as _;
    let page = otelgen_cli::args::reference::markdown();
    let typed = page.lines().filter(|line| line.starts_with("otelgen ") && !line.contains(['[', '<']));
    let mut seen = 0;
    for line in typed {
        let words = line.split_whitespace().take_while(|word| !matches!(*word, ">" | "|"));
        otelgen_cli::args::Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn completions_know_every_command_in_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).succeeds().stdout;
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} does not know {command}");
        }
        assert!(script.contains("dry-run"), "{shell} does not know options");
    }
    place.run(&["completions", "tcsh"]).fails(2, &["tcsh"]);
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let place = Place::new();
    let page = place.run(&["man"]).succeeds().stdout;
    assert!(page.contains(".TH otelgen 1"), "{page}");
    place.run(&["man", "--out", "deep/man1"]).succeeds();
    for command in COMMANDS {
        assert!(page.contains(&format!("otelgen\\-{command}(1)")), "{page}");
        let own = place.read(&format!("deep/man1/otelgen-{command}.1"));
        assert!(own.contains(&format!(".TH otelgen-{command} 1")), "{own}");
        assert!(own.contains("\\-\\-format"), "{own}");
    }
    let before = place.content();
    place.run(&["man", "--out", "deep/man1"]).succeeds();
    assert_eq!(place.content(), before);
    place.write("file", "");
    place.run(&["man", "--out", "file"]).fails(1, &["file"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let mut child = place
        .command("")
        .args(["describe", "pattern", "circuit-breaker"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}
