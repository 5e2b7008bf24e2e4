//! `otelgen describe`: a pack as it is in the smallest project that has it.

use otelgen_templates::manifest::{Dependency, Instances};
use otelgen_templates::{Kind, Library, Pack, PackId};

use crate::args::DescribeArgs;
use crate::name::Name;
use crate::plan::{InstanceId, PlanError, Runtime, Selection, plan};
use crate::render::{Rendered, Telemetry, render};
use crate::report::{DependencyReport, DescribeReport, OptionReport, Outcome, Problem, Report};

use super::session::Here;

pub(super) fn run(args: DescribeArgs) -> Result<Outcome, Problem> {
    let library = Here::look(&args.pack)?.library;
    let id = PackId::new(args.kind.into(), args.name);
    let (instance, rendered) = smallest_project(&library, &id)?;
    let pack = library.get(&id).map_err(PlanError::Library)?;
    let report = report(&library, pack, &instance, rendered);
    Ok(Outcome::done(Report::Describe(Box::new(report))))
}

/// The pack with the defaults of what every project needs.
fn smallest_project(library: &Library, id: &PackId) -> Result<(InstanceId, Rendered), Problem> {
    let mut selection = Selection::new(Name::new("example")?, Runtime::Registry);
    let instance = selection.add(library, id, None)?;
    if id.kind == Kind::Pattern
        && let Some(framework) = home(library, id)?
    {
        selection.add(library, &framework, None)?;
    }
    selection.add_defaults(library, &[Kind::Framework, Kind::Backend])?;
    let plan = plan(library, &selection)?;
    Ok((instance, render(library, &plan)?))
}

/// A framework that the pattern can live in: the default one if it can.
fn home(library: &Library, id: &PackId) -> Result<Option<PackId>, PlanError> {
    let pattern = library.get(id).map_err(PlanError::Library)?.manifest.pattern.as_ref();
    let mut found = None;
    for framework in library.ids().filter(|id| id.kind == Kind::Framework) {
        let manifest = &library.get(framework).map_err(PlanError::Library)?.manifest;
        let shape = manifest.framework.as_ref().map(|framework| &framework.shape);
        let fits = shape.is_some_and(|shape| pattern.is_some_and(|pattern| pattern.shapes.contains(shape)));
        if fits && (manifest.default || found.is_none()) {
            found = Some(framework.clone());
        }
    }
    Ok(found)
}

fn report(library: &Library, pack: &Pack, instance: &InstanceId, rendered: Rendered) -> DescribeReport {
    let manifest = &pack.manifest;
    let owned = rendered.files.iter().filter(|(_, file)| file.owner == *instance);
    let conflict = |conflict: &otelgen_templates::manifest::Conflict| {
        format!("{}: {}; instead, {}", conflict.pack, conflict.reason, conflict.instead)
    };
    let option = |(name, spec): (&String, &otelgen_templates::options::OptionSpec)| OptionReport {
        name: name.clone(),
        kind: spec.kind,
        default: spec.default.clone(),
        range: spec.range(),
        help: spec.help.clone(),
    };
    DescribeReport {
        kind: pack.id.kind,
        name: pack.id.name.clone(),
        summary: manifest.summary.clone(),
        description: manifest.description.clone(),
        references: manifest.references.clone(),
        shapes: shapes(pack),
        instance: instance.name.as_ref().map(ToString::to_string),
        several: several(pack),
        requires: manifest.requires.iter().map(ToString::to_string).collect(),
        conflicts: manifest.conflicts.iter().map(conflict).collect(),
        options: manifest.options.iter().map(option).collect(),
        dependencies: dependencies(pack),
        files: owned.map(|(path, _)| path.to_string()).collect(),
        telemetry: emitted_by(rendered.contract.telemetry, &instance.to_string()),
        origin: library.origin(&pack.id).map(str::to_owned),
    }
}

/// What a framework is, or what a pattern can live in.
pub(super) fn shapes(pack: &Pack) -> Vec<String> {
    match (&pack.manifest.framework, &pack.manifest.pattern) {
        (Some(framework), _) => vec![framework.shape.clone()],
        (_, Some(pattern)) => pattern.shapes.clone(),
        _ => Vec::new(),
    }
}

/// Whether a project can have several of it.
pub(super) fn several(pack: &Pack) -> bool {
    pack.manifest.pattern.as_ref().is_some_and(|pattern| pattern.instances == Instances::Many)
}

fn dependencies(pack: &Pack) -> Vec<DependencyReport> {
    let report = |dev| {
        move |(name, dependency): (&String, &Dependency)| DependencyReport {
            name: name.clone(),
            features: dependency.features.clone(),
            dev,
        }
    };
    let normal = pack.manifest.dependencies.iter().map(report(false));
    normal.chain(pack.manifest.dev_dependencies.iter().map(report(true))).collect()
}

fn emitted_by(mut telemetry: Telemetry, instance: &str) -> Telemetry {
    let declares = |by: &[String]| by.iter().any(|name| name == instance);
    telemetry.spans.retain(|span| declares(&span.by));
    telemetry.metrics.retain(|metric| declares(&metric.by));
    telemetry.events.retain(|event| declares(&event.by));
    telemetry
}
