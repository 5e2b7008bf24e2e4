//! The server layer under a real axum server, asked by a real client.
#![cfg(feature = "reqwest")]

mod http_support;

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, MatchedPath};
use axum::http::StatusCode;
use axum::routing::{any, get};
use http_support::{Recorded, Server, attribute, map};
use opentelemetry::trace::{SpanKind, Status};
use otelgen::http::{HttpRoute, OnPanic, ServerLayer, names};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tower::ServiceExt;

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID: &str = "00f067aa0ba902b7";

fn observed(recorded: &Recorded) -> ServerLayer {
    ServerLayer::new()
        .route(|extensions| extensions.get::<MatchedPath>().map(MatchedPath::as_str))
        .peer(|extensions| {
            extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|peer| peer.0)
        })
        .meter(recorded.meter())
}

#[tokio::test]
async fn a_request_is_one_server_span_by_its_route_with_the_callers_parent() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route(
            "/orders/{id}",
            get(async || tracing::info_span!("inside").in_scope(|| "an order")),
        )
        .layer(observed(&recorded));
    let server = Server::start(app).await;
    let response = reqwest::Client::new()
        .get(server.url("/orders/42?page=2"))
        .header("traceparent", format!("00-{TRACE_ID}-{PARENT_ID}-01"))
        .header("user-agent", "test/1")
        .send()
        .await
        .unwrap();
    assert_eq!(response.text().await.unwrap(), "an order");

    let span = recorded.span("GET /orders/{id}").await;
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.status, Status::Unset);
    assert_eq!(span.span_context.trace_id().to_string(), TRACE_ID);
    assert_eq!(span.parent_span_id.to_string(), PARENT_ID);
    assert!(span.parent_span_is_remote);
    let port = server.address.port().to_string();
    for (name, value) in [
        (names::HTTP_REQUEST_METHOD, "GET"),
        (names::HTTP_ROUTE, "/orders/{id}"),
        (names::HTTP_RESPONSE_STATUS_CODE, "200"),
        (names::URL_PATH, "/orders/42"),
        (names::URL_QUERY, "page=2"),
        (names::URL_SCHEME, "http"),
        (names::SERVER_ADDRESS, "127.0.0.1"),
        (names::SERVER_PORT, &port),
        (names::CLIENT_ADDRESS, "127.0.0.1"),
        (names::NETWORK_PEER_ADDRESS, "127.0.0.1"),
        (names::NETWORK_PROTOCOL_VERSION, "1.1"),
        (names::USER_AGENT_ORIGINAL, "test/1"),
    ] {
        assert_eq!(attribute(&span, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(attribute(&span, names::ERROR_TYPE), None);
    let inside = recorded.span("inside").await;
    assert_eq!(inside.parent_span_id, span.span_context.span_id());

    let durations = recorded.durations(names::HTTP_SERVER_REQUEST_DURATION);
    let expected = map(&[
        (names::HTTP_REQUEST_METHOD, "GET"),
        (names::URL_SCHEME, "http"),
        (names::NETWORK_PROTOCOL_VERSION, "1.1"),
        (names::HTTP_ROUTE, "/orders/{id}"),
        (names::HTTP_RESPONSE_STATUS_CODE, "200"),
    ]);
    assert_eq!(durations, [(expected, 1, names::DURATION_BUCKETS.to_vec())]);
    let active = map(&[
        (names::HTTP_REQUEST_METHOD, "GET"),
        (names::URL_SCHEME, "http"),
    ]);
    assert_eq!(
        recorded.levels(names::HTTP_SERVER_ACTIVE_REQUESTS),
        [(active, 0)]
    );
}

#[tokio::test]
async fn a_request_without_a_caller_starts_a_trace_of_its_own() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route("/", get(async || ""))
        .layer(observed(&recorded));
    let request = axum::http::Request::get("/").body(Body::empty()).unwrap();
    let outer = tracing::info_span!("outer");
    outer.in_scope(|| app.oneshot(request)).await.unwrap();
    let span = recorded.span("GET /").await;
    assert_eq!(span.parent_span_id, opentelemetry::trace::SpanId::INVALID);
}

#[tokio::test]
async fn an_unmatched_request_has_no_route_and_its_path_is_in_no_metric() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route("/", get(async || ""))
        .layer(observed(&recorded));
    let server = Server::start(app).await;
    let response = reqwest::get(server.url("/wp-admin/1.php")).await.unwrap();
    assert_eq!(response.status(), 404);

    let span = recorded.span("GET").await;
    assert_eq!(attribute(&span, names::HTTP_ROUTE), None);
    assert_eq!(span.status, Status::Unset, "a 4xx is the caller's error");
    let durations = recorded.durations(names::HTTP_SERVER_REQUEST_DURATION);
    assert!(!durations[0].0.contains_key(names::HTTP_ROUTE));
    assert!(!format!("{durations:?}").contains("wp-admin"));
}

#[tokio::test]
async fn routes_of_nested_routers_are_whole_and_a_route_layer_sees_what_matches_only() {
    let recorded = Recorded::start();
    let api = Router::new().route("/orders/{id}", get(async || ""));
    let app = Router::new()
        .nest("/api", api.clone())
        .layer(observed(&recorded));
    let server = Server::start(app).await;
    reqwest::get(server.url("/api/orders/7")).await.unwrap();
    recorded.span("GET /api/orders/{id}").await;

    let narrow = Server::start(api.route_layer(observed(&recorded))).await;
    reqwest::get(narrow.url("/nowhere")).await.unwrap();
    reqwest::get(narrow.url("/orders/7")).await.unwrap();
    recorded.span("GET /orders/{id}").await;
    assert_eq!(
        recorded.finished().len(),
        2,
        "the unmatched request is seen by `layer` only"
    );
}

#[tokio::test]
async fn a_5xx_is_an_error_of_the_span_and_of_the_metric() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route("/down", get(async || StatusCode::SERVICE_UNAVAILABLE))
        .layer(observed(&recorded));
    let server = Server::start(app).await;
    reqwest::get(server.url("/down")).await.unwrap();
    let span = recorded.span("GET /down").await;
    assert_eq!(span.status, Status::error(""));
    assert_eq!(attribute(&span, names::ERROR_TYPE).as_deref(), Some("503"));
    let durations = recorded.durations(names::HTTP_SERVER_REQUEST_DURATION);
    assert_eq!(durations[0].0[names::ERROR_TYPE], "503");
}

#[tokio::test]
async fn a_panic_is_answered_with_500_and_the_span_says_so() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route(
            "/boom",
            get(async || -> &'static str { panic!("the drawer is empty") }),
        )
        .route("/", get(async || "alive"))
        .layer(observed(&recorded));
    let server = Server::start(app).await;
    let client = reqwest::Client::new();
    let response = client.get(server.url("/boom")).send().await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(
        client
            .get(server.url("/"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "alive"
    );

    let span = recorded.span("GET /boom").await;
    assert_eq!(span.status, Status::error(""));
    assert_eq!(
        attribute(&span, names::ERROR_TYPE).as_deref(),
        Some("panic")
    );
    assert_eq!(
        attribute(&span, names::HTTP_RESPONSE_STATUS_CODE).as_deref(),
        Some("500")
    );
    assert!(format!("{:?}", span.events).contains("the drawer is empty"));
    recorded.span("GET /").await;
    assert!(
        recorded
            .levels(names::HTTP_SERVER_ACTIVE_REQUESTS)
            .iter()
            .all(|(_, level)| *level == 0)
    );
}

#[tokio::test]
async fn a_panic_can_go_on_unwinding() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route(
            "/boom",
            get(async || -> &'static str { panic!("on purpose") }),
        )
        .layer(observed(&recorded).on_panic(OnPanic::Resume));
    let server = Server::start(app).await;
    assert!(
        reqwest::get(server.url("/boom")).await.is_err(),
        "the connection is closed"
    );
    let span = recorded.span("GET /boom").await;
    assert_eq!(
        attribute(&span, names::ERROR_TYPE).as_deref(),
        Some("panic")
    );
    assert_eq!(attribute(&span, names::HTTP_RESPONSE_STATUS_CODE), None);
}

#[tokio::test]
async fn a_caller_that_goes_away_is_recorded_as_cancelled() {
    let recorded = Recorded::start();
    let (entered, mut waits) = mpsc::unbounded_channel();
    let handler = move || {
        entered.send(()).unwrap();
        std::future::pending::<&'static str>()
    };
    let app = Router::new()
        .route("/slow", get(handler))
        .layer(observed(&recorded));
    let server = Server::start(app).await;
    let mut connection = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    connection
        .write_all(b"GET /slow HTTP/1.1\r\nhost: shop\r\n\r\n")
        .await
        .unwrap();
    waits.recv().await.unwrap();
    drop(connection);

    let span = recorded.span("GET /slow").await;
    assert_eq!(
        attribute(&span, names::ERROR_TYPE).as_deref(),
        Some("cancelled")
    );
    assert_eq!(span.status, Status::Unset);
    let durations = recorded.durations(names::HTTP_SERVER_REQUEST_DURATION);
    assert_eq!(durations[0].0[names::ERROR_TYPE], "cancelled");
    assert_eq!(recorded.levels(names::HTTP_SERVER_ACTIVE_REQUESTS)[0].1, 0);
}

/// A body whose pieces the test hands in.
struct Pieces(mpsc::UnboundedReceiver<&'static str>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|piece| match piece {
            Some("panic") => panic!("half-way"),
            Some(piece) => Some(Ok(http_body::Frame::data(Bytes::from(piece)))),
            None => None,
        })
    }
}

async fn streaming(recorded: &Recorded) -> (Server, mpsc::UnboundedSender<&'static str>) {
    let (pieces, receiver) = mpsc::unbounded_channel();
    let body = std::sync::Arc::new(std::sync::Mutex::new(Some(Body::new(Pieces(receiver)))));
    let handler = move || std::future::ready(body.lock().unwrap().take().unwrap());
    let app = Router::new()
        .route("/stream", get(handler))
        .layer(observed(recorded));
    (Server::start(app).await, pieces)
}

#[tokio::test]
async fn the_span_ends_with_the_body_and_not_before() {
    let recorded = Recorded::start();
    let (server, pieces) = streaming(&recorded).await;
    pieces.send("first").unwrap();
    let mut response = reqwest::get(server.url("/stream")).await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "first");
    assert!(recorded.finished().is_empty(), "there is more to come");
    assert_eq!(recorded.levels(names::HTTP_SERVER_ACTIVE_REQUESTS)[0].1, 1);
    let before_the_end = std::time::SystemTime::now();
    drop(pieces);
    assert!(response.chunk().await.unwrap().is_none());

    let span = recorded.span("GET /stream").await;
    assert!(span.end_time >= before_the_end);
    assert_eq!(attribute(&span, names::ERROR_TYPE), None);
}

#[tokio::test]
async fn a_caller_that_stops_reading_half_way_is_cancelled_with_its_status() {
    let recorded = Recorded::start();
    let (server, pieces) = streaming(&recorded).await;
    pieces.send("first").unwrap();
    let mut response = reqwest::get(server.url("/stream")).await.unwrap();
    response.chunk().await.unwrap();
    drop(response);

    let span = recorded.span("GET /stream").await;
    assert_eq!(
        attribute(&span, names::ERROR_TYPE).as_deref(),
        Some("cancelled")
    );
    assert_eq!(
        attribute(&span, names::HTTP_RESPONSE_STATUS_CODE).as_deref(),
        Some("200")
    );
}

#[tokio::test]
async fn a_body_that_panics_is_a_panic() {
    let recorded = Recorded::start();
    let (server, pieces) = streaming(&recorded).await;
    pieces.send("first").unwrap();
    let response = reqwest::get(server.url("/stream")).await.unwrap();
    pieces.send("panic").unwrap();
    assert!(response.bytes().await.is_err());
    let span = recorded.span("GET /stream").await;
    assert_eq!(
        attribute(&span, names::ERROR_TYPE).as_deref(),
        Some("panic")
    );
}

#[tokio::test]
async fn a_head_request_and_an_empty_answer_end_regularly() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route("/page", get(async || "a page"))
        .route("/gone", any(async || StatusCode::NO_CONTENT))
        .layer(observed(&recorded));
    let server = Server::start(app).await;
    let client = reqwest::Client::new();
    client.head(server.url("/page")).send().await.unwrap();
    client.delete(server.url("/gone")).send().await.unwrap();
    for name in ["HEAD /page", "DELETE /gone"] {
        let span = recorded.span(name).await;
        assert_eq!(attribute(&span, names::ERROR_TYPE), None, "{name}");
    }
}

#[tokio::test]
async fn of_a_query_harmless_values_are_recorded_and_those_that_its_owner_names() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route("/items", any(async || ""))
        .layer(observed(&recorded).record_query(["colour"]));
    let server = Server::start(app).await;
    let url = server.url("/items?page=2&colour=red&otp=S1&S2");
    reqwest::get(url).await.unwrap();
    let span = recorded.span("GET /items").await;
    let query = attribute(&span, names::URL_QUERY).unwrap();
    assert_eq!(query, "page=2&colour=red&otp=REDACTED&REDACTED");
}

#[tokio::test]
async fn no_secret_is_ever_recorded() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route("/login", any(async || ""))
        .layer(observed(&recorded));
    let server = Server::start(app).await;
    reqwest::Client::new()
        .post(server.url("/login?user=ada&access_token=hunter2&api%5Fkey=hunter2&sig=hunter2"))
        .header("authorization", "Bearer hunter2")
        .header("cookie", "session=hunter2")
        .header("x-api-key", "hunter2")
        .body("password=hunter2")
        .send()
        .await
        .unwrap();
    let span = recorded.span("POST /login").await;
    let query = attribute(&span, names::URL_QUERY).unwrap();
    assert_eq!(
        query,
        "user=REDACTED&access_token=REDACTED&api%5Fkey=REDACTED&sig=REDACTED"
    );
    assert!(!recorded.as_text().contains("hunter2"));
}

#[tokio::test]
async fn skipped_paths_leave_nothing_behind() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/", get(async || ""))
        .layer(observed(&recorded).skip(["/healthz"]));
    let server = Server::start(app).await;
    assert_eq!(
        reqwest::get(server.url("/healthz"))
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "ok"
    );
    reqwest::get(server.url("/")).await.unwrap();
    recorded.span("GET /").await;
    assert_eq!(recorded.finished().len(), 1);
    assert_eq!(
        recorded
            .durations(names::HTTP_SERVER_REQUEST_DURATION)
            .len(),
        1
    );
}

#[tokio::test]
async fn forwarded_headers_count_only_when_trusted() {
    let recorded = Recorded::start();
    let ask = async |layer: ServerLayer| {
        let app = Router::new().route("/", get(async || "")).layer(layer);
        let request = axum::http::Request::get("/")
            .header("host", "inside:8080")
            .header("x-forwarded-for", "203.0.113.9, 10.0.0.1")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "shop.example")
            .body(Body::empty())
            .unwrap();
        app.oneshot(request).await.unwrap();
        recorded.finished().pop().unwrap()
    };
    let direct = ask(observed(&recorded)).await;
    assert_eq!(attribute(&direct, names::CLIENT_ADDRESS), None);
    assert_eq!(
        attribute(&direct, names::URL_SCHEME).as_deref(),
        Some("http")
    );
    assert_eq!(
        attribute(&direct, names::SERVER_ADDRESS).as_deref(),
        Some("inside")
    );
    let trusted = ask(observed(&recorded).trust_forwarded_headers()).await;
    assert_eq!(
        attribute(&trusted, names::CLIENT_ADDRESS).as_deref(),
        Some("203.0.113.9")
    );
    assert_eq!(
        attribute(&trusted, names::URL_SCHEME).as_deref(),
        Some("https")
    );
    assert_eq!(
        attribute(&trusted, names::SERVER_ADDRESS).as_deref(),
        Some("shop.example")
    );
}

#[tokio::test]
async fn a_route_can_be_told_by_the_response_and_an_invented_method_is_other() {
    let recorded = Recorded::start();
    let inner = tower::service_fn(async |_: axum::http::Request<Body>| {
        let mut response = axum::http::Response::new(Body::empty());
        response
            .extensions_mut()
            .insert(HttpRoute::new("/late/{id}"));
        Ok::<_, std::convert::Infallible>(response)
    });
    let service = tower_layer::Layer::layer(&observed(&recorded), inner);
    let request = axum::http::Request::builder()
        .method("BREW")
        .uri("/late/1")
        .body(Body::empty())
        .unwrap();
    service.oneshot(request).await.unwrap();
    let span = recorded.span("HTTP /late/{id}").await;
    assert_eq!(
        attribute(&span, names::HTTP_REQUEST_METHOD).as_deref(),
        Some("_OTHER")
    );
    assert_eq!(
        attribute(&span, names::HTTP_REQUEST_METHOD_ORIGINAL).as_deref(),
        Some("BREW")
    );
    assert_eq!(
        recorded.durations(names::HTTP_SERVER_REQUEST_DURATION)[0].0[names::HTTP_ROUTE],
        "/late/{id}"
    );
}

#[tokio::test]
async fn a_service_that_fails_is_an_error_of_its_type() {
    let recorded = Recorded::start();
    let inner = tower::service_fn(async |_: axum::http::Request<Body>| {
        Err::<axum::http::Response<Body>, std::io::Error>(std::io::Error::other("no"))
    });
    let service = tower_layer::Layer::layer(&observed(&recorded), inner);
    let request = axum::http::Request::get("/").body(Body::empty()).unwrap();
    assert!(service.oneshot(request).await.is_err());
    let span = recorded.span("GET").await;
    assert_eq!(
        attribute(&span, names::ERROR_TYPE).as_deref(),
        Some("std::io::error::Error")
    );
    assert_eq!(span.status, Status::error(""));
}

#[tokio::test]
async fn many_requests_at_once_leave_no_request_active() {
    let recorded = Recorded::start();
    let app = Router::new()
        .route(
            "/work",
            get(async || {
                tokio::time::timeout(Duration::ZERO, std::future::ready(()))
                    .await
                    .is_ok()
                    .to_string()
            }),
        )
        .layer(observed(&recorded));
    let server = Server::start(app).await;
    let client = reqwest::Client::new();
    let requests: Vec<_> = (0..50)
        .map(|_| tokio::spawn(client.get(server.url("/work")).send()))
        .collect();
    for request in requests {
        request.await.unwrap().unwrap().bytes().await.unwrap();
    }
    while recorded.finished().len() < 50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(recorded.levels(names::HTTP_SERVER_ACTIVE_REQUESTS)[0].1, 0);
    assert_eq!(
        recorded.durations(names::HTTP_SERVER_REQUEST_DURATION)[0].1,
        50
    );
}
