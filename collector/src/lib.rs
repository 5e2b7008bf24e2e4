//! An OTLP receiver for tests and local development: takes traces, metrics and logs over gRPC, http/protobuf and
//! http/JSON, keeps them in a store that is bounded and fair to every service, and answers questions about them.
//!
//! ```
//! use std::time::Duration;
//! use otelgen_collector::Collector;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let collector = Collector::builder().start().await?;
//! // Start the program under test with OTEL_EXPORTER_OTLP_ENDPOINT set to this:
//! println!("{}", collector.grpc_endpoint());
//! let store = collector.store();
//! store.wait_until(|store| store.spans().name("GET /orders/{id}").count() == 1, Duration::from_secs(5)).await?;
//! let request = store.spans().name("GET /orders/{id}").first().ok_or("evicted")?;
//! assert_eq!(store.logs().trace(request.trace_id).message("order not found").count(), 0);
//! assert_eq!(store.metrics().name("http.server.request.duration").attribute("http.route", "/orders/{id}").count(), 1);
//! collector.shutdown().await;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod collector;
mod convert;
mod forward;
mod grpc;
mod http;
mod intake;
pub mod model;
mod query;
mod store;
mod wire;

pub use collector::{Builder, Collector, StartError};
pub use forward::{ForwardReport, ForwardUrlError};
pub use query::{LogQuery, MetricQuery, SpanQuery};
pub use store::{Counts, ServiceStats, Signal, Store, StoreStats, WaitError};
