//! The `metrics` facade. Names stay dotted and without suffixes; exporters map them to their own habits.

use metrics::{Key, Label, Level, Metadata, Unit, with_recorder};

use super::{Attributes, End};

static METADATA: Metadata<'static> = Metadata::new(crate::names::SCOPE, Level::INFO, None);

fn key(name: &'static str, attributes: Attributes<'_>) -> Key {
    let labels: Vec<Label> = attributes
        .iter()
        .map(|(key, value)| Label::from_static_parts(key, value))
        .collect();
    Key::from_parts(name, labels)
}

pub(super) fn add(end: &End, count: u64, attributes: Attributes<'_>) {
    with_recorder(|recorder| {
        recorder.describe_counter(
            end.messages.into(),
            Some(Unit::Count),
            end.messages_description.into(),
        );
        recorder
            .register_counter(&key(end.messages, attributes), &METADATA)
            .increment(count);
    });
}

pub(super) fn record(end: &End, seconds: f64, attributes: Attributes<'_>) {
    with_recorder(|recorder| {
        recorder.describe_histogram(
            end.duration.into(),
            Some(Unit::Seconds),
            end.duration_description.into(),
        );
        recorder
            .register_histogram(&key(end.duration, attributes), &METADATA)
            .record(seconds);
    });
}
