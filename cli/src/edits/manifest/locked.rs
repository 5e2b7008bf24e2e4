//! What the lock remembers of the manifest: who brought each crate, what was written, and what stood there before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::render::Requirement;

/// The crates that packs have brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockedCrates {
    /// Of `[dependencies]`, by name.
    pub normal: BTreeMap<String, LockedCrate>,
    /// Of `[dev-dependencies]`, by name.
    pub dev: BTreeMap<String, LockedCrate>,
    /// The tables among them that did not exist before.
    pub created: BTreeSet<String>,
}

/// One crate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedCrate {
    /// The instances that want it.
    pub by: Vec<String>,
    /// Version requirement.
    pub version: String,
    /// Features that they want.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub features: BTreeSet<String>,
    /// Whether they want its default features.
    #[serde(default = "yes", rename = "default-features", skip_serializing_if = "is_yes")]
    pub default_features: bool,
    /// Whether the entry takes its version from the workspace.
    #[serde(default, skip_serializing_if = "is_no")]
    pub workspace: bool,
    /// The entry's value (of a table: its features) before packs wanted something of it; absent where the entry is
    /// otelgen's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

impl LockedCrate {
    pub(super) fn new(requirement: &Requirement, workspace: bool, before: Option<String>) -> Self {
        Self {
            by: requirement.by.clone(),
            version: requirement.version.clone(),
            features: requirement.features.clone(),
            default_features: requirement.default_features,
            workspace,
            before,
        }
    }

    /// Whether the manifest already says what `requirement` wants.
    pub(super) fn satisfies(&self, requirement: &Requirement) -> bool {
        self.version == requirement.version
            && self.features == requirement.features
            && self.default_features == requirement.default_features
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_no(value: &bool) -> bool {
    !*value
}
