//! `pack.toml` as types. Unknown keys are errors. A text marked *template* is rendered with the pack's context
//! before it is used; this module only reads.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::library::PackId;
use crate::options::OptionSpec;
use crate::telemetry::Declarations;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// One line, lower case, no full stop.
    pub summary: String,
    /// Markdown, shown by `describe`.
    #[serde(default)]
    pub description: String,
    /// Where the idea comes from.
    #[serde(default)]
    pub references: Vec<Reference>,
    /// Packs that are rendered along with this one.
    #[serde(default)]
    pub requires: Vec<PackId>,
    /// Whether `new` takes it where nothing of its kind is chosen.
    #[serde(default)]
    pub default: bool,
    /// Packs that cannot stand beside this one.
    #[serde(default)]
    pub conflicts: Vec<Conflict>,
    /// Present in a framework, and only there.
    pub framework: Option<Framework>,
    /// Present in a pattern, and only there.
    pub pattern: Option<Pattern>,
    /// What a user may choose, by option name.
    #[serde(default)]
    pub options: BTreeMap<String, OptionSpec>,
    /// What the values of its options have to be to one another.
    #[serde(default, rename = "constraint")]
    pub constraints: Vec<Constraint>,
    /// Crates the pack's code needs, by crate name.
    #[serde(default)]
    pub dependencies: BTreeMap<String, Dependency>,
    /// Crates the pack's tests need.
    #[serde(default, rename = "dev-dependencies")]
    pub dev_dependencies: BTreeMap<String, Dependency>,
    /// Files the pack owns.
    #[serde(default, rename = "file")]
    pub files: Vec<FileEntry>,
    /// Slots the pack's templates iterate over, by slot name.
    #[serde(default)]
    pub slots: BTreeMap<String, SlotSpec>,
    /// Entries in slots, by slot name. Besides the slot's fields, `when` may stand in each, and `optional = true`,
    /// which drops it where no pack of the project owns the slot.
    #[serde(default)]
    pub contribute: BTreeMap<String, Vec<toml::Table>>,
    /// What the pack makes the project emit.
    #[serde(default)]
    pub telemetry: Declarations,
    /// How `verify` runs the project.
    #[serde(default)]
    pub verify: Verify,
    /// Requests that make the pack emit all it declares, in this order.
    #[serde(default, rename = "probe")]
    pub probes: Vec<Probe>,
}

/// A publication worth reading.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Its title and author.
    pub title: String,
    /// Where it is.
    pub url: String,
}

/// A pack that cannot stand beside this one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// The other pack.
    pub pack: PackId,
    /// Why, as the end of "because …".
    pub reason: String,
    /// What to use instead.
    pub instead: String,
}

/// What a framework is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// `http-server`, `worker`, …: what patterns choose their glue by.
    pub shape: String,
}

/// What a pattern is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The shapes whose glue it has.
    pub shapes: Vec<String>,
    /// Whether a project may have several of it.
    pub instances: Instances,
    /// The instance's name when none is given.
    pub default_name: String,
}

/// How often a pattern may be in one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Instances {
    /// Once.
    One,
    /// Any number of times, under different names.
    Many,
}

/// Something that the values of options have to be to one another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// Expression (*template*) over `options`, `defaults` and `name` that has to be true.
    pub holds: String,
    /// What is wrong where it is not, and what to do about it (*template*).
    pub message: String,
}

/// A crate that a pack needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dependency {
    /// Expression (*template*).
    pub when: Option<String>,
    /// Version requirement; the catalog's when absent.
    pub version: Option<String>,
    /// Features to switch on.
    pub features: Vec<String>,
    /// `false` switches the default features off, unless another pack wants them.
    #[serde(rename = "default-features")]
    pub default_features: Option<bool>,
}

/// A file the pack owns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Expression (*template*).
    pub when: Option<String>,
    /// A slot, for each of whose entries there is such a file.
    pub each: Option<String>,
    /// Where it goes, relative to the project (*template*).
    pub path: String,
    /// File of the pack: rendered if its name ends in `.tera`, else copied as it stands.
    pub template: String,
    /// Whether it is to be executable.
    #[serde(default)]
    pub executable: bool,
}

/// A slot: a typed list that the owner's templates iterate over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotSpec {
    /// What an entry is, in one phrase.
    pub summary: String,
    /// The entries' fields.
    pub fields: BTreeMap<String, FieldSpec>,
    /// The fields that give the entries' order; without them it is the packs' order.
    #[serde(default)]
    pub sort: Vec<String>,
    /// The fields that no two entries may have alike; empty: any.
    #[serde(default)]
    pub unique: Vec<String>,
}

/// The type of a slot entry's field, written `string`, `list?`, ….
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FieldSpec {
    /// What stands in it.
    pub kind: FieldKind,
    /// Whether it may be left out; templates then see null.
    pub optional: bool,
}

/// Types of slot fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text (*template*).
    String,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Float,
    /// A list (texts in it are *templates*).
    List,
    /// A table (texts in it are *templates*).
    Table,
}

impl FieldKind {
    /// All of them, with the word `pack.toml` has for each.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::String, "string"),
        (Self::Bool, "bool"),
        (Self::Integer, "integer"),
        (Self::Float, "float"),
        (Self::List, "list"),
        (Self::Table, "table"),
    ];

    /// The word in `pack.toml`.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// Whether `value` is of this type.
    pub fn accepts(self, value: &toml::Value) -> bool {
        match self {
            Self::String => value.is_str(),
            Self::Bool => value.is_bool(),
            Self::Integer => value.is_integer(),
            Self::Float => value.is_float() || value.is_integer(),
            Self::List => value.is_array(),
            Self::Table => value.is_table(),
        }
    }
}

impl TryFrom<String> for FieldSpec {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let word = text.strip_suffix('?').unwrap_or(&text);
        let known = FieldKind::ALL.iter().find(|(_, known)| *known == word);
        match known {
            Some((kind, _)) => Ok(Self { kind: *kind, optional: word.len() < text.len() }),
            None => Err(format!(
                "`{text}` is no field type: use string, bool, integer, float, list or table, with `?` if optional"
            )),
        }
    }
}

/// How `verify` runs the project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Verify {
    /// URL that answers 2xx when the service is ready; only a framework gives it.
    pub ready: Option<String>,
    /// Environment of the service: keys and values (*templates*); `$UPSTREAM`, `$PORT`, `$BASE` and `$DIR` are
    /// filled in at run time.
    pub env: BTreeMap<String, String>,
}

/// A request that makes a pack emit something it declares.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Expression (*template*).
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub when: Option<String>,
    /// A slot, for each of whose entries it is sent.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub each: Option<String>,
    /// What it shows, in one phrase (*template*).
    pub name: String,
    /// How often it is sent.
    #[serde(default)]
    pub repeat: Repeat,
    /// How long it is sent again until it is answered as expected (*template*, a duration).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// What is sent.
    pub request: ProbeRequest,
    /// What `$UPSTREAM` answers meanwhile.
    #[serde(default)]
    pub upstream: Vec<UpstreamAnswer>,
    /// What the service has to answer.
    pub expect: Expectation,
}

/// A number, or a *template* that gives one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Repeat {
    /// So often.
    Times(u32),
    /// As the text says.
    Text(String),
}

impl Default for Repeat {
    fn default() -> Self {
        Self::Times(1)
    }
}

/// The request of a probe; all texts are *templates*.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeRequest {
    /// `GET`, `POST`, …
    #[serde(default = "get")]
    pub method: String,
    /// Path with query, below `$BASE`.
    pub path: String,
    /// Header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body; empty for none.
    #[serde(default)]
    pub body: String,
}

fn get() -> String {
    "GET".to_owned()
}

/// What the stand-in for other services answers; all texts are *templates*.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamAnswer {
    /// The beginning of the paths it answers.
    pub path: String,
    /// HTTP status.
    #[serde(default = "ok")]
    pub status: u16,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// How long it waits first, as `250ms`.
    #[serde(default)]
    pub delay: String,
    /// Whether it closes the connection instead of answering.
    #[serde(default)]
    pub reset: bool,
}

fn ok() -> u16 {
    200
}

/// What a probe expects.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The statuses that will do.
    pub status: Vec<u16>,
}
