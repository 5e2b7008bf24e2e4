//! Cargo.toml.
