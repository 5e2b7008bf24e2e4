//! Resilience patterns with their spans and metrics in one attribute, on `tracing` and OpenTelemetry.
//!
//! An attribute gives a function three things: the behaviour, the span, and the metrics.
//!
//! ```
//! use otelgen::{BreakerOpen, traced_breaker};
//!
//! #[derive(Debug)]
//! enum StockError {
//!     Unavailable(BreakerOpen),
//!     Timeout,
//! }
//!
//! impl From<BreakerOpen> for StockError {
//!     fn from(open: BreakerOpen) -> Self {
//!         Self::Unavailable(open)
//!     }
//! }
//!
//! #[traced_breaker(name = "stock", failure_rate = 0.5, window = "30s", open_for = "10s")]
//! async fn available(item: u32) -> Result<u32, StockError> {
//!     if item == 0 { Err(StockError::Timeout) } else { Ok(item * 2) }
//! }
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # assert!(matches!(runtime.block_on(available(3)), Ok(6)));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Everything an attribute does is there without it too: [`TracedCircuitBreaker`]. What is emitted
//! is listed in [`names`]. Metrics go to the global OpenTelemetry meter provider, or with the feature
//! `metrics` to the `metrics` facade.

#![forbid(unsafe_code)]

mod breaker;
mod bulkhead;
#[cfg(feature = "cache")]
mod cache;
mod clock;
mod function;
mod intern;
#[cfg(feature = "messaging")]
mod messaging;
pub mod names;
mod pattern;
#[cfg(feature = "retry")]
mod policy;
#[cfg(feature = "rate-limit")]
mod rate_limit;
mod recorder;
mod registry;
#[cfg(feature = "retry")]
mod retry;
#[cfg(feature = "route")]
mod route;
mod settle;
mod shard;
mod site;
mod span;
mod sync;
mod timeout;
mod trace_fields;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[cfg(feature = "event-store")]
pub mod event_store;
#[cfg(feature = "http")]
pub mod http;
#[cfg(any(feature = "telemetry", feature = "http"))]
pub mod redact;
#[cfg(feature = "telemetry")]
pub mod telemetry;

pub use breaker::*;
pub use bulkhead::*;
#[cfg(feature = "cache")]
pub use cache::*;
pub use clock::{Clock, ManualTime};
pub use function::{TracedFunction, TracedFunctionBuilder};
#[cfg(feature = "tower")]
pub use function::{TracedLayer, TracedService, TracedServiceFuture};
#[cfg(feature = "messaging")]
pub use messaging::*;
pub use pattern::PatternConfigError;
#[cfg(feature = "retry")]
pub use policy::*;
#[cfg(feature = "rate-limit")]
pub use rate_limit::*;
pub use recorder::bind_metrics;
pub use registry::{ConfigurationError, configuration_errors};
#[cfg(feature = "retry")]
pub use retry::*;
#[cfg(feature = "route")]
pub use route::*;
pub use timeout::*;
pub use trace_fields::{DebugFields, FieldRecorder, FieldValue, TraceFields};

#[cfg(feature = "event-store")]
pub use event_store::{DomainEvent, EventStore, EventStoreError, TracedEventStore};
#[doc = include_str!("docs/traced.md")]
pub use otelgen_macros::traced;
#[doc = include_str!("docs/traced_breaker.md")]
pub use otelgen_macros::traced_breaker;
#[doc = include_str!("docs/traced_bulkhead.md")]
pub use otelgen_macros::traced_bulkhead;
#[cfg(feature = "event-store")]
#[doc = include_str!("docs/traced_event.md")]
pub use otelgen_macros::traced_event;
#[doc = include_str!("docs/traced_timeout.md")]
pub use otelgen_macros::traced_timeout;

// Without their features these attributes say which one they need.
#[cfg_attr(feature = "cache", doc = include_str!("docs/traced_cache.md"))]
#[cfg_attr(not(feature = "cache"), doc = "Needs the feature `cache`.")]
pub use otelgen_macros::traced_cache;
#[cfg_attr(feature = "messaging", doc = include_str!("docs/traced_consumer.md"))]
#[cfg_attr(not(feature = "messaging"), doc = "Needs the feature `messaging`.")]
pub use otelgen_macros::traced_consumer;
#[cfg_attr(feature = "messaging", doc = include_str!("docs/traced_producer.md"))]
#[cfg_attr(not(feature = "messaging"), doc = "Needs the feature `messaging`.")]
pub use otelgen_macros::traced_producer;
#[cfg_attr(feature = "rate-limit", doc = include_str!("docs/traced_rate_limit.md"))]
#[cfg_attr(not(feature = "rate-limit"), doc = "Needs the feature `rate-limit`.")]
pub use otelgen_macros::traced_rate_limit;
#[cfg_attr(feature = "retry", doc = include_str!("docs/traced_retry.md"))]
#[cfg_attr(not(feature = "retry"), doc = "Needs the feature `retry`.")]
pub use otelgen_macros::traced_retry;
#[cfg_attr(feature = "route", doc = include_str!("docs/traced_route.md"))]
#[cfg_attr(not(feature = "route"), doc = "Needs the feature `route`.")]
pub use otelgen_macros::traced_route;

#[doc = include_str!("docs/trace_fields.md")]
pub use otelgen_macros::TraceFields;
