//! The generated service, the real OpenTelemetry Collector with the generated configuration, and a receiver behind it.

#![cfg(unix)]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use otelgen_collector::model::SpanKind;
use otelgen_collector::{Collector, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::peers::{Running, free_port, peer};
use crate::project::{otelgen, program, shop, succeeded};

const PATIENCE: Duration = Duration::from_secs(30);

/// A real Collector with the generated configuration, told to listen on free ports and to pass all signals on.
struct Relay {
    _process: Running,
    http: String,
    _overlay: tempfile::TempDir,
}

impl Relay {
    async fn start(otelcol: PathBuf, receiver: &Collector) -> Self {
        let [grpc, http, health] = [free_port(), free_port(), free_port()];
        let endpoint = receiver.grpc_endpoint().replace("http://", "");
        let overlay = format!(
            "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{grpc}'}}, http: {{endpoint: '127.0.0.1:{http}'}}}}}}}}\n\
             exporters: {{otlp_grpc/test: {{endpoint: '{endpoint}', tls: {{insecure: true}}}}}}\n\
             extensions: {{health_check: {{endpoint: '127.0.0.1:{health}'}}}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}\n  pipelines:\n    \
             metrics: {{exporters: [otlp_grpc/test]}}\n    logs: {{exporters: [otlp_grpc/test]}}\n"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("overlay.yaml");
        std::fs::write(&path, overlay).expect("written");
        let mut command = Command::new(otelcol);
        command.arg("--config").arg(shop().join("collector.yaml")).arg("--config").arg(path);
        command.env("JAEGER_ENDPOINT", endpoint).env("AWS_EC2_METADATA_DISABLED", "true");
        let mut process = Running::start(&mut command);
        answers(health, "/", &mut process).await;
        Self { _process: process, http: format!("http://127.0.0.1:{http}"), _overlay: folder }
    }
}

/// Waits until `path` on the loopback port answers with 200.
async fn answers(port: u16, path: &str, process: &mut Running) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !get(port, path).await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
        assert!(!process.has_ended(), "the process behind port {port} has ended");
        assert!(tokio::time::Instant::now() < deadline, "nothing answers on port {port}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

/// Another service: answers every request with a record.
async fn upstream() -> (u16, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let body = r#"{"id":"42"}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (port, task)
}

#[tokio::test]
async fn a_request_is_one_trace_with_metrics_and_logs_behind_the_real_collector() {
    let Some(otelcol) = peer("OTELGEN_OTELCOL", "otelcol") else { return };
    let receiver = Collector::builder().start().await.expect("a receiver");
    let relay = Relay::start(otelcol, &receiver).await;
    let (upstream_port, upstream) = upstream().await;
    let port = free_port();
    let mut command = Command::new(program());
    command.current_dir(shop()).stdout(Stdio::null());
    command.env("PORT", port.to_string()).env("PAYMENTS_URL", format!("http://127.0.0.1:{upstream_port}"));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &relay.http).env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let mut service = Running::start(&mut command);
    answers(port, "/readyz", &mut service).await;

    let answer = get(port, "/payments/42").await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(service.terminate().success());

    let store = receiver.store();
    store.wait_until(|store| store.spans().name("payments").count() == 1, PATIENCE).await.expect("the breaker's span");
    store.wait_until(metrics_are_there, PATIENCE).await.expect("metrics");
    let breaker = store.spans().name("payments").first().expect("a span");
    let server = store.spans().kind(SpanKind::Server).trace(breaker.trace_id).first().expect("a server span");
    let client = store.spans().kind(SpanKind::Client).trace(breaker.trace_id).first().expect("a client span");
    assert_eq!(server.name, "GET /payments/{id}");
    assert_eq!(breaker.parent_span_id, Some(server.span_id));
    assert_eq!(client.parent_span_id, Some(breaker.span_id));
    upstream.abort();
}

fn metrics_are_there(store: &Store) -> bool {
    let calls = store.metrics().name("otelgen.circuit_breaker.calls").attribute("outcome", "success");
    calls.value() == Some(1.0) && store.metrics().name("http.server.request.duration").count() >= 1
}

#[tokio::test]
async fn what_verify_receives_passes_through_the_real_collector_whole() {
    let Some(otelcol) = peer("OTELGEN_OTELCOL", "otelcol") else { return };
    let receiver = Collector::builder().start().await.expect("a receiver");
    let relay = Relay::start(otelcol, &receiver).await;
    let endpoint = relay.http.clone();
    let output = tokio::task::spawn_blocking(move || {
        otelgen(shop()).args(["verify", "--format", "json", "--receiver", &endpoint]).output().expect("otelgen runs")
    });
    let output = output.await.expect("joined");
    succeeded(&output);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let sent = |what: &str| usize::try_from(report["received"][what].as_u64().expect(what)).expect("a number");
    let (spans, logs) = (sent("spans"), sent("log_records"));
    assert!(spans > 0 && logs > 0, "{report:#}");
    let all = |store: &Store| store.spans().count() == spans && store.logs().count() == logs;
    let store = receiver.store();
    let arrived = store.wait_until(all, PATIENCE).await;
    assert!(arrived.is_ok(), "{} of {spans} spans, {} of {logs} logs", store.spans().count(), store.logs().count());
    for check in report["checks"].as_array().expect("checks").iter().filter(|check| check["signal"] == "metric") {
        let name = check["name"].as_str().expect("a name");
        assert!(!store.metrics().name(name).points().is_empty(), "{name} did not arrive");
    }
}
