//! How a server is observed: where its routes and peers are found, what is skipped, redacted, trusted.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use http::{Extensions, HeaderMap};
use opentelemetry::metrics::{Histogram, Meter, UpDownCounter};
use opentelemetry::{InstrumentationScope, global};

use super::names;
use super::request::header;
use crate::redact::Redaction;

pub(super) type RouteOf = Arc<dyn for<'a> Fn(&'a Extensions) -> Option<&'a str> + Send + Sync>;
pub(super) type PeerOf = Arc<dyn Fn(&Extensions) -> Option<SocketAddr> + Send + Sync>;

/// What happens to a request whose handler panics. Either way its span and metrics say `panic`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnPanic {
    /// Answer 500 with an empty body, and log the panic in the request's span.
    #[default]
    Respond,
    /// Go on unwinding; the server closes the connection.
    Resume,
}

/// The template of a request's route, for servers that find it in extensions of the request (before the
/// layer) or of the response (where routing happens inside).
///
/// ```
/// let mut response = http::Response::new(());
/// response.extensions_mut().insert(otelgen::http::HttpRoute::new("/orders/{id}"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRoute(std::borrow::Cow<'static, str>);

impl HttpRoute {
    /// A route by its template, such as `/orders/{id}`.
    pub fn new(template: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self(template.into())
    }

    /// The template.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) route: Option<RouteOf>,
    pub(super) peer: Option<PeerOf>,
    pub(super) skipped: Vec<Box<str>>,
    pub(super) scheme: &'static str,
    pub(super) trust_forwarded: bool,
    pub(super) on_panic: OnPanic,
    pub(super) redaction: Redaction,
    pub(super) meter: Option<Meter>,
    pub(super) instruments: OnceLock<Instruments>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            route: None,
            peer: None,
            skipped: Vec::new(),
            scheme: "http",
            trust_forwarded: false,
            on_panic: OnPanic::default(),
            redaction: Redaction::default(),
            meter: None,
            instruments: OnceLock::new(),
        }
    }
}

impl Settings {
    pub(super) fn route<'a>(&self, extensions: &'a Extensions) -> Option<&'a str> {
        let found = self
            .route
            .as_ref()
            .and_then(|route_of| route_of(extensions));
        found.or_else(|| extensions.get::<HttpRoute>().map(HttpRoute::as_str))
    }

    pub(super) fn peer(&self, extensions: &Extensions) -> Option<SocketAddr> {
        self.peer.as_ref().and_then(|peer_of| peer_of(extensions))
    }

    pub(super) fn skips(&self, path: &str) -> bool {
        self.skipped.iter().any(|skipped| **skipped == *path)
    }

    /// Made at the first request, when the service has set its meter provider.
    pub(super) fn instruments(&self) -> &Instruments {
        self.instruments.get_or_init(|| match &self.meter {
            Some(meter) => Instruments::new(meter),
            None => Instruments::new(&meter()),
        })
    }

    /// The first value of a header that a trusted proxy sets.
    pub(super) fn forwarded<'a>(
        &self,
        headers: &'a HeaderMap,
        name: &'static str,
    ) -> Option<&'a str> {
        if !self.trust_forwarded {
            return None;
        }
        let value = header(headers, &http::HeaderName::from_static(name))?;
        value
            .split(',')
            .next()
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    pub(super) fn scheme(&self, headers: &HeaderMap) -> &'static str {
        match self.forwarded(headers, "x-forwarded-proto") {
            Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
            Some(proto) if proto.eq_ignore_ascii_case("http") => "http",
            _ => self.scheme,
        }
    }
}

#[derive(Clone)]
pub(super) struct Instruments {
    pub(super) duration: Histogram<f64>,
    pub(super) active: UpDownCounter<i64>,
}

impl Instruments {
    fn new(meter: &Meter) -> Self {
        Self {
            duration: duration_histogram(
                meter,
                names::HTTP_SERVER_REQUEST_DURATION,
                "Duration of HTTP server requests.",
            ),
            active: meter
                .i64_up_down_counter(names::HTTP_SERVER_ACTIVE_REQUESTS)
                .with_unit("{request}")
                .with_description("Number of active HTTP server requests.")
                .build(),
        }
    }
}

pub(super) fn duration_histogram(
    meter: &Meter,
    name: &'static str,
    description: &'static str,
) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(names::DURATION_BUCKETS.to_vec())
        .build()
}

/// The global meter of this crate.
pub(super) fn meter() -> Meter {
    let scope = InstrumentationScope::builder("otelgen")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    global::meter_with_scope(scope)
}
