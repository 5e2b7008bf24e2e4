//! Runtime.

#[cfg(feature = "event-store")]
pub mod event_store;
#[cfg(feature = "http")]
pub mod http;
#[cfg(any(feature = "telemetry", feature = "http"))]
pub mod redact;
#[cfg(feature = "telemetry")]
pub mod telemetry;
