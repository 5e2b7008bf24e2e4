//! `otelgen verify`.

use clap::{Args, ValueEnum};

use super::output::Format;

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  otelgen verify
  otelgen verify --format junit > telemetry.xml
  otelgen verify --receiver http://localhost:4318")]
pub struct VerifyArgs {
    /// Send the telemetry to this OTLP collector as well
    #[arg(long, value_name = "URL")]
    pub receiver: Option<String>,
    /// Print for people, for machines (schemas/verify.json), or as JUnit XML
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    pub format: VerifyFormat,
}

/// Who reads the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VerifyFormat {
    /// A table, with colour in a terminal
    #[default]
    Human,
    /// One JSON document, errors included
    Json,
    /// JUnit XML, for continuous integration
    Junit,
}

impl VerifyFormat {
    /// The form of errors, which JUnit has no place for.
    pub fn for_errors(self) -> Format {
        if self == Self::Json { Format::Json } else { Format::Human }
    }
}
