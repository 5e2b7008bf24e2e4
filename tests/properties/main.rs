//! What has to hold for every pack there is, and for those to come: they are found in the library, never named.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // a test may

mod edits;
mod formatting;
mod names;
mod order;
mod snapshots;
mod world;
