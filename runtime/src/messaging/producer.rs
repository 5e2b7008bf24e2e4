//! A producer without the attribute.

use tracing::Span;

use super::call::MessagingCall;
use super::headers::MessageHeadersMut;
use super::operation::{Operation, Role, Settings};
use crate::pattern::PatternConfigError;

/// Sends messages in spans that travel with them.
///
/// ```
/// use std::collections::HashMap;
/// use otelgen::TracedProducer;
///
/// let producer = TracedProducer::builder("rabbitmq", "orders").operation("publish").build()?;
///
/// let mut headers = HashMap::<String, String>::new();
/// let sent: Result<usize, std::io::Error> =
///     producer.start(&mut headers).run(|| Ok(headers.len()));
/// assert!(sent.is_ok());
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TracedProducer {
    operation: Operation,
    span: bool,
    metrics: bool,
}

impl TracedProducer {
    /// Starts a producer for a queue or topic of a system such as `kafka`, `rabbitmq` or `aws_sqs`.
    pub fn builder(
        system: impl Into<String>,
        destination: impl Into<String>,
    ) -> TracedProducerBuilder {
        TracedProducerBuilder {
            settings: Settings {
                system: system.into(),
                destination: destination.into(),
                operation: "send".to_owned(),
                template: None,
                group: None,
            },
            span: true,
            metrics: true,
        }
    }

    /// Starts to send one message: the span's context is in its headers from here on, in place of any other.
    pub fn start(&self, headers: &mut (impl MessageHeadersMut + ?Sized)) -> MessagingCall<'_> {
        self.enter().write(headers)
    }

    /// Starts to send several messages at once, by their headers.
    pub fn start_batch<H: MessageHeadersMut>(
        &self,
        batch: impl IntoIterator<Item = H>,
    ) -> MessagingCall<'_> {
        self.enter().write_batch(batch)
    }

    fn enter(&self) -> MessagingCall<'_> {
        let span = if self.span {
            span(&self.operation)
        } else {
            Span::none()
        };
        MessagingCall::new(&self.operation, span, self.metrics)
    }
}

fn span(operation: &Operation) -> Span {
    tracing::info_span!(
        target: "otelgen",
        "send",
        otel.name = %operation.span_name(operation.destination),
        otel.kind = "producer",
        messaging.system = operation.system,
        messaging.operation.name = operation.name,
        "messaging.operation.type" = operation.kind(),
        messaging.destination.name = operation.destination,
        messaging.destination.template = operation.template,
        messaging.batch.message_count = tracing::field::Empty,
        "error.type" = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    )
}

/// Sets up a [`TracedProducer`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TracedProducerBuilder {
    settings: Settings,
    span: bool,
    metrics: bool,
}

impl TracedProducerBuilder {
    /// What the system calls it; `send` unless set.
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.settings.operation = operation.into();
        self
    }

    /// What a computed destination is made from, such as `orders.{tenant}`: spans and metrics are named after it.
    pub fn template(mut self, template: impl Into<String>) -> Self {
        self.settings.template = Some(template.into());
        self
    }

    /// Whether there are spans. Without, the current one travels with the messages.
    pub fn span(mut self, span: bool) -> Self {
        self.span = span;
        self
    }

    /// Whether messages and durations are counted.
    pub fn metrics(mut self, metrics: bool) -> Self {
        self.metrics = metrics;
        self
    }

    /// The producer.
    ///
    /// # Errors
    /// Names the setting that is empty.
    pub fn build(self) -> Result<TracedProducer, PatternConfigError> {
        Ok(TracedProducer {
            operation: self.settings.check(Role::Producer)?,
            span: self.span,
            metrics: self.metrics,
        })
    }
}
