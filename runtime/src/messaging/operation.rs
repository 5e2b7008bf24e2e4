//! What is done with messages where: everything about a producer or consumer that does not change.

use std::borrow::Cow;

use crate::intern::intern;
use crate::pattern::{Check, PatternConfigError};

/// Which end of the queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Sends; its span is of kind PRODUCER, since its context travels with the message.
    Producer,
    /// Processes; its span is of kind CONSUMER and links to the messages' creation.
    Consumer,
    /// Processes one message, as a part of the trace that created it.
    ConsumerChild,
}

/// Everything about a producer or consumer that does not change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Operation {
    /// Which end of the queue.
    pub role: Role,
    /// `messaging.system`
    pub system: &'static str,
    /// `messaging.operation.name`
    pub name: &'static str,
    /// `messaging.destination.name`, where it is fixed.
    pub destination: Option<&'static str>,
    /// `messaging.destination.template`
    pub template: Option<&'static str>,
    /// `messaging.consumer.group.name`
    pub group: Option<&'static str>,
}

impl Operation {
    /// `messaging.operation.type`
    pub(crate) const fn kind(&self) -> &'static str {
        match self.role {
            Role::Producer => "send",
            Role::Consumer | Role::ConsumerChild => "process",
        }
    }

    pub(crate) const fn is_producer(&self) -> bool {
        matches!(self.role, Role::Producer)
    }

    /// The span's name: operation and destination, by its template where there is one.
    pub(crate) fn span_name(&self, destination: Option<&str>) -> Cow<'static, str> {
        match self.template.or(destination) {
            Some(destination) => Cow::Owned(format!("{} {destination}", self.name)),
            None => Cow::Borrowed(self.name),
        }
    }
}

/// The settings of an explicit producer or consumer, before they are checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) system: String,
    pub(crate) destination: String,
    pub(crate) operation: String,
    pub(crate) template: Option<String>,
    pub(crate) group: Option<String>,
}

impl Settings {
    pub(crate) fn check(&self, role: Role) -> Result<Operation, PatternConfigError> {
        let check = match role {
            Role::Producer => Check("producer"),
            Role::Consumer | Role::ConsumerChild => Check("consumer"),
        };
        let given = |field, value: &str, advice| {
            if value.trim().is_empty() {
                return Err(check.missing(field, advice));
            }
            Ok(intern(value))
        };
        let optional = |field, value: &Option<String>, advice| match value {
            Some(value) => given(field, value, advice).map(Some),
            None => Ok(None),
        };
        Ok(Operation {
            role,
            system: given(
                "system",
                &self.system,
                "name what carries the messages, such as \"kafka\"",
            )?,
            name: given(
                "operation",
                &self.operation,
                "name it as the system does, such as \"publish\"",
            )?,
            destination: Some(given(
                "destination",
                &self.destination,
                "name the queue or topic",
            )?),
            template: optional(
                "template",
                &self.template,
                "leave it out, or write it as in \"orders.{tenant}\"",
            )?,
            group: optional(
                "group",
                &self.group,
                "leave it out, or name the consumer group",
            )?,
        })
    }
}
