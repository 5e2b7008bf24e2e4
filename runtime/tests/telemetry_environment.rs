//! The variables that the SDK ignores, and the resource made of them.
#![cfg(feature = "telemetry")]

use opentelemetry::Key;
use opentelemetry::propagation::TextMapPropagator;
use otelgen::telemetry::{
    Environment, ExportHealth, Exporter, LogFormat, Logs, Protocol, Signal, propagator, resource,
};

const BUILT_IN: &[Exporter] = &[Exporter::Otlp, Exporter::Console];

fn environment(pairs: &[(&str, &str)]) -> Environment {
    Environment::from_pairs(pairs.iter().copied())
}

fn message<T: std::fmt::Debug, E: std::error::Error>(result: Result<T, E>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn export_is_otlp_unless_told_otherwise_and_a_variable_of_blanks_tells_nothing() {
    for pairs in [&[][..], &[("OTEL_TRACES_EXPORTER", "  ")]] {
        let chosen = environment(pairs)
            .exporters(Signal::Traces, BUILT_IN)
            .unwrap();
        assert!(chosen.has(Exporter::Otlp) && !chosen.has(Exporter::Console));
    }
}

#[test]
fn none_and_a_disabled_sdk_export_nothing() {
    let none = environment(&[("OTEL_METRICS_EXPORTER", "None")]);
    assert!(
        none.exporters(Signal::Metrics, BUILT_IN)
            .unwrap()
            .is_empty()
    );
    assert!(!none.exporters(Signal::Traces, BUILT_IN).unwrap().is_empty());
    let disabled = environment(&[
        ("OTEL_SDK_DISABLED", "TRUE"),
        ("OTEL_LOGS_EXPORTER", "console"),
    ]);
    assert!(
        disabled
            .exporters(Signal::Logs, BUILT_IN)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn what_cannot_be_honoured_is_told_with_what_would_do() {
    let logs =
        |pairs: &[(&str, &str)]| message(environment(pairs).exporters(Signal::Logs, BUILT_IN));
    assert_eq!(
        logs(&[("OTEL_LOGS_EXPORTER", "otlp,jaeger")]),
        "OTEL_LOGS_EXPORTER is `jaeger`, which is not one of otlp, console, none"
    );
    assert_eq!(
        logs(&[("OTEL_LOGS_EXPORTER", "none,otlp")]),
        "OTEL_LOGS_EXPORTER is `none,otlp`: `none` cannot stand beside other values"
    );
    assert_eq!(
        logs(&[("OTEL_SDK_DISABLED", "yes")]),
        "OTEL_SDK_DISABLED is `yes`, which is not one of true, false"
    );
    let metrics = environment(&[("OTEL_METRICS_EXPORTER", "prometheus")]);
    assert_eq!(
        message(metrics.exporters(Signal::Metrics, BUILT_IN)),
        "OTEL_METRICS_EXPORTER is `prometheus`, but this service is built with otlp, console, none only; \
         add that backend or change the variable"
    );
}

#[test]
fn the_protocol_of_a_signal_goes_before_the_general_one_and_must_be_built_in() {
    let built_in = &[Protocol::Grpc, Protocol::HttpProtobuf];
    let mixed = environment(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"),
    ]);
    assert_eq!(
        mixed.protocol(Signal::Traces, built_in),
        Ok(Some(Protocol::Grpc))
    );
    assert_eq!(
        mixed.protocol(Signal::Logs, built_in),
        Ok(Some(Protocol::HttpProtobuf))
    );
    assert_eq!(environment(&[]).protocol(Signal::Logs, built_in), Ok(None));
    let json = environment(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]);
    assert!(
        message(json.protocol(Signal::Traces, built_in))
            .contains("built with grpc, http/protobuf only")
    );
    let typo = environment(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http")]);
    assert!(
        message(typo.protocol(Signal::Traces, built_in))
            .ends_with("which is not one of grpc, http/protobuf")
    );
}

#[test]
fn propagators_are_found_by_name_and_none_is_none() {
    let fields = |names: &str| {
        let composite = propagator(&environment(&[("OTEL_PROPAGATORS", names)])).unwrap();
        let mut fields: Vec<String> = composite.fields().map(str::to_owned).collect();
        fields.sort();
        fields
    };
    assert_eq!(fields(""), ["baggage", "traceparent", "tracestate"]);
    assert_eq!(fields("none"), Vec::<String>::new());
    assert_eq!(fields("b3, XRAY, b3"), ["b3", "x-amzn-trace-id"]);
    assert_eq!(
        message(propagator(&environment(&[(
            "OTEL_PROPAGATORS",
            "tracecontext,jaeger"
        )]))),
        "OTEL_PROPAGATORS is `jaeger`, which is not one of tracecontext, baggage, b3, b3multi, xray, \
         datadog, none"
    );
}

#[test]
fn the_name_of_the_service_is_the_most_specific_one() {
    let name = |pairs: &[(&str, &str)]| {
        let resource = resource(&environment(pairs), "shop", "1.0")
            .unwrap()
            .build();
        resource.get(&Key::new("service.name")).unwrap().to_string()
    };
    let attributes = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=attributes,team=blue",
    );
    assert_eq!(name(&[]), "shop");
    assert_eq!(name(&[attributes]), "attributes");
    assert_eq!(name(&[attributes, ("OTEL_SERVICE_NAME", "own")]), "own");
}

#[test]
fn the_resource_says_which_instance_on_which_machine() {
    let one = resource(&environment(&[]), "shop", "1.2.3")
        .unwrap()
        .build();
    let other = resource(&environment(&[]), "shop", "1.2.3")
        .unwrap()
        .build();
    let get = |name: &'static str| one.get(&Key::new(name)).unwrap().to_string();
    assert_eq!(get("service.version"), "1.2.3");
    assert_eq!(get("telemetry.sdk.language"), "rust");
    assert_eq!(get("process.pid"), std::process::id().to_string());
    let id = get("service.instance.id");
    let shape: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(shape, [8, 4, 4, 4, 12]);
    assert_eq!(id.as_bytes()[14], b'4', "a version 4 UUID");
    assert!(b"89ab".contains(&id.as_bytes()[19]), "of the RFC's variant");
    assert_ne!(
        other
            .get(&Key::new("service.instance.id"))
            .unwrap()
            .to_string(),
        id
    );
    let pinned = environment(&[("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=a%2Cb")]);
    let pinned = resource(&pinned, "shop", "1").unwrap().build();
    assert_eq!(
        pinned.get(&Key::new("service.instance.id")),
        Some("a,b".into())
    );
}

#[test]
fn malformed_resource_attributes_are_an_error() {
    for value in ["team", "team=%4", "team=%zz", "=blue"] {
        let environment = environment(&[("OTEL_RESOURCE_ATTRIBUTES", value)]);
        let error = resource(&environment, "shop", "1").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("OTEL_RESOURCE_ATTRIBUTES is `{value}`")),
            "{error}"
        );
    }
}

#[test]
fn log_variables_are_checked() {
    let logs =
        |name: &str, value: &str| Logs::from_environment(&environment(&[(name, value)]), "shop");
    assert_eq!(
        logs("LOG_FORMAT", "JSON").unwrap().format(),
        LogFormat::Json
    );
    assert_eq!(
        message(logs("LOG_FORMAT", "xml")),
        "LOG_FORMAT is `xml`, which is not one of auto, text, json"
    );
    assert!(message(logs("LOG_ROTATION", "weekly")).ends_with("daily, hourly, never"));
    assert!(message(logs("LOG_MAX_FILES", "-1")).ends_with("a whole number of 0 or more"));
    assert!(
        message(logs("RUST_LOG", "info,shop=loud")).starts_with("RUST_LOG is `info,shop=loud`")
    );
}

#[test]
fn a_mistyped_level_is_refused_but_a_crate_is_not() {
    let filter = |value: &str| Logs::from_environment(&environment(&[("RUST_LOG", value)]), "shop");
    for typo in ["debgu", "inof", "wran", "warning", "infoo", "trce", "erorr"] {
        assert!(message(filter(typo)).contains("did you mean"), "{typo}");
    }
    for fine in [
        "info",
        "WARN",
        "shop",
        "infra",
        "info,shop=debug,hyper=off",
        "tracer=info",
        "off",
    ] {
        assert!(filter(fine).is_ok(), "{fine}");
    }
}

#[test]
fn all_that_is_wrong_with_the_logs_is_told_together() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let inside_a_file = file.path().join("logs");
    let environment = environment(&[
        ("LOG_FORMAT", "xml"),
        ("LOG_ROTATION", "weekly"),
        ("LOG_MAX_FILES", "y"),
        ("RUST_LOG", "debgu"),
        ("LOG_DIR", inside_a_file.to_str().unwrap()),
    ]);
    let errors = Logs::from_environment(&environment, "shop").unwrap_err();
    let text = errors.to_string();
    for variable in [
        "LOG_FORMAT is `xml`",
        "LOG_ROTATION is `weekly`",
        "LOG_MAX_FILES is `y`",
        "RUST_LOG is `debgu`",
        "LOG_DIR is `",
    ] {
        assert!(text.contains(variable), "{variable}: {text}");
    }
    assert_eq!(errors.len(), 5, "{text}");
}

#[test]
fn a_folder_for_logs_that_is_not_there_yet_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("var/log/shop");
    let environment = environment(&[("LOG_DIR", logs.to_str().unwrap())]);
    let read = Logs::from_environment(&environment, "shop").unwrap();
    assert!(!logs.exists());
    let layers = read.layers::<tracing_subscriber::Registry>(&ExportHealth::new());
    assert!(layers.is_ok() && logs.is_dir());
}
