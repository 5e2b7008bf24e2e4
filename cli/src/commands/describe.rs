//! `otelgen describe`: what a pack brings to the project that `otelgen new` makes of defaults.

use otelgen_templates::manifest::{Dependency, Instances};
use otelgen_templates::{Kind, Library, Pack, PackId};

use crate::args::DescribeArgs;
use crate::name::Name;
use crate::plan::{InstanceId, Plan, PlanError, Reason, Runtime, Selection, plan};
use crate::render::{Telemetry, render};
use crate::report::{DependencyReport, DescribeReport, OptionReport, Outcome, Problem, Report};

use super::session::Here;

pub(super) fn run(args: DescribeArgs) -> Result<Outcome, Problem> {
    let library = Here::look(&args.pack)?.library;
    let id = PackId::new(args.kind.into(), args.name);
    let (instance, plan) = default_project(&library, &id)?;
    let pack = library.get(&id).map_err(PlanError::Library)?;
    let difference = Difference::of(&library, &plan, &instance)?;
    let report = report(&library, pack, &instance, difference);
    Ok(Outcome::done(Report::Describe(Box::new(report))))
}

/// The pack in the project that `otelgen new` makes of defaults.
fn default_project(library: &Library, id: &PackId) -> Result<(InstanceId, Plan), Problem> {
    let mut selection = Selection::new(Name::new("example")?, Runtime::Registry);
    let instance = selection.add(library, id, None)?;
    if id.kind == Kind::Pattern
        && let Some(framework) = home(library, id)?
    {
        selection.add(library, &framework, None)?;
    }
    selection.add_defaults(library, &Kind::ALL)?;
    Ok((instance, plan(library, &selection)?))
}

/// What a project has with an instance and not without it. Nothing is asked of the pack itself: what it makes others write
/// and emit counts as well.
struct Difference {
    files: Vec<String>,
    edits: Vec<String>,
    telemetry: Telemetry,
}

impl Difference {
    fn of(library: &Library, plan: &Plan, instance: &InstanceId) -> Result<Self, Problem> {
        let with = render(library, plan)?;
        // Without a framework, say, there is no project, and all of it is what the framework brings.
        let without = render(library, &rest(plan, instance)).ok();
        let old = |path| without.as_ref().and_then(|without| without.files.get(path));
        let (mut files, mut edits) = (Vec::new(), Vec::new());
        for (path, file) in &with.files {
            let crates = path.as_str() == MANIFEST && without.as_ref().is_some_and(|old| old.crates != with.crates);
            match old(path) {
                None => files.push(path.to_string()),
                Some(old) if old.text != file.text || crates => edits.push(path.to_string()),
                Some(_) => {}
            }
        }
        let before = without.map(|without| without.contract.telemetry).unwrap_or_default();
        Ok(Self { files, edits, telemetry: beyond(with.contract.telemetry, &before) })
    }
}

const MANIFEST: &str = "Cargo.toml";

/// The plan without the instance and what only it needs.
fn rest(plan: &Plan, instance: &InstanceId) -> Plan {
    let mut rest = Plan {
        instances: plan.instances.iter().filter(|other| other.id != *instance).cloned().collect(),
        ..plan.clone()
    };
    loop {
        let there: Vec<PackId> = rest.instances.iter().map(|instance| instance.id.pack.clone()).collect();
        let all = rest.instances.len();
        rest.instances.retain(|instance| match &instance.reason {
            Reason::Chosen => true,
            Reason::Required(by) => by.iter().any(|pack| there.contains(pack)),
        });
        if rest.instances.len() == all {
            return rest;
        }
    }
}

/// What `telemetry` has and `before` has not, or not alike.
fn beyond(mut telemetry: Telemetry, before: &Telemetry) -> Telemetry {
    fn is_new<T: Clone + PartialEq>(one: &T, before: &[T], by: impl Fn(&mut T) -> &mut Vec<String>) -> bool {
        // Who declares it makes no difference to what is emitted.
        let plain = |promise: &T| {
            let mut promise = promise.clone();
            by(&mut promise).clear();
            promise
        };
        let one = plain(one);
        !before.iter().any(|other| plain(other) == one)
    }
    telemetry.spans.retain(|span| is_new(span, &before.spans, |span| &mut span.by));
    telemetry.metrics.retain(|metric| is_new(metric, &before.metrics, |metric| &mut metric.by));
    telemetry.events.retain(|event| is_new(event, &before.events, |event| &mut event.by));
    telemetry
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

fn report(library: &Library, pack: &Pack, instance: &InstanceId, difference: Difference) -> DescribeReport {
    let manifest = &pack.manifest;
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
        files: difference.files,
        edits: difference.edits,
        telemetry: difference.telemetry,
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
