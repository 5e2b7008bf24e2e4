//! Runtime.

#[cfg(any(feature = "telemetry", feature = "http"))]
pub mod redact;
#[cfg(feature = "telemetry")]
pub mod telemetry;
