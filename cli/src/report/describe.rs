//! What `describe` shows: what a pack writes, needs and emits.

use std::fmt::Write as _;

use otelgen_templates::Kind;
use otelgen_templates::manifest::Reference;
use otelgen_templates::options::{OptionKind, OptionValue};
use otelgen_templates::telemetry::{Attribute, Requirement};
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::Telemetry;

use super::style::{FAINT, PLACE, TITLE, paint};
use super::telemetry::{shown, word};

/// One pack, as it is in the project that `otelgen new` makes of defaults.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DescribeReport {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What it is, in one line.
    pub summary: String,
    /// More, in Markdown.
    pub description: String,
    /// Where the idea comes from.
    pub references: Vec<Reference>,
    /// What a framework is, or what a pattern can live in.
    pub shapes: Vec<String>,
    /// The instance that files and telemetry are shown for, of a pattern.
    pub instance: Option<String>,
    /// Whether a project can have several of it.
    pub several: bool,
    /// Packs that come with it.
    pub requires: Vec<String>,
    /// Packs that cannot stand beside it, each with the reason.
    pub conflicts: Vec<String>,
    /// What can be set.
    pub options: Vec<OptionReport>,
    /// Crates it brings.
    pub dependencies: Vec<DependencyReport>,
    /// Files that are there because of it, relative to the project.
    pub files: Vec<String>,
    /// Files of the project that are different with it.
    pub edits: Vec<String>,
    /// Everything that the project emits because of it, or emits differently.
    pub telemetry: Telemetry,
    /// The folder it was loaded from, unless it is built in.
    pub origin: Option<String>,
}

/// An option of a pack.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OptionReport {
    /// As in `--set PACK.NAME=VALUE`.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: OptionKind,
    /// The value when none is given.
    pub default: OptionValue,
    /// The valid values, in words.
    pub range: String,
    /// What it does.
    pub help: String,
}

/// A crate that a pack brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DependencyReport {
    /// The crate.
    pub name: String,
    /// The features it switches on.
    pub features: Vec<String>,
    /// Whether only tests need it.
    pub dev: bool,
}

impl DescribeReport {
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}: {}\n", paint(TITLE, format!("{}/{}", self.kind, self.name)), self.summary);
        if !self.description.is_empty() {
            let _ = writeln!(text, "\n{}", self.description.trim_end());
        }
        for reference in &self.references {
            let _ = writeln!(text, "  {} {}", reference.title, paint(PLACE, &reference.url));
        }
        self.push_place(&mut text);
        push_list(&mut text, "Comes with", &self.requires);
        push_list(&mut text, "Cannot stand beside", &self.conflicts);
        let width = self.options.iter().map(|option| option.name.len()).max().unwrap_or_default();
        push_list(&mut text, "Options", &self.options.iter().map(|option| option.line(width)).collect::<Vec<_>>());
        push_list(&mut text, "Crates", &self.dependencies.iter().map(DependencyReport::line).collect::<Vec<_>>());
        push_list(&mut text, "Creates", &self.files);
        push_list(&mut text, "Edits", &self.edits);
        push_list(&mut text, "Emits", &emitted(&self.telemetry));
        text
    }

    fn push_place(&self, text: &mut String) {
        if self.kind == Kind::Framework {
            push_list(text, "Is a", &self.shapes);
        } else {
            push_list(text, "Lives in", &self.shapes);
        }
        if let Some(instance) = &self.instance {
            let several = if self.several { "any number, under different names" } else { "once" };
            let _ = writeln!(text, "\nIn a project {several}; shown here as `{instance}`.");
        }
    }
}

fn push_list(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", paint(TITLE, title));
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}

impl OptionReport {
    fn line(&self, width: usize) -> String {
        let values = paint(FAINT, format!("({}; {} if absent)", self.range, self.default));
        format!("{:<width$}  {} {values}", self.name, self.help)
    }
}

impl DependencyReport {
    fn line(&self) -> String {
        let features =
            if self.features.is_empty() { String::new() } else { format!(" [{}]", self.features.join(", ")) };
        format!("{}{features}{}", self.name, if self.dev { " (tests only)" } else { "" })
    }
}

/// Each span, metric and event with its attributes below it.
fn emitted(telemetry: &Telemetry) -> Vec<String> {
    let mut lines = Vec::new();
    let mut push = |signal: &str, name: &str, shape: String, brief: &str, attributes: &[Attribute]| {
        lines.push(format!("{signal:<6} {} {}", paint(PLACE, name), paint(FAINT, format!("{shape}: {brief}"))));
        lines.extend(attributes.iter().map(|attribute| format!("         {}", described(attribute))));
    };
    for span in &telemetry.spans {
        let parents =
            if span.parents.is_empty() { String::new() } else { format!(" under {}", span.parents.join(" or ")) };
        push("span", &span.name, format!("{}{parents}", word(span.kind)), &span.brief, &span.attributes);
    }
    for metric in &telemetry.metrics {
        push(
            "metric",
            &metric.name,
            format!("{} in {}", word(metric.instrument), metric.unit),
            &metric.brief,
            &metric.attributes,
        );
    }
    for event in &telemetry.events {
        push("event", &event.name, word(event.severity), &event.brief, &event.attributes);
    }
    lines
}

fn described(attribute: &Attribute) -> String {
    let values: Vec<String> = attribute.values.iter().map(shown).collect();
    let values = if values.is_empty() { String::new() } else { format!(" = {}", values.join(" | ")) };
    let requirement = match attribute.requirement {
        Requirement::Required => "",
        Requirement::ConditionallyRequired => " (where it applies)",
        Requirement::Recommended => " (usually)",
        Requirement::OptIn => " (opt-in)",
    };
    format!("{}{values}{}", attribute.name, paint(FAINT, requirement))
}
