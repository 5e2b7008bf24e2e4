//! Whether a pack says rightly what it says: the checks that the built-in packs pass in this crate's tests, and a third
//! party's in `otelgen pack test`. What only a whole project can show (two packs that contradict each other) is for
//! rendering to find.

mod shapes;
mod texts;
mod variables;

use std::collections::BTreeSet;
use std::fmt;

use crate::constraints;
use crate::engine::{self, Templates};
use crate::library::{Library, LibraryError, Pack, PackId};
use crate::manifest::SlotSpec;
use crate::options::{OptionKind, OptionSpec};

use shapes::Shape;

/// A fault of a pack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The pack.
    pub pack: PackId,
    /// The table of `pack.toml`, or the file of the pack.
    pub place: String,
    /// What is wrong, in one lower-case sentence.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {}: {}", self.place, self.pack, self.message)
    }
}

/// All faults of one pack of a library.
///
/// # Errors
/// When there is no such pack, or the `pack.toml` of it or of one it requires cannot be read.
pub fn check(library: &Library, id: &PackId) -> Result<Vec<Fault>, LibraryError> {
    let pack = library.get(id)?;
    let mut checker = Checker { library, pack, visible: visible(library, pack)?, faults: BTreeSet::new() };
    checker.summary();
    checker.others();
    checker.options();
    checker.constraints();
    checker.crates();
    checker.slots();
    checker.contributions();
    checker.files();
    texts::check(&mut checker);
    Ok(checker.faults.into_iter().collect())
}

/// A slot with the pack that owns it.
type Visible<'a> = Vec<(&'a str, &'a SlotSpec)>;

/// The slots of a pack and of those it requires.
fn visible<'a>(library: &'a Library, pack: &'a Pack) -> Result<Visible<'a>, LibraryError> {
    let mut packs = vec![pack];
    let mut next = 0;
    let mut slots = Vec::new();
    while let Some(pack) = packs.get(next).copied() {
        next += 1;
        slots.extend(pack.manifest.slots.iter().map(|(name, spec)| (name.as_str(), spec)));
        for id in &pack.manifest.requires {
            let needed = library.get(id)?;
            if !packs.iter().any(|known| known.id == needed.id) {
                packs.push(needed);
            }
        }
    }
    Ok(slots)
}

struct Checker<'a> {
    library: &'a Library,
    pack: &'a Pack,
    visible: Visible<'a>,
    faults: BTreeSet<Fault>,
}

impl<'a> Checker<'a> {
    fn fault(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.faults.insert(Fault { pack: self.pack.id.clone(), place: place.into(), message: message.into() });
    }

    fn summary(&mut self) {
        let summary = &self.pack.manifest.summary;
        let starts_large = summary.split(' ').next().is_some_and(|word| {
            word.starts_with(char::is_uppercase) && !word.chars().skip(1).any(char::is_uppercase) && word.len() > 1
        });
        if summary.is_empty() || summary.contains('\n') || summary.ends_with('.') || starts_large {
            self.fault("summary", "it has to be one line that starts with a small letter and ends without a full stop");
        }
    }

    fn others(&mut self) {
        for conflict in &self.pack.manifest.conflicts {
            if !self.library.ids().any(|id| *id == conflict.pack) {
                self.fault("conflicts", format!("there is no pack {}", conflict.pack));
            }
        }
    }

    fn options(&mut self) {
        for (name, spec) in &self.pack.manifest.options {
            let place = format!("options.{name}");
            if !is_word(name) {
                self.fault(&*place, "an option's name is small letters, digits and `_`");
            }
            self.option(&place, spec);
        }
    }

    fn option(&mut self, place: &str, spec: &OptionSpec) {
        let is_choice = spec.kind == OptionKind::Choice;
        if is_choice == spec.values.is_empty() {
            self.fault(place, "a choice, and nothing else, has `values`");
        }
        let free = OptionSpec { min: None, max: None, ..spec.clone() };
        for bound in [&spec.min, &spec.max].into_iter().flatten() {
            if let Err(error) = free.check(bound.clone()) {
                self.fault(place, format!("its range does not fit its type: {error}"));
            }
        }
        if let Err(error) = spec.check(spec.default.clone()) {
            self.fault(place, format!("its default does not fit: {error}"));
        }
    }

    /// What nobody has chosen has to be right.
    fn constraints(&mut self) {
        let manifest = &self.pack.manifest;
        let defaults = constraints::defaults(manifest);
        // One that is no expression is told with the other texts.
        if let Ok(Some(message)) = constraints::broken(manifest, &self.pack.id.name, &defaults) {
            self.fault("constraint", format!("the defaults do not meet it: {message}"));
        }
    }

    fn crates(&mut self) {
        let manifest = &self.pack.manifest;
        let tables = [("dependencies", &manifest.dependencies), ("dev-dependencies", &manifest.dev_dependencies)];
        for (place, table) in tables {
            for (name, dependency) in table {
                let known = self.library.catalog().crates.contains_key(name);
                if !known && dependency.version.is_none() {
                    self.fault(place, format!("the catalog has no `{name}`: give its version"));
                }
            }
        }
    }

    fn slots(&mut self) {
        for (name, slot) in &self.pack.manifest.slots {
            for field in slot.sort.iter().chain(&slot.unique) {
                if !slot.fields.contains_key(field) {
                    self.fault(format!("slots.{name}"), format!("its entries have no field `{field}`"));
                }
            }
            if let Some(reserved) = ["when", "optional", "from"].into_iter().find(|it| slot.fields.contains_key(*it)) {
                self.fault(format!("slots.{name}"), format!("`{reserved}` means something else in every entry"));
            }
        }
    }

    fn contributions(&mut self) {
        for (name, entries) in &self.pack.manifest.contribute {
            let place = format!("contribute.{name}");
            let Some(slot) = self.owned(name) else {
                self.fault(&*place, "no known pack owns this slot");
                continue;
            };
            let fields: Vec<String> = slot.fields.keys().cloned().collect();
            for entry in entries {
                for field in entry.keys().filter(|field| !["when", "optional"].contains(&field.as_str())) {
                    if !slot.fields.contains_key(field) {
                        self.fault(
                            &*place,
                            format!("there is no field `{field}`; the fields are {}", fields.join(", ")),
                        );
                    }
                }
                for (field, spec) in &slot.fields {
                    match entry.get(field) {
                        Some(value) if !spec.kind.accepts(value) => {
                            self.fault(&*place, format!("`{field}` is no {}", spec.kind.word()));
                        }
                        None if !spec.optional => self.fault(&*place, format!("an entry has no `{field}`")),
                        _ => {}
                    }
                }
            }
        }
    }

    /// A slot of the pack, of one it requires, or else of any.
    fn owned(&self, slot: &str) -> Option<&'a SlotSpec> {
        let near = self.visible.iter().find(|(name, _)| *name == slot).map(|(_, spec)| *spec);
        let far = || self.library.ids().find_map(|id| self.library.get(id).ok()?.manifest.slots.get(slot));
        near.or_else(far)
    }

    /// Files: named ones are there, others are used; templates compile.
    fn files(&mut self) {
        let files = &self.pack.manifest.files;
        for entry in files {
            if self.pack.file(&entry.template).is_none() {
                self.fault("file", format!("the pack has no `{}`", entry.template));
            }
        }
        for (path, text) in self.pack.files() {
            if engine::is_template(path)
                && let Err(error) = engine::parse(text)
            {
                self.fault(path, format!("it is no template: {error}"));
            }
        }
        let paths: Vec<&str> = self.pack.files().map(|(path, _)| path).collect();
        let Ok(templates) = Templates::compile(self.pack, &paths) else { return };
        let mut used: BTreeSet<String> = files.iter().map(|entry| entry.template.clone()).collect();
        for entry in files.iter().filter(|entry| engine::is_template(&entry.template)) {
            let globals = shapes::globals(self, entry.each.as_deref());
            let mut walk = variables::Walk::new(&templates, globals);
            walk.template(&entry.template);
            used.extend(walk.templates);
            for (template, message) in walk.problems {
                let line = variables::line_of(self.pack.file(&template).unwrap_or_default(), &message);
                self.fault(template, format!("{}{line}", message.text));
            }
        }
        for path in paths.iter().filter(|path| !used.contains(**path)) {
            self.fault(*path, "no [[file]] names it, and no template includes or imports it");
        }
    }

    /// The shape of one entry of a slot that `each` may name.
    fn entry(&self, slot: &str) -> Option<Shape> {
        self.visible.iter().find(|(name, _)| *name == slot).map(|(_, spec)| shapes::entry(spec))
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
}
