//! JSON requests. Protobuf's JSON mapping allows more than serde's derived readers take: null for a default, numbers
//! in quotes, and `NaN`. What is allowed is brought to one form here; what is not is refused also where the derived
//! readers would take it for something that is not there.

mod protojson;

use opentelemetry_proto::tonic::metrics::v1 as proto;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::{Error, Map, Value};

use protojson::ProtoJson;

pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let mut value: Value = serde_json::from_slice(body)?;
    normalise(&mut value);
    check_choices(&value)?;
    read(value)
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(ProtoJson::new(value))
}

fn normalise(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(normalise),
        Value::Object(map) => normalise_object(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn normalise_object(map: &mut Map<String, Value>) {
    map.retain(|_, value| !value.is_null());
    map.values_mut().for_each(normalise);
    // A list without members may leave its field out; the derived reader insists on it.
    for name in ["arrayValue", "kvlistValue"] {
        if let Some(Value::Object(list)) = map.get_mut(name) {
            list.entry("values").or_insert_with(|| Value::Array(Vec::new()));
        }
    }
}

/// Reads each member of a `oneof` by itself: the derived readers of metrics take one that is wrong for one that is
/// absent, and the metric or its value would vanish.
fn check_choices(value: &Value) -> Result<(), Error> {
    match value {
        Value::Array(values) => values.iter().try_for_each(check_choices),
        Value::Object(map) => map.iter().try_for_each(|(name, value)| {
            check_choice(name, value, map.contains_key("name"))
                .map_err(|error| Error::custom(format!("`{name}`: {error}")))?;
            check_choices(value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// `named`: whether the member stands in something with a name, as metrics have it.
fn check_choice(name: &str, value: &Value, named: bool) -> Result<(), Error> {
    fn check<T: DeserializeOwned>(value: &Value) -> Result<(), Error> {
        // The derived readers take a list for a message too.
        let message = Some(value).filter(|value| value.is_object());
        let message = message.ok_or_else(|| Error::custom(format!("`{value}` is no message")))?;
        read::<T>(message.clone()).map(drop)
    }
    match name {
        "gauge" => check::<proto::Gauge>(value),
        // The sum of a distribution, which has no name, is a number, and its own reader takes it.
        "sum" if named => check::<proto::Sum>(value),
        "histogram" => check::<proto::Histogram>(value),
        "exponentialHistogram" => check::<proto::ExponentialHistogram>(value),
        "summary" => check::<proto::Summary>(value),
        "asInt" => match value {
            Value::String(text) => text.parse::<i64>().map(drop).map_err(|_| protojson::no_number(text)),
            other => read::<i64>(other.clone()).map(drop),
        },
        "asDouble" => read_double(value),
        _ => Ok(()),
    }
}

fn read_double(value: &Value) -> Result<(), Error> {
    use serde::Deserialize as _;
    f64::deserialize(ProtoJson::double(value.clone())).map(drop)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use serde_json::json;

    use super::*;
    use crate::convert;
    use crate::model::{MetricPoint, MetricValue, Value as Stored};

    fn metrics(metric: &Value) -> Result<Vec<MetricPoint>, Error> {
        let request = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [metric] }] }] });
        let request: ExportMetricsServiceRequest = decode(request.to_string().as_bytes())?;
        Ok(convert::metrics(request.resource_metrics).records)
    }

    fn gauge(point: Value) -> MetricValue {
        metrics(&json!({ "name": "m", "gauge": { "dataPoints": [point] } })).unwrap().remove(0).value
    }

    #[test]
    fn numbers_are_read_with_and_without_quotes() {
        assert_eq!(gauge(json!({ "asInt": "9007199254740993" })), MetricValue::Int(9_007_199_254_740_993));
        assert_eq!(gauge(json!({ "asInt": 42 })), MetricValue::Int(42));
        assert_eq!(gauge(json!({ "asDouble": "1.5" })), MetricValue::Double(1.5));
        assert_eq!(gauge(json!({ "asDouble": 2 })), MetricValue::Double(2.0));
        assert_eq!(gauge(json!({ "asDouble": "-1e3" })), MetricValue::Double(-1000.0));
    }

    #[test]
    fn what_is_no_finite_number_is_kept() {
        assert!(matches!(gauge(json!({ "asDouble": "NaN" })), MetricValue::Double(number) if number.is_nan()));
        assert_eq!(gauge(json!({ "asDouble": "Infinity" })), MetricValue::Double(f64::INFINITY));
        assert_eq!(gauge(json!({ "asDouble": "-Infinity" })), MetricValue::Double(f64::NEG_INFINITY));
        let point =
            json!({ "count": "1", "sum": "NaN", "min": "-Infinity", "bucketCounts": ["1"], "explicitBounds": [] });
        let histogram = json!({ "aggregationTemporality": 2, "dataPoints": [point] });
        let value = metrics(&json!({ "name": "m", "histogram": histogram })).unwrap().remove(0).value;
        let MetricValue::Histogram { sum: Some(sum), min, max: None, .. } = value else { panic!("{value:?}") };
        assert!(sum.is_nan());
        assert_eq!(min, Some(f64::NEG_INFINITY));
        let point = json!({ "count": 1, "sum": "Infinity", "quantileValues": [{ "quantile": 0.5, "value": "NaN" }] });
        let value = metrics(&json!({ "name": "m", "summary": { "dataPoints": [point] } })).unwrap().remove(0).value;
        let MetricValue::Summary { sum, quantiles, .. } = value else { panic!("{value:?}") };
        assert!(sum.is_infinite() && quantiles[0].value.is_nan());
    }

    #[test]
    fn a_metric_that_is_wrong_anywhere_is_an_error_that_names_the_place() {
        let histogram = json!({ "aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA", "dataPoints": [] });
        let exemplar = json!({ "timeUnixNano": "1", "asInt": "1.5" });
        for (metric, place) in [
            (json!({ "name": "m", "histogram": histogram }), "histogram"),
            (json!({ "name": "m", "exponentialHistogram": histogram }), "exponentialHistogram"),
            (json!({ "name": "m", "sum": { "aggregationTemporality": "x" } }), "sum"),
            (json!({ "name": "m", "sum": { "isMonotonic": "yes" } }), "sum"),
            (json!({ "name": "m", "sum": 7 }), "sum"),
            (json!({ "name": "m", "summary": [] }), "summary"),
            (json!({ "name": "m", "gauge": { "dataPoints": [{ "asInt": "xyz" }] } }), "asInt"),
            (json!({ "name": "m", "gauge": { "dataPoints": [{ "asInt": 1.5 }] } }), "asInt"),
            (json!({ "name": "m", "gauge": { "dataPoints": [{ "asDouble": "lots" }] } }), "`lots`"),
            (json!({ "name": "m", "gauge": { "dataPoints": [{ "asDouble": "inf" }] } }), "`inf`"),
            (json!({ "name": "m", "gauge": { "dataPoints": [{ "asDouble": true }] } }), "asDouble"),
            (json!({ "name": "m", "gauge": { "dataPoints": [{ "asInt": 1, "exemplars": [exemplar] }] } }), "asInt"),
        ] {
            let error = metrics(&metric).map(|_| metric).expect_err("wrong").to_string();
            assert!(error.contains(place), "{error}");
        }
    }

    #[test]
    fn null_means_the_default_and_unknown_fields_mean_nothing() {
        let attribute = json!({ "key": "list", "value": { "arrayValue": {}, "future": { "x": 1 } } });
        let span = json!({
            "traceId": "0AF7651916CD43DD8448EB211C80319C", "spanId": "00f067aa0ba902b7", "parentSpanId": null,
            "name": "s", "kind": 2, "attributes": [attribute], "events": null, "future": [null, { "a": null }],
            "startTimeUnixNano": "1", "endTimeUnixNano": 2,
        });
        let request = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }], "future": "x" });
        let request: ExportTraceServiceRequest = decode(request.to_string().as_bytes()).unwrap();
        let span = convert::spans(request.resource_spans).records.remove(0);
        assert_eq!(span.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.duration().as_nanos(), 1);
        assert_eq!(span.attributes.get("list"), Some(&Stored::Array(Vec::new())));
    }
}
