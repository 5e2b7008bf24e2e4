//! What producers and consumers emit, and what travels between them, read from the SDK's exporters.
#![cfg(all(feature = "messaging", not(feature = "metrics")))]

mod breaker_support;

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use breaker_support::{Metrics, Spans, attribute, find};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SpanData;
use otelgen::{
    PatternConfigError, TracedConsumer, TracedProducer, names, traced_consumer, traced_producer,
};
use tracing::subscriber::with_default;

type Headers = HashMap<String, String>;

/// One at a time: a collection starts the exporter anew.
fn metrics() -> MutexGuard<'static, Metrics> {
    static METRICS: LazyLock<Mutex<Metrics>> = LazyLock::new(|| {
        let metrics = Metrics::new();
        opentelemetry::global::set_meter_provider(metrics.provider.clone());
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        Mutex::new(metrics)
    });
    METRICS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn recorded<R>(run: impl FnOnce() -> R) -> (Vec<SpanData>, R) {
    drop(metrics());
    let (spans, subscriber) = Spans::new();
    let returned = with_default(subscriber, run);
    (spans.ended(), returned)
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn one(mut spans: Vec<SpanData>) -> SpanData {
    assert_eq!(spans.len(), 1, "{spans:#?}");
    spans.remove(0)
}

fn traceparent(span: &SpanContext) -> String {
    format!("00-{}-{}-01", span.trace_id(), span.span_id())
}

fn links(span: &SpanData) -> Vec<SpanId> {
    let links = span.links.iter();
    links.map(|link| link.span_context.span_id()).collect()
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const SENDER: u64 = 0xb7ad_6b71_6920_3331;

#[derive(Debug, PartialEq)]
struct Refused;

fn error_type() -> String {
    std::any::type_name::<Refused>().to_owned()
}

struct Message {
    id: u64,
    headers: Headers,
}

impl Message {
    fn sent(id: u64) -> Self {
        let headers = HashMap::from([("TraceParent".to_owned(), SENT.to_owned())]);
        Self { id, headers }
    }
}

struct Broker;

impl Broker {
    #[traced_producer(
        system = "rabbitmq",
        destination = "orders",
        operation = "publish",
        headers = message.headers,
        message_id = message.id,
        fields(shop = "north"),
    )]
    async fn publish(&self, mut message: Message) -> Result<Headers, Refused> {
        tokio::task::yield_now().await;
        if message.id == 0 {
            return Err(Refused);
        }
        Ok(message.headers)
    }
}

#[test]
fn a_message_carries_the_span_that_sent_it() {
    let (spans, headers) = recorded(|| block_on(Broker.publish(Message::sent(7))));
    let span = one(spans);
    assert_eq!(span.name, "publish orders");
    assert_eq!(span.span_kind, SpanKind::Producer);
    for (key, value) in [
        (names::MESSAGING_SYSTEM, "rabbitmq"),
        (names::MESSAGING_OPERATION_NAME, "publish"),
        (names::MESSAGING_OPERATION_TYPE, "send"),
        (names::MESSAGING_DESTINATION_NAME, "orders"),
        (names::MESSAGING_MESSAGE_ID, "7"),
        ("code.function.name", "messaging_telemetry::Broker::publish"),
        ("shop", "north"),
    ] {
        assert_eq!(attribute(&span, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(attribute(&span, names::MESSAGING_BATCH_MESSAGE_COUNT), None);
    let headers = headers.expect("it was sent");
    assert_eq!(headers.len(), 1, "what was there is replaced: {headers:?}");
    assert_eq!(headers["traceparent"], traceparent(&span.span_context));
}

#[test]
fn what_could_not_be_sent_is_an_error_of_its_type() {
    let (spans, sent) = recorded(|| block_on(Broker.publish(Message::sent(0))));
    assert_eq!(sent, Err(Refused));
    let span = one(spans);
    assert_eq!(attribute(&span, "error.type"), Some(error_type()));
    assert!(matches!(span.status, Status::Error { .. }));
}

#[traced_producer(system = "kafka", destination = "counted", headers = headers)]
fn send(headers: &mut Headers, fail: bool) -> Result<(), Refused> {
    if fail { Err(Refused) } else { Ok(()) }
}

#[traced_producer(
    system = "kafka",
    destination = "batched",
    batch = messages.iter_mut().map(|message| &mut message.headers),
)]
fn send_all(messages: &mut [Message]) -> usize {
    messages.len()
}

#[test]
fn messages_that_were_sent_are_counted_by_how_it_ended() {
    let mut headers = Headers::new();
    recorded(|| {
        assert_eq!(send(&mut headers, false), Ok(()));
        assert_eq!(send(&mut headers, true), Err(Refused));
        assert_eq!(send_all(&mut [Message::sent(1), Message::sent(2)]), 2);
    });
    let points = metrics().collect();
    let of = |destination| {
        vec![
            (names::MESSAGING_SYSTEM, "kafka"),
            (names::MESSAGING_OPERATION_NAME, "send"),
            (names::MESSAGING_DESTINATION_NAME, destination),
        ]
    };
    let sent = |attributes: &[_]| find(&points, names::MESSAGING_CLIENT_SENT_MESSAGES, attributes);
    assert_eq!(sent(&of("counted")), Some(1.0));
    assert_eq!(sent(&of("batched")), Some(2.0), "each message of a batch");
    let failed = error_type();
    let failed = [of("counted"), vec![("error.type", failed.as_str())]].concat();
    assert_eq!(sent(&failed), Some(1.0));
    let timed = [
        of("batched"),
        vec![(names::MESSAGING_OPERATION_TYPE, "send")],
    ]
    .concat();
    let duration = names::MESSAGING_CLIENT_OPERATION_DURATION;
    assert_eq!(find(&points, duration, &timed), Some(1.0), "{points:#?}");
    let unit = |metric| {
        points
            .iter()
            .find(|point| point.metric == metric)
            .map(|point| &*point.unit)
    };
    assert_eq!(
        unit(names::MESSAGING_CLIENT_SENT_MESSAGES),
        Some("{message}")
    );
    assert_eq!(unit(duration), Some("s"));
}

#[test]
fn every_message_of_a_batch_carries_the_span_of_the_batch() {
    let mut messages = [Message::sent(1), Message::sent(2)];
    let (spans, sent) = recorded(|| {
        let producer = TracedProducer::builder("kafka", "explicit.batch");
        let producer = producer.build().expect("valid");
        let batch = messages.iter_mut().map(|message| &mut message.headers);
        producer.start_batch(batch).run(|| Ok::<_, Refused>(()))
    });
    assert_eq!(sent, Ok(()));
    let span = one(spans);
    assert_eq!(
        attribute(&span, names::MESSAGING_BATCH_MESSAGE_COUNT).as_deref(),
        Some("2")
    );
    for message in &messages {
        assert_eq!(
            message.headers["traceparent"],
            traceparent(&span.span_context)
        );
    }
}

#[traced_producer(
    system = "nats",
    destination = format!("orders.{tenant}"),
    template = "orders.{tenant}",
    headers = headers,
)]
fn send_to(tenant: u32, mut headers: BTreeMap<String, Vec<u8>>) -> Option<Vec<u8>> {
    headers.remove("traceparent")
}

#[traced_producer(system = "nats", destination = topic, headers = headers)]
fn send_anywhere(topic: &str, headers: &mut Vec<(String, String)>) {
    let _ = topic;
    assert_eq!(headers.len(), 1);
}

#[test]
fn a_computed_destination_stays_off_the_metrics() {
    let (spans, carried) = recorded(|| {
        let carried = send_to(7, BTreeMap::new());
        send_anywhere("inbox.81f3", &mut Vec::new());
        carried
    });
    let [templated, bare] = spans.as_slice() else {
        panic!("{spans:#?}");
    };
    assert_eq!(
        carried,
        Some(traceparent(&templated.span_context).into_bytes())
    );
    assert_eq!(templated.name, "send orders.{tenant}");
    let name = |span| attribute(span, names::MESSAGING_DESTINATION_NAME);
    assert_eq!(name(templated).as_deref(), Some("orders.7"));
    assert_eq!(bare.name, "send inbox.81f3");
    assert_eq!(name(bare).as_deref(), Some("inbox.81f3"));
    let points = metrics().collect();
    let sent = |attributes: &[_]| find(&points, names::MESSAGING_CLIENT_SENT_MESSAGES, attributes);
    let nats = [
        (names::MESSAGING_SYSTEM, "nats"),
        (names::MESSAGING_OPERATION_NAME, "send"),
    ];
    assert_eq!(sent(&nats), Some(1.0));
    let template = [(names::MESSAGING_DESTINATION_TEMPLATE, "orders.{tenant}")];
    assert_eq!(sent(&[&nats[..], &template[..]].concat()), Some(1.0));
}

#[traced_producer(system = "kafka", destination = "silent", headers = headers, span = false, metrics = false)]
fn send_silently(headers: &mut Headers) {
    assert!(
        !headers.is_empty(),
        "the context is there before anything is sent"
    );
}

#[test]
fn without_a_span_of_its_own_a_message_carries_the_current_one() {
    let mut headers = Headers::new();
    let (spans, ()) = recorded(|| {
        tracing::info_span!("request").in_scope(|| send_silently(&mut headers));
    });
    let request = one(spans);
    assert_eq!(request.name, "request");
    assert_eq!(headers["traceparent"], traceparent(&request.span_context));
    let points = metrics().collect();
    let silent = |point: &breaker_support::Point| {
        point.attributes.iter().any(|(_, value)| value == "silent")
    };
    assert!(!points.iter().any(silent));
}

#[traced_consumer(
    system = "kafka",
    destination = "orders",
    group = "billing",
    headers = message.headers,
    message_id = message.id,
)]
async fn bill(message: &Message) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    tracing::info_span!("inside").in_scope(|| ());
    if message.id == 0 {
        Err(Refused)
    } else {
        Ok(message.id)
    }
}

#[test]
fn a_consumer_links_to_the_message_it_processes() {
    let (spans, billed) = recorded(|| block_on(bill(&Message::sent(7))));
    assert_eq!(billed, Ok(7));
    let [inside, span] = spans.as_slice() else {
        panic!("{spans:#?}");
    };
    assert_eq!(inside.parent_span_id, span.span_context.span_id());
    assert_eq!(span.name, "process orders");
    assert_eq!(span.span_kind, SpanKind::Consumer);
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert_ne!(span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(links(span), [SpanId::from(SENDER)]);
    for (key, value) in [
        (names::MESSAGING_SYSTEM, "kafka"),
        (names::MESSAGING_OPERATION_NAME, "process"),
        (names::MESSAGING_OPERATION_TYPE, "process"),
        (names::MESSAGING_DESTINATION_NAME, "orders"),
        (names::MESSAGING_CONSUMER_GROUP_NAME, "billing"),
        (names::MESSAGING_MESSAGE_ID, "7"),
    ] {
        assert_eq!(attribute(span, key).as_deref(), Some(value), "{key}");
    }
}

#[traced_consumer(system = "kafka", destination = "orders", headers = headers, parent)]
fn ship(headers: Option<&Headers>) {
    let _ = headers;
}

#[test]
fn a_child_of_its_message_belongs_to_the_trace_that_sent_it_and_links_to_it_too() {
    let message = Message::sent(1);
    let (spans, ()) = recorded(|| ship(Some(&message.headers)));
    let span = one(spans);
    assert_eq!(span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(span.parent_span_id, SpanId::from(SENDER));
    assert_eq!(links(&span), [SpanId::from(SENDER)]);
}

#[test]
fn a_message_without_a_context_that_can_be_read_is_processed_without_one() {
    let nonsense = HashMap::from([("traceparent".to_owned(), "00-nonsense".to_owned())]);
    let (spans, ()) = recorded(|| {
        ship(None);
        ship(Some(&nonsense));
    });
    assert_eq!(spans.len(), 2);
    for span in &spans {
        assert_eq!(span.parent_span_id, SpanId::INVALID);
        assert!(span.links.is_empty());
    }
}

#[traced_consumer(
    system = "kafka",
    destination = "statistics",
    link,
    batch = messages.iter().map(|message| &message.headers),
)]
fn count(messages: &[Message]) -> usize {
    messages.len()
}

#[test]
fn a_batch_links_to_every_message_and_counts_them() {
    let messages = [
        Message::sent(1),
        Message::sent(2),
        Message {
            id: 3,
            headers: Headers::new(),
        },
    ];
    let (spans, counted) = recorded(|| count(&messages));
    assert_eq!(counted, 3);
    let span = one(spans);
    assert_eq!(links(&span), [SpanId::from(SENDER); 2]);
    assert_eq!(
        attribute(&span, names::MESSAGING_BATCH_MESSAGE_COUNT).as_deref(),
        Some("3")
    );
    let attributes = [
        (names::MESSAGING_SYSTEM, "kafka"),
        (names::MESSAGING_OPERATION_NAME, "process"),
        (names::MESSAGING_DESTINATION_NAME, "statistics"),
    ];
    let points = metrics().collect();
    let consumed = find(
        &points,
        names::MESSAGING_CLIENT_CONSUMED_MESSAGES,
        &attributes,
    );
    assert_eq!(consumed, Some(3.0));
    let processed = find(&points, names::MESSAGING_PROCESS_DURATION, &attributes);
    assert_eq!(processed, Some(1.0));
}

#[traced_consumer(system = "kafka", destination = "endless", headers = headers)]
async fn endless(headers: &Headers) {
    assert!(headers.is_empty(), "nothing in the headers");
    pending::<()>().await;
}

#[test]
fn what_never_returns_is_an_error_too() {
    let (spans, ()) = recorded(|| {
        let headers = Headers::new();
        block_on(async {
            tokio::select! {
                biased;
                () = endless(&headers) => unreachable!("it never ends"),
                () = tokio::task::yield_now() => {}
            }
        });
        let sent = Message::sent(1);
        let panicked = std::panic::AssertUnwindSafe(|| block_on(endless(&sent.headers)));
        assert!(std::panic::catch_unwind(panicked).is_err());
    });
    assert_eq!(spans.len(), 2);
    let points = metrics().collect();
    for (span, error) in spans.iter().zip(["cancelled", "panic"]) {
        assert_eq!(attribute(span, "error.type").as_deref(), Some(error));
        let attributes = [
            (names::MESSAGING_SYSTEM, "kafka"),
            (names::MESSAGING_OPERATION_NAME, "process"),
            (names::MESSAGING_DESTINATION_NAME, "endless"),
            ("error.type", error),
        ];
        let consumed = find(
            &points,
            names::MESSAGING_CLIENT_CONSUMED_MESSAGES,
            &attributes,
        );
        assert_eq!(consumed, Some(1.0), "{error}");
    }
}

#[test]
fn without_the_attributes_it_is_the_same() {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    let (spans, ()) = recorded(|| {
        let producer = TracedProducer::builder("pulsar", "explicit")
            .build()
            .expect("valid");
        let sent = producer.start(&mut headers).run(|| Ok::<_, Refused>(1));
        assert_eq!(sent, Ok(1));
        let consumer = TracedConsumer::builder("pulsar", "explicit")
            .group("billing")
            .parent()
            .build()
            .expect("valid");
        let processed = block_on(
            consumer
                .start(&headers)
                .run_async(async { Err::<(), _>(Refused) }),
        );
        assert_eq!(processed, Err(Refused));
    });
    let [sent, processed] = spans.as_slice() else {
        panic!("{spans:#?}");
    };
    assert_eq!(sent.name, "send explicit");
    assert_eq!(sent.span_kind, SpanKind::Producer);
    assert_eq!(processed.name, "process explicit");
    assert_eq!(processed.parent_span_id, sent.span_context.span_id());
    assert_eq!(processed.span_kind, SpanKind::Consumer);
    assert_eq!(attribute(processed, "error.type"), Some(error_type()));
    assert_eq!(
        attribute(processed, names::MESSAGING_CONSUMER_GROUP_NAME).as_deref(),
        Some("billing")
    );
}

#[test]
fn a_setting_that_is_empty_is_named() {
    let error = TracedProducer::builder(" ", "orders")
        .build()
        .expect_err("no system");
    assert!(
        matches!(
            error,
            PatternConfigError::Missing {
                field: "system",
                ..
            }
        ),
        "{error}"
    );
    let error = TracedProducer::builder("kafka", "")
        .build()
        .expect_err("no destination");
    assert_eq!(
        error.to_string(),
        "producer setting `destination` is missing; name the queue or topic"
    );
    let error = TracedConsumer::builder("kafka", "orders")
        .group("")
        .build()
        .expect_err("no group");
    assert!(
        matches!(error, PatternConfigError::Missing { field: "group", .. }),
        "{error}"
    );
    let error = TracedConsumer::builder("kafka", "orders")
        .operation("")
        .build();
    assert!(matches!(
        error,
        Err(PatternConfigError::Missing {
            field: "operation",
            ..
        })
    ));
}
