//! Limits on the length of attribute values, which the SDK (0.33) counts but does not cut.
//! Wraps a span exporter; knows no backend.

use std::fmt;
use std::time::Duration;

use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::environment::{Environment, EnvironmentError};

/// How long the text of a span's attribute may be, in characters.
///
/// ```
/// use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
/// use otelgen::telemetry::{AttributeLimits, Environment};
///
/// let environment = Environment::from_pairs([("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1024")]);
/// let limits = AttributeLimits::from_environment(&environment)?;
/// let exporter = limits.limit(InMemorySpanExporter::default());
/// let _provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
/// # Ok::<(), otelgen::telemetry::EnvironmentError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct AttributeLimits {
    value_length: Option<usize>,
}

impl AttributeLimits {
    /// `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, else `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, else no limit.
    ///
    /// # Errors
    ///
    /// When the value is not a whole number.
    pub fn from_environment(environment: &Environment) -> Result<Self, EnvironmentError> {
        let of_spans = environment.number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT")?;
        let of_all = environment.number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT")?;
        Ok(Self {
            value_length: of_spans.or(of_all),
        })
    }

    /// Cuts longer values of spans, their events and links before the exporter sees them.
    pub fn limit<E: SpanExporter>(self, exporter: E) -> LimitedExporter<E> {
        LimitedExporter {
            exporter,
            limits: self,
        }
    }

    fn cut(self, attributes: &mut [KeyValue]) {
        let Some(length) = self.value_length else {
            return;
        };
        for attribute in attributes {
            match &mut attribute.value {
                Value::String(text) => cut_text(text, length),
                Value::Array(Array::String(texts)) => {
                    texts.iter_mut().for_each(|text| cut_text(text, length))
                }
                _ => {}
            }
        }
    }
}

fn cut_text(text: &mut StringValue, length: usize) {
    if let Some((end, _)) = text.as_str().char_indices().nth(length) {
        *text = text
            .as_str()
            .get(..end)
            .unwrap_or_default()
            .to_owned()
            .into();
    }
}

/// A span exporter that gets no value longer than the limit; made by [`AttributeLimits::limit`].
pub struct LimitedExporter<E> {
    exporter: E,
    limits: AttributeLimits,
}

impl<E: fmt::Debug> fmt::Debug for LimitedExporter<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("LimitedExporter")
            .field(&self.exporter)
            .field(&self.limits)
            .finish()
    }
}

impl<E: SpanExporter> SpanExporter for LimitedExporter<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        if self.limits.value_length.is_some() {
            for span in &mut batch {
                self.limits.cut(&mut span.attributes);
                span.events
                    .events
                    .iter_mut()
                    .for_each(|event| self.limits.cut(&mut event.attributes));
                span.links
                    .links
                    .iter_mut()
                    .for_each(|link| self.limits.cut(&mut link.attributes));
            }
        }
        self.exporter.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
