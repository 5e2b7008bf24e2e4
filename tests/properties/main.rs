//! What has to hold for every pack there is, and for those to come: they are found in the library, never named.
#![allow(clippy::disallowed_methods)] // tests read the third-party packs

mod edits;
mod formatting;
mod names;
mod order;
mod snapshots;
mod world;
