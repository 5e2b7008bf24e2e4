//! The sources of the runtime and its macros, embedded so that a generated project builds before they are
//! published (`--runtime vendored`).

include!(concat!(env!("OUT_DIR"), "/vendored.rs"));

/// A file of a vendored crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendoredFile {
    /// Where it goes, relative to the project.
    pub path: &'static str,
    /// Its text, with `\n` as line ending.
    pub text: &'static str,
    /// SHA-256 of the text, in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// All files of the vendored crates, sorted by path.
pub fn files() -> &'static [VendoredFile] {
    FILES
}

/// The vendored crates with their folders relative to the project: what `[patch.crates-io]` names.
pub fn crates() -> &'static [(&'static str, &'static str)] {
    &[("otelgen", "vendor/otelgen"), ("otelgen-macros", "vendor/otelgen-macros")]
}
