//! The messaging metrics, whichever world they go to. They carry the conventions' attributes, which is why they do not
//! pass through the recorder of patterns.

#[cfg(feature = "metrics")]
mod facade;
#[cfg(not(feature = "metrics"))]
mod otel;

#[cfg(feature = "metrics")]
use facade as world;
#[cfg(not(feature = "metrics"))]
use otel as world;

use super::names;
use super::operation::Operation;

/// A counter and a histogram: one end of the queue.
struct End {
    messages: &'static str,
    messages_description: &'static str,
    duration: &'static str,
    duration_description: &'static str,
}

const PRODUCER: End = End {
    messages: names::MESSAGING_CLIENT_SENT_MESSAGES,
    messages_description: "Number of messages producer attempted to send to the broker.",
    duration: names::MESSAGING_CLIENT_OPERATION_DURATION,
    duration_description: "Duration of messaging operation initiated by a producer or consumer client.",
};

const CONSUMER: End = End {
    messages: names::MESSAGING_CLIENT_CONSUMED_MESSAGES,
    messages_description: "Number of messages that were delivered to the application.",
    duration: names::MESSAGING_PROCESS_DURATION,
    duration_description: "Duration of processing operation.",
};

type Attributes<'a> = &'a [(&'static str, &'static str)];

/// An operation ended, with an error of that type or without one.
pub(super) fn settled(
    operation: &Operation,
    messages: u64,
    nanos: u64,
    error_type: Option<&'static str>,
) {
    let destination = match operation.template {
        Some(template) => Some((names::MESSAGING_DESTINATION_TEMPLATE, template)),
        None => operation
            .destination
            .map(|destination| (names::MESSAGING_DESTINATION_NAME, destination)),
    };
    let mut attributes = Vec::with_capacity(6);
    attributes.push((names::MESSAGING_SYSTEM, operation.system));
    attributes.push((names::MESSAGING_OPERATION_NAME, operation.name));
    attributes.extend(destination);
    attributes.extend(
        operation
            .group
            .map(|group| (names::MESSAGING_CONSUMER_GROUP_NAME, group)),
    );
    attributes.extend(error_type.map(|error| (crate::names::SPAN_ERROR_TYPE, error)));
    let seconds = nanos as f64 / 1e9;
    if operation.is_producer() {
        world::add(&PRODUCER, messages, &attributes);
        attributes.push((names::MESSAGING_OPERATION_TYPE, operation.kind()));
        world::record(&PRODUCER, seconds, &attributes);
    } else {
        world::add(&CONSUMER, messages, &attributes);
        world::record(&CONSUMER, seconds, &attributes);
    }
}
