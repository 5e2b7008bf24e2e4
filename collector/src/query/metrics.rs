//! Questions about metrics: their points, and what the points of all series add up to.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Conditions, shared_conditions};
use crate::model::{Attributes, Metric, MetricPoint, Resource, Scope, Temporality, Value};
use crate::store::Store;

/// Metric data points that meet all of the conditions put.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is asked for `points`, `latest`, `value`, `sum` or `count`"]
pub struct MetricQuery<'a> {
    store: &'a Store,
    conditions: Conditions,
}

impl<'a> MetricQuery<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, conditions: Conditions::default() }
    }

    shared_conditions!();

    /// Only those of the metric of this name.
    pub fn name(mut self, name: &str) -> Self {
        self.conditions.name = Some(name.to_owned());
        self
    }

    /// All points, in order of arrival.
    pub fn points(&self) -> Vec<Arc<MetricPoint>> {
        self.conditions.select(self.store, |_: &MetricPoint| true)
    }

    /// The latest point of each series (one set of attributes of one process), in order of arrival.
    pub fn latest(&self) -> Vec<Arc<MetricPoint>> {
        latest_by(self.points(), |point| Series::of(point, 0))
    }

    /// The number that the latest point says, where exactly one series meets the conditions.
    pub fn value(&self) -> Option<f64> {
        match self.latest().as_slice() {
            [point] => point.value.as_f64(),
            _ => None,
        }
    }

    /// What has been added up over all series: for cumulative points the latest of each process, for delta points
    /// all that are still stored, for gauges the latest. Of distributions, the sum of their measurements.
    pub fn sum(&self) -> f64 {
        self.contributions().iter().filter_map(|point| point.value.as_f64()).sum()
    }

    /// How many measurements all series of a histogram or summary hold.
    pub fn count(&self) -> u64 {
        self.contributions().iter().filter_map(|point| point.value.count()).sum()
    }

    /// The points that have to be added to reach the total: a cumulative series that began again counts once for
    /// each of its start times.
    fn contributions(&self) -> Vec<Arc<MetricPoint>> {
        let is_delta = |point: &Arc<MetricPoint>| point.metric.kind.temporality() == Some(Temporality::Delta);
        let (mut delta, whole): (Vec<_>, Vec<_>) = self.points().into_iter().partition(is_delta);
        let start = |point: &MetricPoint| {
            if point.metric.kind.temporality().is_some() { point.start_time_unix_nano } else { 0 }
        };
        delta.extend(latest_by(whole, |point| Series::of(point, start(point))));
        delta
    }
}

/// What makes points belong together.
#[derive(PartialEq, Eq, Hash)]
struct Series {
    metric: Arc<Metric>,
    attributes: Attributes,
    resource: Arc<Resource>,
    scope: Arc<Scope>,
    start: u64,
}

impl Series {
    fn of(point: &MetricPoint, start: u64) -> Self {
        Self {
            metric: Arc::clone(&point.metric),
            attributes: point.attributes.clone(),
            resource: Arc::clone(&point.resource),
            scope: Arc::clone(&point.scope),
            start,
        }
    }
}

/// The point with the latest time of each series; of two at one time, the one that came later.
fn latest_by(points: Vec<Arc<MetricPoint>>, series: impl Fn(&MetricPoint) -> Series) -> Vec<Arc<MetricPoint>> {
    let mut places: HashMap<Series, usize> = HashMap::new();
    let mut latest: Vec<Arc<MetricPoint>> = Vec::new();
    for point in points {
        let place = *places.entry(series(&point)).or_insert(latest.len());
        match latest.get_mut(place) {
            Some(kept) if kept.time_unix_nano <= point.time_unix_nano => *kept = point,
            Some(_) => {}
            None => latest.push(point),
        }
    }
    latest
}
