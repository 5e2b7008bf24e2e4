//! Alternating rounds and ratios, so that a noisy machine is noisy for everyone alike.

use std::time::{Duration, Instant};

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
    /// A contender could not be made.
    #[error("{what}")]
    Setup {
        /// Which, and why.
        what: String,
    },
}

/// One contender among commands: what it is called and what it does once.
pub struct Contender<'a> {
    /// As printed.
    pub name: String,
    /// One unit of work; an error ends the comparison.
    pub work: Box<dyn FnMut() -> Result<(), BenchError> + 'a>,
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
pub fn print_ratios(title: &str, contenders: &[Contender<'_>], best: &[Duration]) {
    let first = contenders.first().map_or("", |contender| contender.name.as_str());
    println!("\n{title}\n\n| | best | against {first} |\n|---|---:|---:|");
    let reference = best.first().map_or(1.0, Duration::as_secs_f64);
    for (contender, time) in contenders.iter().zip(best) {
        println!("| {} | {time:.1?} | {:.2} |", contender.name, time.as_secs_f64() / reference);
    }
}

const ROUNDS: usize = 300;
const CALLS: u32 = 4_000;

/// One contender among operations of nanoseconds.
pub struct Operation<'a> {
    name: &'static str,
    threads: usize,
    work: &'a (dyn Fn() + Sync),
    nanoseconds: f64,
    allocations: u64,
}

impl<'a> Operation<'a> {
    /// `work`, done by so many threads at once.
    pub fn new(name: &'static str, threads: usize, work: &'a (dyn Fn() + Sync)) -> Self {
        Self { name, threads, work, nanoseconds: f64::MAX, allocations: 0 }
    }

    fn round(&mut self) {
        let start = Instant::now();
        if self.threads == 1 {
            (0..CALLS).for_each(|_| (self.work)());
        } else {
            std::thread::scope(|scope| {
                for _ in 0..self.threads {
                    scope.spawn(|| (0..CALLS).for_each(|_| (self.work)()));
                }
            });
        }
        let each = start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS);
        self.nanoseconds = self.nanoseconds.min(each);
    }
}

/// The best round of each, alternating, and the allocations of one call.
pub fn time_operations(operations: &mut [Operation<'_>]) {
    for operation in operations.iter_mut() {
        (operation.work)();
        operation.allocations = allocation_counter::measure(|| (operation.work)()).count_total;
    }
    for _ in 0..ROUNDS {
        operations.iter_mut().for_each(Operation::round);
    }
}

/// What one operation is to cost of another.
pub struct Target {
    text: &'static str,
    measured: usize,
    against: usize,
    at_most: f64,
}

impl Target {
    /// Operation number `measured` is to take at most `at_most` of the time of number `against`.
    pub fn new(text: &'static str, measured: usize, against: usize, at_most: f64) -> Self {
        Self { text, measured, against, at_most }
    }
}

/// Prints times, allocations, and which targets are met.
pub fn print_operations(title: &str, operations: &[Operation<'_>], targets: &[Target]) {
    println!("\n{title} (best of {ROUNDS} alternating rounds)\n\n| | ns a call | allocations |\n|---|---:|---:|");
    for operation in operations {
        println!("| {} | {:.1} | {} |", operation.name, operation.nanoseconds, operation.allocations);
    }
    println!("\n| target | ratio | allowed | |\n|---|---:|---:|---|");
    for target in targets {
        let time = |index: usize| operations.get(index).map_or(f64::NAN, |operation| operation.nanoseconds);
        let ratio = time(target.measured) / time(target.against);
        let verdict = if ratio <= target.at_most { "met" } else { "**not met**" };
        println!("| {} | {ratio:.2} | {:.2} | {verdict} |", target.text, target.at_most);
    }
}
