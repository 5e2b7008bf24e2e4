//! Messages sent and processed: the spans and metrics of OpenTelemetry's messaging conventions, and the trace carried in
//! headers. Knows no broker and no client library.
//! Source: <https://opentelemetry.io/docs/specs/semconv/messaging/>.

mod call;
mod consumer;
mod headers;
pub(crate) mod names;
mod operation;
mod producer;
mod propagation;
mod site;
mod telemetry;
#[cfg(feature = "tower")]
mod tower;

pub use call::MessagingCall;
pub use consumer::{TracedConsumer, TracedConsumerBuilder};
pub use headers::{MessageHeaders, MessageHeadersMut};
pub use producer::{TracedProducer, TracedProducerBuilder};
#[cfg(feature = "tower")]
pub use tower::{
    TracedConsumerLayer, TracedConsumerService, TracedProducerLayer, TracedProducerService,
};

/// What attributes expand into.
pub(crate) mod private {
    pub use super::headers::{LendHeaders, LendHeadersMut};
    pub use super::operation::{Operation, Role};
    pub use super::site::MessagingSite;
}
