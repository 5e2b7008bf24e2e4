//! The packs.
