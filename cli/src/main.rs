//! The otelgen binary.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    otelgen_cli::commands::main(std::env::args_os().collect())
}
