//! What the numbers of several series and processes add up to.

use std::sync::Arc;

use crate::model::{Attributes, Metric, MetricKind, MetricPoint, MetricValue, Resource, Scope, Temporality};
use crate::store::Store;

const CUMULATIVE: MetricKind = MetricKind::Sum { temporality: Temporality::Cumulative, monotonic: true };
const DELTA: MetricKind = MetricKind::Sum { temporality: Temporality::Delta, monotonic: true };

fn point(kind: MetricKind, outcome: &str, start: u64, time: u64, value: i64) -> MetricPoint {
    let (name, description, unit) = ("calls".to_owned(), String::new(), "{call}".to_owned());
    MetricPoint {
        metric: Arc::new(Metric { name, description, unit, kind }),
        attributes: [("outcome", outcome)].into_iter().collect(),
        start_time_unix_nano: start,
        time_unix_nano: time,
        value: MetricValue::Int(value),
        exemplars: Vec::new(),
        resource: Arc::new(Resource::new(Attributes::default(), String::new())),
        scope: Arc::new(Scope::default()),
    }
}

fn store(points: Vec<MetricPoint>) -> Store {
    let store = Store::new(1_000_000);
    store.add_metrics(points);
    store
}

#[test]
fn of_a_cumulative_series_the_latest_point_counts_and_a_restart_adds() {
    let store = store(vec![
        point(CUMULATIVE, "success", 1, 10, 5),
        point(CUMULATIVE, "success", 1, 20, 7),
        point(CUMULATIVE, "failure", 1, 20, 1),
        // The process began again.
        point(CUMULATIVE, "success", 30, 40, 2),
    ]);
    let calls = store.metrics().name("calls");
    assert_eq!(calls.sum(), 10.0);
    assert_eq!(calls.clone().attribute("outcome", "success").value(), Some(2.0));
    assert_eq!(calls.value(), None, "two series have no single value");
    assert_eq!(calls.points().len(), 4);
}

#[test]
fn a_point_that_comes_late_does_not_replace_a_newer_one() {
    let store = store(vec![point(CUMULATIVE, "success", 1, 20, 7), point(CUMULATIVE, "success", 1, 10, 5)]);
    assert_eq!(store.metrics().name("calls").value(), Some(7.0));
}

#[test]
fn delta_points_add_up() {
    let store = store(vec![point(DELTA, "success", 1, 2, 5), point(DELTA, "success", 2, 3, 7)]);
    assert_eq!(store.metrics().name("calls").sum(), 12.0);
}

#[test]
fn of_a_gauge_the_latest_value_counts_whatever_its_start() {
    let store = store(vec![point(MetricKind::Gauge, "open", 1, 2, 5), point(MetricKind::Gauge, "open", 3, 4, 1)]);
    assert_eq!(store.metrics().name("calls").sum(), 1.0);
}

#[test]
fn an_attribute_must_have_the_type_asked_for() {
    let store = store(vec![point(DELTA, "1", 1, 2, 5)]);
    assert_eq!(store.metrics().attribute("outcome", "1").points().len(), 1);
    assert_eq!(store.metrics().attribute("outcome", 1).points().len(), 0);
    assert_eq!(store.metrics().has_attribute("outcome").points().len(), 1);
    assert_eq!(store.metrics().has_attribute("other").points().len(), 0);
}
