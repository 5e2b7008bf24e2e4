//! Log lines as they are written: JSON with ids, secrets left out, files flushed.
#![cfg(feature = "telemetry")]

use std::io;
use std::sync::{Arc, Mutex};

use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use otelgen::redact::Redaction;
use otelgen::telemetry::{
    Environment, ExportFilter, ExportHealth, JsonFields, JsonFormat, Logs, Providers,
};
use serde_json::Value;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What `act` logs, as JSON objects.
fn logged(format: JsonFormat, act: impl FnOnce()) -> Vec<Value> {
    let written = Written::default();
    let json = tracing_subscriber::fmt::layer()
        .event_format(format)
        .fmt_fields(JsonFields::with_redaction(
            Redaction::default().also("national-id"),
        ))
        .with_writer(written.clone());
    let provider = SdkTracerProvider::builder().build();
    let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(traces).with(json), act);
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn a_line_has_the_name_of_its_event_where_it_was_given_one() {
    let lines = logged(JsonFormat::new(), || {
        tracing::info!(name: "order.paid", { event.name = "another" }, "paid");
        tracing::info!("shipped");
    });
    assert_eq!(lines[0]["event.name"], "order.paid");
    assert_eq!(lines[0]["field.event.name"], "another");
    assert_eq!(lines[1].get("event.name"), None);
}

#[test]
fn a_line_has_its_parts_at_the_top_and_the_ids_of_its_span() {
    let mut ids = (String::new(), String::new(), 0, 0);
    let lines = logged(JsonFormat::new().with_datadog_ids(), || {
        let outer = tracing::info_span!("outer", user = "ada", otel.kind = "server");
        let _outer = outer.enter();
        let inner = tracing::info_span!("inner", attempt = 2);
        let _inner = inner.enter();
        let context = inner.context();
        let span = context.span();
        let span_context = span.span_context();
        let trace_id = u128::from_be_bytes(span_context.trace_id().to_bytes());
        let span_id = u64::from_be_bytes(span_context.span_id().to_bytes());
        ids = (
            span_context.trace_id().to_string(),
            span_context.span_id().to_string(),
            trace_id as u64,
            span_id,
        );
        tracing::warn!(target: "shop::cart", items = 3, ratio = 0.5, empty = false, "over\n\"budget\"");
    });
    let line = &lines[0];
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["target"], "shop::cart");
    assert_eq!(line["message"], "over\n\"budget\"");
    assert_eq!(
        (&line["items"], &line["ratio"], &line["empty"]),
        (&3.into(), &0.5.into(), &false.into())
    );
    assert_eq!(line["trace_id"], ids.0);
    assert_eq!(line["span_id"], ids.1);
    assert_eq!(line["dd.trace_id"], ids.2.to_string());
    assert_eq!(line["dd.span_id"], ids.3.to_string());
    assert_eq!(
        line["span"],
        serde_json::json!({"name": "inner", "attempt": 2})
    );
    assert_eq!(
        line["spans"][0],
        serde_json::json!({"name": "outer", "user": "ada"})
    );
    let timestamp = line["timestamp"].as_str().unwrap();
    assert!(
        timestamp.ends_with('Z') && timestamp.len() == "2026-11-24T15:53:00.123456Z".len(),
        "{timestamp}"
    );
}

#[test]
fn outside_a_span_there_are_no_ids_and_no_spans() {
    let lines = logged(JsonFormat::new(), || tracing::info!("alone"));
    for name in ["trace_id", "span_id", "span", "spans", "dd.trace_id"] {
        assert!(lines[0].get(name).is_none(), "{name}");
    }
}

#[test]
fn an_event_that_is_a_root_has_not_the_ids_of_the_span_around_it() {
    let lines = logged(JsonFormat::new(), || {
        tracing::info_span!("around").in_scope(|| tracing::info!(parent: None, "alone"));
    });
    assert!(lines[0].get("trace_id").is_none() && lines[0].get("span").is_none());
}

#[test]
fn secrets_are_redacted_in_fields_of_events_and_spans() {
    let lines = logged(
        JsonFormat::new().with_redaction(Redaction::default().also("national-id")),
        || {
            let span = tracing::info_span!("login", password = "hunter2", national_id = "hunter2");
            span.in_scope(|| {
            tracing::info!(access_token = %"hunter2", national_id = ?"hunter2", tokens = 5, code = "404", "in");
        });
        },
    );
    let text = lines[0].to_string();
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(
        (&lines[0]["tokens"], &lines[0]["code"]),
        (&5.into(), &"404".into())
    );
}

#[test]
fn a_field_cannot_take_the_place_of_a_part_of_the_line() {
    let lines = logged(JsonFormat::new(), || {
        tracing::info!(
            level = "loud",
            trace_id = "mine",
            nan = f64::NAN,
            "named badly"
        );
    });
    assert_eq!(lines[0]["level"], "INFO");
    assert_eq!(lines[0]["field.level"], "loud");
    assert_eq!(lines[0]["field.trace_id"], "mine");
    assert_eq!(lines[0]["nan"], "NaN");
}

#[test]
fn a_field_recorded_later_is_there() {
    let lines = logged(JsonFormat::new(), || {
        let span = tracing::info_span!("order", id = 7, total = tracing::field::Empty);
        span.record("total", 12);
        span.in_scope(|| tracing::info!("priced"));
    });
    assert_eq!(
        lines[0]["span"],
        serde_json::json!({"name": "order", "id": 7, "total": 12})
    );
}

#[test]
fn files_are_in_the_folder_and_whole_after_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::from_pairs([
        ("LOG_DIR", folder.path().to_str().unwrap()),
        ("RUST_LOG", "info"),
        ("LOG_FORMAT", "json"),
    ]);
    let logs = Logs::from_environment(&environment, "shop").unwrap();
    let (layers, log_files) = logs.layers(&ExportHealth::new()).unwrap();
    let providers = Providers::new().with_log_files(log_files);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layers), || {
        for number in 0..500 {
            tracing::info!(number, "to a file");
        }
        tracing::debug!("below the filter");
    });
    providers
        .shutdown_blocking(std::time::Duration::from_secs(5))
        .unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1);
    assert!(
        files[0]
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("shop.")
    );
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert_eq!(text.lines().count(), 500);
    assert_eq!(
        serde_json::from_str::<Value>(text.lines().last().unwrap()).unwrap()["number"],
        499
    );
}

#[test]
fn the_crates_that_export_are_not_exported() {
    let spans = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(spans.clone())
        .build();
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_filter(ExportFilter::new());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(traces), || {
        drop(tracing::info_span!(target: "h2::client", "feedback").entered());
        drop(tracing::info_span!(target: "hyper_util::client", "feedback").entered());
        drop(tracing::info_span!(target: "opentelemetry-otlp", "feedback").entered());
        drop(tracing::debug_span!(target: "shop", "too fine").entered());
        drop(tracing::info_span!(target: "towering::inferno", "kept").entered());
        drop(tracing::info_span!(target: "tower_http::trace", "kept").entered());
    });
    let names: Vec<_> = spans
        .get_finished_spans()
        .unwrap()
        .into_iter()
        .map(|span| span.name)
        .collect();
    assert_eq!(names, ["kept", "kept"]);
}
