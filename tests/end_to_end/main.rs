//! A new user's first minutes, on real programs: the generated service is checked by cargo's own tools, run, called, and
//! its telemetry followed into real receivers. Every emitted file is held against the checker of its own world.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // a test may

mod collector;
mod files;
mod peers;
mod project;
mod service;
mod workspace;
