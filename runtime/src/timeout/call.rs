//! One call under a timeout: settled once, whether it returns, fails, is too slow, unwinds or is dropped.

use std::any::type_name;
use std::pin::pin;

use tracing::Span;

use crate::names;
use crate::pattern::{Abandoned, Watched, Watcher};
use crate::timeout::{Core, Elapsed};

/// In the order of [`names::TIMEOUT_OUTCOMES`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Success,
    Failure,
    Timeout,
    Cancelled,
}

/// A call that was started.
#[derive(Debug)]
#[must_use]
pub struct TimedCall<'t> {
    watch: Watch<'t>,
    span: Span,
}

#[derive(Debug)]
struct Watch<'t> {
    core: &'t Core,
    metrics: bool,
}

impl<'t> TimedCall<'t> {
    #[inline]
    pub(crate) fn new(core: &'t Core, span: Span, metrics: bool) -> Self {
        Self {
            watch: Watch { core, metrics },
            span,
        }
    }

    /// Awaits the operation; `elapsed` makes the error for one that takes too long.
    ///
    /// # Errors
    /// The operation's own, or that of `elapsed`.
    pub async fn run_async<F, T, E>(
        self,
        operation: F,
        elapsed: impl FnOnce(Elapsed) -> E,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.run_mapped(operation, |error| error, elapsed).await
    }

    pub(crate) async fn run_mapped<F, T, E, R>(
        self,
        operation: F,
        inner: impl FnOnce(E) -> R,
        elapsed: impl FnOnce(Elapsed) -> R,
    ) -> Result<T, R>
    where
        F: Future<Output = Result<T, E>>,
    {
        let Core { name, config, .. } = self.watch.core;
        let settle = |result: &Result<T, E>, watch: &Watch<'_>, span: &Span| match result {
            Ok(_) => watch.settle(Outcome::Success, None, span),
            Err(_) => watch.settle(Outcome::Failure, Some(type_name::<E>()), span),
        };
        let mut watched = pin!(Watched::new(self.watch, self.span, operation, settle));
        match tokio::time::timeout(config.after, watched.as_mut()).await {
            Ok(result) => result.map_err(inner),
            Err(_) => {
                watched.stop(|watch, span| {
                    watch.settle(Outcome::Timeout, Some(names::ERROR_TIMEOUT), span);
                });
                Err(elapsed(Elapsed::new(name, config.after)))
            }
        }
    }
}

impl Watch<'_> {
    #[inline]
    fn settle(&self, outcome: Outcome, error_type: Option<&'static str>, span: &Span) {
        let index = outcome as usize;
        if self.metrics {
            self.core.meter.add(index);
        }
        if !span.is_disabled() {
            span.record(
                names::SPAN_TIMEOUT_OUTCOME,
                names::TIMEOUT_OUTCOMES.get(index),
            );
            if let Some(error_type) = error_type {
                crate::span::fail(span, error_type);
            }
        }
    }
}

impl Watcher for Watch<'_> {
    #[cold]
    fn abandoned(&self, how: Abandoned, span: &Span) {
        match how {
            Abandoned::Cancelled => self.settle(Outcome::Cancelled, None, span),
            Abandoned::Panicked => self.settle(Outcome::Failure, Some(names::ERROR_PANIC), span),
        }
    }
}

/// An error type that has a way to say that the time was over.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that the time was over",
    label = "the error type of this function",
    note = "implement `From<otelgen::Elapsed>` for `{Self}`, or name a function that makes the error with `map = path`"
)]
pub trait AnswersElapsed: Sized {
    /// The error for a call that took too long.
    fn from_elapsed(elapsed: Elapsed) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<Elapsed>> AnswersElapsed for E {
    fn from_elapsed(elapsed: Elapsed) -> Self {
        Self::from(elapsed)
    }
}

/// The default of `map`.
#[inline]
pub fn elapsed<E: AnswersElapsed>(elapsed: Elapsed) -> E {
    E::from_elapsed(elapsed)
}
