//! The command line as a library: one pipeline, args → Request → Plan → Changes → apply → Report. Programs use the
//! binary; this is public for the tests and benchmarks of this repository.
#![forbid(unsafe_code)]
// Only `project` reads and only `apply` writes (clippy.toml says which functions that bans).
#![warn(clippy::disallowed_methods)]

pub mod apply;
pub mod args;
pub mod changes;
pub mod commands;
pub mod edits;
pub mod lock;
pub mod name;
pub mod plan;
pub mod project;
pub mod reconcile;
pub mod render;
pub mod report;
pub mod tree;
pub mod verify;
