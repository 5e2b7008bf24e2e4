//! A consumer without the attribute.

use tracing::Span;

use super::call::MessagingCall;
use super::headers::MessageHeaders;
use super::operation::{Operation, Role, Settings};
use crate::pattern::PatternConfigError;

/// Processes messages in spans that know where the messages came from.
///
/// ```
/// use otelgen::TracedConsumer;
///
/// let consumer = TracedConsumer::builder("kafka", "orders").group("billing").build()?;
///
/// let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let headers = vec![("traceparent".to_owned(), traceparent.as_bytes().to_vec())];
/// let billed: Result<u32, std::io::Error> = consumer.start(&headers).run(|| Ok(42));
/// assert!(billed.is_ok());
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TracedConsumer {
    operation: Operation,
    span: bool,
    metrics: bool,
}

impl TracedConsumer {
    /// Starts a consumer for a queue or topic of a system such as `kafka`, `rabbitmq` or `aws_sqs`.
    pub fn builder(
        system: impl Into<String>,
        destination: impl Into<String>,
    ) -> TracedConsumerBuilder {
        TracedConsumerBuilder {
            settings: Settings {
                system: system.into(),
                destination: destination.into(),
                operation: "process".to_owned(),
                template: None,
                group: None,
            },
            role: Role::Consumer,
            span: true,
            metrics: true,
        }
    }

    /// Starts to process one message.
    pub fn start(&self, headers: &(impl MessageHeaders + ?Sized)) -> MessagingCall<'_> {
        self.enter().read(headers)
    }

    /// Starts to process several messages at once, by their headers. The span links to each message's creation, whether
    /// or not [`parent`](TracedConsumerBuilder::parent) is set: it cannot be the child of several.
    pub fn start_batch<H: MessageHeaders>(
        &self,
        batch: impl IntoIterator<Item = H>,
    ) -> MessagingCall<'_> {
        self.enter().read_batch(batch)
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
        "process",
        otel.name = %operation.span_name(operation.destination),
        otel.kind = "consumer",
        messaging.system = operation.system,
        messaging.operation.name = operation.name,
        "messaging.operation.type" = operation.kind(),
        messaging.destination.name = operation.destination,
        messaging.destination.template = operation.template,
        messaging.consumer.group.name = operation.group,
        messaging.batch.message_count = tracing::field::Empty,
        "error.type" = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    )
}

/// Sets up a [`TracedConsumer`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TracedConsumerBuilder {
    settings: Settings,
    role: Role,
    span: bool,
    metrics: bool,
}

impl TracedConsumerBuilder {
    /// What the system calls it; `process` unless set.
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.settings.operation = operation.into();
        self
    }

    /// What a computed destination is made from, such as `orders.{tenant}`: spans and metrics are named after it.
    pub fn template(mut self, template: impl Into<String>) -> Self {
        self.settings.template = Some(template.into());
        self
    }

    /// The consumer group.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.settings.group = Some(group.into());
        self
    }

    /// The span becomes a child of the message's creation instead of only linking to it: one trace from the first
    /// request to the last message. Right where every message is processed soon and once.
    pub fn parent(mut self) -> Self {
        self.role = Role::ConsumerChild;
        self
    }

    /// Whether there are spans.
    pub fn span(mut self, span: bool) -> Self {
        self.span = span;
        self
    }

    /// Whether messages and durations are counted.
    pub fn metrics(mut self, metrics: bool) -> Self {
        self.metrics = metrics;
        self
    }

    /// The consumer.
    ///
    /// # Errors
    /// Names the setting that is empty.
    pub fn build(self) -> Result<TracedConsumer, PatternConfigError> {
        Ok(TracedConsumer {
            operation: self.settings.check(self.role)?,
            span: self.span,
            metrics: self.metrics,
        })
    }
}
