//! One request while it is served: its span, its metrics, and how it ended.

use std::any::Any;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{Extensions, HeaderMap, Request, StatusCode, Uri, header as headers};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, global};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::names;
use super::request::{
    HeaderExtractor, header, host_and_port, known_method, method_in_name, protocol_version,
};
use super::settings::{HttpRoute, Settings};

/// `http.request.method` and `url.scheme`, which come first among the attributes, are all that
/// `http.server.active_requests` takes.
const ACTIVE_ATTRIBUTES: usize = 2;
/// Those two, version, route, status and error.
const METRIC_ATTRIBUTES: usize = 6;

pub(super) struct InFlight {
    settings: Arc<Settings>,
    span: Span,
    start: Instant,
    method: &'static str,
    has_route: bool,
    /// Whatever body the response has, the server will not send it.
    no_body: bool,
    /// The metric attributes, built once: what is known at the start, then status and error.
    attributes: Vec<KeyValue>,
    /// Whether it was counted; one that is dropped before was cancelled.
    ended: bool,
}

impl InFlight {
    /// Nothing for a path that is skipped.
    pub(super) fn begin<B>(settings: &Arc<Settings>, request: &Request<B>) -> Option<Self> {
        if settings.skips(request.uri().path()) {
            return None;
        }
        let method = known_method(request.method());
        let scheme = settings.scheme(request.headers());
        let route = settings.route(request.extensions());
        let mut attributes = Vec::with_capacity(METRIC_ATTRIBUTES);
        attributes.push(KeyValue::new(names::HTTP_REQUEST_METHOD, method));
        attributes.push(KeyValue::new(names::URL_SCHEME, scheme));
        settings.instruments().active.add(1, &attributes);
        if let Some(version) = protocol_version(request.version()) {
            attributes.push(KeyValue::new(names::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(route) = route {
            attributes.push(KeyValue::new(names::HTTP_ROUTE, route.to_owned()));
        }
        Some(Self {
            settings: Arc::clone(settings),
            span: server_span(settings, request, method, scheme, route),
            start: Instant::now(),
            method,
            has_route: route.is_some(),
            no_body: request.method() == http::Method::HEAD,
            attributes,
            ended: false,
        })
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// The head of the response is known.
    pub(super) fn respond(&mut self, status: StatusCode, extensions: &Extensions) {
        if !self.has_route
            && let Some(route) = extensions.get::<HttpRoute>()
        {
            self.late_route(route.as_str());
        }
        self.status(status);
        self.no_body |= status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if status.is_server_error() {
            self.error_type(Cow::Owned(status.as_str().to_owned()));
            self.span.set_status(Status::error(""));
        }
    }

    fn late_route(&mut self, route: &str) {
        self.has_route = true;
        // The bridge takes `otel.name` only until the span has started, and by now it has.
        let name = SpanName {
            method: method_in_name(self.method),
            route: Some(route),
        };
        self.span.context().span().update_name(name.to_string());
        self.span.set_attribute(names::HTTP_ROUTE, route.to_owned());
        self.attributes
            .push(KeyValue::new(names::HTTP_ROUTE, route.to_owned()));
    }

    fn status(&mut self, status: StatusCode) {
        let code = i64::from(status.as_u16());
        self.span
            .set_attribute(names::HTTP_RESPONSE_STATUS_CODE, code);
        self.attributes
            .push(KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, code));
    }

    /// The first reason stands: a 500 whose body then breaks is a 500.
    fn error_type(&mut self, error_type: Cow<'static, str>) {
        if self
            .attributes
            .iter()
            .any(|attribute| attribute.key.as_str() == names::ERROR_TYPE)
        {
            return;
        }
        self.span
            .set_attribute(names::ERROR_TYPE, error_type.clone());
        self.attributes
            .push(KeyValue::new(names::ERROR_TYPE, error_type));
    }

    /// Whether the server drops the response's body unread: `HEAD`, 1xx, 204, 304.
    pub(super) fn sends_no_body(&self) -> bool {
        self.no_body
    }

    /// The response has been sent to its end.
    pub(super) fn end(mut self) {
        self.finish();
    }

    /// The service or the body failed.
    pub(super) fn fail(mut self, error_type: &'static str) {
        self.error_type(Cow::Borrowed(error_type));
        self.span.set_status(Status::error(""));
        self.finish();
    }

    /// The handler panicked, and this was answered in its place.
    pub(super) fn panic(mut self, payload: &(dyn Any + Send), status: Option<StatusCode>) {
        let message = panic_message(payload);
        self.span.in_scope(|| {
            tracing::error!(
                name: "otelgen.http.handler_panicked",
                target: "otelgen::http",
                { exception.message = message },
                "request handler panicked"
            );
        });
        if let Some(status) = status {
            self.status(status);
        }
        self.fail(names::ERROR_PANIC);
    }

    fn finish(&mut self) {
        self.ended = true;
        let instruments = self.settings.instruments();
        instruments
            .duration
            .record(self.start.elapsed().as_secs_f64(), &self.attributes);
        instruments.active.add(
            -1,
            self.attributes.get(..ACTIVE_ATTRIBUTES).unwrap_or_default(),
        );
    }
}

/// Whatever happens to a request, it is counted once and its span ends.
impl Drop for InFlight {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if std::thread::panicking() {
            self.error_type(Cow::Borrowed(names::ERROR_PANIC));
            self.span.set_status(Status::error(""));
        } else {
            self.error_type(Cow::Borrowed(names::ERROR_CANCELLED));
        }
        // The bridge ends a span at the time it was last left; this one was left some time ago.
        self.span.in_scope(|| ());
        self.finish();
    }
}

fn server_span<B>(
    settings: &Settings,
    request: &Request<B>,
    method: &'static str,
    scheme: &'static str,
    route: Option<&str>,
) -> Span {
    let request_headers = request.headers();
    let (server_address, server_port) = server(settings, request_headers, request.uri());
    let peer = settings.peer(request.extensions());
    let peer_address = peer.map(|peer| peer.ip());
    let client = match settings.forwarded(request_headers, "x-forwarded-for") {
        Some(forwarded) => Some(ClientAddress::Forwarded(forwarded)),
        None => peer_address.map(ClientAddress::Peer),
    };
    let query = request
        .uri()
        .query()
        .map(|query| settings.redaction.query(query));
    let name = SpanName {
        method: method_in_name(method),
        route,
    };
    let span = tracing::info_span!(
        target: "otelgen::http",
        parent: None,
        "request",
        otel.name = display(&name),
        otel.kind = "server",
        http.request.method = method,
        http.request.method_original = (method == "_OTHER").then(|| request.method().as_str()),
        http.route = route,
        url.path = request.uri().path(),
        url.query = query.as_deref(),
        url.scheme = scheme,
        server.address = server_address,
        server.port = server_port.map(i64::from),
        client.address = client.map(display),
        network.peer.address = peer_address.map(display),
        network.peer.port = peer.map(|peer| i64::from(peer.port())),
        network.protocol.version = protocol_version(request.version()),
        user_agent.original = header(request_headers, &headers::USER_AGENT),
    );
    adopt(&span, request_headers);
    span
}

/// The span's parent is the caller's, set before the span is first entered: afterwards it cannot be.
fn adopt(span: &Span, request_headers: &HeaderMap) {
    let carrier = HeaderExtractor(request_headers);
    let context = global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), &carrier)
    });
    if context.has_active_span() || !context.baggage().is_empty() {
        // Fails only where there is no OpenTelemetry layer or the span is filtered out: nothing to join then.
        let _ = span.set_parent(context);
    }
}

fn server<'a>(
    settings: &Settings,
    request_headers: &'a HeaderMap,
    uri: &'a Uri,
) -> (Option<&'a str>, Option<u16>) {
    let authority = settings
        .forwarded(request_headers, "x-forwarded-host")
        .or_else(|| uri.authority().map(|authority| authority.as_str()))
        .or_else(|| header(request_headers, &headers::HOST));
    match authority.map(host_and_port) {
        Some((host, port)) => (Some(host.rsplit('@').next().unwrap_or(host)), port),
        None => (None, None),
    }
}

enum ClientAddress<'a> {
    Forwarded(&'a str),
    Peer(IpAddr),
}

impl std::fmt::Display for ClientAddress<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Forwarded(address) => formatter.write_str(address),
            Self::Peer(address) => address.fmt(formatter),
        }
    }
}

struct SpanName<'a> {
    method: &'static str,
    route: Option<&'a str>,
}

impl std::fmt::Display for SpanName<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.method)?;
        match self.route {
            Some(route) => write!(formatter, " {route}"),
            None => Ok(()),
        }
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the panic carried no message")
}
