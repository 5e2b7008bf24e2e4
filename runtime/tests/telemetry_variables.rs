//! The variables that the SDK and its OTLP exporters read themselves: wrong values are told, all of them.
#![cfg(feature = "telemetry")]

use otelgen::telemetry::{Environment, Signal};

/// What is wrong with these variables, in a service built without https.
fn told(pairs: &[(&str, &str)]) -> Vec<String> {
    let environment = Environment::from_pairs(pairs.iter().copied());
    let sdk = environment.check_sdk().err().into_iter().flatten();
    let otlp = environment.check_otlp(false).err().into_iter().flatten();
    sdk.chain(otlp).map(|error| error.to_string()).collect()
}

#[test]
fn values_that_would_be_passed_over_are_told() {
    let wrong = [
        ("OTEL_SDK_DISABLED", "maybe"),
        ("OTEL_TRACES_SAMPLER", "parentbased_trace_idratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "abc"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "x"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "1.5"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "zz"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "0"),
        ("OTEL_BLRP_SCHEDULE_DELAY", " 1000 "),
        ("OTEL_METRIC_EXPORT_INTERVAL", "10s"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "soon"),
        ("OTEL_CONFIG_FILE", "/etc/otel.yaml"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://collector:21"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "http://collector:port",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "bad"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "key=%zz"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "abc"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "foo"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "yes"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "both"),
    ];
    for pair in wrong {
        let told = told(&[pair]);
        assert!(
            matches!(told.as_slice(), [message] if message.starts_with(pair.0)),
            "{pair:?}: {told:?}"
        );
    }
    let all = told(&wrong);
    assert_eq!(all.len(), wrong.len(), "{all:#?}");
}

#[test]
fn values_that_are_honoured_are_not_told() {
    let right = [
        ("OTEL_SDK_DISABLED", "TRUE"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "4096"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
        ("OTEL_CONFIG_FILE", ""),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://user:secret@[::1]:4318/otlp",
        ),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b==, tenant=7,"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
    ];
    assert_eq!(told(&right), Vec::<String>::new());
}

#[test]
fn a_ratio_is_between_nothing_and_everything_and_goes_with_a_sampler_that_takes_one() {
    let sampler = |sampler, argument| {
        told(&[
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
        ])
    };
    assert_eq!(
        sampler("traceidratio", "7"),
        ["OTEL_TRACES_SAMPLER_ARG is `7`, which is not a number from 0.0 to 1.0"]
    );
    assert!(sampler("always_on", "0.5")[0].contains("takes no argument"));
    assert!(told(&[("OTEL_TRACES_SAMPLER_ARG", "0.5")])[0].contains("without OTEL_TRACES_SAMPLER"));
}

#[test]
fn what_needs_https_names_the_feature_and_what_lacks_a_scheme_the_next_step() {
    let endpoint = |value: &str, protocol: &str| {
        told(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", value),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ])
        .join("")
    };
    assert_eq!(
        endpoint("https://collector:4318", "http/protobuf"),
        "OTEL_EXPORTER_OTLP_ENDPOINT is an https URL, which needs a build with `--features tls`"
    );
    assert!(endpoint("localhost:4317", "grpc").contains("write `http://` in front of it"));
    assert!(endpoint("localhost:4318", "http/protobuf").contains("write `http://` in front of it"));
    let insecure = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
    ];
    assert_eq!(told(&insecure), Vec::<String>::new());
}

#[test]
fn endpoints_and_headers_are_not_repeated() {
    let secrets = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "user:hunter2@collector"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key: hunter2"),
    ];
    let told = told(&secrets);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(!told.join("").contains("hunter2"), "{told:?}");
}

#[test]
fn a_certificate_is_read_from_the_file_of_the_signal_and_only_where_https_is_spoken() {
    let pem = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(pem.path(), "-----BEGIN CERTIFICATE-----\n").unwrap();
    let path = pem.path().to_str().unwrap();
    let of = |pairs: &[(&str, &str)], tls| {
        Environment::from_pairs(pairs.iter().copied()).otlp_certificate(Signal::Traces, tls)
    };
    let general = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file");
    let own = ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", path);
    assert_eq!(of(&[], true), Ok(None));
    assert!(of(&[general, own], true).unwrap().is_some());
    let missing = of(&[general], true).unwrap_err().to_string();
    assert!(
        missing.contains("/no/such/file") && missing.contains("No such file"),
        "{missing}"
    );
    let without = of(&[own], false).unwrap_err().to_string();
    assert!(
        without.ends_with("which needs a build with `--features tls`"),
        "{without}"
    );
    std::fs::write(pem.path(), "a key").unwrap();
    assert!(
        of(&[own], true)
            .unwrap_err()
            .to_string()
            .contains("BEGIN CERTIFICATE")
    );
}
