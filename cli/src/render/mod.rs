//! A plan as text: the files, the crates, the telemetry and the probes of a project. Pure: the same plan gives the
//! same bytes on any machine. It knows no frameworks, patterns or backends, only packs, slots and templates.

mod context;
mod contract;
mod crates;
mod error;
mod files;
mod probes;
mod slots;
mod telemetry;

use std::borrow::Cow;
use std::collections::BTreeMap;

use otelgen_templates::engine::{TemplateError, Texts};
use otelgen_templates::vendored::{self, VendoredFile};
use otelgen_templates::{Library, Pack};
use tera::{Context, Value};

use crate::plan::{InstanceId, Plan, Runtime};
use crate::tree::RelativePath;

pub use contract::{CONTRACT_FILE, Contract, ContractError};
pub use crates::{Crates, Requirement};
pub use error::RenderError;
pub use probes::{ResolvedProbe, VerifySetup};
pub use telemetry::{EventPromise, MetricPromise, SpanPromise, Telemetry};

/// Everything a plan says.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The files, by path; `Cargo.toml` without the dependencies, which are edited in.
    pub files: BTreeMap<RelativePath, RenderedFile>,
    /// What `Cargo.toml` depends on.
    pub crates: Crates,
    /// The sources of the runtime, where it is vendored.
    pub vendored: &'static [VendoredFile],
    /// Crate and path of `[patch.crates-io]`, relative to the project where the path is.
    pub patch: BTreeMap<String, String>,
    /// What the project emits, and how that is proven.
    pub contract: Contract,
}

/// One rendered file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFile {
    /// The text, with `\n` as line ending.
    pub text: String,
    /// Whether it is to be executable.
    pub executable: bool,
    /// The instance that owns it.
    pub owner: InstanceId,
}

/// Renders a plan.
///
/// # Errors
/// When a pack is not valid, templates do not render, or packs contradict each other; the message names the pack.
pub fn render(library: &Library, plan: &Plan) -> Result<Rendered, RenderError> {
    let mut scene = Scene::new(library, plan)?;
    let crates = crates::collect(&mut scene)?;
    slots::fill(&mut scene)?;
    let telemetry = telemetry::collect(&mut scene)?;
    let (probes, setup) = probes::collect(&mut scene)?;
    let contract = Contract { telemetry, probes, setup };
    let files = files::render(&mut scene, &contract)?;
    Ok(Rendered { files, crates, vendored: vendored_files(plan), patch: patch(plan), contract })
}

/// What a plan emits, without its files: for `describe` and `list`.
///
/// # Errors
/// As [`render`].
pub fn telemetry_of(library: &Library, plan: &Plan) -> Result<Telemetry, RenderError> {
    let mut scene = Scene::new(library, plan)?;
    slots::fill(&mut scene)?;
    telemetry::collect(&mut scene)
}

fn vendored_files(plan: &Plan) -> &'static [VendoredFile] {
    if plan.runtime == Runtime::Vendored { vendored::files() } else { &[] }
}

fn patch(plan: &Plan) -> BTreeMap<String, String> {
    match &plan.runtime {
        Runtime::Registry => BTreeMap::new(),
        Runtime::Vendored => {
            vendored::crates().iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect()
        }
        Runtime::Path(path) => {
            vendored::crates().iter().take(1).map(|(name, _)| ((*name).to_owned(), path.clone())).collect()
        }
    }
}

/// The instances with their packs and what their templates see.
struct Scene<'a> {
    library: &'a Library,
    actors: Vec<Actor<'a>>,
    texts: Texts,
}

struct Actor<'a> {
    id: &'a InstanceId,
    pack: &'a Pack,
    context: Context,
}

impl<'a> Scene<'a> {
    fn new(library: &'a Library, plan: &'a Plan) -> Result<Self, RenderError> {
        let mut actors = Vec::with_capacity(plan.instances.len());
        let shared = context::shared(library, plan)?;
        for instance in &plan.instances {
            let pack = library.get(&instance.id.pack)?;
            actors.push(Actor { id: &instance.id, pack, context: context::of_instance(&shared, instance) });
        }
        Ok(Self { library, actors, texts: Texts::default() })
    }
}

/// Renders the texts of one pack's `pack.toml`, and says where one that fails stands.
struct Desk<'a> {
    texts: &'a mut Texts,
    id: &'a InstanceId,
    place: &'a str,
}

impl Desk<'_> {
    fn text(&mut self, source: &str, context: &Context) -> Result<String, RenderError> {
        let rendered = self.texts.render(source, context);
        rendered.map(Cow::into_owned).map_err(|problem| self.error(source, problem))
    }

    fn holds(&mut self, when: Option<&str>, context: &Context) -> Result<bool, RenderError> {
        let Some(expression) = when else { return Ok(true) };
        self.texts.holds(expression, context).map_err(|problem| self.error(expression, problem))
    }

    fn error(&self, source: &str, problem: TemplateError) -> RenderError {
        RenderError::Text { id: self.id.clone(), place: self.place.to_owned(), source_text: source.to_owned(), problem }
    }

    /// Plays once, or once per entry of the slot it names (the strings see it as `entry`), wherever
    /// `when` holds.
    fn stage(
        &mut self,
        each: Option<&str>,
        when: Option<&str>,
        context: &mut Context,
        mut play: impl FnMut(&mut Self, &Context) -> Result<(), RenderError>,
    ) -> Result<(), RenderError> {
        let Some(slot) = each else {
            return if self.holds(when, context)? { play(self, context) } else { Ok(()) };
        };
        let entries = context.get("slots").and_then(|slots| slots.get(slot)).and_then(Value::as_array).cloned();
        let missing = || RenderError::Each { id: self.id.clone(), place: self.place.to_owned(), slot: slot.to_owned() };
        for entry in entries.ok_or_else(missing)? {
            context.insert("entry", &entry);
            if self.holds(when, context)? {
                play(self, context)?;
            }
        }
        context.remove("entry");
        Ok(())
    }
}
