//! The texts and conditions of `pack.toml` that are templates.

use std::collections::BTreeMap;

use super::shapes::Shape;
use super::variables::Walk;
use super::{Checker, shapes};
use crate::engine;
use crate::manifest::{Dependency, Probe, Repeat};
use crate::telemetry::{Attribute, AttributeValue};

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = &checker.pack.manifest;
    for (place, table) in [("dependencies", &manifest.dependencies), ("dev-dependencies", &manifest.dev_dependencies)] {
        for Dependency { when, .. } in table.values() {
            Place::new(place, None).when(checker, when.as_deref());
        }
    }
    for entry in &manifest.files {
        let place = Place::new("file", entry.each.as_deref());
        place.when(checker, entry.when.as_deref());
        place.text(checker, &entry.path);
    }
    for (slot, entries) in &manifest.contribute {
        let name = format!("contribute.{slot}");
        for entry in entries {
            let place = Place::new(&name, None);
            for (field, value) in entry {
                match field.as_str() {
                    "when" => place.when(checker, value.as_str()),
                    _ => place.value(checker, value),
                }
            }
        }
    }
    for constraint in &manifest.constraints {
        let place = Place { globals: shapes::constraint, ..Place::new("constraint", None) };
        place.when(checker, Some(&constraint.holds));
        place.text(checker, &constraint.message);
    }
    telemetry(checker);
    for (key, value) in &manifest.verify.env {
        let place = Place::new("verify.env", None);
        place.text(checker, key);
        place.text(checker, value);
    }
    if let Some(text) = &manifest.verify.ready {
        Place::new("verify", None).text(checker, text);
    }
    for entry in &manifest.probes {
        probe(checker, entry);
    }
}

fn telemetry(checker: &mut Checker<'_>) {
    let declarations = &checker.pack.manifest.telemetry;
    for span in &declarations.span {
        let place = Place::new("telemetry.span", span.each.as_deref());
        place.when(checker, span.when.as_deref());
        place.texts(checker, [&span.name, &span.brief].into_iter().chain(&span.parent));
        place.attributes(checker, &span.attributes);
    }
    for metric in &declarations.metric {
        let place = Place::new("telemetry.metric", metric.each.as_deref());
        place.when(checker, metric.when.as_deref());
        place.texts(checker, [&metric.name, &metric.brief].into_iter());
        place.attributes(checker, &metric.attributes);
    }
    for event in &declarations.event {
        let place = Place::new("telemetry.event", event.each.as_deref());
        place.when(checker, event.when.as_deref());
        place.texts(checker, [&event.name, &event.brief].into_iter());
        place.attributes(checker, &event.attributes);
    }
}

fn probe(checker: &mut Checker<'_>, probe: &Probe) {
    let place = Place::new("probe", probe.each.as_deref());
    place.when(checker, probe.when.as_deref());
    let request = &probe.request;
    place.texts(checker, [&probe.name, &request.method, &request.path, &request.body].into_iter().chain(&probe.within));
    place.texts(checker, request.headers.iter().flat_map(|(key, value)| [key, value]));
    place.texts(checker, probe.upstream.iter().flat_map(|answer| [&answer.path, &answer.body]));
    if let Repeat::Text(text) = &probe.repeat {
        place.text(checker, text);
    }
}

/// A table of `pack.toml`, and the slot its strings see an `entry` of.
struct Place<'p> {
    name: &'p str,
    each: Option<&'p str>,
    /// What its strings see.
    globals: fn(&Checker<'_>, Option<&str>) -> BTreeMap<String, Shape>,
}

impl<'p> Place<'p> {
    fn new(name: &'p str, each: Option<&'p str>) -> Self {
        Self { name, each, globals: shapes::globals }
    }

    fn when(&self, checker: &mut Checker<'_>, expression: Option<&str>) {
        if let Some(slot) = self.each.filter(|slot| checker.entry(slot).is_none()) {
            checker.fault(self.name, format!("`each` names `{slot}`, a slot of neither this pack nor one it requires"));
        }
        if let Some(expression) = expression {
            self.source(checker, expression, &engine::condition(expression));
        }
    }

    fn text(&self, checker: &mut Checker<'_>, text: &str) {
        if engine::has_tag(text) {
            self.source(checker, text, text);
        }
    }

    fn texts<'t>(&self, checker: &mut Checker<'_>, texts: impl Iterator<Item = &'t String>) {
        for text in texts {
            self.text(checker, text);
        }
    }

    fn value(&self, checker: &mut Checker<'_>, value: &toml::Value) {
        match value {
            toml::Value::String(text) => self.text(checker, text),
            toml::Value::Array(items) => items.iter().for_each(|item| self.value(checker, item)),
            toml::Value::Table(table) => table.values().for_each(|item| self.value(checker, item)),
            _ => {}
        }
    }

    fn attributes(&self, checker: &mut Checker<'_>, attributes: &[Attribute]) {
        for attribute in attributes {
            self.texts(checker, [&attribute.name, &attribute.brief].into_iter());
            for value in &attribute.values {
                if let AttributeValue::String(text) = value {
                    self.text(checker, text);
                }
            }
        }
    }

    fn source(&self, checker: &mut Checker<'_>, written: &str, source: &str) {
        let nodes = match engine::parse(source) {
            Ok(nodes) => nodes,
            Err(error) => return checker.fault(self.name, format!("`{written}` is no template: {error}")),
        };
        let mut walk = Walk::without_templates((self.globals)(checker, self.each));
        walk.nodes(&nodes);
        for (_, problem) in walk.problems {
            checker.fault(self.name, format!("{} in `{written}`", problem.text));
        }
    }
}
