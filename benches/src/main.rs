//! `cargo run --release -p otelgen-benches -- <what>`: each comparison measures otelgen and its peers in one run,
//! in alternating rounds, and prints ratios. Absolute times are those of this machine at this moment.

mod breaker;
mod measure;
mod scaffold;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo run --release -p otelgen-benches -- <what>

  new     `otelgen new` against cargo-generate, cargo new and others found on the PATH
  breaker the circuit breaker against recloser, failsafe, and failsafe with counter and histogram by hand
  build   the generated default project against the same stack put together by hand: crates, cold build
";

fn main() -> ExitCode {
    let what = std::env::args().nth(1).unwrap_or_default();
    let outcome = match what.as_str() {
        "new" => scaffold::new_against_peers(),
        "breaker" => breaker::against_peers(),
        "build" => scaffold::build_against_hand_made(),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
