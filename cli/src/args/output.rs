//! The form of what is printed; the same for every command.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

/// Where output options are flattened into.
#[derive(Clone, Copy, Debug, Args)]
pub struct OutputArgs {
    /// Print for people or for machines (schemas/*.json)
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    pub format: Format,
}

/// Who reads the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text, with colour in a terminal
    #[default]
    Human,
    /// One JSON document, errors included
    Json,
}

impl Format {
    /// What was asked for in arguments that could not be parsed.
    pub fn guess(arguments: &[OsString]) -> Self {
        let split = arguments.windows(2).any(|pair| pair == ["--format", "json"]);
        if split || arguments.iter().any(|argument| argument == "--format=json") { Self::Json } else { Self::Human }
    }
}
