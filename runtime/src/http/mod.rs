//! HTTP servers and clients with the stable semantic conventions of OpenTelemetry.
//! Knows `http` and Tower types, the global meter and propagator; knows no framework and no SDK.
//!
//! - [`ServerLayer`] observes a server: axum, or anything that is a Tower service of `http::Request`s.
#![cfg_attr(
    feature = "reqwest",
    doc = "- [`TracedClient`] sends requests that carry the trace on."
)]
#![cfg_attr(
    not(feature = "reqwest"),
    doc = "- With the feature `reqwest`, a client sends requests that carry the trace on."
)]
//!
//! Spans are `tracing` spans; they become OpenTelemetry's through the layer of `tracing-opentelemetry` that
//! the service installs. Metrics and propagation use the global meter provider and propagator, which do
//! nothing until the service sets them.

mod body;
#[cfg(feature = "reqwest")]
mod client;
mod in_flight;
pub mod names;
mod request;
mod server;
mod settings;

pub use body::TracedBody;
#[cfg(feature = "reqwest")]
pub use client::{TracedClient, TracedRequest};
pub use server::{ServerFuture, ServerLayer, TracedService};
pub use settings::{HttpRoute, OnPanic};
