//! Metrics: what an instrument is (name, unit, kind) and the data points it sends.

use std::sync::Arc;

use serde::Serialize;

use super::{Attributes, Resource, Scope, SpanId, TraceId};

/// What is the same for all points of one metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Metric {
    /// What it is called.
    pub name: String,
    /// What it measures, for people.
    pub description: String,
    /// Its unit in UCUM, such as `s` or `{call}`.
    pub unit: String,
    /// What kind of data it sends.
    pub kind: MetricKind,
}

impl Metric {
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.description.len() + self.unit.len()
    }
}

/// What kind of data a metric sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// The last value seen.
    Gauge,
    /// A sum: a counter where it is monotonic, an up-down counter where it is not.
    Sum {
        /// Since when its points count.
        temporality: Temporality,
        /// Whether it never falls.
        monotonic: bool,
    },
    /// Counts in buckets with fixed bounds.
    Histogram {
        /// Since when its points count.
        temporality: Temporality,
    },
    /// Counts in buckets whose bounds grow exponentially.
    ExponentialHistogram {
        /// Since when its points count.
        temporality: Temporality,
    },
    /// Quantiles computed by the sender.
    Summary,
}

impl MetricKind {
    /// The instrument that sends this kind of data, as convention files call it: `counter`, `updowncounter`,
    /// `gauge`, `histogram` (also for exponential buckets, which are a choice of the view) or `summary`.
    pub fn instrument(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Sum { monotonic: true, .. } => "counter",
            Self::Sum { monotonic: false, .. } => "updowncounter",
            Self::Histogram { .. } | Self::ExponentialHistogram { .. } => "histogram",
            Self::Summary => "summary",
        }
    }

    /// Since when its points count; none where that means nothing.
    pub fn temporality(self) -> Option<Temporality> {
        match self {
            Self::Sum { temporality, .. }
            | Self::Histogram { temporality }
            | Self::ExponentialHistogram { temporality } => Some(temporality),
            Self::Gauge | Self::Summary => None,
        }
    }
}

/// Since when the points of a metric count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    /// Not said.
    Unspecified,
    /// Since the point before.
    Delta,
    /// Since the start time of the series.
    Cumulative,
}

/// One data point of a metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricPoint {
    /// Name, unit and kind.
    pub metric: Arc<Metric>,
    /// What tells this series from the others of the metric.
    pub attributes: Attributes,
    /// Since when it counts, in nanoseconds since the Unix epoch; zero where it is not said.
    pub start_time_unix_nano: u64,
    /// When it was taken, in nanoseconds since the Unix epoch.
    pub time_unix_nano: u64,
    /// What was measured.
    pub value: MetricValue,
    /// Single measurements, with the spans in which they were taken.
    pub exemplars: Vec<Exemplar>,
    /// Who emitted it.
    pub resource: Arc<Resource>,
    /// What emitted it.
    pub scope: Arc<Scope>,
}

impl MetricPoint {
    pub(crate) fn size(&self) -> usize {
        let exemplars: usize = self.exemplars.iter().map(Exemplar::size).sum();
        size_of::<Self>() + self.attributes.heap_size() + self.value.heap_size() + exemplars
    }
}

/// What one data point says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricValue {
    /// The point says that nothing was recorded.
    Empty,
    /// A whole number of a gauge or sum.
    Int(i64),
    /// A floating-point number of a gauge or sum.
    Double(f64),
    /// Counts in buckets with fixed bounds.
    Histogram {
        /// How many measurements.
        count: u64,
        /// Their sum; none for measurements that may be negative.
        sum: Option<f64>,
        /// The least of them.
        min: Option<f64>,
        /// The greatest of them.
        max: Option<f64>,
        /// The upper bounds of all buckets but the last, which has none.
        bounds: Vec<f64>,
        /// How many measurements in each bucket.
        buckets: Vec<u64>,
    },
    /// Counts in buckets whose bounds are powers of 2^(2^-scale).
    ExponentialHistogram {
        /// How many measurements.
        count: u64,
        /// Their sum; none for measurements that may be negative.
        sum: Option<f64>,
        /// The least of them.
        min: Option<f64>,
        /// The greatest of them.
        max: Option<f64>,
        /// The resolution of the buckets.
        scale: i32,
        /// How many measurements were too close to zero for a bucket.
        zero_count: u64,
        /// How close to zero that is.
        zero_threshold: f64,
        /// The buckets above zero.
        positive: ExponentialBuckets,
        /// The buckets below zero.
        negative: ExponentialBuckets,
    },
    /// Quantiles computed by the sender.
    Summary {
        /// How many measurements.
        count: u64,
        /// Their sum.
        sum: f64,
        /// The quantiles, in the sender's order.
        quantiles: Vec<Quantile>,
    },
}

impl MetricValue {
    /// The number of a gauge or sum, or the sum of a distribution.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Empty => None,
            #[expect(clippy::cast_precision_loss, reason = "a reading for people; the exact number is in the variant")]
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Histogram { sum, .. } | Self::ExponentialHistogram { sum, .. } => *sum,
            Self::Summary { sum, .. } => Some(*sum),
        }
    }

    /// How many measurements a distribution holds; none for a single number.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Histogram { count, .. } | Self::ExponentialHistogram { count, .. } | Self::Summary { count, .. } => {
                Some(*count)
            }
            Self::Empty | Self::Int(_) | Self::Double(_) => None,
        }
    }

    fn heap_size(&self) -> usize {
        match self {
            Self::Empty | Self::Int(_) | Self::Double(_) => 0,
            Self::Histogram { bounds, buckets, .. } => size_of_val(bounds.as_slice()) + size_of_val(buckets.as_slice()),
            Self::ExponentialHistogram { positive, negative, .. } => {
                size_of_val(positive.counts.as_slice()) + size_of_val(negative.counts.as_slice())
            }
            Self::Summary { quantiles, .. } => size_of_val(quantiles.as_slice()),
        }
    }
}

/// One side of an exponential histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExponentialBuckets {
    /// The index of the first bucket.
    pub offset: i32,
    /// How many measurements in each bucket.
    pub counts: Vec<u64>,
}

/// One quantile of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantile {
    /// Which one, from 0 to 1.
    pub quantile: f64,
    /// Its value.
    pub value: f64,
}

/// A single measurement, kept as an example.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exemplar {
    /// When it was taken, in nanoseconds since the Unix epoch.
    pub time_unix_nano: u64,
    /// What was measured.
    pub value: MetricValue,
    /// The trace in which it was taken.
    pub trace_id: Option<TraceId>,
    /// The span in which it was taken.
    pub span_id: Option<SpanId>,
    /// The attributes that are not part of the series.
    pub attributes: Attributes,
}

impl Exemplar {
    fn size(&self) -> usize {
        size_of::<Self>() + self.value.heap_size() + self.attributes.heap_size()
    }
}
