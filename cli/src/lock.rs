//! `otelgen.toml`: what a project was made from. Written for people to read; read strictly, so that a damaged one is
//! told with its line before anything is changed. Pure: text in, text out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use otelgen_templates::PackId;
use otelgen_templates::options::OptionValue;
use serde::{Deserialize, Serialize};

use crate::edits::manifest::{LockedCrate, LockedCrates};
use crate::name::Name;
use crate::plan::{Chosen, InstanceId, Runtime, Selection};

/// The format this version writes; a higher number is for a newer otelgen.
pub const FORMAT: u32 = 1;

/// The version of otelgen that runs.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a project was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    /// The version of otelgen that wrote it last.
    pub otelgen: String,
    /// The chosen packs with their options.
    pub selection: Selection,
    /// The folder each pack that is not built in was loaded from, as the user wrote it.
    pub origins: BTreeMap<PackId, String>,
    /// Who brought each crate.
    pub crates: LockedCrates,
    /// The sum of each text in `.otelgen/base`, by the path of the file; empty in a lock of an otelgen that kept none.
    pub bases: BTreeMap<String, String>,
}

/// Why a lock cannot be used. Nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// It is not what otelgen writes.
    #[error(
        "otelgen.toml is damaged at line {line}, column {column}: {problem}; restore it, for example with `git restore otelgen.toml`"
    )]
    Damaged {
        /// From one.
        line: usize,
        /// From one.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// A newer otelgen wrote it.
    #[error(
        "this project was made by otelgen {otelgen}, and this is otelgen {VERSION}: install that one or a newer one"
    )]
    Newer {
        /// The version that wrote it.
        otelgen: String,
    },
    /// It is in a form that this otelgen does not know.
    #[error(
        "otelgen.toml has format {format}, and this otelgen ({VERSION}) reads formats up to {FORMAT}: install a newer otelgen"
    )]
    Format {
        /// The form.
        format: u32,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[expect(dead_code, reason = "checked before the rest is read")]
    format: u32,
    otelgen: String,
    project: Project,
    #[serde(default)]
    pack: Vec<PackEntry>,
    #[serde(default)]
    manifest: Manifest,
    #[serde(default)]
    dependencies: BTreeMap<String, LockedCrate>,
    #[serde(default, rename = "dev-dependencies")]
    dev_dependencies: BTreeMap<String, LockedCrate>,
    #[serde(default)]
    base: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Project {
    name: toml::Spanned<String>,
    runtime: toml::Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackEntry {
    pack: PackId,
    name: Option<toml::Spanned<String>>,
    from: Option<String>,
    #[serde(default)]
    options: BTreeMap<String, OptionValue>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(default)]
    created: std::collections::BTreeSet<String>,
}

#[derive(Deserialize)]
struct Header {
    format: Option<u32>,
    otelgen: Option<String>,
}

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    /// [`LockError::Newer`] for a project of a newer otelgen, [`LockError::Damaged`] for anything else.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let damaged = |error: toml::de::Error| place(text, error.span().map_or(0, |span| span.start), error.message());
        let header: Header = toml::from_str(text).map_err(damaged)?;
        let otelgen = header.otelgen.unwrap_or_default();
        if is_newer(&otelgen, VERSION) {
            return Err(LockError::Newer { otelgen });
        }
        if let Some(format) = header.format.filter(|format| *format > FORMAT) {
            return Err(LockError::Format { format });
        }
        let document: Document = toml::from_str(text).map_err(damaged)?;
        document.check(text)
    }

    /// The text of `otelgen.toml`: the same lock always gives the same text.
    pub fn to_text(&self) -> String {
        let mut text = String::from(HEAD);
        let mut line = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        line(&format!("format = {FORMAT}"));
        line(&format!("otelgen = {}", quoted(&self.otelgen)));
        line("\n[project]");
        line(&format!("name = {}", quoted(self.selection.project.as_str())));
        line("# Where the runtime crate is: vendored, registry or path=DIR.");
        line(&format!("runtime = {}", quoted(&self.selection.runtime.to_string())));
        for chosen in &self.selection.packs {
            line("\n[[pack]]");
            line(&format!("pack = {}", quoted(&chosen.id.pack.to_string())));
            if let Some(name) = &chosen.id.name {
                line(&format!("name = {}", quoted(name.as_str())));
            }
            if let Some(origin) = self.origins.get(&chosen.id.pack) {
                line(&format!("from = {}", quoted(origin)));
            }
            if !chosen.options.is_empty() {
                line(&format!("options = {}", inline(&chosen.options)));
            }
        }
        if !self.crates.created.is_empty() {
            line("\n# Tables of Cargo.toml that were not there before.");
            line("[manifest]");
            line(&format!("created = {}", inline(&self.crates.created)));
        }
        line("\n# Who brought each crate to Cargo.toml, and what was wanted of it.");
        crates(&mut text, "dependencies", &self.crates.normal);
        if !self.crates.dev.is_empty() {
            text.push('\n');
            crates(&mut text, "dev-dependencies", &self.crates.dev);
        }
        if !self.bases.is_empty() {
            text.push_str("\n# What each file in .otelgen/base has to be (half of its SHA-256).\n[base]\n");
        }
        for (path, sum) in &self.bases {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} = {}", quoted(path), quoted(sum));
        }
        text
    }
}

const HEAD: &str = "\
# What otelgen made this project from. `otelgen add` and `otelgen remove` keep it up to date; commit it together with
# .otelgen/, which holds the text last rendered for each file: the base when your edits are merged.
";

fn crates(text: &mut String, table: &str, crates: &BTreeMap<String, LockedCrate>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "[{table}]");
    for (name, locked) in crates {
        let _ = writeln!(text, "{name} = {}", inline(locked));
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A value on one line.
fn inline(value: &impl Serialize) -> String {
    toml::Value::try_from(value).map(|value| value.to_string()).unwrap_or_default()
}

impl Document {
    fn check(self, text: &str) -> Result<Lock, LockError> {
        let name = |name: &toml::Spanned<String>| {
            Name::new(name.get_ref()).map_err(|error| place(text, name.span().start, &error.to_string()))
        };
        let runtime: Runtime = self
            .project
            .runtime
            .get_ref()
            .parse()
            .map_err(|problem: String| place(text, self.project.runtime.span().start, &problem))?;
        let mut selection = Selection::new(name(&self.project.name)?, runtime);
        let mut origins = BTreeMap::new();
        for entry in self.pack {
            let id = InstanceId { pack: entry.pack.clone(), name: entry.name.as_ref().map(name).transpose()? };
            if let Some(origin) = entry.from {
                origins.insert(entry.pack, origin);
            }
            selection.packs.push(Chosen { id, options: entry.options });
        }
        selection.packs.sort_by(|left, right| left.id.cmp(&right.id));
        let crates =
            LockedCrates { normal: self.dependencies, dev: self.dev_dependencies, created: self.manifest.created };
        Ok(Lock { otelgen: self.otelgen, selection, origins, crates, bases: self.base })
    }
}

fn place(text: &str, offset: usize, problem: &str) -> LockError {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    LockError::Damaged { line, column, problem: problem.trim_end().to_owned() }
}

/// Whether version `one` comes after `other`, by its numbers.
fn is_newer(one: &str, other: &str) -> bool {
    let numbers = |version: &str| -> Vec<u64> {
        let plain = version.split(['-', '+']).next().unwrap_or_default();
        plain.split('.').map(|part| part.parse().unwrap_or(0)).collect()
    };
    numbers(one) > numbers(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let id = |text: &str, name: Option<&str>| InstanceId {
            pack: text.parse().expect("a pack"),
            name: name.map(|name| Name::new(name).expect("a name")),
        };
        let options = BTreeMap::from([
            ("rate".to_owned(), OptionValue::Float(1.0)),
            ("store".to_owned(), OptionValue::String("a\"b".to_owned())),
        ]);
        let crates = BTreeMap::from([(
            "tokio".to_owned(),
            LockedCrate {
                by: vec!["pattern/queue (jobs)".to_owned()],
                version: "1".to_owned(),
                features: ["rt".to_owned()].into(),
                default_features: false,
                workspace: false,
                before: Some("\"1\"".to_owned()),
            },
        )]);
        Lock {
            otelgen: VERSION.to_owned(),
            selection: Selection {
                project: Name::new("shop").expect("a name"),
                runtime: Runtime::Path("../otelgen".to_owned()),
                packs: vec![
                    Chosen { id: id("framework/loop", None), options: BTreeMap::new() },
                    Chosen { id: id("pattern/queue", Some("jobs")), options },
                ],
            },
            origins: BTreeMap::from([("pattern/queue".parse().expect("a pack"), "../packs".to_owned())]),
            crates: LockedCrates {
                dev: crates.clone(),
                normal: crates,
                created: ["dev-dependencies".to_owned()].into(),
            },
            bases: BTreeMap::from([("src/main.rs".to_owned(), "0123456789abcdef".to_owned())]),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = lock().to_text();
        assert_eq!(Lock::parse(&text).expect(&text), lock());
        assert!(text.is_ascii() && text.ends_with('\n'), "{text}");
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let text = lock().to_text().replace("runtime = \"path=../otelgen\"", "runtime = \"nowhere\"");
        let error = Lock::parse(&text).expect_err("damaged");
        assert!(matches!(error, LockError::Damaged { line: 9, column: 11, .. }), "{error}");
        let text = lock().to_text().replace("[project]", "[project");
        assert!(matches!(Lock::parse(&text), Err(LockError::Damaged { line: 6, .. })));
        let text = lock().to_text().replace("name = \"jobs\"", "nmae = \"jobs\"");
        let error = Lock::parse(&text).expect_err("damaged").to_string();
        assert!(error.contains("nmae"), "{error}");
    }

    #[test]
    fn a_project_of_a_newer_otelgen_is_left_alone() {
        let newer = lock().to_text().replace(&format!("otelgen = \"{VERSION}\""), "otelgen = \"99.0.0\"");
        assert_eq!(Lock::parse(&newer), Err(LockError::Newer { otelgen: "99.0.0".to_owned() }));
    }

    #[test]
    fn a_form_that_is_not_known_is_told_by_its_number_and_not_by_a_version() {
        let format = lock().to_text().replace("format = 1", "format = 2\nsomething = \"new\"");
        let error = Lock::parse(&format).expect_err("unknown").to_string();
        assert!(error.contains("format 2") && error.contains("up to 1"), "{error}");
    }

    #[test]
    fn a_lock_without_sums_of_the_bases_is_read() {
        let text = lock().to_text();
        let (before, _) = text.split_once("\n# What each file in").expect("sums");
        assert_eq!(Lock::parse(before).expect("a lock"), Lock { bases: BTreeMap::new(), ..lock() });
    }
}
