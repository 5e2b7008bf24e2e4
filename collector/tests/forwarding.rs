//! Everything received is sent on as it came, and what cannot be sent on is counted, not waited for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod support;

use opentelemetry_otlp::Protocol;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otelgen_collector::{Collector, Store};
use prost::Message;
use support::{PATIENCE, Route, emit};

async fn arrives_at_both(second: Collector, url: String) {
    let first = Collector::builder().forward(url.clone()).start().await.unwrap();
    emit(&first, "shop", Route { protocol: Protocol::HttpBinary, gzip: true }).await;
    let report = first.shutdown().await.unwrap();
    assert_eq!((report.endpoint, report.sent, report.failed, report.dropped), (url, 3, 0, 0));
    let store = second.store();
    assert_eq!((store.spans().count(), store.logs().count()), (2, 1));
    assert_eq!(store.metrics().name("orders.calls").sum(), 5.0);
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn telemetry_is_sent_on_over_http() {
    let second = Collector::builder().start().await.unwrap();
    let url = second.http_endpoint();
    arrives_at_both(second, url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn telemetry_is_sent_on_over_grpc() {
    let second = Collector::builder().start().await.unwrap();
    let url = second.grpc_endpoint().replace("http", "grpc");
    arrives_at_both(second, url).await;
}

async fn send_one_span(collector: &Collector, trace_id: Vec<u8>) {
    let span = Span { trace_id, span_id: vec![1; 8], ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}/v1/traces", collector.http_endpoint()));
    let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    let response = request.header("content-type", "application/x-protobuf").body(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_costs_nothing_but_a_count() {
    let gone = Collector::builder().start().await.unwrap();
    let url = gone.http_endpoint();
    gone.shutdown().await;
    let collector = Collector::builder().forward(url).start().await.unwrap();
    send_one_span(&collector, vec![1; 16]).await;
    collector.store().wait_until(|store| store.spans().count() == 1, PATIENCE).await.unwrap();
    let report = collector.shutdown().await.unwrap();
    assert_eq!((report.sent, report.failed + report.dropped), (0, 1));
    assert!(report.last_error.is_some());
}

#[tokio::test]
async fn a_refusal_is_not_tried_again_and_reported_with_its_reason() {
    let strict = Collector::builder().max_request_bytes(8).start().await.unwrap();
    let collector = Collector::builder().forward(strict.http_endpoint()).start().await.unwrap();
    send_one_span(&collector, vec![1; 16]).await;
    let report = collector.shutdown().await.unwrap();
    assert_eq!((report.sent, report.failed, report.dropped), (0, 1, 0));
    assert!(report.last_error.unwrap().contains("413"));
    strict.shutdown().await;
}

#[tokio::test]
async fn records_that_the_endpoint_leaves_out_are_reported() {
    let second = Collector::builder().start().await.unwrap();
    let collector = Collector::builder().forward(second.http_endpoint()).start().await.unwrap();
    send_one_span(&collector, vec![1; 3]).await;
    let report = collector.shutdown().await.unwrap();
    assert_eq!((report.sent, report.rejected_records), (1, 1));
    second.shutdown().await;
}

#[tokio::test]
async fn a_url_that_cannot_be_forwarded_to_stops_the_start() {
    for url in ["localhost:4318", "http://", "not a url", "ftp://host", "https://host:4318"] {
        let error = Collector::builder().forward(url).start().await.unwrap_err().to_string();
        assert!(error.contains(url), "{error}");
    }
    let builder = Collector::builder().forward("http://localhost:1").forward_header("ä", "x");
    assert!(builder.start().await.is_err());
}

#[tokio::test]
async fn a_condition_that_never_holds_ends_with_the_timeout() {
    let collector = Collector::builder().start().await.unwrap();
    let store: &Store = collector.store();
    let patience = std::time::Duration::from_millis(20);
    let error = store.wait_until(|store| store.spans().count() > 0, patience).await.unwrap_err();
    assert!(error.to_string().contains("20ms"));
    collector.shutdown().await;
}
