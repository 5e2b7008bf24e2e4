//! Alternating rounds and ratios, so that a noisy machine is noisy for everyone alike.

use std::time::{Duration, Instant};

/// One contender: what it is called and what it does once.
pub struct Contender<'a> {
    /// As printed.
    pub name: String,
    /// One unit of work; an error ends the comparison.
    pub work: Box<dyn FnMut() -> Result<(), BenchError> + 'a>,
}

/// What can go wrong in a comparison.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A file or process could not be handled.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A contender did not do its work.
    #[error("`{command}` failed: {stderr}")]
    Command {
        /// The command line.
        command: String,
        /// What it said.
        stderr: String,
    },
}

/// The best time of each contender over `rounds` alternating rounds, in the order given.
pub fn best_of(rounds: usize, contenders: &mut [Contender<'_>]) -> Result<Vec<Duration>, BenchError> {
    let mut best = vec![Duration::MAX; contenders.len()];
    for _ in 0..rounds {
        for (contender, best) in contenders.iter_mut().zip(&mut best) {
            let start = Instant::now();
            (contender.work)()?;
            *best = start.elapsed().min(*best);
        }
    }
    Ok(best)
}

/// Prints a Markdown table with the first contender as the measure of all others.
pub fn print_ratios(title: &str, names: &[String], best: &[Duration]) {
    println!("\n{title}\n\n| | best | against {} |\n|---|---:|---:|", names.first().map_or("", String::as_str));
    let reference = best.first().map_or(1.0, Duration::as_secs_f64);
    for (name, time) in names.iter().zip(best) {
        println!("| {name} | {time:.1?} | {:.2} |", time.as_secs_f64() / reference);
    }
}
