//! The packs of otelgen, embedded and typed: what a pack may say, whether it says it rightly, and the template
//! engine it is written for. This crate knows nothing of projects, disks or commands.
//!
//! How to write a pack is told in the book (`docs/src/pack-format.md`); [`manifest`] is the same as types.

pub mod catalog;
pub mod check;
pub mod constraints;
pub mod engine;
pub mod library;
pub mod manifest;
pub mod names;
pub mod options;
pub mod telemetry;
pub mod vendored;

pub use catalog::Catalog;
pub use library::{Kind, Library, LibraryError, Pack, PackId};
