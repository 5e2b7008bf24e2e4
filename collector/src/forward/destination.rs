//! Where telemetry is sent on to: an OTLP endpoint that speaks http/protobuf or gRPC.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use reqwest::Url;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use super::Export;
use crate::wire::{ExportResponse, PartialSuccess, Status};

const TIMEOUT: Duration = Duration::from_secs(10);
/// The port that OTLP over gRPC is known by.
const GRPC_PORT: u16 = 4317;

/// A header sent along with every request, such as a key.
pub(crate) type Header = (String, String);

/// Why nothing can be forwarded to a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwardUrlError {
    /// It is no URL.
    #[error("`{url}` is no URL of an OTLP endpoint: give one such as http://localhost:4318 ({reason})")]
    NoUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its scheme is not spoken.
    #[error(
        "cannot forward to `{url}`: only http:// (http/protobuf, gRPC on port 4317) and grpc:// are spoken; for TLS put an OpenTelemetry Collector on this machine in between"
    )]
    Scheme {
        /// What was given.
        url: String,
    },
    /// A header has a name or value that HTTP does not allow.
    #[error("`{name}` is no header that HTTP allows: names are letters, digits and dashes, values are visible ASCII")]
    Header {
        /// Its name.
        name: String,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Destination {
    endpoint: String,
    transport: Transport,
}

#[derive(Clone, Debug)]
enum Transport {
    Http { client: reqwest::Client, base: String, headers: Vec<Header> },
    Grpc { channel: Channel, headers: Vec<(AsciiMetadataKey, AsciiMetadataValue)> },
}

/// A request that was not taken.
#[derive(Debug)]
pub(crate) struct SendError {
    /// Whether another attempt makes sense.
    pub(crate) may_pass: bool,
    pub(crate) message: String,
}

impl Destination {
    /// Nothing is connected before the first request; must be called in a tokio runtime.
    pub(crate) fn new(url: &str, headers: Vec<Header>) -> Result<Self, ForwardUrlError> {
        let no_url = |reason: String| ForwardUrlError::NoUrl { url: url.to_owned(), reason };
        let parsed = Url::parse(url).map_err(|error| no_url(error.to_string()))?;
        let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(|| no_url("no host".to_owned()))?;
        let transport = match (parsed.scheme(), parsed.port()) {
            ("grpc", port) => grpc(&format!("http://{host}:{}", port.unwrap_or(GRPC_PORT)), headers)?,
            ("http", Some(GRPC_PORT)) => grpc(&format!("http://{host}:{GRPC_PORT}"), headers)?,
            ("http", _) => http(&parsed, host, headers)?,
            _ => {
                return Err(ForwardUrlError::Scheme { url: url.to_owned() });
            }
        };
        Ok(Self { endpoint: url.to_owned(), transport })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) async fn send(&self, export: &Export) -> Result<PartialSuccess, SendError> {
        match &self.transport {
            Transport::Http { client, base, headers } => send_http(client, base, headers, export).await,
            Transport::Grpc { channel, headers } => send_grpc(channel, headers, export).await.map_err(SendError::grpc),
        }
    }
}

fn http(url: &Url, host: &str, headers: Vec<Header>) -> Result<Transport, ForwardUrlError> {
    for (name, value) in &headers {
        let valid = reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok()
            && reqwest::header::HeaderValue::from_str(value).is_ok();
        if !valid {
            return Err(ForwardUrlError::Header { name: name.clone() });
        }
    }
    let mut client = reqwest::Client::builder().timeout(TIMEOUT);
    if host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    {
        // A proxy would look for the endpoint on its own machine.
        client = client.no_proxy();
    }
    let client =
        client.build().map_err(|error| ForwardUrlError::NoUrl { url: url.to_string(), reason: error.to_string() })?;
    Ok(Transport::Http { client, base: url.as_str().trim_end_matches('/').to_owned(), headers })
}

fn grpc(url: &str, headers: Vec<Header>) -> Result<Transport, ForwardUrlError> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|error| ForwardUrlError::NoUrl { url: url.to_owned(), reason: error.to_string() })?;
    let headers = headers.into_iter().map(|(name, value)| {
        let key = name.to_lowercase().parse::<AsciiMetadataKey>().ok();
        key.zip(value.parse().ok()).ok_or(ForwardUrlError::Header { name })
    });
    let channel = endpoint.timeout(TIMEOUT).connect_timeout(TIMEOUT).connect_lazy();
    Ok(Transport::Grpc { channel, headers: headers.collect::<Result<_, _>>()? })
}

async fn send_http(
    client: &reqwest::Client,
    base: &str,
    headers: &[Header],
    export: &Export,
) -> Result<PartialSuccess, SendError> {
    let (path, body) = match export {
        Export::Traces(request) => ("traces", request.encode_to_vec()),
        Export::Metrics(request) => ("metrics", request.encode_to_vec()),
        Export::Logs(request) => ("logs", request.encode_to_vec()),
    };
    let mut request = client.post(format!("{base}/v1/{path}")).header("content-type", "application/x-protobuf");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let unreachable = |error: reqwest::Error| SendError { may_pass: true, message: causes(&error) };
    let response = request.body(body).send().await.map_err(unreachable)?;
    let status = response.status();
    let body = response.bytes().await.map_err(unreachable)?;
    if status.is_success() {
        // An answer that is no protobuf still says that the request was taken.
        let answer = ExportResponse::decode(body).unwrap_or_default();
        return Ok(answer.partial_success.unwrap_or_default());
    }
    let reason = Status::decode(body).map(|status| status.message).unwrap_or_default();
    let message = format!("{status} {reason}").trim_end().to_owned();
    Err(SendError { may_pass: matches!(status.as_u16(), 429 | 502 | 503 | 504), message })
}

async fn send_grpc(
    channel: &Channel,
    headers: &[(AsciiMetadataKey, AsciiMetadataValue)],
    export: &Export,
) -> Result<PartialSuccess, tonic::Status> {
    let channel = channel.clone();
    let partial = match export.clone() {
        Export::Traces(request) => {
            let response = TraceServiceClient::new(channel).export(with_headers(request, headers)).await?;
            response.into_inner().partial_success.map(|part| (part.rejected_spans, part.error_message))
        }
        Export::Metrics(request) => {
            let response = MetricsServiceClient::new(channel).export(with_headers(request, headers)).await?;
            response.into_inner().partial_success.map(|part| (part.rejected_data_points, part.error_message))
        }
        Export::Logs(request) => {
            let response = LogsServiceClient::new(channel).export(with_headers(request, headers)).await?;
            response.into_inner().partial_success.map(|part| (part.rejected_log_records, part.error_message))
        }
    };
    let (rejected, error_message) = partial.unwrap_or_default();
    Ok(PartialSuccess { rejected, error_message })
}

fn with_headers<T>(message: T, headers: &[(AsciiMetadataKey, AsciiMetadataValue)]) -> Request<T> {
    let mut request = Request::new(message);
    for (name, value) in headers {
        request.metadata_mut().insert(name.clone(), value.clone());
    }
    request
}

impl SendError {
    fn grpc(status: tonic::Status) -> Self {
        // The codes that the specification of OTLP calls retryable.
        let may_pass = matches!(
            status.code(),
            Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss
        );
        Self { may_pass, message: format!("{}: {}", status.code(), causes(&status)) }
    }
}

/// An error with all of its causes, on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
