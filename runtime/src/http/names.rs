//! The names of everything this module records, as the stable HTTP semantic conventions spell them.
//! Source: <https://opentelemetry.io/docs/specs/semconv/http/>, version 1.38.

/// Duration of requests served, in seconds; histogram.
pub const HTTP_SERVER_REQUEST_DURATION: &str = "http.server.request.duration";
/// Requests being served now; up-down counter, `{request}`.
pub const HTTP_SERVER_ACTIVE_REQUESTS: &str = "http.server.active_requests";
/// Duration of requests sent, in seconds; histogram.
pub const HTTP_CLIENT_REQUEST_DURATION: &str = "http.client.request.duration";
/// The bucket boundaries the conventions advise for both durations, in seconds.
pub const DURATION_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The client's address: of the connection, or what a trusted proxy forwarded.
pub const CLIENT_ADDRESS: &str = "client.address";
/// Why a request failed: a status code, `panic`, `cancelled`, `timeout`, `connect` …
pub const ERROR_TYPE: &str = "error.type";
/// A known method, or `_OTHER`.
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
/// The method as it was sent, where it is not a known one.
pub const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
/// The response's status code.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// The template of the route that matched, never the path itself.
pub const HTTP_ROUTE: &str = "http.route";
/// The address of the other end of the connection.
pub const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
/// The port of the other end of the connection.
pub const NETWORK_PEER_PORT: &str = "network.peer.port";
/// `1.0`, `1.1`, `2` or `3`.
pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
/// The host a request was sent to.
pub const SERVER_ADDRESS: &str = "server.address";
/// The port a request was sent to.
pub const SERVER_PORT: &str = "server.port";
/// The URL of an outgoing request, without credentials and without the values of its query but harmless ones.
pub const URL_FULL: &str = "url.full";
/// The path of a request; on spans only.
pub const URL_PATH: &str = "url.path";
/// The query of a request, without its values but harmless ones.
pub const URL_QUERY: &str = "url.query";
/// `http` or `https`.
pub const URL_SCHEME: &str = "url.scheme";
/// The template of an outgoing request's path.
pub const URL_TEMPLATE: &str = "url.template";
/// The `User-Agent` header.
pub const USER_AGENT_ORIGINAL: &str = "user_agent.original";

/// `error.type` of a handler or body that panicked.
pub const ERROR_PANIC: &str = "panic";
/// `error.type` of a request whose caller went away, or whose future was dropped.
pub const ERROR_CANCELLED: &str = "cancelled";
/// `error.type` of a response whose body failed after its head was sent.
pub const ERROR_BODY: &str = "body";
