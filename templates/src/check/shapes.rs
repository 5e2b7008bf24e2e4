//! What a template sees, as far as it can be known without a project: which variables there are and what fields.

use std::collections::BTreeMap;

use super::Checker;
use crate::manifest::{FieldKind, SlotSpec};

/// What is known of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Nothing.
    Any,
    /// It has no fields.
    Plain,
    /// A list of these.
    List(Box<Shape>),
    /// It has these fields and no others.
    Record(BTreeMap<String, Shape>),
}

impl Shape {
    fn record<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Record(fields.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect())
    }

    fn plain<const N: usize>(names: [&str; N]) -> Self {
        Self::record(names.map(|name| (name, Self::Plain)))
    }

    fn list(self) -> Self {
        Self::List(Box::new(self))
    }

    /// The elements of a list.
    pub(super) fn element(&self) -> Self {
        match self {
            Self::List(element) => (**element).clone(),
            _ => Self::Any,
        }
    }
}

/// The variables of a template or text; with `each`, the slot's `entry` too.
pub(super) fn globals(checker: &Checker<'_>, each: Option<&str>) -> BTreeMap<String, Shape> {
    let options = checker.pack.manifest.options.keys().map(|name| (name.clone(), Shape::Plain)).collect();
    let slots = checker.visible.iter().map(|(name, spec)| ((*name).to_owned(), entry(spec).list())).collect();
    let images = checker.library.catalog().images.keys().map(|name| (name.clone(), Shape::Plain)).collect();
    let named = [
        ("project", Shape::plain(["name", "ident", "folder", "root"])),
        ("options", Shape::Record(options)),
        ("slots", Shape::Record(slots)),
        ("packs", Shape::plain(["kind", "pack", "name", "summary", "description"]).list()),
        (
            "catalog",
            Shape::record([("crates", Shape::Any), ("images", Shape::Record(images)), ("rust_version", Shape::Plain)]),
        ),
        ("telemetry", telemetry()),
    ];
    let plain = ["name", "ident", "constant", "pascal", "title", "shape", "framework", "contract"];
    let mut globals: BTreeMap<String, Shape> =
        named.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
    globals.extend(plain.map(|name| (name.to_owned(), Shape::Plain)));
    if let Some(shape) = each.and_then(|slot| checker.entry(slot)) {
        globals.insert("entry".to_owned(), shape);
    }
    globals
}

/// The variables of a constraint and of its message.
pub(super) fn constraint(checker: &Checker<'_>, _each: Option<&str>) -> BTreeMap<String, Shape> {
    let options = || Shape::Record(checker.pack.manifest.options.keys().map(|it| (it.clone(), Shape::Plain)).collect());
    let named = [("name", Shape::Plain), ("options", options()), ("defaults", options())];
    named.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect()
}

/// An entry of a slot.
pub(super) fn entry(slot: &SlotSpec) -> Shape {
    let field = |kind| match kind {
        FieldKind::List => Shape::Any.list(),
        FieldKind::Table => Shape::Any,
        FieldKind::String | FieldKind::Bool | FieldKind::Integer | FieldKind::Float => Shape::Plain,
    };
    let mut fields: BTreeMap<String, Shape> =
        slot.fields.iter().map(|(name, spec)| (name.clone(), field(spec.kind))).collect();
    fields.insert("from".to_owned(), Shape::plain(["kind", "pack", "name"]));
    Shape::Record(fields)
}

fn telemetry() -> Shape {
    let attributes = || {
        Shape::record([
            ("name", Shape::Plain),
            ("type", Shape::Plain),
            ("requirement", Shape::Plain),
            ("values", Shape::Plain.list()),
            ("brief", Shape::Plain),
        ])
    };
    let promise = |own: &[&str]| {
        let mut fields = BTreeMap::new();
        for name in ["name", "brief", "stability", "probed"].iter().chain(own) {
            fields.insert((*name).to_owned(), Shape::Plain);
        }
        fields.insert("attributes".to_owned(), attributes().list());
        fields.insert("by".to_owned(), Shape::Plain.list());
        if own.contains(&"kind") {
            fields.insert("parents".to_owned(), Shape::Plain.list());
        }
        Shape::Record(fields).list()
    };
    Shape::record([
        ("spans", promise(&["kind"])),
        ("metrics", promise(&["instrument", "unit"])),
        ("events", promise(&["severity"])),
    ])
}
