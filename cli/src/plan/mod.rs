//! Which packs a project is made of, with which options, in which order, and why each is there. Pure: it knows the
//! library and what was chosen, and neither files nor disks.

mod error;
mod selection;
mod setting;
mod suggest;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use otelgen_templates::manifest::Instances;
use otelgen_templates::options::OptionValue;
use otelgen_templates::{Kind, Library, Pack, PackId};
use otelgen_templates::{constraints, names};

use crate::name::Name;

pub use error::PlanError;
pub use selection::{Chosen, Runtime, Selection};
pub use setting::Setting;
pub(crate) use suggest::nearest;

/// The packs of a project in rendering order: kind, pack, instance; never the order of adding.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The project's name.
    pub project: Name,
    /// Where the project finds the runtime crate.
    pub runtime: Runtime,
    /// The name of its framework.
    pub framework: String,
    /// What the framework is: `http-server`, `worker`, ….
    pub shape: String,
    /// Where the project is below the root of its workspace, with forward slashes; empty where it stands alone.
    pub folder: String,
    /// Every instance, chosen and required.
    pub instances: Vec<Instance>,
}

impl Plan {
    /// The same plan for a project in `folder` of a workspace.
    #[must_use]
    pub fn within(self, folder: &str) -> Self {
        Self { folder: folder.to_owned(), ..self }
    }
}

/// One pack in a project.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Which.
    pub id: InstanceId,
    /// Every option of the pack with its value.
    pub options: BTreeMap<String, OptionValue>,
    /// Why it is there.
    pub reason: Reason,
}

/// Names an instance: the pack and, for a pattern, the instance's own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    /// The pack.
    pub pack: PackId,
    /// The name, of a pattern.
    pub name: Option<Name>,
}

impl InstanceId {
    /// The name that templates see: the instance's own or else the pack's.
    pub fn label(&self) -> &str {
        self.name.as_ref().map_or(self.pack.name.as_str(), Name::as_str)
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) if name.as_str() != self.pack.name => write!(formatter, "{} ({name})", self.pack),
            _ => write!(formatter, "{}", self.pack),
        }
    }
}

/// Why an instance is in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The user chose it.
    Chosen,
    /// These packs need it.
    Required(Vec<PackId>),
}

/// Completes and checks a selection.
///
/// # Errors
/// An unknown pack or option, a value that does not fit, a pair that cannot stand together, names that clash.
pub fn plan(library: &Library, selection: &Selection) -> Result<Plan, PlanError> {
    let mut instances = Vec::new();
    for chosen in &selection.packs {
        let pack = selection::pack(library, &chosen.id.pack)?;
        instances.push(Instance { id: chosen.id.clone(), options: options(pack, chosen)?, reason: Reason::Chosen });
    }
    add_required(library, &mut instances)?;
    instances.sort_by(|left, right| left.id.cmp(&right.id));
    let (framework, shape) = framework(library, &instances)?;
    let (project, runtime) = (selection.project.clone(), selection.runtime.clone());
    let plan = Plan { project, runtime, framework, shape, folder: String::new(), instances };
    check_numbers(library, &plan)?;
    check_shapes(library, &plan)?;
    check_conflicts(library, &plan)?;
    check_names(library, &plan)?;
    check_constraints(library, &plan)?;
    Ok(plan)
}

fn options(pack: &Pack, chosen: &Chosen) -> Result<BTreeMap<String, OptionValue>, PlanError> {
    for name in chosen.options.keys() {
        setting::spec(pack, name)?;
    }
    let mut options = BTreeMap::new();
    for (name, spec) in &pack.manifest.options {
        let value = chosen.options.get(name).unwrap_or(&spec.default).clone();
        let value = spec.check(value).map_err(|problem| PlanError::Value {
            pack: pack.id.clone(),
            option: name.clone(),
            help: spec.help.clone(),
            problem,
        })?;
        options.insert(name.clone(), value);
    }
    Ok(options)
}

/// Adds what `requires` lists name, to the end of the chain.
fn add_required(library: &Library, instances: &mut Vec<Instance>) -> Result<(), PlanError> {
    let mut required: BTreeMap<PackId, Vec<PackId>> = BTreeMap::new();
    let mut open: Vec<PackId> = instances.iter().map(|instance| instance.id.pack.clone()).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        for needed in &selection::pack(library, &id)?.manifest.requires {
            required.entry(needed.clone()).or_default().push(id.clone());
            open.push(needed.clone());
        }
    }
    for (id, mut by) in required {
        if instances.iter().any(|instance| instance.id.pack == id) {
            continue;
        }
        by.sort();
        let chosen = Chosen::new(selection::pack(library, &id)?, None)?;
        let options = options(selection::pack(library, &id)?, &chosen)?;
        instances.push(Instance { id: chosen.id, options, reason: Reason::Required(by) });
    }
    Ok(())
}

fn framework(library: &Library, instances: &[Instance]) -> Result<(String, String), PlanError> {
    let mut frameworks = instances.iter().map(|instance| &instance.id.pack).filter(|id| id.kind == Kind::Framework);
    let Some(id) = frameworks.next() else {
        return Err(PlanError::NoFramework { known: known(library, Kind::Framework) });
    };
    if let Some(second) = frameworks.next() {
        return Err(PlanError::TwoFrameworks { first: id.name.clone(), second: second.name.clone() });
    }
    let shape = selection::pack(library, id)?.manifest.framework.as_ref().map(|framework| framework.shape.clone());
    Ok((id.name.clone(), shape.unwrap_or_default()))
}

/// How often kinds and packs may be there.
fn check_numbers(library: &Library, plan: &Plan) -> Result<(), PlanError> {
    let of = |kind| plan.instances.iter().map(move |instance| &instance.id).filter(move |id| id.pack.kind == kind);
    if of(Kind::Backend).next().is_none() && library.names(Kind::Backend).next().is_some() {
        return Err(PlanError::NoBackend { known: known(library, Kind::Backend) });
    }
    let mut meshes = of(Kind::Mesh);
    if let (Some(first), Some(second)) = (meshes.next(), meshes.next()) {
        return Err(PlanError::TwoMeshes { first: first.pack.name.clone(), second: second.pack.name.clone() });
    }
    for (first, second) in plan.instances.iter().zip(plan.instances.iter().skip(1)) {
        let pattern = selection::pack(library, &first.id.pack)?.manifest.pattern.as_ref();
        let once = pattern.is_none_or(|pattern| pattern.instances == Instances::One);
        if first.id.pack == second.id.pack && (once || first.id == second.id) {
            return Err(PlanError::OnlyOnce { first: first.id.clone(), second: second.id.clone() });
        }
    }
    Ok(())
}

fn check_shapes(library: &Library, plan: &Plan) -> Result<(), PlanError> {
    for instance in &plan.instances {
        let Some(pattern) = &selection::pack(library, &instance.id.pack)?.manifest.pattern else { continue };
        if !pattern.shapes.contains(&plan.shape) {
            return Err(PlanError::Shape {
                pattern: instance.id.pack.name.clone(),
                shapes: pattern.shapes.clone(),
                framework: plan.framework.clone(),
                shape: plan.shape.clone(),
                instead: patterns_for(library, &plan.shape)?,
            });
        }
    }
    Ok(())
}

/// The names of the patterns that can live in a framework of `shape`.
///
/// # Errors
/// When a pack of the library is not valid.
pub fn patterns_for(library: &Library, shape: &str) -> Result<Vec<String>, PlanError> {
    let mut fitting = Vec::new();
    for id in library.ids().filter(|id| id.kind == Kind::Pattern) {
        let pattern = selection::pack(library, id)?.manifest.pattern.as_ref();
        if pattern.is_some_and(|pattern| pattern.shapes.iter().any(|known| known == shape)) {
            fitting.push(id.name.clone());
        }
    }
    Ok(fitting)
}

fn check_conflicts(library: &Library, plan: &Plan) -> Result<(), PlanError> {
    for instance in &plan.instances {
        for conflict in &selection::pack(library, &instance.id.pack)?.manifest.conflicts {
            if plan.instances.iter().any(|other| other.id.pack == conflict.pack) {
                return Err(PlanError::Conflict {
                    first: instance.id.pack.clone(),
                    second: conflict.pack.clone(),
                    reason: conflict.reason.clone(),
                    instead: conflict.instead.clone(),
                });
            }
        }
    }
    Ok(())
}

/// Names become modules and the project a crate: none may be that of a crate they use, or of one another.
fn check_names(library: &Library, plan: &Plan) -> Result<(), PlanError> {
    let mut crates: BTreeSet<String> = library.catalog().crates.keys().map(|name| names::ident(name)).collect();
    for instance in &plan.instances {
        let manifest = &selection::pack(library, &instance.id.pack)?.manifest;
        crates.extend(
            manifest.dependencies.keys().chain(manifest.dev_dependencies.keys()).map(|name| names::ident(name)),
        );
    }
    if crates.contains(&names::ident(plan.project.as_str())) {
        return Err(PlanError::ProjectIsCrate { name: plan.project.clone() });
    }
    let mut seen: BTreeMap<String, &InstanceId> = BTreeMap::new();
    for (id, name) in plan.instances.iter().filter_map(|it| it.id.name.as_ref().map(|name| (&it.id, name))) {
        let ident = names::ident(name.as_str());
        if crates.contains(&ident) {
            return Err(PlanError::InstanceIsCrate { id: id.clone(), name: name.clone() });
        }
        if let Some(first) = seen.insert(ident, id) {
            return Err(PlanError::SameName { first: first.clone(), second: id.clone() });
        }
    }
    Ok(())
}

/// Values that fit by themselves have to go together.
fn check_constraints(library: &Library, plan: &Plan) -> Result<(), PlanError> {
    for Instance { id, options, .. } in &plan.instances {
        let manifest = &selection::pack(library, &id.pack)?.manifest;
        let broken = constraints::broken(manifest, id.label(), options)
            .map_err(|problem| PlanError::Unreadable { id: id.pack.clone(), problem })?;
        if let Some(message) = broken {
            return Err(PlanError::Constraint { id: id.clone(), message });
        }
    }
    Ok(())
}

fn known(library: &Library, kind: Kind) -> Vec<String> {
    library.names(kind).map(str::to_owned).collect()
}
