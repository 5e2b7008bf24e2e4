//! The files of a project, each from the template of the one pack that owns it.

use std::collections::BTreeMap;

use otelgen_templates::engine::{Templates, is_template};
use otelgen_templates::manifest::FileEntry;
use otelgen_templates::names;
use tera::Context;

use super::{Actor, Contract, Desk, RenderError, RenderedFile, Scene};
use crate::plan::InstanceId;
use crate::tree::RelativePath;

type Files = BTreeMap<RelativePath, RenderedFile>;

pub(super) fn render(scene: &mut Scene<'_>, contract: &Contract) -> Result<Files, RenderError> {
    let mut files = Files::new();
    let named: Vec<InstanceId> =
        scene.actors.iter().filter(|it| it.id.name.is_some()).map(|it| it.id.clone()).collect();
    let mut compiled: BTreeMap<_, Templates> = BTreeMap::new();
    let contract_text = contract.to_text();
    for actor in &mut scene.actors {
        actor.context.insert("telemetry", &contract.telemetry);
        actor.context.insert("contract", &contract_text);
        let templates = match compiled.entry(&actor.pack.id) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(compile(actor)?),
        };
        let Actor { id, pack, context } = actor;
        let mut desk = Desk { texts: &mut scene.texts, id, place: "file" };
        for entry in &pack.manifest.files {
            desk.stage(entry.each.as_deref(), entry.when.as_deref(), context, |desk, context| {
                let path = path(entry, desk, context)?;
                let text = if is_template(&entry.template) {
                    templates.render(&entry.template, context).map_err(|problem| template_error(id, entry, problem))?
                } else {
                    pack.file(&entry.template).ok_or_else(|| no_template(id, entry))?.to_owned()
                };
                check_module(&path, id, &named)?;
                insert(&mut files, path, RenderedFile { text, executable: entry.executable, owner: (*id).clone() })
            })?;
        }
    }
    Ok(files)
}

/// Compiles all templates of a pack: those of files that turn out not to be wanted are few.
fn compile(actor: &Actor<'_>) -> Result<Templates, RenderError> {
    let mut wanted = Vec::new();
    for entry in &actor.pack.manifest.files {
        if actor.pack.file(&entry.template).is_none() {
            return Err(no_template(actor.id, entry));
        }
        wanted.push(entry.template.as_str());
    }
    Templates::compile(actor.pack, &wanted).map_err(|problem| RenderError::Compile { id: actor.id.clone(), problem })
}

fn template_error(
    id: &InstanceId,
    entry: &FileEntry,
    problem: otelgen_templates::engine::TemplateError,
) -> RenderError {
    RenderError::Template { id: id.clone(), template: entry.template.clone(), problem }
}

fn no_template(id: &InstanceId, entry: &FileEntry) -> RenderError {
    RenderError::NoTemplate { id: id.clone(), template: entry.template.clone() }
}

fn path(entry: &FileEntry, desk: &mut Desk<'_>, context: &Context) -> Result<RelativePath, RenderError> {
    let path = desk.text(&entry.path, context)?;
    RelativePath::new(&path).map_err(|_| RenderError::Path { id: desk.id.clone(), path })
}

fn insert(files: &mut Files, path: RelativePath, file: RenderedFile) -> Result<(), RenderError> {
    if let Some(first) = files.get(&path) {
        return Err(RenderError::SamePath { first: first.owner.clone(), second: file.owner, path: path.to_string() });
    }
    files.insert(path, file);
    Ok(())
}

/// A module with the name of the module it is in is one that clippy refuses (`module_inception`). Whoever writes it, the
/// name is that of an instance.
fn check_module(path: &RelativePath, owner: &InstanceId, named: &[InstanceId]) -> Result<(), RenderError> {
    let mut parts = path.as_str().rsplit('/');
    let module = parts.next().and_then(|file| file.strip_suffix(".rs"));
    if module.is_none() || module != parts.next() || !path.as_str().starts_with("src/") {
        return Ok(());
    }
    let instance = named.iter().find(|id| Some(names::ident(id.label()).as_str()) == module);
    Err(RenderError::Inception { id: instance.unwrap_or(owner).clone(), path: path.to_string() })
}
