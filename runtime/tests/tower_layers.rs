//! Traced functions, producers, consumers and routes as Tower layers: what they do and what they emit. Alone in their
//! process and one after the other: whether a span is made depends on every subscriber there is.
#![cfg(all(feature = "tower", feature = "messaging", feature = "route"))]

#[path = "breaker_support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use otelgen::{
    ShadowConfig, TracedConsumer, TracedConsumerLayer, TracedFunction, TracedLayer, TracedProducer,
    TracedProducerLayer, TracedRoute, TracedRouteLayer, compare_answers,
};
#[cfg(not(feature = "metrics"))]
use support::Metrics;
use support::{Spans, attribute};
use tower::{Service, ServiceBuilder, ServiceExt};
use tracing::instrument::WithSubscriber;

static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[derive(Clone, Debug, PartialEq)]
struct Down;

#[derive(Clone, Debug, Default)]
struct Message {
    headers: Vec<(String, String)>,
    fails: bool,
}

async fn answer(item: u32) -> Result<u32, Down> {
    tracing::info_span!("inner").in_scope(|| ());
    if item == 0 { Err(Down) } else { Ok(item) }
}

/// Calls a service as a server would, and gives back its clone for the next call.
async fn ask<S: Service<R>, R>(service: &mut S, request: R) -> Result<S::Response, S::Error> {
    service.ready().await?.call(request).await
}

#[tokio::test]
async fn a_traced_service_has_a_span_for_each_call_and_says_how_it_ended() {
    let _alone = ALONE.lock().await;
    let (spans, subscriber) = Spans::new();
    let function = TracedFunction::builder("tower.traced").kind(SpanKind::Client);
    let function = function.build().expect("valid settings");
    let mut service = ServiceBuilder::new()
        .layer(TracedLayer::new(function))
        .service_fn(answer);
    async {
        assert_eq!(ask(&mut service, 3).await, Ok(3));
        assert_eq!(ask(&mut service, 0).await, Err(Down));
        // Dropped between call and answer.
        drop(service.ready().await.expect("it is ready").call(7));
    }
    .with_subscriber(subscriber)
    .await;
    let ended = spans.ended();
    let calls: Vec<_> = ended
        .iter()
        .filter(|span| span.name == "tower.traced")
        .collect();
    assert_eq!(calls.len(), 3, "{ended:#?}");
    assert!(calls.iter().all(|span| span.span_kind == SpanKind::Client));
    assert_eq!(attribute(calls[0], "error.type"), None);
    assert_eq!(
        attribute(calls[1], "error.type").as_deref(),
        Some(std::any::type_name::<Down>())
    );
    assert!(matches!(calls[1].status, Status::Error { .. }));
    let inner = ended.iter().find(|span| span.name == "inner");
    assert_eq!(
        inner.expect("the service ran").parent_span_id,
        calls[0].span_context.span_id()
    );
}

#[tokio::test]
async fn a_service_that_panics_in_call_is_counted_and_marked_before_it_unwinds() {
    let _alone = ALONE.lock().await;
    let (spans, subscriber) = Spans::new();
    let function = TracedFunction::builder("tower.panics").build();
    let mut service = ServiceBuilder::new()
        .layer(TracedLayer::new(function.expect("valid settings")))
        .service_fn(|item: u32| {
            assert!(item > 0, "no items");
            answer(item)
        });
    let unwound = tracing::subscriber::with_default(subscriber, || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(service.call(0))))
    });
    assert!(unwound.is_err());
    assert_eq!(
        attribute(&spans.only(), "error.type").as_deref(),
        Some("panic")
    );
}

#[cfg(not(feature = "metrics"))]
#[tokio::test]
async fn a_traced_service_counts_its_calls_by_how_they_ended() {
    let _alone = ALONE.lock().await;
    let metrics = Metrics::new();
    opentelemetry::global::set_meter_provider(metrics.provider.clone());
    let function = TracedFunction::builder("tower.counted").build();
    let function = function.expect("valid settings");
    otelgen::bind_metrics();
    let mut service = ServiceBuilder::new()
        .layer(TracedLayer::new(function.clone()))
        .service_fn(|item: u32| {
            assert!(item < 100, "too many");
            answer(item)
        });
    assert_eq!(ask(&mut service, 1).await, Ok(1));
    assert_eq!(ask(&mut service, 2).await, Ok(2));
    assert_eq!(ask(&mut service, 0).await, Err(Down));
    drop(service.call(4));
    let unwound =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(service.call(100))));
    assert!(unwound.is_err());
    // The same series, without a layer.
    assert_eq!(function.call_async(|| answer(5)).await, Ok(5));
    assert_eq!(function.call(|| Err::<(), _>(Down)), Err(Down));
    for (outcome, expected) in [
        ("success", 3.0),
        ("error", 2.0),
        ("panic", 1.0),
        ("cancelled", 1.0),
    ] {
        for metric in ["otelgen.function.calls", "otelgen.function.duration"] {
            let counted = metrics.value(metric, &[("name", "tower.counted"), ("outcome", outcome)]);
            assert_eq!(counted, Some(expected), "{metric} {outcome}");
        }
    }
}

#[tokio::test]
async fn a_message_carries_the_producers_span_to_the_consumers() {
    let _alone = ALONE.lock().await;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let (spans, subscriber) = Spans::new();
    let producer = TracedProducer::builder("kafka", "tower.orders").build();
    let consumer = TracedConsumer::builder("kafka", "tower.orders").parent();
    let mut process = ServiceBuilder::new()
        .layer(TracedConsumerLayer::new(
            consumer.build().expect("valid settings"),
            |message: &Message| &message.headers,
        ))
        .service_fn(|message: Message| async move {
            tracing::info_span!("inner").in_scope(|| ());
            if message.fails { Err(Down) } else { Ok(()) }
        });
    // The broker hands over what it is given.
    let broker = process.clone();
    let mut send = ServiceBuilder::new()
        .layer(TracedProducerLayer::new(
            producer.expect("valid settings"),
            |message: &mut Message| &mut message.headers,
        ))
        .service(broker);
    let failing = Message {
        fails: true,
        ..Message::default()
    };
    async {
        assert_eq!(ask(&mut send, failing).await, Err(Down));
        assert_eq!(ask(&mut process, Message::default()).await, Ok(()));
    }
    .with_subscriber(subscriber)
    .await;
    let ended = spans.ended();
    let find = |name: &str| {
        let mut spans = ended.iter().filter(|span| span.name == name);
        spans.next().expect("the span is there")
    };
    let (sent, processed) = (find("send tower.orders"), find("process tower.orders"));
    assert_eq!(sent.span_kind, SpanKind::Producer);
    assert_eq!(processed.span_kind, SpanKind::Consumer);
    assert_eq!(processed.parent_span_id, sent.span_context.span_id());
    assert_eq!(
        find("inner").parent_span_id,
        processed.span_context.span_id()
    );
    for span in [sent, processed] {
        assert!(matches!(span.status, Status::Error { .. }));
        assert_eq!(
            attribute(span, "error.type").as_deref(),
            Some(std::any::type_name::<Down>())
        );
    }
    let mut alone = ended.iter().filter(|span| span.name == processed.name);
    let alone = alone.next_back().expect("two were processed");
    assert_ne!(
        alone.span_context.trace_id(),
        sent.span_context.trace_id(),
        "no header, no parent"
    );
}

#[tokio::test]
async fn a_route_shares_requests_out_and_keeps_keys_on_their_side() {
    let _alone = ALONE.lock().await;
    let (spans, subscriber) = Spans::new();
    let route = TracedRoute::builder("tower.route").percent(50.0).build();
    let route = route.expect("valid settings");
    let legacy = tower::service_fn(|_: u32| async { Ok::<_, Down>("legacy") });
    let new = tower::service_fn(|_: u32| async { Ok::<_, Down>("new") });
    let mut keyed = ServiceBuilder::new()
        .layer(TracedRouteLayer::new(route.clone(), legacy).keyed(|tenant: &u32| Some(*tenant)))
        .service(new);
    let mut shared = ServiceBuilder::new()
        .layer(TracedRouteLayer::new(route.clone(), legacy))
        .service(new);
    async {
        for tenant in 0..20 {
            let side = ask(&mut keyed, tenant).await;
            assert_eq!(ask(&mut keyed, tenant).await, side, "tenant {tenant}");
        }
        for _ in 0..10 {
            assert!(ask(&mut shared, 0).await.is_ok());
        }
        route.handle().force_new();
        assert_eq!(ask(&mut shared, 1).await, Ok("new"));
        route.handle().force_legacy();
        assert_eq!(ask(&mut keyed, 1).await, Ok("legacy"));
    }
    .with_subscriber(subscriber)
    .await;
    let totals = route.handle().totals();
    assert_eq!(totals.legacy.success + totals.new.success, 52);
    assert!(totals.legacy.success > 15 && totals.new.success > 15);
    let ended = spans.ended();
    assert_eq!(ended.len(), 52);
    for side in ["legacy", "new"] {
        let answered = ended.iter().filter(|span| {
            span.name == "tower.route"
                && attribute(span, "otelgen.route.side").as_deref() == Some(side)
        });
        let counted = match side {
            "legacy" => totals.legacy.success,
            _ => totals.new.success,
        };
        assert_eq!(answered.count() as u64, counted, "{side}");
    }
}

#[tokio::test]
async fn a_legacy_service_that_is_never_ready_holds_nobody_up_once_the_new_one_answers() {
    let _alone = ALONE.lock().await;
    #[derive(Clone)]
    struct Stuck;
    impl Service<u32> for Stuck {
        type Response = u32;
        type Error = Down;
        type Future = std::future::Ready<Result<u32, Down>>;
        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Down>> {
            std::task::Poll::Pending
        }
        fn call(&mut self, _: u32) -> Self::Future {
            unreachable!("it is never ready")
        }
    }
    let route = TracedRoute::builder("tower.stuck").percent(100.0).build();
    let mut service = ServiceBuilder::new()
        .layer(TracedRouteLayer::new(route.expect("valid settings"), Stuck))
        .service_fn(answer);
    assert_eq!(ask(&mut service, 9).await, Ok(9));
}

#[tokio::test]
async fn the_other_side_is_called_in_the_shadow_and_compared() {
    let _alone = ALONE.lock().await;
    let route = TracedRoute::builder("tower.shadow")
        .shadow(ShadowConfig::DEFAULT)
        .build()
        .expect("valid settings");
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let new = tower::service_fn(move |item: u32| {
        count.fetch_add(1, Ordering::SeqCst);
        answer(item % 10)
    });
    let layer = TracedRouteLayer::new(route.clone(), tower::service_fn(answer))
        .shadowed(compare_answers(|legacy: &u32, new: &u32| legacy == new));
    let mut service = ServiceBuilder::new().layer(layer).service(new);
    for (item, expected) in [(3, Ok(3)), (13, Ok(13)), (0, Err(Down))] {
        assert_eq!(ask(&mut service, item).await, expected);
    }
    while route.handle().shadows_under_way() > 0 {
        tokio::task::yield_now().await;
    }
    let shadows = route.handle().totals().shadows;
    assert_eq!((shadows.matched, shadows.mismatched), (2, 1));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}
