//! The `metrics` facade. Names stay dotted and without suffixes; exporters map them to their own habits.

use std::time::Duration;

use metrics::{Key, Label, Level, Metadata, Recorder, Unit, with_recorder};

use super::Metric;

type Attributes<'a> = &'a [(&'static str, &'a str)];

static METADATA: Metadata<'static> = Metadata::new(crate::names::SCOPE, Level::INFO, None);

fn key(metric: &Metric, attributes: Attributes<'_>) -> Key {
    let labels: Vec<Label> = attributes
        .iter()
        .map(|(key, value)| Label::new(*key, (*value).to_owned()))
        .collect();
    Key::from_parts(metric.name, labels)
}

pub(super) fn add(metric: &Metric, count: u64, attributes: Attributes<'_>) {
    with_recorder(|recorder: &dyn Recorder| {
        recorder.describe_counter(
            metric.name.into(),
            Some(Unit::Count),
            metric.description.into(),
        );
        recorder
            .register_counter(&key(metric, attributes), &METADATA)
            .increment(count);
    });
}

pub(super) fn record(metric: &Metric, duration: Duration, attributes: Attributes<'_>) {
    with_recorder(|recorder: &dyn Recorder| {
        recorder.describe_histogram(
            metric.name.into(),
            Some(Unit::Seconds),
            metric.description.into(),
        );
        recorder
            .register_histogram(&key(metric, attributes), &METADATA)
            .record(duration.as_secs_f64());
    });
}

pub(super) fn set(metric: &Metric, value: u64, attributes: Attributes<'_>) {
    with_recorder(|recorder: &dyn Recorder| {
        recorder.describe_gauge(
            metric.name.into(),
            Some(Unit::Count),
            metric.description.into(),
        );
        recorder
            .register_gauge(&key(metric, attributes), &METADATA)
            .set(value as f64);
    });
}
