//! Metric data points from protobuf.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1 as proto;
use proto::exponential_histogram_data_point::Buckets;
use proto::number_data_point::Value as Number;

use super::{Converted, attributes, optional_id, resource, scope};
use crate::model::{
    Exemplar, ExponentialBuckets, IdError, Metric, MetricKind, MetricPoint, MetricValue, Quantile, Resource, Scope,
    SpanId, Temporality, TraceId,
};

/// All data points of a request.
pub(crate) fn metrics(groups: Vec<proto::ResourceMetrics>) -> Converted<MetricPoint> {
    let mut converted = Converted::default();
    for group in groups {
        let resource = resource(group.resource, group.schema_url);
        for group in group.scope_metrics {
            let scope = scope(group.scope, group.schema_url);
            for metric in group.metrics {
                add_metric(&mut converted, metric, &resource, &scope);
            }
        }
    }
    converted
}

fn add_metric(
    converted: &mut Converted<MetricPoint>,
    metric: proto::Metric,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
) {
    let Some((kind, readings)) = metric.data.map(readings) else {
        return;
    };
    if metric.name.is_empty() {
        return converted.rejected.count(readings.len(), "", &"a metric must have a name");
    }
    let metric = Metric { name: metric.name, description: metric.description, unit: metric.unit, kind };
    let metric = Arc::new(metric);
    for reading in readings {
        let point =
            reading.exemplars.into_iter().map(exemplar).collect::<Result<_, _>>().map(|exemplars| MetricPoint {
                metric: Arc::clone(&metric),
                attributes: attributes(reading.attributes),
                start_time_unix_nano: reading.start,
                time_unix_nano: reading.time,
                value: reading.value,
                exemplars,
                resource: Arc::clone(resource),
                scope: Arc::clone(scope),
            });
        converted.push(&metric.name, point);
    }
}

/// What the five kinds of data points have in common.
struct Reading {
    attributes: Vec<KeyValue>,
    start: u64,
    time: u64,
    value: MetricValue,
    exemplars: Vec<proto::Exemplar>,
}

fn readings(data: proto::metric::Data) -> (MetricKind, Vec<Reading>) {
    use proto::metric::Data;
    match data {
        Data::Gauge(gauge) => (MetricKind::Gauge, gauge.data_points.into_iter().map(number).collect()),
        Data::Sum(sum) => {
            let temporality = temporality(sum.aggregation_temporality);
            let kind = MetricKind::Sum { temporality, monotonic: sum.is_monotonic };
            (kind, sum.data_points.into_iter().map(number).collect())
        }
        Data::Histogram(histogram) => {
            let kind = MetricKind::Histogram { temporality: temporality(histogram.aggregation_temporality) };
            (kind, histogram.data_points.into_iter().map(self::histogram).collect())
        }
        Data::ExponentialHistogram(histogram) => {
            let temporality = temporality(histogram.aggregation_temporality);
            let kind = MetricKind::ExponentialHistogram { temporality };
            (kind, histogram.data_points.into_iter().map(exponential).collect())
        }
        Data::Summary(summary) => (MetricKind::Summary, summary.data_points.into_iter().map(self::summary).collect()),
    }
}

fn temporality(temporality: i32) -> Temporality {
    match proto::AggregationTemporality::try_from(temporality) {
        Ok(proto::AggregationTemporality::Delta) => Temporality::Delta,
        Ok(proto::AggregationTemporality::Cumulative) => Temporality::Cumulative,
        Ok(proto::AggregationTemporality::Unspecified) | Err(_) => Temporality::Unspecified,
    }
}

fn number(point: proto::NumberDataPoint) -> Reading {
    let value = match point.value {
        Some(Number::AsInt(number)) => MetricValue::Int(number),
        Some(Number::AsDouble(number)) => MetricValue::Double(number),
        None => MetricValue::Empty,
    };
    Reading {
        attributes: point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: unless_nothing_recorded(point.flags, value),
        exemplars: point.exemplars,
    }
}

fn histogram(point: proto::HistogramDataPoint) -> Reading {
    let value = MetricValue::Histogram {
        count: point.count,
        sum: point.sum,
        min: point.min,
        max: point.max,
        bounds: point.explicit_bounds,
        buckets: point.bucket_counts,
    };
    Reading {
        attributes: point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: unless_nothing_recorded(point.flags, value),
        exemplars: point.exemplars,
    }
}

fn exponential(point: proto::ExponentialHistogramDataPoint) -> Reading {
    let value = MetricValue::ExponentialHistogram {
        count: point.count,
        sum: point.sum,
        min: point.min,
        max: point.max,
        scale: point.scale,
        zero_count: point.zero_count,
        zero_threshold: point.zero_threshold,
        positive: buckets(point.positive),
        negative: buckets(point.negative),
    };
    Reading {
        attributes: point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: unless_nothing_recorded(point.flags, value),
        exemplars: point.exemplars,
    }
}

fn buckets(buckets: Option<Buckets>) -> ExponentialBuckets {
    let buckets = buckets.unwrap_or_default();
    ExponentialBuckets { offset: buckets.offset, counts: buckets.bucket_counts }
}

fn summary(point: proto::SummaryDataPoint) -> Reading {
    let quantiles = point.quantile_values.into_iter();
    let value = MetricValue::Summary {
        count: point.count,
        sum: point.sum,
        quantiles: quantiles.map(|one| Quantile { quantile: one.quantile, value: one.value }).collect(),
    };
    Reading {
        attributes: point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: unless_nothing_recorded(point.flags, value),
        exemplars: Vec::new(),
    }
}

fn unless_nothing_recorded(flags: u32, value: MetricValue) -> MetricValue {
    let nothing = proto::DataPointFlags::NoRecordedValueMask as u32;
    if flags & nothing == 0 { value } else { MetricValue::Empty }
}

fn exemplar(exemplar: proto::Exemplar) -> Result<Exemplar, IdError> {
    Ok(Exemplar {
        time_unix_nano: exemplar.time_unix_nano,
        value: match exemplar.value {
            Some(proto::exemplar::Value::AsInt(number)) => MetricValue::Int(number),
            Some(proto::exemplar::Value::AsDouble(number)) => MetricValue::Double(number),
            None => MetricValue::Empty,
        },
        trace_id: optional_id(&exemplar.trace_id, TraceId::from_bytes)?,
        span_id: optional_id(&exemplar.span_id, SpanId::from_bytes)?,
        attributes: attributes(exemplar.filtered_attributes),
    })
}
