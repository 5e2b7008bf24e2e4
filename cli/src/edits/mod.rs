//! Changes to text that somebody may have edited: three-way merges of rendered files, splices into manifests. Pure:
//! bytes in, bytes out.

pub mod manifest;
pub mod merge;
mod splice;
pub mod style;

pub use splice::Splices;
