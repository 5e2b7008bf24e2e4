//! `otelgen verify`.

use clap::{Args, ValueEnum};

use crate::verify::{Protocol, Undeclared};

use super::output::Format;

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("examples/verify.txt"))]
pub struct VerifyArgs {
    /// Send the telemetry to this OTLP collector as well
    #[arg(long, value_name = "URL")]
    pub receiver: Option<String>,
    /// The program to run, where the project builds several
    #[arg(long, value_name = "NAME")]
    pub bin: Option<String>,
    /// Build with optimisations
    #[arg(long)]
    pub release: bool,
    /// How the service sends its telemetry
    #[arg(long, value_name = "PROTOCOL", value_enum, default_value_t)]
    pub protocol: ProtocolArg,
    /// Only note what arrives undeclared, such as telemetry of your own
    #[arg(long)]
    pub allow_undeclared: bool,
    /// Print for people, for machines (schemas/verify.json), or as JUnit XML
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    pub format: VerifyFormat,
}

/// The protocols of OTLP that services export in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProtocolArg {
    /// OTLP over gRPC
    Grpc,
    /// OTLP over HTTP, the default of the specification
    #[default]
    #[value(name = "http/protobuf")]
    HttpProtobuf,
}

/// What `verify` is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyRequest {
    /// A collector that is to receive everything as well.
    pub receiver: Option<String>,
    /// The program to run.
    pub bin: Option<String>,
    /// Whether to build with optimisations.
    pub release: bool,
    /// How the service sends its telemetry.
    pub protocol: Protocol,
    /// How to take what is not declared.
    pub undeclared: Undeclared,
}

impl VerifyArgs {
    /// The request that was typed.
    pub fn request(self) -> VerifyRequest {
        VerifyRequest {
            receiver: self.receiver,
            bin: self.bin,
            release: self.release,
            protocol: match self.protocol {
                ProtocolArg::Grpc => Protocol::Grpc,
                ProtocolArg::HttpProtobuf => Protocol::HttpProtobuf,
            },
            undeclared: if self.allow_undeclared { Undeclared::Note } else { Undeclared::Error },
        }
    }
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
