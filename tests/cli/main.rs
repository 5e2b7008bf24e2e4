//! The command line as its users meet it: the binary, its output, its exit codes, and what it leaves on the disk.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // a test may

mod colour;
mod damaged;
mod dry_run;
mod help;
mod interrupted;
mod json;
mod names;
mod packs;
mod projects;
mod refused;
mod support;
mod terminal;
mod workspace;
