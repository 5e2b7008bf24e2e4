//! What templates see.

use otelgen_templates::names::Spellings;
use otelgen_templates::{Library, PackId};
use serde_json::{Map, Value, json};
use tera::Context;

use super::RenderError;
use crate::plan::{Instance, Plan};

/// What all packs see: `project`, `shape`, `framework`, `packs`, `catalog`.
pub(super) fn shared(library: &Library, plan: &Plan) -> Result<Context, RenderError> {
    let project = Spellings::of(plan.project.as_str());
    let mut packs = Vec::with_capacity(plan.instances.len());
    for instance in &plan.instances {
        let mut entry = identity(&instance.id.pack, instance.id.label());
        let manifest = &library.get(&instance.id.pack)?.manifest;
        entry.insert("summary".to_owned(), manifest.summary.as_str().into());
        entry.insert("description".to_owned(), manifest.description.as_str().into());
        packs.push(Value::Object(entry));
    }
    let mut context = Context::new();
    let root = root_from(&plan.folder);
    let place = json!({ "name": project.name, "ident": project.ident, "folder": plan.folder, "root": root });
    context.insert("project", &place);
    context.insert("shape", &plan.shape);
    context.insert("framework", &plan.framework);
    context.insert("packs", &packs);
    context.insert("catalog", library.catalog());
    Ok(context)
}

/// The way from the project to the root of its workspace: `../..`, or `.` where it stands alone.
fn root_from(folder: &str) -> String {
    if folder.is_empty() { ".".to_owned() } else { vec![".."; folder.split('/').count()].join("/") }
}

/// `kind`, `pack` and `name` of an instance.
pub(super) fn identity(pack: &PackId, label: &str) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("kind".to_owned(), pack.kind.as_str().into());
    entry.insert("pack".to_owned(), pack.name.as_str().into());
    entry.insert("name".to_owned(), label.into());
    entry
}

/// What one instance sees besides: its name in five spellings and its options.
pub(super) fn of_instance(shared: &Context, instance: &Instance) -> Context {
    let mut context = shared.clone();
    let spellings = Spellings::of(instance.id.label());
    context.insert("name", &spellings.name);
    context.insert("ident", &spellings.ident);
    context.insert("constant", &spellings.constant);
    context.insert("pascal", &spellings.pascal);
    context.insert("title", &spellings.title);
    context.insert("options", &instance.options);
    context
}
