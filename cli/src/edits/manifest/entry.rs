//! One dependency in a manifest: what it says, and the one part of it that edits touch.

use std::collections::BTreeSet;
use std::ops::Range;

use toml_edit::{Item, Key};

use super::locked::LockedCrate;
use super::workspace::WorkspaceCrate;
use super::{features, place};

/// What an entry says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) version: Option<String>,
    pub(super) features: BTreeSet<String>,
    pub(super) default_features: Option<bool>,
    pub(super) workspace: bool,
    /// Keys that otelgen does not write.
    pub(super) others: bool,
}

impl Said {
    pub(super) fn of(item: &Item) -> Self {
        if let Some(version) = item.as_str() {
            return Self {
                version: Some(version.to_owned()),
                features: BTreeSet::new(),
                default_features: None,
                workspace: false,
                others: false,
            };
        }
        let table = item.as_table_like();
        let get = |key: &str| table.and_then(|table| table.get(key));
        let known = ["version", "features", "default-features", "workspace"];
        let features = get("features").and_then(Item::as_array);
        Self {
            version: get("version").and_then(Item::as_str).map(str::to_owned),
            features: features.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect(),
            default_features: get("default-features").and_then(Item::as_bool),
            workspace: get("workspace").and_then(Item::as_bool).unwrap_or(false),
            others: table.is_none_or(|table| table.iter().any(|(key, _)| !known.contains(&key))),
        }
    }

    /// Whether it still says what otelgen wrote.
    pub(super) fn is_as_written(&self, locked: &LockedCrate) -> bool {
        let version = if locked.workspace { None } else { Some(&locked.version) };
        let defaults = locked.workspace || self.default_features.unwrap_or(true) == locked.default_features;
        defaults
            && self.version.as_ref() == version
            && self.workspace == locked.workspace
            && self.features == locked.features
            && !self.others
    }
}

/// An entry as otelgen writes it.
pub(super) fn line(name: &str, locked: &LockedCrate, inherited: Option<&WorkspaceCrate>) -> String {
    let mut parts = Vec::new();
    if locked.workspace {
        parts.push("workspace = true".to_owned());
    } else {
        parts.push(format!("version = \"{}\"", locked.version));
    }
    let defaults_off_above = inherited.is_some_and(|above| !above.default_features);
    match (locked.workspace, locked.default_features) {
        (false, false) => parts.push("default-features = false".to_owned()),
        // What the workspace has switched on cannot be switched off, but the other way round.
        (true, true) if defaults_off_above => parts.push("default-features = true".to_owned()),
        _ => {}
    }
    if !locked.features.is_empty() {
        parts.push(format!("features = {}", features::list(&locked.features)));
    }
    match (parts.as_slice(), locked.workspace) {
        ([_], true) => format!("{name}.workspace = true"),
        ([_], false) => format!("{name} = \"{}\"", locked.version),
        _ => format!("{name} = {{ {} }}", parts.join(", ")),
    }
}

/// The part of an owner's entry that edits touch: the value as a whole, or the features of a table.
pub(super) enum Core {
    /// `"1"` or `{ version = "1", … }`
    Value(Range<usize>),
    /// Of `[dependencies.x]` or `x.version = "1"`: the array, or where a line for it would go.
    Features {
        array: Option<Range<usize>>,
        /// From the start of the line with the array to its end, or empty where it would go.
        line: Range<usize>,
        /// What stands before `features` on that line.
        prefix: String,
    },
}

impl Core {
    pub(super) fn of(text: &str, key: &Key, item: &Item) -> Option<Self> {
        let Item::Table(table) = item else { return Some(Self::Value(item.span()?)) };
        let prefix = if table.is_dotted() { format!("{}.", key.get()) } else { String::new() };
        if let Some((key, array)) = table.get_key_value("features") {
            let range = place::range(key, array)?;
            let line = place::line_start(text, range.start)..place::line_end(text, range.end);
            return Some(Self::Features { array: array.span(), line, prefix });
        }
        let last = table.iter().filter_map(|(name, item)| Some(place::range(table.key(name)?, item)?.end)).max();
        let end = place::line_end(text, last.or_else(|| Some(table.span()?.end))?);
        Some(Self::Features { array: None, line: end..end, prefix })
    }

    /// Its text; empty where there is none yet.
    pub(super) fn text<'t>(&self, text: &'t str) -> &'t str {
        match self {
            Self::Value(range) => text.get(range.clone()).unwrap_or_default(),
            Self::Features { array, .. } => array.clone().and_then(|array| text.get(array)).unwrap_or_default(),
        }
    }

    /// `before` with those of `wanted` that it lacks.
    pub(super) fn with(&self, before: &str, wanted: &BTreeSet<String>) -> String {
        match self {
            Self::Value(_) => value_with(before, wanted),
            Self::Features { .. } if before.is_empty() && wanted.is_empty() => String::new(),
            Self::Features { .. } if before.is_empty() => features::list(wanted),
            Self::Features { .. } => features::with(before, wanted),
        }
    }

    /// `before` without `unwanted`.
    pub(super) fn without(&self, before: &str, unwanted: &BTreeSet<String>) -> String {
        match self {
            Self::Value(_) => value_without(before, unwanted),
            Self::Features { .. } => features::without(before, unwanted),
        }
    }

    /// The replacement that puts `after` in its place.
    pub(super) fn write(&self, after: &str) -> (Range<usize>, String) {
        match self {
            Self::Value(range) => (range.clone(), after.to_owned()),
            Self::Features { line, .. } if after.is_empty() => (line.clone(), String::new()),
            Self::Features { array: Some(array), .. } => (array.clone(), after.to_owned()),
            Self::Features { array: None, line, prefix } => (line.clone(), format!("{prefix}features = {after}\n")),
        }
    }
}

fn value_with(value: &str, wanted: &BTreeSet<String>) -> String {
    on_value(value, |line, item| {
        let said = Said::of(item);
        let missing: BTreeSet<String> = wanted.difference(&said.features).cloned().collect();
        if missing.is_empty() {
            return None;
        }
        let list = features::list(&missing);
        if item.is_str() {
            return Some((item.span()?, format!("{{ version = {value}, features = {list} }}")));
        }
        let table = item.as_inline_table()?;
        if let Some(array) = table.get("features") {
            let range = array.span()?;
            return Some((range.clone(), features::with(line.get(range)?, wanted)));
        }
        let end = table.iter().filter_map(|(_, value)| value.span()).map(|span| span.end).max()?;
        Some((end..end, format!(", features = {list}")))
    })
}

fn value_without(value: &str, unwanted: &BTreeSet<String>) -> String {
    on_value(value, |line, item| {
        let range = item.as_table_like()?.get("features")?.span()?;
        Some((range.clone(), features::without(line.get(range)?, unwanted)))
    })
}

/// Parses a value and replaces a range of it.
fn on_value(value: &str, change: impl FnOnce(&str, &Item) -> Option<(Range<usize>, String)>) -> String {
    const KEY: &str = "x = ";
    let line = format!("{KEY}{value}");
    let edit = || {
        let document = toml_edit::Document::parse(line.as_str()).ok()?;
        let (range, text) = change(&line, document.get("x")?)?;
        let mut splices = super::Splices::default();
        splices.replace(range, text);
        splices.apply(&line)?.get(KEY.len()..).map(str::to_owned)
    };
    edit().unwrap_or_else(|| value.to_owned())
}
