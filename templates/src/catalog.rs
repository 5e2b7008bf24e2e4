//! All versions in one place: packs name crates and images, the catalog says which release.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `catalog.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// The oldest Rust that generated projects build with, as it stands in `package.rust-version`.
    pub rust_version: String,
    /// Version requirement by crate name.
    pub crates: BTreeMap<String, String>,
    /// Container image with its tag, by the name templates use.
    pub images: BTreeMap<String, String>,
}

impl Catalog {
    /// The catalog that ships with this version of otelgen.
    ///
    /// # Errors
    /// When `catalog.toml` does not parse, which the tests of this crate rule out for a released one.
    pub fn builtin() -> Result<Self, toml::de::Error> {
        toml::from_str(include_str!("../catalog.toml"))
    }
}
