//! What a command says when it is done: text for people, one JSON document for machines. It decides nothing and
//! reads nothing.

mod changes;
mod describe;
mod diff;
mod list;
mod outcome;
mod problem;
mod progress;
pub mod schema;
mod style;
mod telemetry;
mod wrap;

pub use changes::{ChangeReport, FileReport, NoteReport, RecoveredReport, Status};
pub use describe::{DependencyReport, DescribeReport, OptionReport};
pub use list::{ListReport, ListedPack};
pub use outcome::{DocumentReport, Outcome, PagesReport, Report, print, print_problem, tell};
pub use problem::{Exit, Problem};
pub use progress::Progress;
pub use telemetry::{Changed, TelemetryDiff};
