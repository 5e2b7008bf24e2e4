//! The real exporters of opentelemetry-otlp against the receiver, in every protocol and with compression.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod support;

use opentelemetry_otlp::Protocol;
use otelgen_collector::Collector;
use otelgen_collector::model::{MetricKind, MetricValue, Severity, SpanKind, SpanStatus, Temporality, Value};
use support::{PATIENCE, Route, emit};

async fn everything_arrives(protocol: Protocol, gzip: bool) {
    let collector = Collector::builder().start().await.unwrap();
    emit(&collector, "shop", Route { protocol, gzip }).await;
    let store = collector.store();
    let complete = |store: &otelgen_collector::Store| {
        store.spans().count() == 2 && store.logs().count() == 1 && store.metrics().name("orders.open").value().is_some()
    };
    store.wait_until(complete, PATIENCE).await.unwrap();

    let server = store.spans().name("GET /orders/{id}").service("shop").first().unwrap();
    assert_eq!(server.kind, SpanKind::Server);
    assert_eq!(server.status, SpanStatus::Error("no stock".to_owned()));
    assert_eq!(server.attributes.get("http.response.status_code"), Some(&Value::Int(500)));
    assert_eq!(server.scope.name, "orders");
    let client = store.spans().children_of(&server).kind(SpanKind::Client).first().unwrap();
    assert_eq!(client.trace_id, server.trace_id);
    assert_eq!(client.parent_is_remote, Some(false));
    assert_eq!(client.events[0].attributes.get("attempt"), Some(&Value::Int(2)));
    let roots = store.spans().trace(server.trace_id).roots();
    assert_eq!((roots.count(), roots.first().as_ref()), (1, Some(&server)));

    let log = store.logs().trace(server.trace_id).message("out of stock").first().unwrap();
    assert_eq!((log.severity(), log.span_id), (Severity::Warn, Some(server.span_id)));
    assert_eq!(store.logs().attribute("order.id", 42).at_least(Severity::Error).count(), 0);

    let calls = store.metrics().name("orders.calls");
    assert_eq!(calls.clone().attribute("outcome", "failure").value(), Some(3.0));
    assert_eq!(calls.sum(), 5.0);
    let calls = &calls.latest()[0].metric;
    assert_eq!(calls.unit, "{call}");
    assert_eq!(calls.kind, MetricKind::Sum { temporality: Temporality::Cumulative, monotonic: true });
    assert_eq!(store.metrics().name("orders.open").latest()[0].value, MetricValue::Int(-7));
    assert_eq!(store.metrics().name("orders.open").latest()[0].metric.kind.instrument(), "updowncounter");
    let duration = store.metrics().name("orders.duration");
    assert_eq!((duration.count(), duration.sum()), (1, 0.25));

    assert_eq!(collector.shutdown().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_arrives() {
    everything_arrives(Protocol::Grpc, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_with_gzip_arrives() {
    everything_arrives(Protocol::Grpc, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_protobuf_arrives() {
    everything_arrives(Protocol::HttpBinary, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_protobuf_with_gzip_arrives() {
    everything_arrives(Protocol::HttpBinary, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_json_arrives() {
    everything_arrives(Protocol::HttpJson, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_json_with_gzip_arrives() {
    everything_arrives(Protocol::HttpJson, true).await;
}
