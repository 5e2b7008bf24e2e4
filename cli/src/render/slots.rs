//! Slots: typed lists that one pack owns and others contribute to, without knowing each other.

use std::collections::BTreeMap;

use otelgen_templates::manifest::SlotSpec;
use otelgen_templates::{Library, PackId};
use serde_json::{Map, Value};
use tera::Context;

use super::context::identity;
use super::{Desk, RenderError, Scene};
use crate::plan::InstanceId;

struct Slot<'a> {
    owner: &'a InstanceId,
    spec: &'a SlotSpec,
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    from: &'a InstanceId,
    fields: Map<String, Value>,
}

/// Fills all slots and shows each pack its own and those of the packs it requires.
pub(super) fn fill(scene: &mut Scene<'_>) -> Result<(), RenderError> {
    let mut slots = owned(scene)?;
    for actor in &scene.actors {
        for (name, contributions) in &actor.pack.manifest.contribute {
            let place = format!("contribute.{name}");
            let mut desk = Desk { texts: &mut scene.texts, id: actor.id, place: &place };
            for contribution in contributions {
                let when = contribution.get("when").and_then(toml::Value::as_str);
                if !desk.holds(when, &actor.context)? {
                    continue;
                }
                let optional = contribution.get("optional").and_then(toml::Value::as_bool).unwrap_or(false);
                match slots.get_mut(name.as_str()) {
                    Some(slot) => {
                        let fields = fields(slot, name, contribution, &mut desk, &actor.context)?;
                        slot.entries.push(Entry { from: actor.id, fields });
                    }
                    None if optional => {}
                    None => return Err(nobody_owns(scene.library, name, actor.id)),
                }
            }
        }
    }
    for (name, slot) in &mut slots {
        slot.settle(name)?;
    }
    let filled: BTreeMap<&str, Value> = slots.into_iter().map(|(name, slot)| (name, slot.values())).collect();
    for actor in &mut scene.actors {
        let seen = seen_by(scene.library, &actor.pack.id, &filled)?;
        actor.context.insert("slots", &seen);
    }
    Ok(())
}

fn owned<'a>(scene: &Scene<'a>) -> Result<BTreeMap<&'a str, Slot<'a>>, RenderError> {
    let mut slots: BTreeMap<&str, Slot<'_>> = BTreeMap::new();
    for actor in &scene.actors {
        for (name, spec) in &actor.pack.manifest.slots {
            if let Some(first) = slots.insert(name, Slot { owner: actor.id, spec, entries: Vec::new() }) {
                let (first, second) = (first.owner.clone(), actor.id.clone());
                return Err(RenderError::TwoOwners { slot: name.clone(), first, second });
            }
        }
    }
    Ok(slots)
}

fn nobody_owns(library: &Library, slot: &str, id: &InstanceId) -> RenderError {
    let owns = |id: &&PackId| library.get(id).is_ok_and(|pack| pack.manifest.slots.contains_key(slot));
    let owners_elsewhere = library.ids().filter(owns).map(ToString::to_string).collect();
    RenderError::NoOwner { slot: slot.to_owned(), id: id.clone(), owners_elsewhere }
}

/// Checks an entry against its slot and renders its texts.
fn fields(
    slot: &Slot<'_>,
    name: &str,
    contribution: &toml::Table,
    desk: &mut Desk<'_>,
    context: &Context,
) -> Result<Map<String, Value>, RenderError> {
    let wrong = |problem: String| RenderError::Entry {
        slot: name.to_owned(),
        owner: slot.owner.clone(),
        id: desk.id.clone(),
        problem,
    };
    let own = |field: &&String| !["when", "optional"].contains(&field.as_str());
    if let Some(unknown) = contribution.keys().filter(own).find(|field| !slot.spec.fields.contains_key(*field)) {
        let known = slot.spec.fields.keys().cloned().collect::<Vec<_>>().join(", ");
        return Err(wrong(format!("with the unknown field `{unknown}`; the fields are {known}")));
    }
    for (field, spec) in &slot.spec.fields {
        match contribution.get(field) {
            Some(value) if !spec.kind.accepts(value) => {
                return Err(wrong(format!("whose `{field}` is no {}", spec.kind.word())));
            }
            None if !spec.optional => return Err(wrong(format!("without `{field}`"))),
            _ => {}
        }
    }
    let mut fields = Map::new();
    for field in slot.spec.fields.keys() {
        let value = contribution.get(field).map(|value| rendered(value, desk, context)).transpose()?;
        fields.insert(field.clone(), value.unwrap_or(Value::Null));
    }
    Ok(fields)
}

fn rendered(value: &toml::Value, desk: &mut Desk<'_>, context: &Context) -> Result<Value, RenderError> {
    Ok(match value {
        toml::Value::String(text) => desk.text(text, context)?.into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(truth) => (*truth).into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => {
            items.iter().map(|item| rendered(item, desk, context)).collect::<Result<Vec<_>, _>>()?.into()
        }
        toml::Value::Table(table) => {
            let entries = table.iter().map(|(key, value)| Ok((key.clone(), rendered(value, desk, context)?)));
            Value::Object(entries.collect::<Result<Map<_, _>, RenderError>>()?)
        }
    })
}

impl Slot<'_> {
    /// Puts the entries in order and finds those that are alike where they must not be.
    fn settle(&mut self, name: &str) -> Result<(), RenderError> {
        let sort = &self.spec.sort;
        self.entries.sort_by_cached_key(|entry| key(&entry.fields, sort));
        if self.spec.unique.is_empty() {
            return Ok(());
        }
        let mut seen = BTreeMap::new();
        for entry in &self.entries {
            if let Some(first) = seen.insert(key(&entry.fields, &self.spec.unique), entry.from) {
                let alike = self
                    .spec
                    .unique
                    .iter()
                    .map(|field| format!("{field} = {}", entry.fields.get(field).unwrap_or(&Value::Null)));
                return Err(RenderError::SameEntry {
                    slot: name.to_owned(),
                    first: InstanceId::clone(first),
                    second: entry.from.clone(),
                    key: alike.collect::<Vec<_>>().join(", "),
                });
            }
        }
        Ok(())
    }

    /// The entries as templates see them.
    fn values(self) -> Value {
        let value = |Entry { from, mut fields }| {
            fields.insert("from".to_owned(), Value::Object(identity(&from.pack, from.label())));
            Value::Object(fields)
        };
        self.entries.into_iter().map(value).collect()
    }
}

/// Numbers before texts, numbers by value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SortKey {
    Number(i64),
    Text(String),
}

fn key(fields: &Map<String, Value>, names: &[String]) -> Vec<SortKey> {
    names
        .iter()
        .map(|name| match fields.get(name) {
            Some(Value::String(text)) => SortKey::Text(text.clone()),
            Some(value) => value.as_i64().map_or_else(|| SortKey::Text(value.to_string()), SortKey::Number),
            None => SortKey::Text(String::new()),
        })
        .collect()
}

fn seen_by(library: &Library, id: &PackId, slots: &BTreeMap<&str, Value>) -> Result<Value, RenderError> {
    let mut seen = Map::new();
    let mut packs = vec![id];
    let mut next = 0;
    while let Some(id) = packs.get(next) {
        let manifest = &library.get(id)?.manifest;
        packs.extend(manifest.requires.iter().filter(|needed| !packs.contains(needed)).collect::<Vec<_>>());
        for name in manifest.slots.keys() {
            seen.insert(name.clone(), slots.get(name.as_str()).cloned().unwrap_or_default());
        }
        next += 1;
    }
    Ok(Value::Object(seen))
}
