//! `cargo run --release -p otelgen-benches -- <what>`: each comparison measures otelgen and its peers in one run,
//! in alternating rounds, and prints ratios. Absolute times are those of this machine at this moment.

mod breaker;
mod expansion;
mod functions;
mod layers;
mod measure;
mod patterns;
mod report;
mod scaffold;

use std::process::ExitCode;

use measure::{BenchError, Comparison};

const USAGE: &str = "\
usage: cargo run --release -p otelgen-benches -- <what>
       cargo run --release -p otelgen-benches -- report [<what> …]

`report` measures all of them, or those that are named, and writes the pages of docs/src/benchmarks.
";

/// What is compared: its name, what it is for the usage text, and how.
type Entry = (&'static str, &'static str, fn() -> Result<Comparison, BenchError>);

const COMPARISONS: [Entry; 7] = [
    ("breaker", "the circuit breaker, against recloser, failsafe, and a stack by hand", breaker::against_peers),
    ("patterns", "retry, cache, rate limit, bulkhead, against backon, moka, governor, tokio", patterns::against_peers),
    ("layers", "each Tower layer, against tower-resilience", layers::against_peers),
    ("functions", "#[traced], against #[instrument] and autometrics", functions::against_peers),
    ("expansion", "cargo check of 1,000 annotated functions, against #[instrument]", expansion::against_instrument),
    ("new", "otelgen new, against cargo-generate and cargo new", scaffold::new_against_peers),
    ("build", "the generated project, against the same stack by hand: cold build", scaffold::build_against_hand_made),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().unwrap_or_default();
    let reports = first == "report";
    let named: Vec<String> = if reports { arguments.collect() } else { vec![first] };
    let wanted = |name: &str| (reports && named.is_empty()) || named.iter().any(|wish| wish == name);

    if let Some(unknown) = named.iter().find(|wish| !COMPARISONS.iter().any(|(name, ..)| name == wish)) {
        return usage(unknown);
    }
    for (name, _, compare) in COMPARISONS.iter().filter(|(name, ..)| wanted(name)) {
        if let Err(error) = run(name, *compare, reports) {
            eprintln!("error: {name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run(name: &str, compare: fn() -> Result<Comparison, BenchError>, reports: bool) -> Result<(), BenchError> {
    let comparison = compare()?;
    println!("\n## {name}\n\n{}", report::markdown(&comparison));
    if reports { report::write_section(name, &comparison) } else { Ok(()) }
}

fn usage(unknown: &str) -> ExitCode {
    if !unknown.is_empty() {
        eprintln!("error: there is no comparison `{unknown}`\n");
    }
    eprintln!("{USAGE}");
    for (name, what, _) in COMPARISONS {
        eprintln!("  {name:<10} {what}");
    }
    ExitCode::from(2)
}
