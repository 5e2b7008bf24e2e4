//! The outgoing client against real servers on loopback.
#![cfg(feature = "reqwest")]

mod http_support;

use std::time::Duration;

use axum::Router;
use axum::extract::MatchedPath;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use http_support::{Recorded, Server, attribute, map};
use opentelemetry::trace::{SpanKind, Status};
use otelgen::http::{ServerLayer, TracedClient, names};
use tracing::Instrument;

fn client(recorded: &Recorded) -> TracedClient {
    TracedClient::new(reqwest::Client::new()).with_meter(recorded.meter())
}

#[tokio::test]
async fn a_request_carries_the_trace_to_the_server() {
    let recorded = Recorded::start();
    let observed = ServerLayer::new()
        .route(|extensions| extensions.get::<MatchedPath>().map(MatchedPath::as_str))
        .meter(recorded.meter());
    let handler = async |headers: HeaderMap| {
        assert!(
            !headers.contains_key("tracestate"),
            "an empty header is not sent"
        );
        "an order"
    };
    let server = Server::start(
        Router::new()
            .route("/orders/{id}", get(handler))
            .layer(observed),
    )
    .await;
    let request = client(&recorded)
        .get(server.url("/orders/42"))
        .template("/orders/{id}")
        .send();
    let response = request
        .instrument(tracing::info_span!("caller"))
        .await
        .unwrap();
    assert_eq!(response.text().await.unwrap(), "an order");

    let served = recorded
        .finished()
        .into_iter()
        .find(|span| span.span_kind == SpanKind::Server);
    let served = match served {
        Some(served) => served,
        None => recorded.span("GET /orders/{id}").await,
    };
    let spans = recorded.finished();
    let sent = spans
        .iter()
        .find(|span| span.span_kind == SpanKind::Client)
        .unwrap();
    let caller = spans.iter().find(|span| span.name == "caller").unwrap();
    assert_eq!(sent.name, "GET /orders/{id}");
    assert_eq!(sent.parent_span_id, caller.span_context.span_id());
    assert_eq!(served.parent_span_id, sent.span_context.span_id());
    assert_eq!(
        served.span_context.trace_id(),
        caller.span_context.trace_id()
    );
    assert_eq!(
        attribute(sent, names::URL_FULL),
        Some(server.url("/orders/42"))
    );
    let port = server.address.port().to_string();
    let expected = map(&[
        (names::HTTP_REQUEST_METHOD, "GET"),
        (names::SERVER_ADDRESS, "127.0.0.1"),
        (names::SERVER_PORT, &port),
        (names::URL_TEMPLATE, "/orders/{id}"),
        (names::HTTP_RESPONSE_STATUS_CODE, "200"),
        (names::NETWORK_PROTOCOL_VERSION, "1.1"),
    ]);
    assert_eq!(recorded.levels(names::HTTP_SERVER_ACTIVE_REQUESTS)[0].1, 0);
    let durations = recorded.durations(names::HTTP_CLIENT_REQUEST_DURATION);
    assert_eq!(durations, [(expected, 1, names::DURATION_BUCKETS.to_vec())]);
}

#[tokio::test]
async fn an_answer_of_4xx_or_5xx_is_an_error_of_the_client_span() {
    let recorded = Recorded::start();
    let app = Router::new().route("/down", get(async || StatusCode::BAD_GATEWAY));
    let server = Server::start(app).await;
    for (path, status) in [("/missing", "404"), ("/down", "502")] {
        client(&recorded)
            .get(server.url(path))
            .send()
            .await
            .unwrap();
        let span = recorded.finished().pop().unwrap();
        assert_eq!(span.status, Status::error(""));
        assert_eq!(attribute(&span, names::ERROR_TYPE).as_deref(), Some(status));
    }
}

#[tokio::test]
async fn a_request_without_an_answer_says_why_and_its_error_holds_no_secret() {
    let recorded = Recorded::start();
    let unused = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let url = format!("http://ada:hunter2@{unused}/?token=hunter2&page=2");
    let error = client(&recorded).get(url).send().await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
    let span = recorded.span("GET").await;
    assert_eq!(
        attribute(&span, names::ERROR_TYPE).as_deref(),
        Some("connect")
    );
    let full = attribute(&span, names::URL_FULL).unwrap();
    assert!(full.ends_with("/?token=REDACTED&page=2"), "{full}");
    assert!(!recorded.as_text().contains("hunter2"));
}

#[tokio::test]
async fn a_timeout_and_a_dropped_request_are_told_apart() {
    let recorded = Recorded::start();
    let app = Router::new().route("/slow", get(std::future::pending::<&'static str>));
    let server = Server::start(app).await;
    let request = client(&recorded)
        .get(server.url("/slow"))
        .timeout(Duration::from_millis(20));
    assert!(request.send().await.unwrap_err().is_timeout());
    let span = recorded.finished().pop().unwrap();
    assert_eq!(
        attribute(&span, names::ERROR_TYPE).as_deref(),
        Some("timeout")
    );

    let request = client(&recorded).get(server.url("/slow")).send();
    assert!(
        tokio::time::timeout(Duration::from_millis(20), request)
            .await
            .is_err()
    );
    let span = recorded.finished().pop().unwrap();
    assert_eq!(
        attribute(&span, names::ERROR_TYPE).as_deref(),
        Some("cancelled")
    );
    let errors: Vec<_> = recorded
        .durations(names::HTTP_CLIENT_REQUEST_DURATION)
        .into_iter()
        .map(|(attributes, _, _)| attributes[names::ERROR_TYPE].clone())
        .collect();
    assert!(errors.contains(&"timeout".to_owned()) && errors.contains(&"cancelled".to_owned()));
}
