//! The Tower layer that observes a server, and the future it makes of each request.
//! Knows `http` types; knows no framework.

use std::any::Any;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, Request, Response, StatusCode};
use opentelemetry::metrics::Meter;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::body::TracedBody;
use super::in_flight::InFlight;
use super::settings::{OnPanic, Settings};
use crate::redact::Redaction;

/// Observes every request of a server: one SERVER span, `http.server.request.duration`,
/// `http.server.active_requests`.
///
/// The span is a `tracing` span (so logs inside carry its ids) whose parent is what the global propagator
/// finds in the headers. It is named `{method} {route}`, ends when the response's body has been sent, and is
/// an error for a 5xx only. A caller that goes away is recorded as `error.type = cancelled`, a panic as
/// `panic` and answered with 500. Metrics are by route template, never by path. Of a query only the names are
/// recorded, and the values of parameters known to be harmless
/// ([`HARMLESS_QUERY_NAMES`](crate::redact::HARMLESS_QUERY_NAMES), [`record_query`](Self::record_query));
/// headers are not recorded, but for `User-Agent`.
///
/// The span has target `otelgen::http` and level INFO.
///
/// # With axum
///
/// Use [`Router::layer`], last: it then sees unmatched requests too, and the matched path is known to it.
/// (`Router::route_layer` never sees what matches no route.)
///
/// ```
/// use axum::extract::{ConnectInfo, MatchedPath};
/// use axum::{Router, routing::get};
/// use otelgen::http::ServerLayer;
/// use std::net::SocketAddr;
///
/// let observed = ServerLayer::new()
///     .route(|extensions| extensions.get::<MatchedPath>().map(MatchedPath::as_str))
///     .peer(|extensions| extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0))
///     .skip(["/healthz", "/readyz"]);
/// let app: Router = Router::new().route("/orders/{id}", get(async || "an order")).layer(observed);
/// ```
///
/// [`Router::layer`]: https://docs.rs/axum/0.8/axum/struct.Router.html#method.layer
#[derive(Clone, Default)]
pub struct ServerLayer {
    settings: Arc<Settings>,
}

impl ServerLayer {
    /// Observes everything; routes and peers are unknown until they are told where to be found.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where a request's route template is found, such as axum's `MatchedPath` in its extensions. Without
    /// it, an [`HttpRoute`](super::HttpRoute) in the extensions of request or response is used.
    #[must_use]
    pub fn route(
        self,
        route_of: impl for<'a> Fn(&'a Extensions) -> Option<&'a str> + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.route = Some(Arc::new(route_of)))
    }

    /// Where the address of the connection is found, such as axum's `ConnectInfo` in the extensions.
    #[must_use]
    pub fn peer(
        self,
        peer_of: impl Fn(&Extensions) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.peer = Some(Arc::new(peer_of)))
    }

    /// Paths that are not observed at all, such as `/healthz`. Compared whole.
    #[must_use]
    pub fn skip<P: Into<Box<str>>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        self.with(|settings| settings.skipped.extend(paths.into_iter().map(Into::into)))
    }

    /// `url.scheme` is `https`: the server itself ends TLS. `http` otherwise.
    #[must_use]
    pub fn https(self) -> Self {
        self.with(|settings| settings.scheme = "https")
    }

    /// Believes `X-Forwarded-For`, `-Proto` and `-Host`: only behind a proxy that sets them, since anybody
    /// can send them.
    #[must_use]
    pub fn trust_forwarded_headers(self) -> Self {
        self.with(|settings| settings.trust_forwarded = true)
    }

    /// What happens when a handler panics; [`OnPanic::Respond`] unless told otherwise.
    #[must_use]
    pub fn on_panic(self, on_panic: OnPanic) -> Self {
        self.with(|settings| settings.on_panic = on_panic)
    }

    /// Query parameters whose values are recorded besides those known to be harmless.
    #[must_use]
    pub fn record_query<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.with(|settings| {
            settings.redaction = names
                .into_iter()
                .fold(std::mem::take(&mut settings.redaction), Redaction::allow);
        })
    }

    /// What is recorded of queries, in place of the built-in lists.
    #[must_use]
    pub fn redaction(self, redaction: Redaction) -> Self {
        self.with(|settings| settings.redaction = redaction)
    }

    /// The meter to record with. The global one at the first request unless told otherwise.
    #[must_use]
    pub fn meter(self, meter: Meter) -> Self {
        self.with(|settings| settings.meter = Some(meter))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl std::fmt::Debug for ServerLayer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ServerLayer")
            .field("skipped", &self.settings.skipped)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = TracedService<S>;

    fn layer(&self, inner: S) -> TracedService<S> {
        TracedService {
            inner,
            settings: Arc::clone(&self.settings),
        }
    }
}

/// A service observed by a [`ServerLayer`].
#[derive(Clone)]
pub struct TracedService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S: std::fmt::Debug> std::fmt::Debug for TracedService<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("TracedService")
            .field(&self.inner)
            .finish()
    }
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for TracedService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: http_body::Body,
{
    type Response = Response<TracedBody<ResponseBody>>;
    type Error = S::Error;
    type Future = ServerFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let in_flight = InFlight::begin(&self.settings, &request);
        let called = match &in_flight {
            None => catch_unwind(AssertUnwindSafe(|| self.inner.call(request))),
            Some(in_flight) => in_flight
                .span()
                .in_scope(|| catch_unwind(AssertUnwindSafe(|| self.inner.call(request)))),
        };
        let (future, panicked) = match called {
            Ok(future) => (Some(future), None),
            Err(panicked) => (None, Some(panicked)),
        };
        ServerFuture {
            future,
            panicked,
            in_flight,
            on_panic: self.settings.on_panic,
        }
    }
}

type PanicPayload = Box<dyn Any + Send>;

pin_project! {
    /// The response to come, of a service observed by a [`ServerLayer`].
    pub struct ServerFuture<F> {
        #[pin]
        future: Option<F>,
        panicked: Option<PanicPayload>,
        in_flight: Option<InFlight>,
        on_panic: OnPanic,
    }
}

impl<F> std::fmt::Debug for ServerFuture<F> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ServerFuture")
            .finish_non_exhaustive()
    }
}

impl<F, ResponseBody, E> Future for ServerFuture<F>
where
    F: Future<Output = Result<Response<ResponseBody>, E>>,
    ResponseBody: http_body::Body,
{
    type Output = Result<Response<TracedBody<ResponseBody>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = match (this.panicked.take(), this.future.as_pin_mut()) {
            (Some(panicked), _) => Err(panicked),
            (None, Some(future)) => {
                let poll = || catch_unwind(AssertUnwindSafe(|| future.poll(context)));
                match &*this.in_flight {
                    Some(in_flight) => in_flight.span().in_scope(poll),
                    None => poll(),
                }
            }
            (None, None) => return Poll::Pending,
        };
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(response))) => {
                Poll::Ready(Ok(observe(response, this.in_flight.take())))
            }
            Ok(Poll::Ready(Err(error))) => {
                if let Some(in_flight) = this.in_flight.take() {
                    in_flight.fail(std::any::type_name::<E>());
                }
                Poll::Ready(Err(error))
            }
            Err(panicked) => {
                let in_flight = this.in_flight.take();
                if *this.on_panic == OnPanic::Resume {
                    if let Some(in_flight) = in_flight {
                        in_flight.panic(&*panicked, None);
                    }
                    resume_unwind(panicked);
                }
                if let Some(in_flight) = in_flight {
                    in_flight.panic(&*panicked, Some(StatusCode::INTERNAL_SERVER_ERROR));
                }
                Poll::Ready(Ok(internal_server_error()))
            }
        }
    }
}

fn observe<B: http_body::Body>(
    response: Response<B>,
    in_flight: Option<InFlight>,
) -> Response<TracedBody<B>> {
    let in_flight = in_flight.map(|mut in_flight| {
        in_flight.respond(response.status(), response.extensions());
        in_flight
    });
    response.map(|body| TracedBody::new(body, in_flight))
}

fn internal_server_error<B>() -> Response<TracedBody<B>> {
    let mut response = Response::new(TracedBody::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
