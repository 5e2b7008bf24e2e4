//! JSON requests. Protobuf's JSON mapping allows more than serde's derived readers take: null for a default, numbers
//! in quotes, and `NaN`. What is allowed is brought to one form here, before the messages are read.

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

/// Fields that hold a floating-point number, wherever they stand.
const DOUBLES: [&str; 8] =
    ["asDouble", "doubleValue", "sum", "min", "max", "zeroThreshold", "quantile", "explicitBounds"];

pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    let mut value: Value = serde_json::from_slice(body)?;
    normalise(&mut value);
    serde_json::from_value(value)
}

fn normalise(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(normalise),
        Value::Object(map) => normalise_object(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn normalise_object(map: &mut Map<String, Value>) {
    map.retain(|name, value| {
        let absent = value.is_null() || DOUBLES.contains(&name.as_str()) && is_no_json_number(value);
        !absent
    });
    for (name, value) in map.iter_mut() {
        if DOUBLES.contains(&name.as_str()) {
            unquote(value);
        }
        normalise(value);
    }
    // A list without members may leave its field out; the derived reader insists on it.
    for name in ["arrayValue", "kvlistValue"] {
        if let Some(Value::Object(list)) = map.get_mut(name) {
            list.entry("values").or_insert_with(|| Value::Array(Vec::new()));
        }
    }
}

/// `NaN` and the infinities have no JSON number; a field with one of them is read as one without a value.
fn is_no_json_number(value: &Value) -> bool {
    value.as_str().is_some_and(|text| matches!(text, "NaN" | "Infinity" | "-Infinity"))
}

fn unquote(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(unquote),
        Value::String(text) => {
            if let Some(number) = text.parse().ok().and_then(Number::from_f64) {
                *value = Value::Number(number);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use serde_json::json;

    use super::*;
    use crate::convert;
    use crate::model::{MetricValue, Value as Stored};

    fn gauge(point: Value) -> MetricValue {
        let metric = json!({ "name": "m", "gauge": { "dataPoints": [point] } });
        let request = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [metric] }] }] });
        let request: ExportMetricsServiceRequest = decode(request.to_string().as_bytes()).unwrap();
        convert::metrics(request.resource_metrics).records.remove(0).value
    }

    #[test]
    fn numbers_are_read_with_and_without_quotes() {
        assert_eq!(gauge(json!({ "asInt": "9007199254740993" })), MetricValue::Int(9_007_199_254_740_993));
        assert_eq!(gauge(json!({ "asInt": 42 })), MetricValue::Int(42));
        assert_eq!(gauge(json!({ "asDouble": "1.5" })), MetricValue::Double(1.5));
        assert_eq!(gauge(json!({ "asDouble": 2 })), MetricValue::Double(2.0));
        assert_eq!(gauge(json!({ "asDouble": "NaN" })), MetricValue::Empty);
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
