//! Shadow calls: apart from the answer, bounded, compared; and what routes emit.
#![cfg(all(feature = "route", not(feature = "metrics")))]

mod breaker_support;

use std::future::pending;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use breaker_support::{Metrics, Spans, attribute, find};
use opentelemetry::trace::{SpanKind, Status};
use otelgen::{
    IgnoreAnswers, RouteHandle, RouteSide, ShadowConfig, ShadowSide, ShadowTotals, TracedRoute,
    compare_answers, names, traced_route,
};
use tokio::sync::Semaphore;
use tracing::subscriber::set_default;

/// One at a time: a collection starts the exporter anew.
fn metrics() -> MutexGuard<'static, Metrics> {
    static METRICS: LazyLock<Mutex<Metrics>> = LazyLock::new(|| {
        let metrics = Metrics::new();
        opentelemetry::global::set_meter_provider(metrics.provider.clone());
        otelgen::bind_metrics();
        Mutex::new(metrics)
    });
    METRICS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, PartialEq)]
struct Failed;

/// Lets tasks run until no shadow is under way.
async fn settled(route: &RouteHandle) -> ShadowTotals {
    while route.shadows_under_way() > 0 {
        tokio::task::yield_now().await;
    }
    route.totals().shadows
}

fn route(name: &str) -> RouteHandle {
    otelgen::route(name).expect("it was called")
}

fn shadowed(name: &str, shadow: ShadowConfig) -> TracedRoute {
    let route = TracedRoute::builder(name).shadow(shadow);
    route.build().expect("valid settings")
}

/// Legacy answers with the first, the new side with the second; 0 fails, 13 panics, 99 never ends.
async fn side(side: RouteSide, legacy: u32, new: u32) -> Result<u32, Failed> {
    tokio::task::yield_now().await;
    match if side == RouteSide::Legacy {
        legacy
    } else {
        new
    } {
        0 => Err(Failed),
        13 => panic!("unlucky"),
        99 => pending().await,
        value => Ok(value),
    }
}

#[traced_route(
    name = "shadow.compared",
    legacy = side(RouteSide::Legacy, legacy, new).await,
    shadow,
    shadow_timeout = "5s",
    compare = |legacy, new| legacy <= new,
)]
async fn compared(legacy: u32, new: u32) -> Result<u32, Failed> {
    side(RouteSide::New, legacy, new).await
}

#[tokio::test(start_paused = true)]
async fn whatever_the_shadow_does_the_answer_is_legacys_and_the_difference_is_counted() {
    let start = tokio::time::Instant::now();
    assert_eq!(compared(1, 2).await, Ok(1));
    assert_eq!(compared(2, 1).await, Ok(2));
    assert_eq!(compared(3, 0).await, Ok(3));
    assert_eq!(compared(4, 13).await, Ok(4));
    assert_eq!(compared(5, 99).await, Ok(5));
    assert_eq!(compared(0, 6).await, Err(Failed));
    assert_eq!(compared(0, 0).await, Err(Failed));
    assert_eq!(
        start.elapsed(),
        Duration::ZERO,
        "no answer waits for a shadow"
    );
    let handle = route("shadow.compared");
    while handle.shadows_under_way() > 1 {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_millis(4_999)).await;
    tokio::task::yield_now().await;
    assert_eq!(
        handle.shadows_under_way(),
        1,
        "the hanging one has its time"
    );
    tokio::time::advance(Duration::from_millis(1)).await;
    let totals = settled(&handle).await;
    assert_eq!((totals.matched, totals.mismatched), (2, 1), "{totals:?}");
    assert_eq!((totals.failed, totals.timed_out), (2, 1), "{totals:?}");
    assert_eq!((totals.recovered, totals.skipped), (1, 0), "{totals:?}");
}

#[tokio::test]
async fn no_more_shadows_are_under_way_than_allowed() {
    let limit = ShadowConfig {
        max_concurrent: 2,
        ..ShadowConfig::DEFAULT
    };
    let route = shadowed("shadow.bounded", limit);
    let gate = Arc::new(Semaphore::new(0));
    for _ in 0..5 {
        let gate = Arc::clone(&gate);
        let sides = move |side| async move {
            if side == RouteSide::New {
                let _permit = gate.acquire().await;
            }
            Ok::<_, Failed>(side)
        };
        let answer = route.start().run_async_shadowed(sides, IgnoreAnswers).await;
        assert_eq!(answer, Ok(RouteSide::Legacy));
    }
    assert_eq!(route.handle().shadows_under_way(), 2);
    assert_eq!(route.handle().totals().shadows.skipped, 3);
    gate.add_permits(2);
    let totals = settled(&route.handle()).await;
    assert_eq!((totals.matched, totals.skipped), (2, 3));
}

#[tokio::test]
async fn either_side_can_be_the_shadow_and_its_answers_keep_their_order() {
    let both = ShadowConfig {
        side: ShadowSide::Both,
        ..ShadowConfig::DEFAULT
    };
    let route = shadowed("shadow.both", both);
    let seen = Arc::new(Mutex::new(Vec::new()));
    for forced in [RouteSide::Legacy, RouteSide::New] {
        match forced {
            RouteSide::Legacy => route.handle().force_legacy(),
            RouteSide::New => route.handle().force_new(),
        }
        let seen = Arc::clone(&seen);
        let judge = compare_answers(move |legacy: &&str, new: &&str| {
            seen.lock().expect("alone").push((*legacy, *new));
            true
        });
        let sides = |side: RouteSide| async move { Ok::<_, Failed>(side.as_str()) };
        let answer = route.start().run_async_shadowed(sides, judge).await;
        assert_eq!(answer, Ok(forced.as_str()));
        settled(&route.handle()).await;
    }
    assert_eq!(*seen.lock().expect("alone"), [("legacy", "new"); 2]);
}

#[tokio::test]
async fn a_share_of_the_calls_is_shadowed_and_a_handle_stops_it() {
    let half = ShadowConfig {
        percent: 50.0,
        max_concurrent: 100,
        ..ShadowConfig::DEFAULT
    };
    let route = shadowed("shadow.share", half);
    let call = || async {
        let sides = |side| async move { Ok::<_, Failed>(side) };
        route.start().run_async_shadowed(sides, IgnoreAnswers).await
    };
    for _ in 0..20 {
        assert!(call().await.is_ok());
    }
    let matched = settled(&route.handle()).await.matched;
    assert!((9..=11).contains(&matched), "{matched} of 20 at 50 %");
    route.handle().set_shadowing(false);
    assert!(!route.handle().is_shadowing());
    for _ in 0..20 {
        assert!(call().await.is_ok());
    }
    assert_eq!(settled(&route.handle()).await.matched, matched);
    route.handle().set_shadowing(true);
    route.handle().force_new();
    assert!(call().await.is_ok());
    assert_eq!(
        settled(&route.handle()).await.matched,
        matched,
        "legacy is not the shadow here"
    );
}

struct Shop {
    factor: u32,
}

impl Shop {
    #[traced_route(
        name = "shadow.blocking",
        legacy = Ok(item.len()),
        shadow,
        compare = usize::eq,
    )]
    fn blocking(self: Arc<Self>, item: String) -> Result<usize, Failed> {
        if self.factor == 13 {
            panic!("unlucky");
        }
        Ok(item.len() * self.factor as usize)
    }
}

fn blocking_shadows() -> ShadowTotals {
    for factor in [1, 2, 13] {
        let shop = Arc::new(Shop { factor });
        assert_eq!(shop.blocking("tea".to_owned()), Ok(3));
        while route("shadow.blocking").shadows_under_way() > 0 {
            std::thread::yield_now();
        }
    }
    route("shadow.blocking").totals().shadows
}

#[test]
fn a_blocking_shadow_has_a_thread_of_its_own_with_a_runtime_or_without() {
    let totals = blocking_shadows();
    assert_eq!(
        (totals.matched, totals.mismatched, totals.failed),
        (1, 1, 1)
    );
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let totals = runtime.block_on(async { blocking_shadows() });
    assert_eq!(
        (totals.matched, totals.mismatched, totals.failed),
        (2, 2, 2)
    );
}

#[tokio::test]
async fn a_call_that_is_given_up_has_no_shadow_and_is_counted() {
    let call = compared_elsewhere(99, 1);
    tokio::select! {
        biased;
        _ = call => unreachable!("it never ends"),
        () = async { for _ in 0..3 { tokio::task::yield_now().await } } => {}
    }
    let totals = route("shadow.cancelled").totals();
    assert_eq!(totals.legacy.cancelled, 1);
    assert_eq!(totals.shadows, ShadowTotals::default());
}

#[traced_route(name = "shadow.cancelled", legacy = side(RouteSide::Legacy, legacy, new).await, shadow)]
async fn compared_elsewhere(legacy: u32, new: u32) -> Result<u32, Failed> {
    side(RouteSide::New, legacy, new).await
}

#[test]
fn without_a_runtime_an_async_shadow_is_skipped() {
    let route = shadowed("shadow.homeless", ShadowConfig::DEFAULT);
    let sides = |side| std::future::ready(Ok::<_, Failed>(side));
    let mut call = Box::pin(route.start().run_async_shadowed(sides, IgnoreAnswers));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = call.as_mut().poll(&mut context);
    assert_eq!(polled, std::task::Poll::Ready(Ok(RouteSide::Legacy)));
    assert_eq!(route.handle().totals().shadows.skipped, 1);
}

#[traced_route(
    name = "shadow.spans",
    legacy = side(RouteSide::Legacy, legacy, new).await,
    shadow,
    fields(item = legacy),
)]
async fn spanned(legacy: u32, new: u32) -> Result<u32, Failed> {
    side(RouteSide::New, legacy, new).await
}

#[tokio::test]
async fn a_call_has_one_span_and_its_shadow_another_that_links_to_it() {
    let (spans, subscriber) = Spans::new();
    let _guard = set_default(subscriber);
    assert_eq!(spanned(1, 0).await, Ok(1));
    settled(&route("shadow.spans")).await;
    let spans = spans.ended();
    let [call, shadow] = spans.as_slice() else {
        panic!("{spans:#?}");
    };
    assert_eq!(call.name, "shadow.spans");
    assert_eq!(call.span_kind, SpanKind::Internal);
    for (key, value) in [
        (names::SPAN_ROUTE_NAME, "shadow.spans"),
        (names::SPAN_ROUTE_SIDE, "legacy"),
        (names::SPAN_ROUTE_OUTCOME, "success"),
        ("code.function.name", "route_shadow::spanned"),
        ("item", "1"),
    ] {
        assert_eq!(attribute(call, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(
        call.status,
        Status::Unset,
        "the shadow's error is not the call's"
    );
    assert_eq!(shadow.name, "shadow shadow.spans");
    assert_ne!(shadow.span_context.trace_id(), call.span_context.trace_id());
    assert_eq!(shadow.links.iter().count(), 1);
    assert_eq!(
        shadow.links.iter().next().map(|link| &link.span_context),
        Some(&call.span_context)
    );
    assert_eq!(
        attribute(shadow, names::SPAN_ROUTE_SIDE).as_deref(),
        Some("new")
    );
    assert_eq!(
        attribute(shadow, names::SPAN_SHADOW_OUTCOME).as_deref(),
        Some("failure")
    );
    let failed = std::any::type_name::<Failed>();
    assert_eq!(attribute(shadow, "error.type").as_deref(), Some(failed));
}

#[traced_route(name = "shadow.metrics", legacy = side(RouteSide::Legacy, legacy, new).await, percent = 12.5, shadow)]
async fn measured(legacy: u32, new: u32) -> Result<u32, Failed> {
    side(RouteSide::New, legacy, new).await
}

#[tokio::test]
async fn calls_shares_and_differences_are_exported() {
    drop(metrics());
    let handle = TracedRoute::builder("shadow.metrics")
        .percent(12.5)
        .shadow(ShadowConfig::DEFAULT)
        .build()
        .expect("the attribute's settings")
        .handle();
    handle.force_legacy();
    assert!(measured(1, 0).await.is_ok());
    settled(&handle).await;
    handle.force_new();
    assert!(measured(1, 0).await.is_err());
    handle.resume();
    let metrics = metrics();
    let points = metrics.collect();
    let name = (names::NAME, "shadow.metrics");
    let calls = |side, outcome| {
        let attributes = [name, (names::ROUTE, side), (names::OUTCOME, outcome)];
        find(&points, names::ROUTE_CALLS, &attributes)
    };
    assert_eq!(calls("legacy", "success"), Some(1.0));
    assert_eq!(calls("new", "failure"), Some(1.0));
    assert_eq!(calls("new", "cancelled"), Some(0.0));
    let shadows = |outcome| {
        find(
            &points,
            names::ROUTE_SHADOWS,
            &[name, (names::OUTCOME, outcome)],
        )
    };
    assert_eq!(shadows("failure"), Some(1.0));
    assert_eq!(shadows("match"), Some(0.0));
    assert_eq!(
        find(&points, names::ROUTE_PERCENT, &[name]),
        Some(13.0),
        "rounded up"
    );
    let side = |metric, side| find(&points, metric, &[name, (names::ROUTE, side)]);
    assert_eq!(side(names::ROUTE_DURATION, "legacy"), Some(1.0));
    assert_eq!(side(names::ROUTE_DURATION, "new"), Some(1.0));
    assert_eq!(side(names::ROUTE_SHADOW_DURATION, "new"), Some(1.0));
    handle.force_legacy();
    let percent = metrics.value(names::ROUTE_PERCENT, &[name]);
    assert_eq!(percent, Some(0.0), "what applies, not what is set");
}
