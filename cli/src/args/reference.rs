//! The command reference of the book (`docs/src/commands.md`), generated from what clap knows.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

/// The whole page, in Markdown.
pub fn markdown() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page =
        String::from("# Commands\n\n<!-- Generated from the command line's own definition; a test compares. -->\n\n");
    let _ = writeln!(page, "{}.\n", about(&root).trim_end_matches('.'));
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        describe(&mut page, command);
    }
    let exit_codes = root.get_after_help().map(ToString::to_string).unwrap_or_default();
    if let Some((title, codes)) = exit_codes.split_once('\n') {
        let _ = write!(page, "## {}\n\n```text\n{codes}\n```\n", title.trim_end_matches(':'));
    }
    page
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn describe(page: &mut String, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let _ = write!(page, "## otelgen {}\n\n{}.\n\n```console\n{usage}\n```\n\n", command.get_name(), about(command));
    let shown = || command.get_arguments().filter(|argument| !argument.is_hide_set() && !is_standard(argument));
    for argument in shown().filter(|argument| argument.is_positional()).chain(shown().filter(|it| !it.is_positional()))
    {
        let _ = writeln!(page, "- {}: {}", spelling(argument), explanation(argument));
    }
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if let Some((title, lines)) = examples.split_once('\n') {
        let lines: Vec<&str> = lines.trim_end().lines().map(str::trim_start).collect();
        let _ = write!(page, "\n{title}\n\n```console\n{}\n```\n", lines.join("\n"));
    }
    page.push('\n');
}

/// `--help` and `--version` are the same everywhere.
fn is_standard(argument: &Arg) -> bool {
    matches!(argument.get_id().as_str(), "help" | "version")
}

fn spelling(argument: &Arg) -> String {
    let value = argument.get_value_names().and_then(|names| names.first()).map(|name| format!("<{name}>"));
    let value = value.filter(|_| argument.get_action().takes_values());
    let long = argument.get_long().map(|long| format!("--{long}"));
    let short = argument.get_short().map(|short| format!("-{short},"));
    let parts: Vec<String> = [short, long, value].into_iter().flatten().collect();
    format!("`{}`", parts.join(" "))
}

fn explanation(argument: &Arg) -> String {
    let mut text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| argument.get_action().takes_values())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), uncapitalised(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        let _ = write!(text, ": {}", values.join(", "));
    }
    let default = argument.get_default_values().first().filter(|_| argument.get_action().takes_values());
    if let Some(default) = default {
        let _ = write!(text, "; `{}` if absent", default.to_string_lossy());
    }
    text
}

/// For the middle of a sentence; `OTLP` stays as it is.
fn uncapitalised(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}
