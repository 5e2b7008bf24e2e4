//! The outgoing client: reqwest, with a CLIENT span, a duration and the trace's headers on each request.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, Method};
use opentelemetry::metrics::{Histogram, Meter};
use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, global};
use reqwest::{Body, Client, IntoUrl, Request, RequestBuilder, Response, Url};
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::names;
use super::request::{HeaderInjector, known_method, method_in_name, protocol_version};
use super::settings::{duration_histogram, meter};
use crate::redact::Redaction;

/// A [`reqwest::Client`] whose requests are part of the caller's trace.
///
/// Each request sent is one CLIENT span (`{method}`, or `{method} {template}` where
/// [`template`](TracedRequest::template) names one) with the trace's headers injected, and one measurement of
/// `http.client.request.duration`. Span and measurement end when the response's head is there; reading the
/// body is the caller's. 4xx and 5xx are errors of the span, with the status as `error.type`; a request
/// without a response has `timeout`, `connect`, `redirect`, `body`, `decode` or `request`, and `cancelled`
/// where its future is dropped. User names and passwords of the URL are redacted, and so are the values of
/// its query, but for parameters known to be harmless
/// ([`HARMLESS_QUERY_NAMES`](crate::redact::HARMLESS_QUERY_NAMES),
/// [`with_recorded_query`](Self::with_recorded_query)); headers are never recorded.
///
/// Timeouts are reqwest's own, on the client or on the request; a client without one waits for ever.
///
/// ```no_run
/// use std::time::Duration;
/// use otelgen::http::TracedClient;
///
/// # async fn example() -> Result<(), reqwest::Error> {
/// let client = TracedClient::new(reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?);
/// let order = client.get("http://orders.example/orders/42").template("/orders/{id}").send().await?;
/// println!("{}", order.text().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct TracedClient {
    client: Client,
    observer: Arc<Observer>,
}

impl TracedClient {
    /// Observes what this client sends.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            observer: Arc::default(),
        }
    }

    /// Query parameters whose values are recorded besides those known to be harmless.
    #[must_use]
    pub fn with_recorded_query<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let observer = Arc::make_mut(&mut self.observer);
        observer.redaction = names
            .into_iter()
            .fold(std::mem::take(&mut observer.redaction), Redaction::allow);
        self
    }

    /// What is recorded of URLs, in place of the built-in lists.
    #[must_use]
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        Arc::make_mut(&mut self.observer).redaction = redaction;
        self
    }

    /// The meter to record with. The global one at the first request unless told otherwise.
    #[must_use]
    pub fn with_meter(mut self, meter: Meter) -> Self {
        Arc::make_mut(&mut self.observer).meter = Some(meter);
        self
    }

    /// The client inside, for what is not to be traced.
    #[must_use]
    pub fn untraced(&self) -> &Client {
        &self.client
    }

    /// A `GET`.
    pub fn get(&self, url: impl IntoUrl) -> TracedRequest {
        self.request(Method::GET, url)
    }

    /// A `POST`.
    pub fn post(&self, url: impl IntoUrl) -> TracedRequest {
        self.request(Method::POST, url)
    }

    /// A `PUT`.
    pub fn put(&self, url: impl IntoUrl) -> TracedRequest {
        self.request(Method::PUT, url)
    }

    /// A `PATCH`.
    pub fn patch(&self, url: impl IntoUrl) -> TracedRequest {
        self.request(Method::PATCH, url)
    }

    /// A `DELETE`.
    pub fn delete(&self, url: impl IntoUrl) -> TracedRequest {
        self.request(Method::DELETE, url)
    }

    /// A `HEAD`.
    pub fn head(&self, url: impl IntoUrl) -> TracedRequest {
        self.request(Method::HEAD, url)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> TracedRequest {
        TracedRequest {
            builder: self.client.request(method, url),
            template: None,
            observer: Arc::clone(&self.observer),
        }
    }

    /// Sends a request that was built elsewhere.
    ///
    /// # Errors
    ///
    /// Whatever reqwest fails with; a response of any status is none.
    pub async fn execute(&self, request: Request) -> Result<Response, reqwest::Error> {
        self.observer.send(&self.client, request, None).await
    }
}

/// A request to be sent by a [`TracedClient`].
#[must_use = "a request does nothing until it is sent"]
#[derive(Debug)]
pub struct TracedRequest {
    builder: RequestBuilder,
    template: Option<Cow<'static, str>>,
    observer: Arc<Observer>,
}

impl TracedRequest {
    /// The template of the path, such as `/orders/{id}`: `url.template`, and part of the span's name.
    pub fn template(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.template = Some(template.into());
        self
    }

    /// Adds a header.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        <HeaderName as TryFrom<N>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.with(|builder| builder.header(name, value))
    }

    /// `Authorization: Bearer …`.
    pub fn bearer_auth(self, token: impl Display) -> Self {
        self.with(|builder| builder.bearer_auth(token))
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|builder| builder.body(body))
    }

    /// How long this request may take, its body included.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|builder| builder.timeout(timeout))
    }

    /// Anything else that reqwest's builder does: `.with(|request| request.json(&order))`.
    pub fn with(mut self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        self.builder = change(self.builder);
        self
    }

    /// Sends it.
    ///
    /// # Errors
    ///
    /// Whatever reqwest fails with; a response of any status is none.
    pub async fn send(self) -> Result<Response, reqwest::Error> {
        let (client, request) = self.builder.build_split();
        self.observer
            .send(&client, request?, self.template.as_deref())
            .await
    }
}

/// How requests are observed.
#[derive(Debug, Clone, Default)]
struct Observer {
    redaction: Redaction,
    meter: Option<Meter>,
    duration: OnceLock<Histogram<f64>>,
}

impl Observer {
    async fn send(
        &self,
        client: &Client,
        mut request: Request,
        template: Option<&str>,
    ) -> Result<Response, reqwest::Error> {
        let mut sending = Sending::begin(self, &request, template);
        // Without an OpenTelemetry layer there is no span to carry on, but there may be a caller's.
        let context = Some(sending.span.context())
            .filter(TraceContextExt::has_active_span)
            .unwrap_or_else(Context::current);
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
        });
        drop(context);
        let result = client
            .execute(request)
            .instrument(sending.span.clone())
            .await;
        match &result {
            Ok(response) => sending.respond(response),
            Err(error) => sending.fail(error_type(error)),
        }
        drop(sending);
        result.map_err(|error| self.redacted(error))
    }

    /// reqwest puts the URL into its errors, and errors into logs.
    fn redacted(&self, mut error: reqwest::Error) -> reqwest::Error {
        if let Some(url) = error.url_mut()
            && let Cow::Owned(redacted) = self.redaction.url(url.as_str())
            && let Ok(redacted) = Url::parse(&redacted)
        {
            *url = redacted;
        }
        error
    }

    /// Made at the first request, when the service has set its meter provider.
    fn duration(&self) -> &Histogram<f64> {
        self.duration.get_or_init(|| {
            let meter = self.meter.clone().unwrap_or_else(meter);
            duration_histogram(
                &meter,
                names::HTTP_CLIENT_REQUEST_DURATION,
                "Duration of HTTP client requests.",
            )
        })
    }
}

/// One request on its way.
struct Sending<'a> {
    observer: &'a Observer,
    span: Span,
    start: Instant,
    attributes: Vec<KeyValue>,
    ended: bool,
}

impl<'a> Sending<'a> {
    fn begin(observer: &'a Observer, request: &Request, template: Option<&str>) -> Self {
        let url = request.url();
        let method = known_method(request.method());
        let mut attributes = Vec::with_capacity(7);
        attributes.push(KeyValue::new(names::HTTP_REQUEST_METHOD, method));
        if let Some(host) = host(url) {
            attributes.push(KeyValue::new(names::SERVER_ADDRESS, host.to_owned()));
        }
        if let Some(port) = url.port_or_known_default() {
            attributes.push(KeyValue::new(names::SERVER_PORT, i64::from(port)));
        }
        if let Some(template) = template {
            attributes.push(KeyValue::new(names::URL_TEMPLATE, template.to_owned()));
        }
        Self {
            observer,
            span: client_span(observer, request, method, template),
            start: Instant::now(),
            attributes,
            ended: false,
        }
    }

    fn respond(&mut self, response: &Response) {
        let status = response.status();
        let code = i64::from(status.as_u16());
        self.record(names::HTTP_RESPONSE_STATUS_CODE, code);
        if let Some(version) = protocol_version(response.version()) {
            self.record(names::NETWORK_PROTOCOL_VERSION, version);
        }
        if status.is_client_error() || status.is_server_error() {
            self.fail(status.as_str().to_owned());
        } else {
            self.finish();
        }
    }

    fn fail(&mut self, error_type: impl Into<Cow<'static, str>>) {
        self.record(names::ERROR_TYPE, error_type.into());
        self.span.set_status(Status::error(""));
        self.finish();
    }

    fn record(&mut self, name: &'static str, value: impl Into<opentelemetry::Value> + Clone) {
        self.span.set_attribute(name, value.clone());
        self.attributes.push(KeyValue::new(name, value));
    }

    fn finish(&mut self) {
        self.ended = true;
        self.observer
            .duration()
            .record(self.start.elapsed().as_secs_f64(), &self.attributes);
        // The bridge ends a span at the time it was last left, so it is entered and left once more.
        self.span.in_scope(|| ());
    }
}

/// The caller lost interest before there was an answer: its own timeout, or it is itself gone.
impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.record(names::ERROR_TYPE, names::ERROR_CANCELLED);
            self.finish();
        }
    }
}

fn client_span(
    observer: &Observer,
    request: &Request,
    method: &'static str,
    template: Option<&str>,
) -> Span {
    let url = request.url();
    let full = observer.redaction.url(url.as_str());
    let name = match template {
        Some(template) => Cow::Owned(format!("{} {template}", method_in_name(method))),
        None => Cow::Borrowed(method_in_name(method)),
    };
    tracing::info_span!(
        target: "otelgen::http",
        "outgoing request",
        otel.name = &*name,
        otel.kind = "client",
        http.request.method = method,
        http.request.method_original = (method == "_OTHER").then(|| display(request.method())),
        server.address = host(url),
        server.port = url.port_or_known_default().map(i64::from),
        url.full = &*full,
        url.template = template,
    )
}

fn host(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    Some(
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host),
    )
}

fn error_type(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_body() {
        "body"
    } else if error.is_decode() {
        "decode"
    } else {
        "request"
    }
}
