//! The fields of values on spans, in attributes and by hand.
#![cfg(any(feature = "telemetry", feature = "http", feature = "messaging"))]

mod breaker_support;

use std::net::Ipv4Addr;

use breaker_support::{Spans, attribute};
use opentelemetry::Value;
use opentelemetry_sdk::trace::SpanData;
use otelgen::{TraceFields, traced};
use tracing::subscriber::with_default;

#[derive(TraceFields)]
struct Order<'o> {
    id: u64,
    express: bool,
    weight: f32,
    note: Option<&'o str>,
    coupon: Option<String>,
    #[trace(rename = "total.cents")]
    total: i32,
    #[trace(display)]
    from: Ipv4Addr,
    #[trace(debug, rename = "status")]
    state: State,
    #[trace(nested)]
    customer: Option<Customer>,
    #[trace(redact)]
    card: NotDebug,
    #[trace(skip)]
    lines: NotDebug,
    r#type: &'static str,
}

struct NotDebug;

#[derive(Debug)]
enum State {
    Open,
}

#[derive(TraceFields)]
struct Customer {
    tier: &'static str,
    #[trace(nested)]
    address: Address,
}

#[derive(TraceFields)]
struct Address(
    #[trace(rename = "country")] &'static str,
    #[trace(skip)] NotDebug,
);

#[derive(TraceFields)]
enum Command<T> {
    Open {
        owner: T,
    },
    Deposit(u64, #[trace(debug)] T),
    #[trace(skip)]
    Secret {
        code: T,
    },
    Close,
}

fn order() -> Order<'static> {
    Order {
        id: 7,
        express: true,
        weight: 1.5,
        note: Some("ring twice"),
        coupon: None,
        total: -1299,
        from: Ipv4Addr::LOCALHOST,
        state: State::Open,
        customer: Some(Customer {
            tier: "gold",
            address: Address("PT", NotDebug),
        }),
        card: NotDebug,
        lines: NotDebug,
        r#type: "gift",
    }
}

fn recorded(run: impl FnOnce()) -> SpanData {
    let (spans, subscriber) = Spans::new();
    with_default(subscriber, run);
    spans.only()
}

fn value(span: &SpanData, key: &str) -> Option<Value> {
    let mut pairs = span.attributes.iter();
    let found = pairs.find(|pair| pair.key.as_str() == key);
    found.map(|pair| pair.value.clone())
}

#[traced(fields(order = ..order, shop = "north", ..Customer { tier: "staff", address: Address("ES", NotDebug) }, copy = ?order.as_fields()))]
fn check_out(order: &Order<'_>) -> i32 {
    let _ = (&order.card, &order.lines);
    order.total
}

#[test]
fn an_attribute_records_fields_with_their_types() {
    let span = recorded(|| assert_eq!(check_out(&order()), -1299));
    assert_eq!(value(&span, "order.id"), Some(Value::I64(7)));
    assert_eq!(value(&span, "order.express"), Some(Value::Bool(true)));
    assert_eq!(value(&span, "order.weight"), Some(Value::F64(1.5)));
    assert_eq!(value(&span, "order.note"), Some("ring twice".into()));
    assert_eq!(value(&span, "order.coupon"), None);
    assert_eq!(value(&span, "order.total.cents"), Some(Value::I64(-1299)));
    assert_eq!(value(&span, "order.from"), Some("127.0.0.1".into()));
    assert_eq!(value(&span, "order.status"), Some("Open".into()));
    assert_eq!(value(&span, "order.customer.tier"), Some("gold".into()));
    assert_eq!(
        value(&span, "order.customer.address.country"),
        Some("PT".into())
    );
    assert_eq!(value(&span, "order.card"), Some("REDACTED".into()));
    assert_eq!(value(&span, "order.type"), Some("gift".into()));
    for absent in ["order.lines", "order.total", "order.state"] {
        assert_eq!(value(&span, absent), None, "{absent}");
    }
    assert_eq!(
        value(&span, "shop"),
        Some("north".into()),
        "beside other fields"
    );
    assert_eq!(
        value(&span, "tier"),
        Some("staff".into()),
        "without a prefix"
    );
    let copy = attribute(&span, "copy").expect("one value");
    assert!(copy.starts_with("{id: 7, express: true, "), "{copy}");
    assert!(
        copy.contains(r#"note: "ring twice", total.cents: -1299"#),
        "{copy}"
    );
    assert!(
        copy.contains(r#"customer.address.country: "PT", card: "REDACTED""#),
        "{copy}"
    );
}

#[test]
fn a_field_that_the_span_declares_is_recorded_for_every_subscriber() {
    let (shown, subscriber) = log();
    with_default(subscriber, || {
        let span = tracing::info_span!("check", id = tracing::field::Empty);
        order().record_on(&span);
        span.in_scope(|| tracing::info!("seen"));
    });
    let shown = shown.lock().expect("written").clone();
    let shown = String::from_utf8(shown).expect("text");
    assert!(shown.contains("check{id=7}: "), "{shown}");
    assert!(!shown.contains("express"), "{shown}");
}

#[test]
fn an_enum_records_the_variant_that_it_is() {
    let shown = |command: Command<&'static str>| format!("{:?}", command.as_fields());
    assert_eq!(shown(Command::Open { owner: "ann" }), r#"{owner: "ann"}"#);
    assert_eq!(shown(Command::Deposit(5, "cash")), r#"{0: 5, 1: "cash"}"#);
    assert_eq!(shown(Command::Secret { code: "0000" }), "{}");
    assert_eq!(shown(Command::Close), "{}");
    let Command::Secret { code } = (Command::Secret { code: 1 }) else {
        unreachable!("it is one");
    };
    assert_eq!(code, 1);
}

#[test]
fn a_span_that_is_off_asks_for_nothing() {
    struct Untouched;

    impl TraceFields for Untouched {
        fn record_fields(&self, _: &mut otelgen::FieldRecorder<'_>) {
            panic!("nobody listens");
        }
    }

    #[traced(span = false, fields(..untouched))]
    fn off(untouched: &Untouched) {
        let _ = untouched;
    }

    off(&Untouched);
    Untouched.record_on(&tracing::Span::none());
}

type Written = std::sync::Arc<std::sync::Mutex<Vec<u8>>>;

fn log() -> (Written, impl tracing::Subscriber + Send + Sync) {
    let written = Written::default();
    let writer = std::sync::Arc::clone(&written);
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || Shared(std::sync::Arc::clone(&writer)))
        .finish();
    (written, subscriber)
}

struct Shared(Written);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("alone").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
