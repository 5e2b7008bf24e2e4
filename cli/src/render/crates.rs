//! The crates a project depends on: what its packs ask for, united, with the versions of the catalog.

use std::collections::{BTreeMap, BTreeSet};

use otelgen_templates::manifest::Dependency;

use super::{Desk, RenderError, Scene};

/// The crates of a project, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crates {
    /// `[dependencies]`
    pub normal: BTreeMap<String, Requirement>,
    /// `[dev-dependencies]`
    pub dev: BTreeMap<String, Requirement>,
}

/// What the packs of a project want of a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Version requirement.
    pub version: String,
    /// Features to switch on.
    pub features: BTreeSet<String>,
    /// Whether the default features stay on.
    pub default_features: bool,
    /// The instances that want it, as they are written in the lock.
    pub by: Vec<String>,
}

pub(super) fn collect(scene: &mut Scene<'_>) -> Result<Crates, RenderError> {
    let mut crates = Crates::default();
    for actor in &scene.actors {
        let manifest = &actor.pack.manifest;
        let tables = [
            ("dependencies", &manifest.dependencies, &mut crates.normal),
            ("dev-dependencies", &manifest.dev_dependencies, &mut crates.dev),
        ];
        for (place, wanted, table) in tables {
            let mut desk = Desk { texts: &mut scene.texts, id: actor.id, place };
            for (name, dependency) in wanted {
                if !desk.holds(dependency.when.as_deref(), &actor.context)? {
                    continue;
                }
                let catalog = scene.library.catalog().crates.get(name);
                let version = dependency
                    .version
                    .as_ref()
                    .or(catalog)
                    .ok_or_else(|| RenderError::NoVersion { id: actor.id.clone(), name: name.clone() })?;
                unite(table, name, version, dependency, &desk)?;
            }
        }
    }
    Ok(crates)
}

fn unite(
    table: &mut BTreeMap<String, Requirement>,
    name: &str,
    version: &str,
    dependency: &Dependency,
    desk: &Desk<'_>,
) -> Result<(), RenderError> {
    let by = desk.id.to_string();
    let requirement = table.entry(name.to_owned()).or_insert_with(|| Requirement {
        version: version.to_owned(),
        features: BTreeSet::new(),
        default_features: false,
        by: Vec::new(),
    });
    if requirement.version != version {
        return Err(RenderError::TwoVersions {
            name: name.to_owned(),
            first: requirement.by.join(", "),
            first_version: requirement.version.clone(),
            second: desk.id.clone(),
            second_version: version.to_owned(),
        });
    }
    requirement.features.extend(dependency.features.iter().cloned());
    requirement.default_features |= dependency.default_features.unwrap_or(true);
    if !requirement.by.contains(&by) {
        requirement.by.push(by);
    }
    Ok(())
}
