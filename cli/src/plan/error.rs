//! Why a choice of packs makes no project. Each message names what was asked for and what goes instead.

use otelgen_templates::engine::TemplateError;
use otelgen_templates::options::ValueError;
use otelgen_templates::{LibraryError, PackId};

use super::InstanceId;
use crate::name::{Name, NameError};

/// Why a choice of packs makes no project.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// There is no such pack.
    #[error("there is no {} called `{}`; {}", id.kind, id.name, did_you_mean(suggestion.as_deref(), known))]
    UnknownPack {
        /// What was asked for.
        id: PackId,
        /// The nearest name, if one is near.
        suggestion: Option<String>,
        /// All of that kind.
        known: Vec<String>,
    },
    /// A pack is not valid.
    #[error(transparent)]
    Library(LibraryError),
    /// `--set` without `=`, or without a name.
    #[error("`{0}` sets nothing: write pack.option=value")]
    Setting(String),
    /// `--set` names no pack of this command.
    #[error("there is no pack or instance called `{target}` to set an option of; {}", did_you_mean(suggestion.as_deref(), known))]
    UnknownTarget {
        /// What was named.
        target: String,
        /// The nearest name, if one is near.
        suggestion: Option<String>,
        /// All that could be named.
        known: Vec<String>,
    },
    /// `--set` names no option.
    #[error("{pack} has no option `{option}`; {}", did_you_mean(suggestion.as_deref(), known))]
    UnknownOption {
        /// The pack.
        pack: PackId,
        /// What was named.
        option: String,
        /// The nearest name, if one is near.
        suggestion: Option<String>,
        /// All options of the pack.
        known: Vec<String>,
    },
    /// `--set option=value` without a pack, and no pack has such an option.
    #[error("none of the chosen packs has an option `{option}`; {}", did_you_mean(suggestion.as_deref(), known))]
    NobodyHasOption {
        /// What was named.
        option: String,
        /// The nearest name, if one is near.
        suggestion: Option<String>,
        /// All options of the chosen packs.
        known: Vec<String>,
    },
    /// A value does not fit.
    #[error("`{option}` of {pack} ({help}): {problem}")]
    Value {
        /// The pack.
        pack: PackId,
        /// The option.
        option: String,
        /// What the option does.
        help: String,
        /// Why the value does not fit.
        problem: ValueError,
    },
    /// Values that do not go together.
    #[error("the options of {id} do not go together: {message}")]
    Constraint {
        /// The instance.
        id: InstanceId,
        /// What is wrong, and what to do about it.
        message: String,
    },
    /// A constraint that is none.
    #[error("a constraint of {id} cannot be read: {problem}")]
    Unreadable {
        /// The pack.
        id: PackId,
        /// What tera says.
        problem: TemplateError,
    },
    /// One instance chosen twice.
    #[error("{id} is chosen twice: {}", chosen_once(id))]
    Twice {
        /// The instance.
        id: InstanceId,
    },
    /// One option with two values.
    #[error("`{option}` of {id} is set twice, to `{first}` and to `{second}`: leave one `--set` out")]
    SetTwice {
        /// The instance.
        id: InstanceId,
        /// The option.
        option: String,
        /// One value.
        first: String,
        /// The other.
        second: String,
    },
    /// A name that modules cannot have.
    #[error("an instance of {pack} cannot be called `{}`: {}; try `{suggestion}`", error.name, error.reason)]
    Name {
        /// The pattern.
        pack: PackId,
        /// What is wrong with the name.
        error: NameError,
        /// One that would do.
        suggestion: String,
    },
    /// A name for a pack that has no instances.
    #[error("{0} has no instances, so it takes no name: leave the name out")]
    NoInstances(PackId),
    /// No framework.
    #[error("a project needs a framework; choose one of {}", known.join(", "))]
    NoFramework {
        /// All of them.
        known: Vec<String>,
    },
    /// More than one framework.
    #[error("a project has one framework: choose `{first}` or `{second}`")]
    TwoFrameworks {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// More than one mesh.
    #[error("a project has one service mesh at most: choose `{first}` or `{second}`")]
    TwoMeshes {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// Telemetry would go nowhere.
    #[error("a project needs a backend for its telemetry; choose one of {}", known.join(", "))]
    NoBackend {
        /// All of them.
        known: Vec<String>,
    },
    /// A pack that can be there only once.
    #[error("{} can be in a project only once, and {first} is there; remove it before you add {second}", first.pack)]
    OnlyOnce {
        /// What is there.
        first: InstanceId,
        /// What was to be added.
        second: InstanceId,
    },
    /// Two instances of one name.
    #[error("{second} has the name of {first}, and both become modules: give it another, as in `{}:NAME`", second.pack.name)]
    SameName {
        /// What is there.
        first: InstanceId,
        /// What was to be added.
        second: InstanceId,
    },
    /// An instance has the name of a crate.
    #[error("{id} cannot be called `{name}`: its code uses the crate of that name; give it another, as in `{}:NAME`", id.pack.name)]
    InstanceIsCrate {
        /// The instance.
        id: InstanceId,
        /// Its name.
        name: Name,
    },
    /// The project has the name of a crate.
    #[error("the project cannot be called `{name}`: its code uses the crate of that name; try `{name}-service`")]
    ProjectIsCrate {
        /// Its name.
        name: Name,
    },
    /// A pattern that cannot live in the framework.
    #[error(
        "pattern `{pattern}` cannot live in `{framework}`, which is a {shape}: it has glue for {}; what fits is {}",
        shapes.join(", "), list(instead)
    )]
    Shape {
        /// The pattern.
        pattern: String,
        /// What it can live in.
        shapes: Vec<String>,
        /// The framework.
        framework: String,
        /// What that is.
        shape: String,
        /// The patterns that fit.
        instead: Vec<String>,
    },
    /// Two packs that cannot stand together.
    #[error("{first} and {second} cannot be in one project: {reason}; instead, {instead}")]
    Conflict {
        /// One.
        first: PackId,
        /// The other.
        second: PackId,
        /// Why.
        reason: String,
        /// What goes instead.
        instead: String,
    },
    /// Nothing to remove.
    #[error("there is no {kind} `{name}` in this project; {}", did_you_mean(suggestion.as_deref(), known))]
    NotThere {
        /// The kind asked for.
        kind: otelgen_templates::Kind,
        /// The pack or instance asked for.
        name: String,
        /// The nearest name, if one is near.
        suggestion: Option<String>,
        /// All there are.
        known: Vec<String>,
    },
    /// Several instances could be meant.
    #[error("there are several of {pack} in this project: name one of {}", names.join(", "))]
    Ambiguous {
        /// The pack.
        pack: PackId,
        /// Its instances.
        names: Vec<String>,
    },
    /// Another pack needs it.
    #[error("{pack} cannot be removed: it is needed by {}; remove that first", by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    StillRequired {
        /// What was to be removed.
        pack: PackId,
        /// Who needs it.
        by: Vec<PackId>,
    },
}

fn chosen_once(id: &InstanceId) -> String {
    if id.name.is_some() {
        format!("give each a name, as in `{pack}:a,{pack}:b`", pack = id.pack.name)
    } else {
        "once is enough".to_owned()
    }
}

fn did_you_mean(suggestion: Option<&str>, known: &[String]) -> String {
    match suggestion {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "there is none at all".to_owned(),
        None => format!("there is {}", known.join(", ")),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none of the known patterns".to_owned() } else { names.join(", ") }
}
