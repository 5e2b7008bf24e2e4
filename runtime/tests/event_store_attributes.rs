//! `#[traced_event]`, `#[derive(DomainEvent)]` and `TracedEventStore`: behaviour, spans and metrics.
#![cfg(feature = "event-store")]
#![cfg(not(feature = "metrics"))]

use std::sync::{Arc, LazyLock};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, Value as AttributeValue, global};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use otelgen::event_store::{
    Aggregate, BoxError, DomainEvent, EventSchema, EventStore, EventStoreError, EventStoreExt,
    Expected, MemoryEventStore, NewEvent, Position, Snapshot, StreamId, TRACEPARENT,
    TracedEventStore, Value, decode,
};
use otelgen::traced_event;
use serde::{Deserialize, Serialize};
use tracing_subscriber::layer::SubscriberExt;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
#[event(aggregate_id = "account", version = 2)]
enum AccountEvent {
    #[event(rename = "account.opened", upcast = Self::from_version_1)]
    Opened {
        account: String,
        owner: String,
    },
    Deposited {
        account: String,
        amount: u64,
    },
    #[event(version = 7)]
    Tagged(#[event(aggregate_id)] u64, String),
}

impl AccountEvent {
    fn from_version_1(version: u32, mut payload: Value) -> Result<Value, BoxError> {
        assert_eq!(version, 1);
        let opened = payload
            .get_mut("Opened")
            .and_then(Value::as_object_mut)
            .ok_or("not opened")?;
        let name = opened.remove("name").ok_or("no name")?;
        opened.insert("owner".into(), name);
        Ok(payload)
    }
}

#[traced_event(rename = "note.taken", version = 3)]
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
struct NoteTaken<T>
where
    T: Serialize + for<'any> Deserialize<'any> + Send + Sync,
{
    id: u32,
    text: T,
}

#[test]
fn the_derive_names_versions_and_finds_the_aggregate() {
    let opened = AccountEvent::Opened {
        account: "42".into(),
        owner: "Ada".into(),
    };
    assert_eq!(
        (
            opened.event_type(),
            opened.event_version(),
            &*opened.aggregate_id()
        ),
        ("account.opened", 2, "42")
    );
    let deposited = AccountEvent::Deposited {
        account: "43".into(),
        amount: 1,
    };
    assert_eq!(
        (deposited.event_type(), deposited.event_version()),
        ("Deposited", 2)
    );
    let tagged = AccountEvent::Tagged(44, "x".into());
    assert_eq!(
        (
            tagged.event_type(),
            tagged.event_version(),
            &*tagged.aggregate_id()
        ),
        ("Tagged", 7, "44")
    );
    assert_eq!(AccountEvent::SCHEMAS.len(), 3);
}

#[test]
fn the_derive_upcasts_the_kind_that_asks_for_it() {
    let old: AccountEvent = decode(
        "account.opened",
        1,
        r#"{"Opened":{"account":"42","name":"Ada"}}"#,
    )
    .unwrap();
    assert_eq!(
        old,
        AccountEvent::Opened {
            account: "42".into(),
            owner: "Ada".into()
        }
    );
    let same: AccountEvent = decode(
        "Deposited",
        1,
        r#"{"Deposited":{"account":"42","amount":3}}"#,
    )
    .unwrap();
    assert_eq!(
        same,
        AccountEvent::Deposited {
            account: "42".into(),
            amount: 3
        }
    );
}

#[test]
fn a_generic_struct_can_be_an_event() {
    fn schemas<E: DomainEvent>(_: &E) -> &'static [EventSchema] {
        E::SCHEMAS
    }
    let note = NoteTaken {
        id: 5,
        text: String::from("x"),
    };
    assert_eq!(
        schemas(&note),
        [EventSchema {
            event_type: "note.taken",
            version: 3
        }]
    );
    assert_eq!(note.aggregate_id(), "5");
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Account {
    balance: u64,
}

impl Aggregate for Account {
    type Event = AccountEvent;

    fn apply(&mut self, event: AccountEvent) {
        if let AccountEvent::Deposited { amount, .. } = event {
            self.balance += amount;
        }
    }
}

impl Snapshot for Account {
    const KIND: &'static str = "account";
    const SCHEMA_VERSION: u32 = 1;
}

#[derive(Debug)]
enum AccountError {
    TooMuch,
    Store(EventStoreError),
}

impl From<EventStoreError> for AccountError {
    fn from(error: EventStoreError) -> Self {
        Self::Store(error)
    }
}

#[derive(Clone)]
struct Accounts {
    store: Arc<TracedEventStore<MemoryEventStore>>,
}

impl Accounts {
    fn new() -> Self {
        Self {
            store: Arc::new(TracedEventStore::new(MemoryEventStore::new())),
        }
    }

    #[traced_event(store = self.store, stream = ("account", &account), expected = "no_stream")]
    async fn open(&self, account: String, owner: String) -> Result<AccountEvent, AccountError> {
        Ok(AccountEvent::Opened { account, owner })
    }

    #[traced_event(
        name = "accounts.deposit",
        store = self.store,
        stream = ("account", id),
        state(state: Account),
        retry_conflict = 500,
        snapshot_every = 10,
        fields(amount),
    )]
    async fn deposit(&self, id: &str, amount: u64) -> Result<Vec<AccountEvent>, AccountError> {
        if state.balance + amount > 1_000 {
            return Err(AccountError::TooMuch);
        }
        if amount == 0 {
            return Ok(vec![]);
        }
        // Lets other writers in between the state and the append.
        tokio::task::yield_now().await;
        Ok(vec![AccountEvent::Deposited {
            account: id.to_owned(),
            amount,
        }])
    }

    #[traced_event(store = self.store, stream = ("account", id), expected = version)]
    async fn deposit_at(
        &self,
        id: &str,
        version: u64,
        amount: u64,
    ) -> Result<AccountEvent, AccountError> {
        Ok(AccountEvent::Deposited {
            account: id.to_owned(),
            amount,
        })
    }
}

fn account(id: &str) -> StreamId {
    StreamId::new("account", id)
}

#[tokio::test]
async fn a_handler_appends_what_it_returns_and_returns_it() {
    let accounts = Accounts::new();
    let opened = accounts.open("1".into(), "Ada".into()).await.unwrap();
    assert_eq!(
        accounts
            .store
            .history::<AccountEvent>(&account("1"))
            .await
            .unwrap(),
        [opened]
    );
    let error = accounts.open("1".into(), "Bob".into()).await.unwrap_err();
    assert!(matches!(error, AccountError::Store(error) if error.is_conflict()));
}

#[tokio::test]
async fn a_handler_that_fails_or_decides_nothing_appends_nothing() {
    let accounts = Accounts::new();
    assert!(matches!(
        accounts.deposit("1", 1_001).await,
        Err(AccountError::TooMuch)
    ));
    assert!(accounts.deposit("1", 0).await.unwrap().is_empty());
    assert_eq!(
        accounts.store.stream_version(&account("1")).await.unwrap(),
        0
    );
}

#[tokio::test]
async fn an_expected_version_that_is_given_is_held_to() {
    let accounts = Accounts::new();
    accounts.deposit_at("1", 0, 5).await.unwrap();
    assert!(accounts.deposit_at("1", 0, 5).await.is_err());
    accounts.deposit_at("1", 1, 5).await.unwrap();
    assert_eq!(
        accounts
            .store
            .load::<Account>(&account("1"))
            .await
            .unwrap()
            .balance,
        10
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn colliding_handlers_decide_anew_on_what_the_others_wrote() {
    let accounts = Accounts::new();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let accounts = accounts.clone();
            tokio::spawn(async move {
                let mut refused = 0;
                for _ in 0..20 {
                    match accounts.deposit("1", 10).await {
                        Ok(_) => {}
                        Err(AccountError::TooMuch) => refused += 1,
                        Err(error) => panic!("{error:?}"),
                    }
                }
                refused
            })
        })
        .collect();
    let mut refused = 0;
    for writer in writers {
        refused += writer.await.unwrap();
    }
    let state = accounts.store.load::<Account>(&account("1")).await.unwrap();
    assert_eq!(
        (state.balance, state.version()),
        (1_000, 100),
        "the limit held although eight wrote at once"
    );
    assert_eq!(refused, 60);
    let snapshot = accounts
        .store
        .load_snapshot(&account("1"), "account")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(snapshot.version % 10, 0);
}

/// One subscriber for all tests, which find their own spans by the stream they wrote to.
struct Recorded {
    spans: InMemorySpanExporter,
    tracer: SdkTracerProvider,
}

static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    let spans = InMemorySpanExporter::default();
    let tracer = SdkTracerProvider::builder()
        .with_simple_exporter(spans.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(tracer.tracer("test"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    Recorded { spans, tracer }
});

impl Recorded {
    fn find(&self, what: &str, wanted: impl Fn(&SpanData) -> bool) -> SpanData {
        self.tracer.force_flush().unwrap();
        let spans = self.spans.get_finished_spans().unwrap();
        spans
            .into_iter()
            .find(wanted)
            .unwrap_or_else(|| panic!("no span {what}"))
    }

    fn append_to(&self, stream_id: &'static str) -> SpanData {
        self.find("append account", |span| {
            span.name == "append account"
                && attribute(span, "otelgen.event_store.stream_id") == Some(stream_id.into())
        })
    }
}

fn attribute(span: &SpanData, key: &str) -> Option<AttributeValue> {
    span.attributes
        .iter()
        .find(|attribute| attribute.key.as_str() == key)
        .map(|attribute| attribute.value.clone())
}

#[tokio::test]
async fn a_save_is_a_child_of_its_handler_and_its_events_carry_the_trace() {
    let recorded = &*RECORDED;
    let accounts = Accounts::new();
    accounts.deposit("trace", 5).await.unwrap();
    let append = recorded.append_to("trace");
    let handler = recorded.find("of the handler", |span| {
        span.span_context.span_id() == append.parent_span_id
    });
    assert_eq!(handler.name, "accounts.deposit");
    assert_eq!(append.span_kind, opentelemetry::trace::SpanKind::Client);
    assert_eq!(attribute(&append, "db.system.name"), Some("memory".into()));
    assert_eq!(
        attribute(&append, "otelgen.event_store.events"),
        Some(1_i64.into())
    );
    assert_eq!(
        attribute(&append, "otelgen.event_store.version"),
        Some(1_i64.into())
    );
    assert_eq!(attribute(&append, "error.type"), None);

    let event = &accounts.store.read_all(Position::START, 1).await.unwrap()[0];
    let context = &append.span_context;
    assert_eq!(
        event.metadata[TRACEPARENT],
        format!("00-{}-{}-01", context.trace_id(), context.span_id())
    );
}

#[tokio::test]
async fn a_conflict_marks_the_span_without_failing_it() {
    let recorded = &*RECORDED;
    let accounts = Accounts::new();
    accounts.deposit_at("conflict", 5, 1).await.unwrap_err();
    let append = recorded.append_to("conflict");
    assert_eq!(attribute(&append, "error.type"), Some("conflict".into()));
    assert_eq!(append.status, opentelemetry::trace::Status::Unset);
}

fn sum(exporter: &InMemoryMetricExporter, name: &str, attributes: &[KeyValue]) -> u64 {
    let metrics = exporter.get_finished_metrics().unwrap();
    let last = metrics.last().expect("metrics");
    let metric = last
        .scope_metrics()
        .flat_map(|scope| scope.metrics())
        .find(|metric| metric.name() == name);
    let matches = |given: &mut dyn Iterator<Item = &KeyValue>| {
        let given: Vec<_> = given.collect();
        attributes
            .iter()
            .all(|attribute| given.contains(&attribute))
    };
    match metric.map(|metric| metric.data()) {
        Some(AggregatedMetrics::U64(MetricData::Sum(sum))) => sum
            .data_points()
            .filter(|point| matches(&mut point.attributes()))
            .map(|point| point.value())
            .sum(),
        Some(AggregatedMetrics::F64(MetricData::Histogram(histogram))) => histogram
            .data_points()
            .filter(|point| matches(&mut point.attributes()))
            .map(|point| point.count())
            .sum(),
        _ => 0,
    }
}

#[tokio::test]
async fn metrics_count_events_by_type_conflicts_and_replays() {
    let store = TracedEventStore::new(MemoryEventStore::new());
    let stream = StreamId::new("metered", "1");
    let event = |amount| AccountEvent::Deposited {
        account: "1".into(),
        amount,
    };
    // Before there is a provider, as a program may do.
    store
        .append(&stream, Expected::Any, &event(0))
        .await
        .unwrap();

    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .build();
    global::set_meter_provider(provider.clone());
    let opened = AccountEvent::Opened {
        account: "1".into(),
        owner: "Ada".into(),
    };
    let events = [
        NewEvent::of(&event(1)).unwrap(),
        NewEvent::of(&event(2)).unwrap(),
        NewEvent::of(&opened).unwrap(),
    ];
    store
        .save_events(&stream, Expected::Version(1), &events)
        .await
        .unwrap();
    store
        .save_events(&stream, Expected::Version(1), &events)
        .await
        .unwrap();
    store
        .append(&stream, Expected::NoStream, &event(3))
        .await
        .unwrap_err();
    store.load::<Account>(&stream).await.unwrap();
    provider.force_flush().unwrap();

    let stream_type = KeyValue::new("stream_type", "metered");
    let by_type = |name: &'static str| [KeyValue::new("event_type", name), stream_type.clone()];
    assert_eq!(
        sum(
            &exporter,
            "otelgen.event_store.appended",
            &by_type("Deposited")
        ),
        2,
        "the repeated save adds nothing"
    );
    assert_eq!(
        sum(
            &exporter,
            "otelgen.event_store.appended",
            &by_type("account.opened")
        ),
        1
    );
    let of_stream = [stream_type.clone()];
    assert_eq!(
        sum(&exporter, "otelgen.event_store.conflicts", &of_stream),
        1
    );
    assert_eq!(
        sum(&exporter, "otelgen.event_store.replayed", &of_stream),
        4
    );
    assert_eq!(
        sum(&exporter, "otelgen.event_store.append.duration", &of_stream),
        3
    );
}
