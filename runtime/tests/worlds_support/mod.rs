//! One program that uses every pattern, and what any metric world has to show of it afterwards: each world's tests read
//! their exporter's real output and compare it with the same table.

#[path = "../event_store_support/domain.rs"]
#[allow(dead_code)]
mod domain;

use std::collections::BTreeMap;
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use domain::{ledger, noted};
use otelgen::event_store::{EventStore as _, EventStoreExt as _, Expected, MemoryEventStore};
use otelgen::{
    BreakerVerdict, Clock, ConfigurationError, RouteSide, TracedBulkhead, TracedCache,
    TracedCircuitBreaker, TracedConsumer, TracedEventStore, TracedProducer, TracedRateLimit,
    TracedRetry, TracedRoute, TracedTimeout, traced,
};

/// How a metric is shown: counters and histograms by their count, gauges by their value.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Kind, dotted name, labels by name.
pub type Series = (Kind, String, Vec<(String, String)>);

/// Every series that is not zero.
pub type Shown = BTreeMap<Series, f64>;

#[derive(Clone, Debug, PartialEq)]
pub struct Down;

const DOWN: &str = "worlds_support::Down";

/// Kind, name, labels and value of a series.
type Row = (
    Kind,
    &'static str,
    &'static [(&'static str, &'static str)],
    f64,
);

// A table, a series a line.
#[rustfmt::skip]
const EXPECTED: &[Row] = {
    use Kind::{Counter, Gauge, Histogram};
    &[
        (Counter, "otelgen.circuit_breaker.calls", &[("name", "worlds.breaker"), ("outcome", "success")], 2.0),
        (Counter, "otelgen.circuit_breaker.calls", &[("name", "worlds.breaker"), ("outcome", "failure")], 1.0),
        (Counter, "otelgen.circuit_breaker.calls", &[("name", "worlds.breaker"), ("outcome", "ignored")], 1.0),
        (Counter, "otelgen.circuit_breaker.calls", &[("name", "worlds.breaker"), ("outcome", "rejected")], 1.0),
        (Counter, "otelgen.circuit_breaker.calls", &[("name", "worlds.breaker"), ("outcome", "cancelled")], 1.0),
        (Gauge, "otelgen.circuit_breaker.state", &[("name", "worlds.breaker"), ("state", "closed")], 1.0),
        (Counter, "otelgen.circuit_breaker.transitions", &[("name", "worlds.breaker"), ("from", "closed"), ("to", "open")], 1.0),
        (Counter, "otelgen.circuit_breaker.transitions", &[("name", "worlds.breaker"), ("from", "open"), ("to", "half_open")], 1.0),
        (Counter, "otelgen.circuit_breaker.transitions", &[("name", "worlds.breaker"), ("from", "half_open"), ("to", "closed")], 1.0),
        (Histogram, "otelgen.circuit_breaker.call.duration", &[("name", "worlds.breaker"), ("outcome", "success")], 2.0),
        (Histogram, "otelgen.circuit_breaker.call.duration", &[("name", "worlds.breaker"), ("outcome", "failure")], 1.0),
        (Histogram, "otelgen.circuit_breaker.call.duration", &[("name", "worlds.breaker"), ("outcome", "ignored")], 1.0),
        (Histogram, "otelgen.circuit_breaker.call.duration", &[("name", "worlds.breaker"), ("outcome", "cancelled")], 1.0),
        (Counter, "otelgen.retry.calls", &[("name", "worlds.retry"), ("outcome", "success")], 1.0),
        (Counter, "otelgen.retry.calls", &[("name", "worlds.retry"), ("outcome", "recovered")], 1.0),
        (Counter, "otelgen.retry.calls", &[("name", "worlds.retry"), ("outcome", "exhausted")], 1.0),
        (Counter, "otelgen.retry.attempts", &[("name", "worlds.retry"), ("outcome", "success")], 2.0),
        (Counter, "otelgen.retry.attempts", &[("name", "worlds.retry"), ("outcome", "failure")], 4.0),
        (Counter, "otelgen.timeout.calls", &[("name", "worlds.timeout"), ("outcome", "success")], 1.0),
        (Counter, "otelgen.timeout.calls", &[("name", "worlds.timeout"), ("outcome", "failure")], 1.0),
        (Counter, "otelgen.timeout.calls", &[("name", "worlds.timeout"), ("outcome", "timeout")], 1.0),
        (Counter, "otelgen.timeout.calls", &[("name", "worlds.timeout"), ("outcome", "cancelled")], 1.0),
        (Gauge, "otelgen.bulkhead.in_flight", &[("name", "worlds.bulkhead")], 1.0),
        (Counter, "otelgen.bulkhead.rejected", &[("name", "worlds.bulkhead")], 2.0),
        (Counter, "otelgen.rate_limit.requests", &[("name", "worlds.limit"), ("result", "allowed")], 2.0),
        (Counter, "otelgen.rate_limit.requests", &[("name", "worlds.limit"), ("result", "rejected")], 1.0),
        (Counter, "otelgen.rate_limit.requests", &[("name", "worlds.queue"), ("result", "allowed")], 1.0),
        (Counter, "otelgen.rate_limit.requests", &[("name", "worlds.queue"), ("result", "delayed")], 1.0),
        (Histogram, "otelgen.rate_limit.queue.duration", &[("name", "worlds.queue"), ("result", "delayed")], 1.0),
        (Counter, "otelgen.cache.requests", &[("name", "worlds.cache"), ("result", "hit")], 1.0),
        (Counter, "otelgen.cache.requests", &[("name", "worlds.cache"), ("result", "miss")], 3.0),
        (Counter, "otelgen.cache.requests", &[("name", "worlds.cache"), ("result", "stale")], 1.0),
        (Histogram, "otelgen.cache.load.duration", &[("name", "worlds.cache"), ("outcome", "success")], 2.0),
        (Histogram, "otelgen.cache.load.duration", &[("name", "worlds.cache"), ("outcome", "failure")], 2.0),
        (Gauge, "otelgen.cache.entries", &[("name", "worlds.cache")], 2.0),
        (Counter, "otelgen.function.calls", &[("name", "worlds.function"), ("outcome", "success")], 1.0),
        (Counter, "otelgen.function.calls", &[("name", "worlds.function"), ("outcome", "error")], 1.0),
        (Counter, "otelgen.function.calls", &[("name", "worlds.function"), ("outcome", "panic")], 1.0),
        (Counter, "otelgen.function.calls", &[("name", "worlds.function"), ("outcome", "cancelled")], 1.0),
        (Histogram, "otelgen.function.duration", &[("name", "worlds.function"), ("outcome", "success")], 1.0),
        (Histogram, "otelgen.function.duration", &[("name", "worlds.function"), ("outcome", "error")], 1.0),
        (Histogram, "otelgen.function.duration", &[("name", "worlds.function"), ("outcome", "panic")], 1.0),
        (Histogram, "otelgen.function.duration", &[("name", "worlds.function"), ("outcome", "cancelled")], 1.0),
        (Counter, "otelgen.route.calls", &[("name", "worlds.route"), ("outcome", "success"), ("route", "legacy")], 1.0),
        (Counter, "otelgen.route.calls", &[("name", "worlds.route"), ("outcome", "failure"), ("route", "new")], 2.0),
        (Histogram, "otelgen.route.call.duration", &[("name", "worlds.route"), ("route", "legacy")], 1.0),
        (Histogram, "otelgen.route.call.duration", &[("name", "worlds.route"), ("route", "new")], 2.0),
        (Gauge, "otelgen.route.percent", &[("name", "worlds.route")], 100.0),
        (Counter, "messaging.client.sent.messages", &[("messaging.destination.name", "orders"), ("messaging.operation.name", "send"), ("messaging.system", "kafka")], 3.0),
        (Histogram, "messaging.client.operation.duration", &[("messaging.destination.name", "orders"), ("messaging.operation.name", "send"), ("messaging.operation.type", "send"), ("messaging.system", "kafka")], 2.0),
        (Counter, "messaging.client.consumed.messages", &[("error.type", DOWN), ("messaging.consumer.group.name", "billing"), ("messaging.destination.name", "orders"), ("messaging.operation.name", "process"), ("messaging.system", "kafka")], 1.0),
        (Histogram, "messaging.process.duration", &[("error.type", DOWN), ("messaging.consumer.group.name", "billing"), ("messaging.destination.name", "orders"), ("messaging.operation.name", "process"), ("messaging.system", "kafka")], 1.0),
        (Counter, "otelgen.event_store.appended", &[("event_type", "noted"), ("stream_type", "ledger")], 2.0),
        (Histogram, "otelgen.event_store.append.duration", &[("stream_type", "ledger")], 2.0),
        (Counter, "otelgen.event_store.conflicts", &[("stream_type", "ledger")], 1.0),
        (Counter, "otelgen.event_store.replayed", &[("stream_type", "ledger")], 2.0),
    ]
};

/// What has to be shown. Types are told by their path, which starts with the test's own name.
pub fn expected() -> Shown {
    let down = std::any::type_name::<Down>();
    let text = |value: &str| if value == DOWN { down } else { value }.to_owned();
    let series = EXPECTED.iter().map(|(kind, name, labels, value)| {
        let labels = labels.iter();
        let labels = labels.map(|(key, value)| ((*key).to_owned(), text(value)));
        let mut labels: Vec<(String, String)> = labels.collect();
        labels.sort();
        ((*kind, (*name).to_owned(), labels), *value)
    });
    series.collect()
}

/// Says which series differ.
pub fn assert_shown(shown: &Shown) {
    let expected = expected();
    let wrong = |of: &Shown, other: &Shown| -> Vec<_> {
        let differs = of
            .iter()
            .filter(|(series, value)| other.get(*series) != Some(*value));
        differs
            .map(|(series, value)| format!("{series:?} = {value}"))
            .collect()
    };
    let (missing, unexpected) = (wrong(&expected, shown), wrong(shown, &expected));
    assert!(
        missing.is_empty() && unexpected.is_empty(),
        "expected\n{missing:#?}\nshown instead\n{unexpected:#?}"
    );
}

/// What goes on when the program has done everything: one call in a bulkhead, and instances whose gauges are shown.
pub struct Running {
    _call: Pin<Box<dyn Future<Output = ()>>>,
    _instances: Vec<Box<dyn std::any::Any>>,
}

/// Runs the program.
pub fn run() -> Result<Running, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let _entered = runtime.enter();
    let mut instances: Vec<Box<dyn std::any::Any>> = Vec::new();
    instances.push(Box::new(breaker()?));
    instances.push(Box::new(runtime.block_on(retry())?));
    instances.push(Box::new(runtime.block_on(timeout())?));
    let (bulkhead, call) = bulkhead()?;
    instances.push(Box::new(bulkhead));
    instances.push(Box::new(runtime.block_on(rate_limit())?));
    instances.push(Box::new(cache()?));
    function();
    messages()?;
    instances.push(Box::new(route()?));
    runtime.block_on(events())?;
    Ok(Running {
        _call: call,
        _instances: instances,
    })
}

fn breaker() -> Result<TracedCircuitBreaker, ConfigurationError> {
    let (clock, time) = Clock::manual();
    let breaker = TracedCircuitBreaker::builder("worlds.breaker")
        .clock(clock)
        .min_calls(2)
        .build()?;
    dropped(breaker.call_async(pending::<Result<(), Down>>));
    let ignored = breaker.call_judged(
        || Err::<(), _>(Down),
        |_: &Result<(), Down>| BreakerVerdict::Ignored,
    );
    assert!(ignored.is_err());
    assert!(breaker.call(|| Ok::<_, Down>(())).is_ok());
    assert!(breaker.call(|| Err::<(), _>(Down)).is_err());
    assert!(
        breaker
            .call(|| Ok::<_, Down>(()))
            .is_err_and(|error| error.is_open())
    );
    time.advance(Duration::from_secs(30));
    assert!(breaker.call(|| Ok::<_, Down>(())).is_ok());
    Ok(breaker)
}

async fn retry() -> Result<TracedRetry, ConfigurationError> {
    let retry = TracedRetry::builder("worlds.retry")
        .base(Duration::from_millis(1))
        .build()?;
    for failing in [0, 1, 3] {
        let mut left = failing;
        let result = retry.call_async(|| {
            let fails = left > 0;
            left -= i32::from(fails);
            async move { if fails { Err(Down) } else { Ok(()) } }
        });
        assert_eq!(result.await.is_ok(), failing < 3);
    }
    Ok(retry)
}

async fn timeout() -> Result<TracedTimeout, ConfigurationError> {
    let timeout = TracedTimeout::builder("worlds.timeout")
        .after(Duration::from_millis(10))
        .build()?;
    assert!(
        timeout
            .call_async(|| async { Ok::<_, Down>(()) })
            .await
            .is_ok()
    );
    assert!(
        timeout
            .call_async(|| async { Err::<(), _>(Down) })
            .await
            .is_err()
    );
    assert!(
        timeout
            .call_async(pending::<Result<(), Down>>)
            .await
            .is_err()
    );
    dropped(timeout.call_async(pending::<Result<(), Down>>));
    Ok(timeout)
}

type Pending = Pin<Box<dyn Future<Output = ()>>>;

fn bulkhead() -> Result<(TracedBulkhead, Pending), ConfigurationError> {
    let bulkhead = TracedBulkhead::builder("worlds.bulkhead")
        .max_concurrent(1)
        .build()?;
    let inside = bulkhead.clone();
    let mut call: Pending = Box::pin(async move {
        let _ = inside.call_async(pending::<Result<(), Down>>).await;
    });
    assert!(
        call.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    for _ in 0..2 {
        assert!(bulkhead.call(|| Ok::<_, Down>(())).is_err());
    }
    Ok((bulkhead, call))
}

async fn rate_limit() -> Result<[TracedRateLimit; 2], ConfigurationError> {
    let (clock, _time) = Clock::manual();
    let limit = TracedRateLimit::builder("worlds.limit", 1.0)
        .burst(2)
        .clock(clock)
        .build()?;
    let admitted = (0..3).filter(|_| limit.call(|| Ok::<_, Down>(())).is_ok());
    assert_eq!(admitted.count(), 2);
    let queue = TracedRateLimit::builder("worlds.queue", 10.0)
        .burst(1)
        .max_wait(Duration::from_secs(1))
        .clock(Clock::tokio())
        .build()?;
    for _ in 0..2 {
        assert!(
            queue
                .call_async(|| async { Ok::<_, Down>(()) })
                .await
                .is_ok()
        );
    }
    Ok([limit, queue])
}

fn cache() -> Result<TracedCache<u32, u32>, ConfigurationError> {
    let (clock, time) = Clock::manual();
    let cache = TracedCache::<u32, u32>::builder("worlds.cache")
        .ttl(Duration::from_secs(10))
        .ttl_jitter(0.0)
        .stale_if_error(Duration::from_secs(60))
        .clock(clock)
        .build()?;
    let load = |key, value: Result<u32, Down>| cache.get_or_load(&key, || value);
    assert_eq!(load(1, Ok(10)), Ok(10));
    assert_eq!(load(1, Err(Down)), Ok(10), "a hit");
    assert_eq!(load(2, Ok(20)), Ok(20));
    assert_eq!(load(3, Err(Down)), Err(Down));
    time.advance(Duration::from_secs(11));
    assert_eq!(load(1, Err(Down)), Ok(10), "a stale one");
    Ok(cache)
}

#[traced(name = "worlds.function")]
fn function_of(item: u32) -> Result<u32, Down> {
    assert!(item < 2, "no such item");
    if item == 1 { Err(Down) } else { Ok(item) }
}

#[traced(name = "worlds.function")]
async fn function_without_end() -> Result<u32, Down> {
    pending().await
}

fn function() {
    assert!(function_of(0).is_ok());
    assert!(function_of(1).is_err());
    assert!(std::panic::catch_unwind(|| function_of(2)).is_err());
    dropped(function_without_end());
}

fn messages() -> Result<(), ConfigurationError> {
    let producer = TracedProducer::builder("kafka", "orders").build()?;
    let consumer = TracedConsumer::builder("kafka", "orders")
        .group("billing")
        .build()?;
    let (mut one, mut other) = (Vec::<(String, String)>::new(), Vec::new());
    assert!(producer.start(&mut one).run(|| Ok::<_, Down>(())).is_ok());
    let batch = producer.start_batch([&mut one, &mut other]);
    assert!(batch.run(|| Ok::<_, Down>(())).is_ok());
    assert!(consumer.start(&one).run(|| Err::<(), _>(Down)).is_err());
    Ok(())
}

fn route() -> Result<TracedRoute, ConfigurationError> {
    let route = TracedRoute::builder("worlds.route").build()?;
    let sides = |side| match side {
        RouteSide::Legacy => Ok(()),
        RouteSide::New => Err(Down),
    };
    assert!(route.start().run(sides).is_ok());
    route.handle().force_new();
    assert!(route.start().run(sides).is_err());
    assert!(route.start_for("tenant").run(sides).is_err());
    Ok(route)
}

async fn events() -> Result<(), Box<dyn std::error::Error>> {
    let store = TracedEventStore::new(MemoryEventStore::new());
    let stream = ledger(1);
    let both = [noted(&stream, 1), noted(&stream, 2)];
    store.append(&stream, Expected::NoStream, &both).await?;
    let late = store
        .append(&stream, Expected::NoStream, &noted(&stream, 3))
        .await;
    assert!(late.is_err_and(|error| error.is_conflict()));
    assert_eq!(store.load_events(&stream, 0, 10).await?.len(), 2);
    Ok(())
}

/// Starts something and gives it up.
fn dropped(future: impl Future) {
    let mut future = Box::pin(future);
    let polled = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}
