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

impl BenchError {
    /// For `map_err`: the contender `what` could not be made.
    pub fn setup<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> Self {
        move |error| Self::Setup { what: format!("{what}: {error}") }
    }

    /// For `map_err`: a file or process could not be handled while `doing`.
    pub fn io(doing: &str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { doing: doing.to_owned(), source }
    }
}

/// What was measured, and what was to hold.
pub struct Comparison {
    /// What one row's work is, and how it was measured.
    pub title: String,
    /// One per contender.
    pub rows: Vec<Row>,
    /// One per target.
    pub targets: Vec<Target>,
}

/// One contender's result.
pub struct Row {
    /// As printed.
    pub name: &'static str,
    /// The best round, in `unit`.
    pub best: f64,
    /// What `best` counts.
    pub unit: &'static str,
    /// Allocations of one unit of work, where they were counted.
    pub allocations: Option<u64>,
}

/// What one row is to be of another.
pub struct Target {
    /// What is promised.
    pub text: &'static str,
    /// The row that the promise is about, and the one it is held against.
    pub rows: (&'static str, &'static str),
    /// How far it may go.
    pub allowed: Allowed,
}

/// How much of its peer a row may cost.
#[derive(Clone, Copy)]
pub enum Allowed {
    /// So many times as much.
    Times(f64),
    /// So much more, in the rows' unit.
    More(f64),
}

/// A target held against what was measured.
pub struct Verdict {
    /// The measured ratio or difference, as printed.
    pub measured: String,
    /// The allowed one, as printed.
    pub allowed: String,
    /// The row's cost over the cost that is allowed: at most 1 where the target is met.
    pub share: f64,
}

impl Comparison {
    /// Whether `target` is met, and by how much.
    pub fn verdict(&self, target: &Target) -> Verdict {
        let cost = |name: &str| self.rows.iter().find(|row| row.name == name).map_or(f64::NAN, |row| row.best);
        let (mine, peers) = (cost(target.rows.0), cost(target.rows.1));
        match target.allowed {
            Allowed::Times(times) => Verdict {
                measured: format!("{:.2}×", mine / peers),
                allowed: format!("{times:.2}×"),
                share: mine / (peers * times),
            },
            Allowed::More(more) => Verdict {
                measured: format!("{:+.1}", mine - peers),
                allowed: format!("{more:+.0}"),
                share: mine / (peers + more),
            },
        }
    }
}

/// One contender among commands: what it is called and what it does once.
pub struct Contender<'a> {
    /// As printed.
    pub name: &'static str,
    /// One unit of work; an error ends the comparison.
    pub work: Box<dyn FnMut() -> Result<Duration, BenchError> + 'a>,
}

/// The best time of each contender over `rounds` alternating rounds, in seconds.
pub fn time_commands(rounds: usize, contenders: &mut [Contender<'_>]) -> Result<Vec<Row>, BenchError> {
    let mut best = vec![Duration::MAX; contenders.len()];
    for _ in 0..rounds {
        for (contender, best) in contenders.iter_mut().zip(&mut best) {
            *best = (contender.work)()?.min(*best);
        }
    }
    let row = |(contender, best): (&Contender<'_>, Duration)| Row {
        name: contender.name,
        best: best.as_secs_f64(),
        unit: "s",
        allocations: None,
    };
    Ok(contenders.iter().zip(best).map(row).collect())
}

const ROUNDS: usize = 300;
const CALLS: u32 = 4_000;

/// One contender among operations of nanoseconds.
pub struct Operation<'a> {
    name: &'static str,
    work: Work<'a>,
    nanoseconds: f64,
    allocations: u64,
}

/// Runs an operation so many times. The loop stands inside, so that the operation is inlined into it.
enum Work<'a> {
    Alone(Box<dyn FnMut(u32) + 'a>),
    Together(usize, Box<dyn Fn(u32) + Sync + 'a>),
}

impl<'a> Operation<'a> {
    /// `work`, done by one thread.
    pub fn new(name: &'static str, mut work: impl FnMut() + 'a) -> Self {
        let work = Work::Alone(Box::new(move |calls| (0..calls).for_each(|_| work())));
        Self { name, work, nanoseconds: f64::MAX, allocations: 0 }
    }

    /// `work`, done by so many threads at once.
    pub fn together(name: &'static str, threads: usize, work: impl Fn() + Sync + 'a) -> Self {
        let work = Work::Together(threads, Box::new(move |calls| (0..calls).for_each(|_| work())));
        Self { name, work, nanoseconds: f64::MAX, allocations: 0 }
    }

    fn count_allocations(&mut self) {
        let mut once = || match &mut self.work {
            Work::Alone(work) => work(1),
            Work::Together(_, work) => work(1),
        };
        once();
        self.allocations = allocation_counter::measure(once).count_total;
    }

    fn round(&mut self) {
        let start = Instant::now();
        match &mut self.work {
            Work::Alone(work) => work(CALLS),
            Work::Together(threads, work) => std::thread::scope(|scope| {
                for _ in 0..*threads {
                    scope.spawn(|| work(CALLS));
                }
            }),
        }
        let each = start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS);
        self.nanoseconds = self.nanoseconds.min(each);
    }
}

/// The best round of each, alternating, and the allocations of one call.
pub fn time_operations(operations: Vec<Operation<'_>>) -> Vec<Row> {
    let mut operations = operations;
    operations.iter_mut().for_each(Operation::count_allocations);
    for _ in 0..ROUNDS {
        operations.iter_mut().for_each(Operation::round);
    }
    let row = |operation: Operation<'_>| Row {
        name: operation.name,
        best: operation.nanoseconds,
        unit: "ns",
        allocations: Some(operation.allocations),
    };
    operations.into_iter().map(row).collect()
}

/// Polls a future that has nothing to wait for, so that no runtime is measured.
pub fn at_once<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
