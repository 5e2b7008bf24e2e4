//! The names of everything this module records, as the messaging conventions spell them; part of
//! [`names`](crate::names).

/// Messages that a producer tried to send. Counter, `{message}`; attributes [`MESSAGING_OPERATION_NAME`],
/// [`MESSAGING_SYSTEM`], [`MESSAGING_DESTINATION_NAME`] or [`MESSAGING_DESTINATION_TEMPLATE`], and `error.type` of a
/// failure.
pub const MESSAGING_CLIENT_SENT_MESSAGES: &str = "messaging.client.sent.messages";
/// Duration of sending. Histogram, `s`; attributes as [`MESSAGING_CLIENT_SENT_MESSAGES`], and
/// [`MESSAGING_OPERATION_TYPE`].
pub const MESSAGING_CLIENT_OPERATION_DURATION: &str = "messaging.client.operation.duration";
/// Messages that were handed to a consumer. Counter, `{message}`; attributes as
/// [`MESSAGING_CLIENT_SENT_MESSAGES`], and [`MESSAGING_CONSUMER_GROUP_NAME`].
pub const MESSAGING_CLIENT_CONSUMED_MESSAGES: &str = "messaging.client.consumed.messages";
/// Duration of processing. Histogram, `s`; attributes as [`MESSAGING_CLIENT_CONSUMED_MESSAGES`].
pub const MESSAGING_PROCESS_DURATION: &str = "messaging.process.duration";

/// `kafka`, `rabbitmq`, `aws_sqs` …
pub const MESSAGING_SYSTEM: &str = "messaging.system";
/// What the system calls the operation: `send`, `publish`, `process` …
pub const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";
/// `send` or `process`.
pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
/// The queue or topic. On metrics only where it is fixed in the code.
pub const MESSAGING_DESTINATION_NAME: &str = "messaging.destination.name";
/// What a computed destination is made from, such as `orders.{tenant}`.
pub const MESSAGING_DESTINATION_TEMPLATE: &str = "messaging.destination.template";
/// The group that a consumer belongs to.
pub const MESSAGING_CONSUMER_GROUP_NAME: &str = "messaging.consumer.group.name";
/// Messages in a batch; on spans of batches only.
pub const MESSAGING_BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";
/// The message's identifier; on spans only.
pub const MESSAGING_MESSAGE_ID: &str = "messaging.message.id";

/// `error.type` of an operation whose caller gave up.
pub(crate) const ERROR_CANCELLED: &str = "cancelled";
