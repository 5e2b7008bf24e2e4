//! What may reach the exporters: not the telemetry of exporting itself.
//! Judges targets and levels; knows no exporter.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

/// Crates that do the exporting: a span or log of theirs, exported, makes the next one.
pub const FEEDBACK_CRATES: &[&str] = &[
    "h2",
    "hyper",
    "hyper_util",
    "hyper_rustls",
    "reqwest",
    "rustls",
    "tonic",
    "tower",
];

/// The target of this crate's own reports about exporting.
pub(super) const OWN_TARGET: &str = "otelgen::telemetry";

/// A filter for the OpenTelemetry layers, and for them only: leaves out the crates that export
/// ([`FEEDBACK_CRATES`] and every `opentelemetry*`), and what is finer than a level.
///
/// The level is INFO unless [`with_level`](Self::with_level) says otherwise; `RUST_LOG` decides what is
/// *printed* and must not decide what is traced.
///
/// ```
/// use otelgen::telemetry::ExportFilter;
/// use tracing_subscriber::prelude::*;
///
/// let traces = tracing_opentelemetry::layer().with_filter(ExportFilter::new());
/// let _subscriber = tracing_subscriber::registry().with(traces);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ExportFilter {
    level: LevelFilter,
}

impl ExportFilter {
    /// Everything of INFO and above that is not the exporting itself.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            level: LevelFilter::INFO,
        }
    }

    /// Another level than INFO.
    #[must_use]
    pub const fn with_level(self, level: LevelFilter) -> Self {
        Self { level }
    }

    fn allows(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level && !is_feedback(metadata.target())
    }
}

impl Default for ExportFilter {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Subscriber> Filter<S> for ExportFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.allows(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.allows(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }
}

/// Whether a target belongs to a crate that exports.
pub(super) fn is_feedback(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    FEEDBACK_CRATES.contains(&name) || is_sdk(target) || target == OWN_TARGET
}

/// Whether a target is the SDK's or an exporter's: `opentelemetry`, `opentelemetry_sdk`, `opentelemetry-otlp` …
pub(super) fn is_sdk(target: &str) -> bool {
    target.starts_with("opentelemetry")
}
