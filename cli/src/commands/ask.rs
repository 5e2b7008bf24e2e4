//! The questions of `otelgen new` where nothing was chosen: only in a terminal, never otherwise. What there is to
//! choose, and what is chosen beforehand, comes from the packs.

use std::io::{self, IsTerminal as _};

use otelgen_templates::{Kind, Library, PackId};

use crate::args::{Format, NewRequest, Wanted};
use crate::plan::PlanError;
use crate::report::Problem;

/// Whether there is somebody to ask, and something to ask about.
pub(super) fn is_wanted(request: &NewRequest, format: Format) -> bool {
    let chosen = !request.wanted.is_empty() || !request.without.is_empty();
    !request.yes && !chosen && format == Format::Human && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a framework, then for patterns and backends that go with it.
pub(super) fn ask(library: &Library, request: &mut NewRequest) -> Result<(), Problem> {
    cliclack::intro(format!("otelgen new {}", request.name)).map_err(cancelled)?;
    let frameworks = choices(library, Kind::Framework, |_| true)?;
    let framework = one("What is it?", &frameworks)?;
    let shape = match &framework {
        Some(id) => library.get(id).map_err(PlanError::Library)?.manifest.framework.as_ref().map(|it| it.shape.clone()),
        None => None,
    };
    let fits = |choice: &Choice| shape.as_ref().is_none_or(|shape| choice.shapes.contains(shape));
    let patterns = choices(library, Kind::Pattern, fits)?;
    let patterns = several("Which patterns? (space chooses, enter goes on)", &patterns, false)?;
    let backends = several("Where does telemetry go?", &choices(library, Kind::Backend, |_| true)?, true)?;
    let chosen = framework.into_iter().chain(patterns).chain(backends);
    request.wanted = chosen.map(|id| Wanted { id, instance: None }).collect();
    Ok(())
}

#[derive(Clone)]
struct Choice {
    id: PackId,
    summary: String,
    default: bool,
    shapes: Vec<String>,
}

fn choices(library: &Library, kind: Kind, fits: impl Fn(&Choice) -> bool) -> Result<Vec<Choice>, Problem> {
    let mut choices = Vec::new();
    for id in library.ids().filter(|id| id.kind == kind) {
        let manifest = &library.get(id).map_err(PlanError::Library)?.manifest;
        let choice = Choice {
            id: id.clone(),
            summary: manifest.summary.clone(),
            default: manifest.default,
            shapes: manifest.pattern.as_ref().map(|pattern| pattern.shapes.clone()).unwrap_or_default(),
        };
        if fits(&choice) {
            choices.push(choice);
        }
    }
    Ok(choices)
}

fn one(question: &str, choices: &[Choice]) -> Result<Option<PackId>, Problem> {
    let items: Vec<(PackId, String, String)> = choices.iter().map(item).collect();
    let mut select = cliclack::select(question).items(&items);
    if let Some(default) = choices.iter().find(|choice| choice.default) {
        select = select.initial_value(default.id.clone());
    }
    if items.is_empty() { Ok(None) } else { select.interact().map(Some).map_err(cancelled) }
}

fn several(question: &str, choices: &[Choice], required: bool) -> Result<Vec<PackId>, Problem> {
    let items: Vec<(PackId, String, String)> = choices.iter().map(item).collect();
    let defaults = choices.iter().filter(|choice| choice.default).map(|choice| choice.id.clone()).collect();
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = cliclack::multiselect(question).items(&items).initial_values(defaults).required(required);
    select.interact().map_err(cancelled)
}

fn item(choice: &Choice) -> (PackId, String, String) {
    (choice.id.clone(), choice.id.name.clone(), choice.summary.clone())
}

fn cancelled(error: io::Error) -> Problem {
    Problem::new("cancelled", &error).help("nothing was written; `--yes` takes the defaults without asking")
}
