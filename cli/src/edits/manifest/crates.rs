//! The crates of a manifest, brought from what packs wanted last to what they want now. Entries that nothing changes
//! for are not touched; an entry that its owner had or has edited only gains and loses features.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::Document;

use super::entry::{Core, Said, line};
use super::locked::{LockedCrate, LockedCrates};
use super::workspace::{Workspace, compatible};
use super::{ManifestError, ManifestNote, Plain, Splices, place};
use crate::render::{Crates, Requirement};

/// A manifest after its crates have been brought up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The manifest.
    pub content: Vec<u8>,
    /// What to remember of it.
    pub locked: LockedCrates,
    /// What its owner has to know.
    pub notes: Vec<ManifestNote>,
}

const NORMAL: &str = "dependencies";
const DEV: &str = "dev-dependencies";

/// By convention the feature that switches all others on.
const EVERYTHING: &str = "full";

/// Brings the crates of the manifest `content` from `old` to `new`; `workspace` is the workspace it belongs to.
///
/// # Errors
/// When the manifest cannot be parsed, or writes its dependencies in a form that is not edited.
pub fn reconcile_crates(
    content: &[u8],
    old: &LockedCrates,
    new: &Crates,
    workspace: Option<&Workspace>,
) -> Result<Edited, ManifestError> {
    let mut plain = Plain::new(content)?;
    let mut notes = Vec::new();
    let mut locked = LockedCrates { created: old.created.clone(), ..LockedCrates::default() };
    let tables = [(NORMAL, &old.normal, &new.normal, &mut locked.normal), (DEV, &old.dev, &new.dev, &mut locked.dev)];
    for (name, old, new, kept) in tables {
        let document = plain.parse()?;
        let mut work = Work {
            name,
            text: &plain.text,
            document: &document,
            workspace,
            splices: Splices::default(),
            notes: &mut notes,
        };
        *kept = work.entries(old, new)?;
        let insertions = work.insertions(new, kept);
        let created = work.insert(&insertions, old)?;
        let splices = work.splices;
        drop(document);
        plain.edit(splices)?;
        if created {
            locked.created.insert(name.to_owned());
        }
        if locked.created.contains(name) && drop_empty(&mut plain, name)? {
            locked.created.remove(name);
        }
    }
    Ok(Edited { content: plain.finish(), locked, notes })
}

/// The work on one table.
struct Work<'a> {
    name: &'a str,
    text: &'a str,
    document: &'a Document<&'a str>,
    workspace: Option<&'a Workspace>,
    splices: Splices,
    notes: &'a mut Vec<ManifestNote>,
}

type Locked = BTreeMap<String, LockedCrate>;
type Wanted = BTreeMap<String, Requirement>;

impl Work<'_> {
    /// Edits the entries that are there; returns what to remember, without those that have to be inserted.
    fn entries(&mut self, old: &Locked, new: &Wanted) -> Result<Locked, ManifestError> {
        let mut kept = Locked::new();
        let mut gone = Vec::new();
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let entry = self.entry(name)?;
            match (old.get(name), new.get(name), entry) {
                (None, Some(wanted), Some(entry)) => {
                    kept.insert(name.clone(), self.adopt(name, wanted, &entry));
                }
                // Whoever comes now gets what it needs; for the others a crate that was deleted stays so.
                (Some(locked), Some(wanted), None) if wanted.by.iter().any(|by| !locked.by.contains(by)) => {}
                (Some(locked), Some(wanted), None) => {
                    gone.push((name.clone(), self.fresh_line(name, wanted)));
                    kept.insert(name.clone(), LockedCrate::new(wanted, locked.workspace, locked.before.clone()));
                }
                (Some(locked), Some(wanted), Some(entry)) if locked.satisfies(wanted) => {
                    self.check_features(name, wanted, &entry.said);
                    kept.insert(name.clone(), LockedCrate { by: wanted.by.clone(), ..locked.clone() });
                }
                (Some(locked), Some(wanted), Some(entry)) => {
                    kept.insert(name.clone(), self.change(name, locked, wanted, &entry));
                }
                (Some(locked), None, Some(entry)) => self.release(name, locked, &entry),
                (Some(_), None, None) | (None, _, None) | (None, None, Some(_)) => {}
            }
        }
        self.tell_gone(gone);
        Ok(kept)
    }

    /// Crates that packs need and that are no longer there, each with the line that brings it back.
    fn tell_gone(&mut self, gone: Vec<(String, String)>) {
        if gone.is_empty() {
            return;
        }
        let names: Vec<String> = gone.iter().map(|(name, _)| format!("`{name}`")).collect();
        let (are, them) = if gone.len() == 1 { ("is", "it") } else { ("are", "them") };
        let lines: Vec<&str> = gone.iter().map(|(_, line)| line.as_str()).collect();
        self.notes.push(ManifestNote {
            message: format!("{} {are} no longer in [{}], and packs need {them}", names.join(", "), self.name),
            next_step: format!("put back what your code uses:\n{}", lines.join("\n")),
            gone: gone.into_iter().map(|(name, _)| name).collect(),
        });
    }

    /// Tells which features an entry has lost.
    fn check_features(&mut self, name: &str, wanted: &Requirement, said: &Said) {
        let missing = self.missing(wanted, name, said);
        let lost: Vec<String> = missing.difference(&said.features).map(|feature| format!("`{feature}`")).collect();
        if !lost.is_empty() && !said.features.contains(EVERYTHING) {
            self.note(
                format!("`{name}` has lost {}, which {} needs", lost.join(", "), wanted.by.join(", ")),
                format!("see that the code still builds, or put back: {}", self.fresh_line(name, wanted)),
            );
        }
    }

    fn entry(&self, name: &str) -> Result<Option<Found>, ManifestError> {
        let Some((key, item)) = place::lookup(self.document, &[self.name], name) else { return Ok(None) };
        let form = || ManifestError::Form { table: format!("{}.{name}", self.name) };
        let range = place::range(key, item).or_else(|| item.span()).ok_or_else(form)?;
        let core = Core::of(self.text, key, item).ok_or_else(form)?;
        let in_body = item.as_table().is_none_or(toml_edit::Table::is_dotted);
        Ok(Some(Found { said: Said::of(item), range, core, in_body }))
    }

    /// An entry of the owner's that packs want something of.
    fn adopt(&mut self, name: &str, wanted: &Requirement, entry: &Found) -> LockedCrate {
        self.check(name, wanted, &entry.said);
        let before = entry.core.text(self.text);
        let after = entry.core.with(before, &self.missing(wanted, name, &entry.said));
        self.write(entry, before, &after);
        LockedCrate::new(wanted, entry.said.workspace, Some(before.to_owned()))
    }

    /// The features an entry has to be given: an inherited one has those of the workspace already.
    fn missing(&self, wanted: &Requirement, name: &str, said: &Said) -> BTreeSet<String> {
        let above = self.workspace.filter(|_| said.workspace).and_then(|workspace| workspace.get(name));
        let has = |feature: &&String| above.is_none_or(|above| !above.features.contains(*feature));
        wanted.features.iter().filter(has).cloned().collect()
    }

    /// Tells what an owner's entry does not give and edits do not change.
    fn check(&mut self, name: &str, wanted: &Requirement, said: &Said) {
        let above = self.workspace.filter(|_| said.workspace).and_then(|workspace| workspace.get(name));
        let version = said.version.as_deref().or_else(|| above.and_then(|above| above.version.as_deref()));
        if let Some(version) = version.filter(|version| !compatible(version, &wanted.version)) {
            self.note(
                format!("`{name}` stays at version {version}, but {} needs {}", wanted.by.join(", "), wanted.version),
                format!("change it in Cargo.toml to `{}` and adapt your code", wanted.version),
            );
        }
        let defaults = said.default_features.or_else(|| above.map(|above| above.default_features)).unwrap_or(true);
        if wanted.default_features && !defaults {
            self.note(
                format!("`{name}` has its default features off, but {} needs them", wanted.by.join(", ")),
                "remove `default-features = false`, or name the features it needs".to_owned(),
            );
        }
    }

    /// An entry that packs want something else of than before.
    fn change(&mut self, name: &str, locked: &LockedCrate, wanted: &Requirement, entry: &Found) -> LockedCrate {
        let next = LockedCrate::new(wanted, locked.workspace, locked.before.clone());
        match &locked.before {
            None if entry.said.is_as_written(locked) && entry.in_body => {
                let above = self.workspace.and_then(|workspace| workspace.get(name));
                self.splices.replace(entry.range.clone(), line(name, &next, above));
            }
            None => self.adjust(locked, Some(wanted), entry),
            Some(before) if entry.core.text(self.text) == entry.core.with(before, &locked.features) => {
                let (now, after) = (entry.core.text(self.text), entry.core.with(before, &wanted.features));
                self.write(entry, now, &after);
            }
            Some(_) => self.adjust(locked, Some(wanted), entry),
        }
        next
    }

    /// An entry that no pack wants any more.
    fn release(&mut self, name: &str, locked: &LockedCrate, entry: &Found) {
        match &locked.before {
            None if entry.said.is_as_written(locked) && entry.in_body => {
                let lines =
                    place::line_start(self.text, entry.range.start)..place::line_end(self.text, entry.range.end);
                self.splices.replace(lines, "");
            }
            None => self.note(
                format!("`{name}` stays in [{}]: it was edited since {} brought it", self.name, locked.by.join(", ")),
                format!("if nothing else uses it: cargo remove {}{name}", if self.name == DEV { "--dev " } else { "" }),
            ),
            Some(before) if entry.core.text(self.text) == entry.core.with(before, &locked.features) => {
                self.write(entry, entry.core.text(self.text), before);
            }
            Some(_) => self.adjust(locked, None, entry),
        }
    }

    /// Adds and takes out features of an entry that its owner has edited.
    fn adjust(&mut self, locked: &LockedCrate, wanted: Option<&Requirement>, entry: &Found) {
        let nothing = BTreeSet::new();
        let wanted = wanted.map_or(&nothing, |wanted| &wanted.features);
        let own = locked.before.as_deref().map(features_of).unwrap_or_default();
        let unwanted: BTreeSet<String> =
            locked.features.iter().filter(|it| !wanted.contains(*it) && !own.contains(*it)).cloned().collect();
        let added: BTreeSet<String> = wanted.difference(&locked.features).cloned().collect();
        let now = entry.core.text(self.text);
        let after = entry.core.with(&entry.core.without(now, &unwanted), &added);
        self.write(entry, now, &after);
    }

    fn write(&mut self, entry: &Found, now: &str, after: &str) {
        if now != after {
            let (range, text) = entry.core.write(after);
            self.splices.replace(range, text);
        }
    }

    /// The lines of crates that are not there yet, by name; notes them as locked.
    fn insertions(&self, new: &Wanted, kept: &mut Locked) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        for (name, wanted) in new.iter().filter(|(name, _)| !kept.contains_key(*name)).collect::<Vec<_>>() {
            let locked = self.fresh(name, wanted);
            let above = self.workspace.and_then(|workspace| workspace.get(name));
            lines.push((name.clone(), format!("{}\n", line(name, &locked, above))));
            kept.insert(name.clone(), locked);
        }
        lines
    }

    /// A new entry; it inherits from a workspace that has the crate in a version that will do.
    fn fresh(&self, name: &str, wanted: &Requirement) -> LockedCrate {
        let above = self.workspace.and_then(|workspace| workspace.get(name));
        let fits = above
            .is_some_and(|above| above.version.as_deref().is_none_or(|version| compatible(version, &wanted.version)));
        LockedCrate::new(wanted, fits, None)
    }

    fn fresh_line(&self, name: &str, wanted: &Requirement) -> String {
        line(name, &self.fresh(name, wanted), self.workspace.and_then(|workspace| workspace.get(name)))
    }

    /// Puts lines where they belong; says whether the table had to be made.
    fn insert(&mut self, lines: &[(String, String)], old: &Locked) -> Result<bool, ManifestError> {
        if lines.is_empty() {
            return Ok(false);
        }
        let Some(section) = place::section(self.document, &[self.name])? else {
            let (at, text) = (self.new_table_at()?, lines.iter().map(|(_, line)| line.as_str()).collect::<String>());
            let gap = if at == 0 { "" } else { "\n" };
            self.splices.replace(at..at, format!("{gap}[{}]\n{text}", self.name));
            return Ok(true);
        };
        let entries = section.entries(self.text);
        let sorted = entries.is_sorted_by_key(|entry| entry.name);
        // Where the owner has an order of his own, otelgen's entries stand at the end, in order among themselves.
        let own = |entry: &place::Entry<'_>| old.get(entry.name).is_some_and(|locked| locked.before.is_none());
        for (name, line) in lines {
            let before = entries.iter().rfind(|entry| entry.name < name.as_str() || (!sorted && !own(entry)));
            let at = before.map_or(section.body, |entry| entry.lines.end);
            self.splices.replace(at..at, line.clone());
        }
        Ok(false)
    }

    /// Beside the other table of dependencies (`[dependencies]` first), or at the end.
    fn new_table_at(&self) -> Result<usize, ManifestError> {
        let other = place::section(self.document, &[if self.name == DEV { NORMAL } else { DEV }])?;
        let Some(section) = other else { return Ok(self.text.len()) };
        if self.name == NORMAL {
            let header = section.table.span().map_or(self.text.len(), |span| place::line_start(self.text, span.start));
            let blank = self.text.get(..header).is_some_and(|before| before.ends_with("\n\n"));
            return Ok(if blank { header - 1 } else { header });
        }
        let below = section.table.iter().filter_map(|(_, item)| item.as_table()).filter(|table| !table.is_dotted());
        let ends = below.filter_map(|table| {
            let last = table.iter().filter_map(|(name, item)| Some(place::range(table.key(name)?, item)?.end)).max();
            Some(place::line_end(self.text, last.or_else(|| Some(table.span()?.end))?))
        });
        Ok(ends.max().unwrap_or(0).max(section.end(self.text)))
    }

    fn note(&mut self, message: String, next_step: String) {
        self.notes.push(ManifestNote { message, next_step, gone: Vec::new() });
    }
}

/// An entry in the text.
struct Found {
    said: Said,
    range: std::ops::Range<usize>,
    core: Core,
    /// Whether it stands in the table's own body.
    in_body: bool,
}

/// The features in an entry's value, or in an array.
fn features_of(text: &str) -> BTreeSet<String> {
    let line = format!("x = {text}");
    let Ok(document) = Document::parse(line.as_str()) else { return BTreeSet::new() };
    let Some(item) = document.get("x") else { return BTreeSet::new() };
    let array = item.as_array().or_else(|| item.as_table_like()?.get("features")?.as_array());
    array.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// Takes a table that otelgen made out again, if there is nothing in it; `false` if there is.
fn drop_empty(plain: &mut Plain, name: &str) -> Result<bool, ManifestError> {
    let document = plain.parse()?;
    let Some(section) = place::section(&document, &[name])? else { return Ok(true) };
    let Some(header) = section.table.span() else { return Ok(false) };
    let text = &plain.text;
    let next = text.get(section.body..).unwrap_or_default();
    let comments =
        next.lines().take_while(|line| !line.trim_start().starts_with('[')).any(|line| !line.trim().is_empty());
    if !section.entries(text).is_empty() || comments {
        return Ok(false);
    }
    let start = place::line_start(text, header.start);
    let blank = text.get(..start).is_some_and(|before| before.ends_with("\n\n"));
    let mut splices = Splices::default();
    splices.replace(if blank { start - 1 } else { start }..section.body, "");
    drop(document);
    plain.edit(splices)?;
    Ok(true)
}
