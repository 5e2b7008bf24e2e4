//! The workspace a new project joins: as `cargo new` does it (`cargo_new.rs`: `update_manifest_with_new_member`,
//! `update_manifest_with_inherited_workspace_package_keys`), except where generated code would not build: an older
//! edition or Rust version of the workspace is not inherited.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{Item, TableLike};

use super::{ManifestError, Plain, Splices, entry, place};

/// What a workspace's root manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    crates: BTreeMap<String, WorkspaceCrate>,
    package: BTreeMap<String, String>,
    lints: bool,
}

/// A crate of `[workspace.dependencies]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceCrate {
    /// Its version requirement, where it has one.
    pub version: Option<String>,
    /// The features it has switched on.
    pub features: BTreeSet<String>,
    /// Whether its default features are on.
    pub default_features: bool,
}

impl Workspace {
    /// Reads the root manifest.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn parse(root: &[u8]) -> Result<Self, ManifestError> {
        let plain = Plain::new(root)?;
        let document = plain.parse()?;
        let Some(workspace) = document.get("workspace") else { return Ok(Self::default()) };
        let entries =
            |name: &str| workspace.get(name).and_then(Item::as_table_like).map(TableLike::iter).into_iter().flatten();
        let crates = entries("dependencies").map(|(name, item)| {
            let said = entry::Said::of(item);
            let default_features = said.default_features.unwrap_or(true);
            (name.to_owned(), WorkspaceCrate { version: said.version, features: said.features, default_features })
        });
        let package =
            entries("package").map(|(name, item)| (name.to_owned(), item.as_str().unwrap_or_default().to_owned()));
        Ok(Self { crates: crates.collect(), package: package.collect(), lints: workspace.get("lints").is_some() })
    }

    /// A crate of `[workspace.dependencies]`.
    pub fn get(&self, name: &str) -> Option<&WorkspaceCrate> {
        self.crates.get(name)
    }

    /// Makes a new project's manifest that of a member: inherited package keys and lints, and nothing that cargo
    /// reads from the root only (`profile`, `patch`, `replace`).
    ///
    /// # Errors
    /// When the manifest cannot be parsed.
    pub fn settle(&self, manifest: &[u8]) -> Result<Vec<u8>, ManifestError> {
        let mut plain = Plain::new(manifest)?;
        self.inherit_package(&mut plain)?;
        drop_sections(&mut plain, &["profile", "patch", "replace"])?;
        if self.lints {
            drop_sections(&mut plain, &["lints"])?;
            let end = plain.text.len();
            let mut splices = Splices::default();
            splices.replace(end..end, "\n[lints]\nworkspace = true\n");
            plain.edit(splices)?;
        }
        Ok(plain.finish())
    }

    fn inherit_package(&self, plain: &mut Plain) -> Result<(), ManifestError> {
        let document = plain.parse()?;
        let Some(section) = place::section(&document, &["package"])? else { return Ok(()) };
        let mut splices = Splices::default();
        let mut added = String::new();
        for (key, above) in &self.package {
            let inherited = format!("{key}.workspace = true");
            match section.table.get_key_value(key) {
                None => added.push_str(&format!("{inherited}\n")),
                Some((name, item)) => {
                    let own = item.as_str().unwrap_or_default();
                    if let Some(range) = place::range(name, item).filter(|_| inherits(key, own, above)) {
                        splices.replace(range, inherited);
                    }
                }
            }
        }
        let end = section.end(&plain.text);
        splices.replace(end..end, added);
        drop(document);
        plain.edit(splices)
    }

    /// The root manifest with `member` in `workspace.members`; unchanged if a pattern covers it.
    ///
    /// # Errors
    /// When the manifest cannot be parsed.
    pub fn join(root: &[u8], member: &str) -> Result<Vec<u8>, ManifestError> {
        let mut plain = Plain::new(root)?;
        let document = plain.parse()?;
        let Some(workspace) = document.get("workspace") else { return Ok(root.to_vec()) };
        let mut splices = Splices::default();
        let quoted = BTreeSet::from([member.to_owned()]);
        match workspace.get("members") {
            Some(item) => {
                let members: Vec<&str> =
                    item.as_array().into_iter().flatten().filter_map(|value| value.as_str()).collect();
                if members.iter().any(|pattern| covers(pattern, member)) {
                    return Ok(root.to_vec());
                }
                let form = || ManifestError::Form { table: "workspace.members".to_owned() };
                let range = item.as_array().and(item.span()).ok_or_else(form)?;
                let list = plain.text.get(range.clone()).unwrap_or_default();
                splices.replace(range, super::features::with(list, &quoted));
            }
            None => {
                let form = || ManifestError::Form { table: "workspace".to_owned() };
                let section = place::section(&document, &["workspace"])?;
                let (at, gap) = match &section {
                    Some(section) => (section.end(&plain.text), ""),
                    // Only [workspace.dependencies] and the like: the table has no header of its own.
                    None if workspace.as_table().is_some() => (plain.text.len(), "\n[workspace]\n"),
                    None => return Err(form()),
                };
                splices.replace(at..at, format!("{gap}members = {}\n", super::features::list(&quoted)));
            }
        }
        drop(document);
        plain.edit(splices)?;
        Ok(plain.finish())
    }
}

/// Whether a package key is taken from the workspace: not an edition or a Rust version that is too old.
fn inherits(key: &str, own: &str, above: &str) -> bool {
    match key {
        "edition" => own == above,
        "rust-version" => numbers(above) >= numbers(own),
        "publish" => false,
        _ => true,
    }
}

/// As cargo expands `members`: `*` stays within a folder.
fn covers(pattern: &str, member: &str) -> bool {
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches_with(member, options))
}

/// Takes out all tables whose first name is one of `names`, with the blank lines before them.
fn drop_sections(plain: &mut Plain, names: &[&str]) -> Result<(), ManifestError> {
    let document = plain.parse()?;
    let mut headers: Vec<(usize, bool)> = Vec::new();
    for (name, item) in document.iter() {
        collect_headers(item, names.contains(&name), &mut headers);
    }
    headers.sort_unstable();
    let mut splices = Splices::default();
    for (index, (start, dropped)) in headers.iter().enumerate() {
        let end = headers.get(index + 1).map_or(plain.text.len(), |(next, _)| section_start(&plain.text, *next));
        if *dropped {
            splices.replace(section_start(&plain.text, *start)..end, "");
        }
    }
    drop(document);
    plain.edit(splices)
}

fn collect_headers(item: &Item, dropped: bool, headers: &mut Vec<(usize, bool)>) {
    match item {
        Item::Table(table) => {
            if let Some(span) = table.span().filter(|_| !table.is_implicit() && !table.is_dotted()) {
                headers.push((span.start, dropped));
            }
            for (_, item) in table.iter() {
                collect_headers(item, dropped, headers);
            }
        }
        Item::ArrayOfTables(tables) => {
            for table in tables {
                headers.extend(table.span().map(|span| (span.start, dropped)));
            }
        }
        _ => {}
    }
}

/// The start of a section with the blank lines and comments that lead to its header.
fn section_start(text: &str, header: usize) -> usize {
    let mut start = place::line_start(text, header);
    while let Some(before) = text.get(..start.saturating_sub(1)).filter(|_| start > 0) {
        let line = place::line_start(text, before.len());
        let content = text.get(line..start).unwrap_or_default().trim();
        if !content.is_empty() && !content.starts_with('#') {
            break;
        }
        start = line;
        if line == 0 {
            break;
        }
    }
    start
}

/// Whether two plain requirements can be met by one release: alike up to the first number that is not zero. What is
/// no plain requirement is its owner's decision.
pub(super) fn compatible(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.chars().all(|it| it.is_ascii_digit() || it == '.');
    let (one, other) = (one.trim().trim_start_matches('^'), other.trim().trim_start_matches('^'));
    if !plain(one) || !plain(other) {
        return true;
    }
    let (one, other) = (numbers(one), numbers(other));
    for (left, right) in one.iter().zip(&other) {
        if left != right {
            return false;
        }
        if *left != 0 {
            return true;
        }
    }
    true
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}
