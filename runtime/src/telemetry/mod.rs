//! What a service's own `telemetry.rs` is built from: everything the OpenTelemetry SDK leaves to its user.
//! The exporters and providers stay plain upstream builders in the service; nothing here names a backend.
//!
//! | block | what the SDK does not do |
//! |---|---|
//! | [`Environment`] | `OTEL_SDK_DISABLED`, `OTEL_{TRACES,METRICS,LOGS}_EXPORTER`, a protocol it lacks; wrong values told |
//! | [`propagator`] | `OTEL_PROPAGATORS`, with B3, X-Ray and Datadog |
//! | [`resource`] | a default service name below the environment, instance id, percent-decoding |
//! | [`Logs`], [`JsonFormat`] | JSON with trace ids, text on a terminal, rotating files, checked variables |
//! | [`ExportFilter`] | export that reports on itself, for ever |
//! | [`ExportHealth`] | one warning without a collector, then quiet until it is back |
//! | [`GivenNames`] | event names that are none: `event src/orders.rs:42` |
//! | [`AttributeLimits`] | `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` |
//! | [`Providers`] | an ordered end within a deadline, on any runtime |
//! | [`spawn`], [`spawn_blocking`] | tasks that stay in their trace |
//!
//! # Transports: which features, built where
//!
//! `SpanExporter::builder().build()` of `opentelemetry-otlp` follows `OTEL_EXPORTER_OTLP_PROTOCOL`. Two
//! things must hold for it not to panic:
//!
//! - **gRPC** (`grpc-tonic`) is built *on* a Tokio runtime, which then drives its connection: call your
//!   set-up from inside `#[tokio::main]`.
//! - **http/protobuf, http/json** are sent from the SDK's batch threads, which have no reactor. Enable
//!   `reqwest-blocking-client` and not `reqwest-client` (the asynchronous client wins where both are on,
//!   and any crate in the tree can switch it on). Wrap exporters with [`ExportHealth::watch`] on the
//!   runtime: it lends them the runtime, so that either client works.
//!
//! # Why not `init-tracing-opentelemetry`
//!
//! Its 0.44 was looked at first. It is a whole set-up (one call that installs the subscriber) rather than
//! blocks; it always brings `opentelemetry-otlp` with tonic; it knows neither `OTEL_SDK_DISABLED` nor
//! `console`, refuses B3 and Datadog, ignores unknown exporter names, flushes in `Drop` on the caller's
//! thread without a deadline, and reports errors as text. The ideas of an `OTEL_*`-driven set-up and of
//! putting trace ids into formatted events are shared with it; nothing of it is needed beside these blocks.

mod environment;
mod filter;
mod given_names;
mod health;
mod json;
mod limits;
mod logs;
mod propagation;
mod resource;
mod shutdown;
mod spawn;
mod variables;

pub use environment::{
    Environment, EnvironmentError, EnvironmentErrors, Exporter, Exporters, Protocol, Signal,
};
pub use filter::{ExportFilter, FEEDBACK_CRATES};
pub use given_names::GivenNames;
pub use health::{ExportHealth, SdkEventFilter, WatchedExporter};
pub use json::{JsonFields, JsonFormat};
pub use limits::{AttributeLimits, LimitedExporter};
pub use logs::{BoxedLayer, LogFileError, LogFiles, LogFormat, Logs};
pub use propagation::{B3Propagator, DatadogPropagator, XrayPropagator, propagator};
pub use resource::resource;
pub use shutdown::{Providers, ShutdownError, SignalFailure};
pub use spawn::{spawn, spawn_blocking};
