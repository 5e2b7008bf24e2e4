//! OTLP over HTTP: protobuf and JSON on `/v1/traces`, `/v1/metrics` and `/v1/logs`.
//! Every refusal is a `google.rpc.Status` in the encoding of the request, as the specification asks.

mod answer;
mod body;
mod json;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::intake::{Intake, Request};
use answer::Refusal;

#[derive(Clone)]
struct Endpoint {
    intake: Arc<Intake>,
    max_request_bytes: usize,
}

/// The encoding of a request, which its answer has to share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// Whatever parameters follow, such as a character set.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let encodings = [Self::Protobuf, Self::Json];
        encodings.into_iter().find(|encoding| essence.eq_ignore_ascii_case(encoding.content_type()))
    }
}

/// The routes; bodies beyond `max_request_bytes`, packed or unpacked, are refused.
pub(crate) fn router(intake: &Arc<Intake>, max_request_bytes: usize) -> Router {
    Router::new()
        .route("/v1/traces", post(export::<ExportTraceServiceRequest>))
        .route("/v1/metrics", post(export::<ExportMetricsServiceRequest>))
        .route("/v1/logs", post(export::<ExportLogsServiceRequest>))
        .method_not_allowed_fallback(|| async { (StatusCode::METHOD_NOT_ALLOWED, "send OTLP with POST\n") })
        .fallback(|| async { (StatusCode::NOT_FOUND, "OTLP goes to /v1/traces, /v1/metrics or /v1/logs\n") })
        .layer(DefaultBodyLimit::max(max_request_bytes))
        .with_state(Endpoint { intake: Arc::clone(intake), max_request_bytes })
}

async fn export<R: Request>(
    State(endpoint): State<Endpoint>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(encoding) = Encoding::of(&headers) else {
        let accepted = "send application/x-protobuf or application/json\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, accepted).into_response();
    };
    match decode::<R>(encoding, &headers, body, endpoint.max_request_bytes) {
        Ok(request) => answer::accepted::<R>(encoding, request.take(&endpoint.intake)),
        Err(refusal) => refusal.into_response(encoding),
    }
}

fn decode<R: Request>(
    encoding: Encoding,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    limit: usize,
) -> Result<R, Refusal> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge { limit },
        _ => Refusal::Unreadable(rejection.body_text()),
    })?;
    let body = body::unpack(headers, body, limit)?;
    match encoding {
        Encoding::Protobuf => R::decode(body).map_err(|error| Refusal::Malformed(error.to_string())),
        Encoding::Json => json::decode(&body).map_err(|error| Refusal::Malformed(error.to_string())),
    }
}
