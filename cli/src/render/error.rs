//! Why a plan cannot be rendered. All of these are faults of packs, so each message names the pack and the place.

use otelgen_templates::LibraryError;
use otelgen_templates::engine::TemplateError;

use crate::plan::InstanceId;

/// Why a plan cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A pack is not valid.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// A text of `pack.toml` does not render.
    #[error("{place} of {id}: `{source_text}` does not render: {problem}")]
    Text {
        /// The instance.
        id: InstanceId,
        /// The table of `pack.toml`.
        place: String,
        /// The text.
        source_text: String,
        /// What tera says.
        problem: TemplateError,
    },
    /// A template does not render.
    #[error("template {template} of {id} does not render: {problem}")]
    Template {
        /// The instance.
        id: InstanceId,
        /// The file in the pack.
        template: String,
        /// What tera says.
        problem: TemplateError,
    },
    /// The templates of a pack do not compile.
    #[error("a template of {id} is none: {problem}")]
    Compile {
        /// The instance.
        id: InstanceId,
        /// What tera says, with the file.
        problem: TemplateError,
    },
    /// A `[[file]]` names no file of the pack.
    #[error("{id} has no file {template}, which its pack.toml names")]
    NoTemplate {
        /// The instance.
        id: InstanceId,
        /// The file in the pack.
        template: String,
    },
    /// A `[[file]]` goes nowhere.
    #[error("{id} writes to `{path}`, which is no path below the project")]
    Path {
        /// The instance.
        id: InstanceId,
        /// The path.
        path: String,
    },
    /// Two instances own one file.
    #[error("both {first} and {second} write {path}; {}", rename(first, second))]
    SamePath {
        /// One.
        first: InstanceId,
        /// The other.
        second: InstanceId,
        /// The file.
        path: String,
    },
    /// A module that is called as the one it is in.
    #[error("{id} cannot have this name: {path} would be a module inside another of the same name; {}", rename(id, id))]
    Inception {
        /// The instance.
        id: InstanceId,
        /// The file.
        path: String,
    },
    /// Two packs own a slot.
    #[error("both {first} and {second} own the slot `{slot}`")]
    TwoOwners {
        /// The slot.
        slot: String,
        /// One.
        first: InstanceId,
        /// The other.
        second: InstanceId,
    },
    /// Nobody owns a slot.
    #[error("{id} contributes to the slot `{slot}`, which no pack of this project owns{}", owners(owners_elsewhere))]
    NoOwner {
        /// The slot.
        slot: String,
        /// The contributor.
        id: InstanceId,
        /// Packs that would own it.
        owners_elsewhere: Vec<String>,
    },
    /// An entry does not fit its slot.
    #[error("{id} contributes to `{slot}` of {owner} an entry {problem}")]
    Entry {
        /// The slot.
        slot: String,
        /// The slot's owner.
        owner: InstanceId,
        /// The contributor.
        id: InstanceId,
        /// What is wrong with it.
        problem: String,
    },
    /// Two entries that have to differ are alike.
    #[error("{first} and {second} contribute the same to `{slot}`: {key}; {}", rename(first, second))]
    SameEntry {
        /// The slot.
        slot: String,
        /// One contributor.
        first: InstanceId,
        /// The other.
        second: InstanceId,
        /// The fields that are alike.
        key: String,
    },
    /// `each` names a slot the pack does not see.
    #[error(
        "{place} of {id} stands for each entry of `{slot}`, which is a slot of neither the pack nor one it requires"
    )]
    Each {
        /// The instance.
        id: InstanceId,
        /// The table of `pack.toml`.
        place: String,
        /// The slot.
        slot: String,
    },
    /// A probe says something else than what it should.
    #[error("a probe of {id} has `{value}` as its `{field}`, which is no {expected}")]
    Probe {
        /// The instance.
        id: InstanceId,
        /// The field.
        field: &'static str,
        /// What stands there.
        value: String,
        /// What should.
        expected: &'static str,
    },
    /// A crate without a version.
    #[error("{id} needs the crate `{name}`, which the catalog does not have; its pack.toml has to give a version")]
    NoVersion {
        /// The instance.
        id: InstanceId,
        /// The crate.
        name: String,
    },
    /// Two packs want different versions.
    #[error("`{name}` is wanted as {first_version} by {first} and as {second_version} by {second}")]
    TwoVersions {
        /// The crate.
        name: String,
        /// One.
        first: String,
        /// What it wants.
        first_version: String,
        /// The other.
        second: InstanceId,
        /// What that wants.
        second_version: String,
    },
    /// Two packs declare a signal differently.
    #[error("{first} and {second} declare `{name}` with different {field}: {first_value} and {second_value}")]
    Telemetry {
        /// The metric or event.
        name: String,
        /// What differs.
        field: &'static str,
        /// One.
        first: String,
        /// What it says.
        first_value: String,
        /// The other.
        second: InstanceId,
        /// What that says.
        second_value: String,
    },
}

fn owners(elsewhere: &[String]) -> String {
    if elsewhere.is_empty() { String::new() } else { format!("; it belongs to {}", elsewhere.join(", ")) }
}

/// What to do about two that get in each other's way: the one with a name of its own can have another.
fn rename(first: &InstanceId, second: &InstanceId) -> String {
    match [second, first].into_iter().find(|id| id.name.is_some()) {
        Some(id) => format!("give it another name, as in `{}:NAME`", id.pack.name),
        None => "remove one of them".to_owned(),
    }
}
