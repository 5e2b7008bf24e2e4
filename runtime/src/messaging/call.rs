//! One operation on one message or a batch: its span, its metrics, and how it ended.

use tracing::Span;

use super::headers::{MessageHeaders, MessageHeadersMut};
use super::names::{ERROR_CANCELLED, MESSAGING_BATCH_MESSAGE_COUNT};
use super::operation::{Operation, Role};
use super::{propagation, telemetry};
use crate::clock::Clock;
use crate::names;
use crate::pattern::{Abandoned, Watched, Watcher, watch};
use crate::span::error_of;

/// An operation that was started: the context is in the headers, or was taken from them.
#[derive(Debug)]
#[must_use = "nothing is sent or processed until it is run"]
pub struct MessagingCall<'m> {
    watch: Watch<'m>,
    span: Span,
}

#[derive(Debug)]
struct Watch<'m> {
    operation: &'m Operation,
    messages: u64,
    /// Nothing is measured without it.
    started: Option<u64>,
}

impl<'m> MessagingCall<'m> {
    #[inline]
    pub(crate) fn new(operation: &'m Operation, span: Span, metrics: bool) -> Self {
        Self {
            watch: Watch {
                operation,
                messages: 1,
                started: metrics.then(|| Clock::system().stamp()),
            },
            span,
        }
    }

    /// The operation's span, to record more on it.
    #[must_use]
    pub const fn span(&self) -> &Span {
        &self.span
    }

    /// Puts the span's context into the headers.
    #[doc(hidden)]
    pub fn write(self, headers: &mut (impl MessageHeadersMut + ?Sized)) -> Self {
        propagation::inject(&propagation::context(&self.span), headers);
        self
    }

    /// Puts the span's context into the headers of each message.
    #[doc(hidden)]
    pub fn write_batch<H: MessageHeadersMut>(mut self, batch: impl IntoIterator<Item = H>) -> Self {
        let context = propagation::context(&self.span);
        let mut messages = 0_u64;
        for mut headers in batch {
            propagation::inject(&context, &mut headers);
            messages += 1;
        }
        self.count(messages);
        self
    }

    /// Takes the context of the message's creation from its headers.
    #[doc(hidden)]
    pub fn read(self, headers: &(impl MessageHeaders + ?Sized)) -> Self {
        match self.watch.operation.role {
            Role::ConsumerChild => propagation::adopt(&self.span, headers),
            Role::Producer | Role::Consumer => propagation::link(&self.span, headers),
        }
        self
    }

    /// Takes the context of each message's creation from its headers.
    #[doc(hidden)]
    pub fn read_batch<H: MessageHeaders>(mut self, batch: impl IntoIterator<Item = H>) -> Self {
        let mut messages = 0_u64;
        for headers in batch {
            propagation::link(&self.span, &headers);
            messages += 1;
        }
        self.count(messages);
        self
    }

    fn count(&mut self, messages: u64) {
        self.watch.messages = messages;
        self.span.record(MESSAGING_BATCH_MESSAGE_COUNT, messages);
    }

    /// Sends or processes.
    ///
    /// # Errors
    /// The operation's own.
    pub fn run<T, E>(self, operation: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.run_with(operation, error_of)
    }

    /// Sends or processes.
    ///
    /// # Errors
    /// The operation's own.
    pub async fn run_async<T, E, F>(self, operation: F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.run_async_with(operation, error_of).await
    }

    /// As [`Self::run`]; `error_type` names the error of what was returned, if it is one.
    #[doc(hidden)]
    pub fn run_with<R>(
        self,
        operation: impl FnOnce() -> R,
        error_type: impl FnOnce(&R) -> Option<&'static str>,
    ) -> R {
        watch(self.watch, self.span, operation, |returned, watch, span| {
            watch.settle(error_type(returned), span);
        })
    }

    /// As [`Self::run_async`]; `error_type` names the error of what was returned, if it is one.
    #[doc(hidden)]
    pub async fn run_async_with<F: Future>(
        self,
        operation: F,
        error_type: impl FnOnce(&F::Output) -> Option<&'static str>,
    ) -> F::Output {
        let settle = |returned: &F::Output, watch: &Watch<'_>, span: &Span| {
            watch.settle(error_type(returned), span);
        };
        Watched::new(self.watch, self.span, operation, settle).await
    }
}

impl Watch<'_> {
    fn settle(&self, error_type: Option<&'static str>, span: &Span) {
        if let Some(stamp) = self.started {
            let nanos = Clock::system().since(stamp);
            telemetry::settled(self.operation, self.messages, nanos, error_type);
        }
        if let Some(error_type) = error_type
            && !span.is_disabled()
        {
            crate::span::fail(span, error_type);
        }
    }
}

impl Watcher for Watch<'_> {
    #[cold]
    fn abandoned(&self, how: Abandoned, span: &Span) {
        let error_type = match how {
            Abandoned::Cancelled => ERROR_CANCELLED,
            Abandoned::Panicked => names::ERROR_PANIC,
        };
        self.settle(Some(error_type), span);
    }
}
