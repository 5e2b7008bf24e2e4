//! What a breaker and a traced function emit, read from the SDK's exporters.
#![cfg(not(feature = "metrics"))]

mod breaker_support;

use std::sync::LazyLock;
use std::time::Duration;

use breaker_support::{Metrics, Spans, attribute, events, find};
use opentelemetry::Value;
use opentelemetry::trace::{SpanKind, Status};
use otelgen::{BreakerOpen, Clock, TracedCircuitBreaker, names, traced, traced_breaker};

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let metrics = Metrics::new();
    opentelemetry::global::set_meter_provider(metrics.provider.clone());
    otelgen::bind_metrics();
    metrics
});

#[derive(Debug, PartialEq)]
enum ShopError {
    Open,
    Down,
    NotFound,
}

impl ShopError {
    fn is_not_found(&self) -> bool {
        *self == Self::NotFound
    }
}

impl From<BreakerOpen> for ShopError {
    fn from(_: BreakerOpen) -> Self {
        Self::Open
    }
}

fn error_type() -> String {
    std::any::type_name::<ShopError>().to_owned()
}

#[test]
fn calls_states_transitions_and_durations_are_exported() {
    let metrics = &*METRICS;
    let (clock, time) = Clock::manual();
    let breaker = TracedCircuitBreaker::builder("exported")
        .clock(clock)
        .min_calls(2)
        .build()
        .expect("valid settings");
    assert!(breaker.call(|| Ok::<_, &str>(())).is_ok());
    assert!(breaker.call(|| Err::<(), _>("down")).is_err());
    assert!(breaker.call(|| Ok::<_, &str>(())).is_err());
    let points = metrics.collect();
    let calls = |outcome| {
        let attributes = [(names::NAME, "exported"), (names::OUTCOME, outcome)];
        find(&points, names::BREAKER_CALLS, &attributes)
    };
    assert_eq!(calls("success"), Some(1.0));
    assert_eq!(calls("failure"), Some(1.0));
    assert_eq!(calls("rejected"), Some(1.0));
    assert_eq!(calls("ignored"), Some(0.0));
    assert_eq!(calls("cancelled"), Some(0.0));
    let state = |points: &[_], state| {
        let attributes = [(names::NAME, "exported"), (names::STATE, state)];
        find(points, names::BREAKER_STATE, &attributes)
    };
    assert_eq!(state(&points, "open"), Some(1.0));
    assert_eq!(state(&points, "closed"), Some(0.0));
    assert_eq!(state(&points, "half_open"), Some(0.0));
    let transition = |points: &[_], from, to| {
        let attributes = [
            (names::NAME, "exported"),
            (names::FROM, from),
            (names::TO, to),
        ];
        find(points, names::BREAKER_TRANSITIONS, &attributes)
    };
    assert_eq!(transition(&points, "closed", "open"), Some(1.0));
    assert_eq!(transition(&points, "open", "half_open"), None);
    let duration = |outcome| {
        let attributes = [(names::NAME, "exported"), (names::OUTCOME, outcome)];
        find(&points, names::BREAKER_DURATION, &attributes)
    };
    assert_eq!(duration("success"), Some(1.0));
    assert_eq!(duration("failure"), Some(1.0));
    assert_eq!(duration("rejected"), None, "nothing ran");

    time.advance(Duration::from_secs(30));
    assert!(breaker.call(|| Ok::<_, &str>(())).is_ok());
    let points = metrics.collect();
    assert_eq!(state(&points, "closed"), Some(1.0));
    assert_eq!(transition(&points, "open", "half_open"), Some(1.0));
    assert_eq!(transition(&points, "half_open", "closed"), Some(1.0));
}

#[test]
fn instruments_are_what_the_names_say() {
    let metrics = &*METRICS;
    let breaker = TracedCircuitBreaker::builder("instruments")
        .min_calls(1)
        .build()
        .expect("valid settings");
    assert!(breaker.call(|| Err::<(), _>("down")).is_err());
    #[traced(name = "instruments")]
    fn function() {}
    function();
    let points = metrics.collect();
    for (name, unit, kind) in [
        (names::BREAKER_CALLS, "{call}", "counter"),
        (names::BREAKER_STATE, "1", "updowncounter"),
        (names::BREAKER_TRANSITIONS, "{transition}", "counter"),
        (names::BREAKER_DURATION, "s", "histogram"),
        (names::FUNCTION_CALLS, "{call}", "counter"),
        (names::FUNCTION_DURATION, "s", "histogram"),
    ] {
        let point = points.iter().find(|point| point.metric == name);
        let point = point.unwrap_or_else(|| panic!("{name} is not exported: {points:#?}"));
        assert_eq!((point.unit.as_str(), point.kind), (unit, kind), "{name}");
    }
}

#[test]
fn keyed_breakers_count_under_their_name_and_lose_nothing_when_keys_are_evicted() {
    let metrics = &*METRICS;
    let tenants = TracedCircuitBreaker::builder("tenants")
        .min_calls(1)
        .build_keyed(4)
        .expect("valid settings");
    let held = tenants.get("held");
    for number in 0..100 {
        let result = tenants
            .get(number.to_string())
            .call(|| if number < 98 { Ok(()) } else { Err("down") });
        assert_eq!(result.is_ok(), number < 98);
    }
    assert!(
        held.call(|| Ok::<_, &str>(())).is_ok(),
        "evicted, and still counted"
    );
    let points = metrics.collect();
    let attributes = [(names::NAME, "tenants"), (names::OUTCOME, "success")];
    assert_eq!(find(&points, names::BREAKER_CALLS, &attributes), Some(99.0));
    let attributes = [(names::NAME, "tenants"), (names::STATE, "open")];
    assert_eq!(find(&points, names::BREAKER_STATE, &attributes), Some(2.0));
    let attributes = [(names::NAME, "tenants"), (names::STATE, "closed")];
    assert_eq!(find(&points, names::BREAKER_STATE, &attributes), Some(2.0));
}

#[test]
fn a_guarded_call_is_one_internal_span_with_its_outcome() {
    #[traced_breaker(name = "span.charge", fields(order.id = order))]
    fn charge(order: u64) -> Result<u64, ShopError> {
        Ok(order)
    }
    let (spans, subscriber) = Spans::new();
    tracing::subscriber::with_default(subscriber, || {
        assert_eq!(charge(7), Ok(7));
    });
    let span = spans.only();
    assert_eq!(span.name, "span.charge");
    assert_eq!(span.span_kind, SpanKind::Internal);
    assert_eq!(span.status, Status::Unset);
    assert_eq!(
        attribute(&span, names::SPAN_BREAKER_NAME).as_deref(),
        Some("span.charge")
    );
    assert_eq!(
        attribute(&span, names::SPAN_BREAKER_OUTCOME).as_deref(),
        Some("success")
    );
    assert_eq!(attribute(&span, "order.id").as_deref(), Some("7"));
    let function = attribute(&span, names::SPAN_FUNCTION).expect("the function is named");
    assert!(function.ends_with("::charge"), "{function}");
    assert_eq!(attribute(&span, names::SPAN_ERROR_TYPE), None);
}

#[test]
fn failures_rejections_and_state_changes_stand_in_their_spans() {
    #[traced_breaker(name = "span.fail", min_calls = 1)]
    async fn fail() -> Result<(), ShopError> {
        Err(ShopError::Down)
    }
    let (spans, subscriber) = Spans::new();
    tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(async {
            assert_eq!(fail().await, Err(ShopError::Down));
            assert_eq!(fail().await, Err(ShopError::Open));
        });
    });
    let ended = spans.ended();
    let [failed, rejected] = ended.as_slice() else {
        panic!("one span a call: {ended:#?}");
    };
    assert_eq!(
        attribute(failed, names::SPAN_BREAKER_OUTCOME).as_deref(),
        Some("failure")
    );
    assert_eq!(
        attribute(failed, names::SPAN_ERROR_TYPE),
        Some(error_type())
    );
    assert!(matches!(failed.status, Status::Error { .. }));
    let event = events(failed)
        .into_iter()
        .next()
        .expect("the state changed in this call");
    assert_eq!(event.name, names::BREAKER_TRANSITION_EVENT);
    for count in ["calls", "failures", "slow"] {
        let name = format!("otelgen.circuit_breaker.window.{count}");
        let mut attributes = event.attributes.iter();
        let found = attributes.find(|pair| pair.key.as_str() == name);
        assert!(
            matches!(found.map(|pair| &pair.value), Some(Value::I64(_))),
            "{name} is {found:?}"
        );
    }
    let field = |key: &str| {
        let found = event
            .attributes
            .iter()
            .find(|pair| pair.key.as_str() == key);
        found.map(|pair| pair.value.to_string())
    };
    assert_eq!(field(names::EVENT_FROM).as_deref(), Some("closed"));
    assert_eq!(field(names::EVENT_TO).as_deref(), Some("open"));
    assert_eq!(field(names::EVENT_REASON).as_deref(), Some("failure_rate"));
    assert_eq!(field("level").as_deref(), Some("INFO"));

    assert_eq!(
        attribute(rejected, names::SPAN_BREAKER_OUTCOME).as_deref(),
        Some("rejected")
    );
    assert_eq!(
        attribute(rejected, names::SPAN_ERROR_TYPE).as_deref(),
        Some(names::ERROR_OPEN)
    );
    assert!(matches!(rejected.status, Status::Error { .. }));
    assert!(events(rejected).is_empty());
}

#[test]
fn an_ignored_error_and_a_handled_rejection_are_no_errors() {
    #[traced_breaker(
        name = "span.handled",
        min_calls = 1,
        ignore = ShopError::is_not_found,
        on_open = nothing,
    )]
    fn find_item(item: Option<u32>) -> Result<u32, ShopError> {
        match item {
            Some(0) => Err(ShopError::Down),
            Some(item) => Ok(item),
            None => Err(ShopError::NotFound),
        }
    }
    fn nothing(_item: Option<u32>) -> Result<u32, ShopError> {
        tracing::info!("from the fallback");
        Ok(0)
    }
    let (spans, subscriber) = Spans::new();
    tracing::subscriber::with_default(subscriber, || {
        assert_eq!(find_item(None), Err(ShopError::NotFound));
        assert_eq!(find_item(Some(0)), Err(ShopError::Down));
        assert_eq!(find_item(Some(1)), Ok(0));
    });
    let ended = spans.ended();
    let outcomes: Vec<_> = ended
        .iter()
        .map(|span| attribute(span, names::SPAN_BREAKER_OUTCOME).unwrap_or_default())
        .collect();
    assert_eq!(outcomes, ["ignored", "failure", "rejected"]);
    assert_eq!(ended[0].status, Status::Unset);
    assert_eq!(ended[2].status, Status::Unset);
    let event = events(&ended[2])
        .into_iter()
        .next()
        .expect("the fallback's event");
    assert_eq!(
        event.name, "from the fallback",
        "it runs in the call's span"
    );
}

#[test]
fn a_panic_is_marked_and_unwinds_on() {
    #[traced_breaker(name = "span.panic", min_calls = 1)]
    fn explode() -> Result<(), ShopError> {
        panic!("boom")
    }
    let (spans, subscriber) = Spans::new();
    let panicked =
        tracing::subscriber::with_default(subscriber, || std::panic::catch_unwind(explode));
    assert!(panicked.is_err());
    let span = spans.only();
    assert_eq!(
        attribute(&span, names::SPAN_ERROR_TYPE).as_deref(),
        Some(names::ERROR_PANIC)
    );
    assert_eq!(
        attribute(&span, names::SPAN_BREAKER_OUTCOME).as_deref(),
        Some("failure")
    );
    assert_eq!(
        events(&span).len(),
        1,
        "the opening is reported in it: {:#?}",
        events(&span)
    );
}

#[test]
fn a_span_is_entered_only_while_its_future_is_polled() {
    #[traced_breaker(name = "span.polled")]
    async fn polled() -> Result<(), ShopError> {
        assert!(!tracing::Span::current().is_disabled());
        tokio::task::yield_now().await;
        tracing::info!("inside");
        Ok(())
    }
    let (spans, subscriber) = Spans::new();
    tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(async {
            let call = tokio::task::LocalSet::new();
            call.run_until(async {
                let task = tokio::task::spawn_local(polled());
                tokio::task::yield_now().await;
                assert!(tracing::Span::current().is_none(), "not across an await");
                assert!(task.await.is_ok());
            })
            .await;
        });
    });
    assert_eq!(events(&spans.only()).len(), 1);
}

#[test]
fn span_and_metrics_can_be_switched_off() {
    let metrics = &*METRICS;
    #[traced_breaker(name = "span.off", span = false, metrics = false)]
    fn quiet() -> Result<(), ShopError> {
        Ok(())
    }
    #[traced(name = "span.debug", span = "debug", metrics = false)]
    fn debugged() {}
    let (spans, subscriber) = Spans::new();
    tracing::subscriber::with_default(subscriber, || {
        assert_eq!(quiet(), Ok(()));
        debugged();
    });
    assert_eq!(spans.only().name, "span.debug");
    let attributes = [(names::NAME, "span.off"), (names::OUTCOME, "success")];
    let points = metrics.collect();
    assert_eq!(find(&points, names::BREAKER_DURATION, &attributes), None);
    let attributes = [(names::NAME, "span.debug"), (names::OUTCOME, "success")];
    assert_eq!(find(&points, names::FUNCTION_CALLS, &attributes), Some(0.0));
}

#[test]
fn a_traced_function_has_its_span_and_its_outcomes() {
    let metrics = &*METRICS;
    #[traced(name = "function.outcomes", kind = "client", err, ret)]
    async fn work(good: bool) -> Result<u8, std::num::ParseIntError> {
        let text = if good { "7" } else { "seven" };
        text.parse()
    }
    #[traced(name = "function.panics")]
    fn explode() {
        panic!("boom")
    }
    let (spans, subscriber) = Spans::new();
    tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(async {
            assert_eq!(work(true).await, Ok(7));
            assert!(work(false).await.is_err());
            drop(work(true));
        });
        assert!(std::panic::catch_unwind(explode).is_err());
    });
    let ended = spans.ended();
    assert_eq!(ended.len(), 3, "a future that was never polled has no span");
    assert_eq!(ended[0].span_kind, SpanKind::Client);
    assert!(matches!(ended[1].status, Status::Error { .. }));
    let failed = attribute(&ended[1], names::SPAN_ERROR_TYPE);
    assert_eq!(failed.as_deref(), Some("core::num::error::ParseIntError"));
    assert_eq!(
        events(&ended[1]).len(),
        2,
        "the error and the returned value"
    );
    assert_eq!(
        attribute(&ended[2], names::SPAN_ERROR_TYPE).as_deref(),
        Some("panic")
    );
    let points = metrics.collect();
    let calls = |name, outcome| {
        let attributes = [(names::NAME, name), (names::OUTCOME, outcome)];
        find(&points, names::FUNCTION_CALLS, &attributes)
    };
    assert_eq!(calls("function.outcomes", "success"), Some(1.0));
    assert_eq!(calls("function.outcomes", "error"), Some(1.0));
    assert_eq!(calls("function.panics", "panic"), Some(1.0));
}
