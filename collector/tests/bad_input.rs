//! What is refused, how, and what is let through although it looks odd.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otelgen_collector::{Collector, StartError};
use prost::Message;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const LIMIT: usize = 4096;

async fn collector() -> Collector {
    Collector::builder().max_request_bytes(LIMIT).start().await.unwrap()
}

struct Sent {
    status: u16,
    content_type: Option<String>,
    body: Vec<u8>,
}

async fn post(collector: &Collector, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Sent {
    let mut request = client().post(format!("{}/v1/traces", collector.http_endpoint())).body(body.into());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    sent(request.send().await.unwrap()).await
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

async fn sent(response: Response) -> Sent {
    let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    Sent { status: response.status().as_u16(), content_type, body: response.bytes().await.unwrap().to_vec() }
}

/// `google.rpc.Status`, as a client would read it.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn json_body(sent: &Sent) -> Value {
    assert_eq!(sent.content_type.as_deref(), Some(JSON));
    serde_json::from_slice(&sent.body).unwrap()
}

fn status_body(sent: &Sent) -> Status {
    assert_eq!(sent.content_type.as_deref(), Some(PROTOBUF));
    Status::decode(sent.body.as_slice()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
}

fn span(name: &str, trace_id: &[u8]) -> Span {
    Span { name: name.to_owned(), trace_id: trace_id.to_vec(), span_id: vec![1; 8], ..Span::default() }
}

#[tokio::test]
async fn an_empty_request_succeeds_in_both_encodings() {
    let collector = collector().await;
    let protobuf = post(&collector, &[("content-type", PROTOBUF)], "").await;
    assert_eq!((protobuf.status, protobuf.body.len()), (200, 0));
    assert_eq!(protobuf.content_type.as_deref(), Some(PROTOBUF));
    let json = post(&collector, &[("content-type", "application/json; charset=utf-8")], "{}").await;
    assert_eq!((json.status, json_body(&json)), (200, json!({})));
    collector.shutdown().await;
}

#[tokio::test]
async fn another_content_type_is_refused_with_415() {
    let collector = collector().await;
    for headers in [&[("content-type", "text/plain")][..], &[]] {
        let sent = post(&collector, headers, "{}").await;
        assert_eq!(sent.status, 415);
        assert!(String::from_utf8(sent.body).unwrap().contains(PROTOBUF));
    }
    collector.shutdown().await;
}

#[tokio::test]
async fn a_bad_payload_is_refused_with_400_in_the_encoding_of_the_request() {
    let collector = collector().await;
    let protobuf = post(&collector, &[("content-type", PROTOBUF)], "not protobuf").await;
    assert_eq!((protobuf.status, status_body(&protobuf).code), (400, 3));
    assert!(status_body(&protobuf).message.contains("no OTLP request"));
    for body in ["{", "[1]", "", r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}"#] {
        let sent = post(&collector, &[("content-type", JSON)], body).await;
        assert_eq!((sent.status, &json_body(&sent)["code"]), (400, &json!(3)), "{body}");
    }
    let packed = post(&collector, &[("content-type", JSON), ("content-encoding", "gzip")], "{}").await;
    assert_eq!(packed.status, 400);
    assert_eq!(collector.store().spans().count(), 0);
    collector.shutdown().await;
}

#[tokio::test]
async fn an_unknown_compression_is_refused_with_415_and_the_known_one_named() {
    let collector = collector().await;
    let sent = post(&collector, &[("content-type", JSON), ("content-encoding", "br")], "{}").await;
    assert_eq!(sent.status, 415);
    assert!(json_body(&sent)["message"].as_str().unwrap().contains("gzip"));
    collector.shutdown().await;
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_with_413_also_when_it_is_packed() {
    let collector = collector().await;
    let large = request(vec![span(&"x".repeat(2 * LIMIT), &[1; 16])]).encode_to_vec();
    let plain = post(&collector, &[("content-type", PROTOBUF)], large.clone()).await;
    assert_eq!((plain.status, status_body(&plain).code), (413, 8));
    let packed = gzip(&large);
    assert!(packed.len() < LIMIT / 2);
    let packed = post(&collector, &[("content-type", PROTOBUF), ("content-encoding", "gzip")], packed).await;
    assert_eq!((packed.status, status_body(&packed).code), (413, 8));
    collector.shutdown().await;
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_over_grpc_also_when_it_is_packed() {
    let collector = collector().await;
    let mut plain = TraceServiceClient::connect(collector.grpc_endpoint()).await.unwrap();
    let mut packed = plain.clone().send_compressed(tonic::codec::CompressionEncoding::Gzip);
    let large = request(vec![span(&"x".repeat(2 * LIMIT), &[1; 16])]);
    assert!(plain.export(large.clone()).await.is_err());
    assert!(packed.export(large).await.is_err());
    assert!(packed.export(request(vec![span("small", &[1; 16])])).await.is_ok());
    assert_eq!(collector.store().spans().count(), 1);
    collector.shutdown().await;
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let collector = collector().await;
    let url = |path: &str| format!("{}{path}", collector.http_endpoint());
    let get = client().request(Method::GET, url("/v1/metrics")).send().await.unwrap();
    assert_eq!(get.headers()["allow"], "POST");
    assert_eq!(get.status(), 405);
    assert_eq!(client().post(url("/v1/profiles")).send().await.unwrap().status(), 404);
    collector.shutdown().await;
}

#[tokio::test]
async fn spans_with_broken_ids_are_left_out_and_counted_in_the_answer() {
    let collector = collector().await;
    let mixed = request(vec![span("good", &[1; 16]), span("short", &[1; 4]), span("zero", &[0; 16])]);
    let sent = post(&collector, &[("content-type", PROTOBUF)], mixed.encode_to_vec()).await;
    let answer = ExportTraceServiceResponse::decode(sent.body.as_slice()).unwrap().partial_success.unwrap();
    assert_eq!((sent.status, answer.rejected_spans), (200, 2));
    assert!(answer.error_message.contains("`short`"), "{}", answer.error_message);
    let mut grpc = TraceServiceClient::connect(collector.grpc_endpoint()).await.unwrap();
    let answer = grpc.export(request(vec![span("zero", &[0; 16])])).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 1);

    let spans = json!([{ "traceId": "01", "spanId": "0101010101010101", "name": "short" }]);
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });
    let sent = post(&collector, &[("content-type", JSON)], body.to_string()).await;
    assert_eq!(json_body(&sent)["partialSuccess"]["rejectedSpans"], json!("1"));
    assert_eq!(collector.store().spans().all().iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["good"]);
    collector.shutdown().await;
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_address() {
    let collector = collector().await;
    let address = collector.http_endpoint().trim_start_matches("http://").parse().unwrap();
    let error = Collector::builder().http(address).start().await.unwrap_err();
    assert!(matches!(error, StartError::Listen { protocol: "HTTP", .. }));
    assert!(error.to_string().contains(&address.to_string()));
    collector.shutdown().await;
}

#[tokio::test]
async fn a_metric_with_a_wrong_enum_or_number_is_refused_with_400_as_a_span_is() {
    let collector = collector().await;
    let histogram =
        json!({ "aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA", "dataPoints": [{ "count": "2" }] });
    for metric in [
        json!({ "name": "h", "histogram": histogram }),
        json!({ "name": "s", "sum": { "aggregationTemporality": "x", "dataPoints": [{ "asInt": "1" }] } }),
        json!({ "name": "g", "gauge": { "dataPoints": [{ "asInt": "xyz" }] } }),
    ] {
        let body = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [metric] }] }] });
        let url = format!("{}/v1/metrics", collector.http_endpoint());
        let request = client().post(url).header("content-type", JSON).body(body.to_string());
        let sent = sent(request.send().await.unwrap()).await;
        assert_eq!((sent.status, &json_body(&sent)["code"]), (400, &json!(3)), "{body}");
    }
    assert_eq!(collector.store().metrics().count(), 0);
    collector.shutdown().await;
}
