//! The only writer: carries [`Changes`](crate::changes::Changes) out so that a crash at any moment leaves the old
//! files or the new ones. It knows nothing of packs, plans or what the files mean.
//!
//! A project that is new on disk is written to a sibling folder and renamed once ([`create`]). Anything else is a
//! transaction ([`update`]): journal, stage beside, mark as decided, rename one by one, remove the journal. The next
//! command reads the journal and finishes or rolls back ([`recover`]).
#![allow(clippy::disallowed_methods)] // the one place that writes

mod create;
mod disk;
mod error;
mod journal;
mod lock;
mod recover;
mod steps;
mod update;
mod vcs;

pub use create::create;
pub use error::ApplyError;
pub use journal::is_pending;
pub use lock::{Guard, sweep};
pub use recover::{Outcome, Recovered, recover};
pub use steps::{Step, Steps, Unwatched};
pub use update::update;
pub use vcs::{VcsError, init_git};
