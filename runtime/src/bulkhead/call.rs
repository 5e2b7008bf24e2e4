//! One call through a bulkhead: its place in line, its permit, its span.

use std::any::type_name;

use tracing::Span;

use crate::bulkhead::gate::Permit;
use crate::bulkhead::{BulkheadFull, Core};
use crate::names;
use crate::pattern::{Abandoned, Watched, Watcher, watch};

/// In the order of [`names::BULKHEAD_OUTCOMES`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Success,
    Failure,
    Rejected,
    Cancelled,
}

fn record(span: &Span, outcome: Outcome, error_type: Option<&'static str>) {
    if span.is_disabled() {
        return;
    }
    span.record(
        names::SPAN_BULKHEAD_OUTCOME,
        names::BULKHEAD_OUTCOMES.get(outcome as usize),
    );
    if let Some(error_type) = error_type {
        crate::span::fail(span, error_type);
    }
}

/// A call that has its permit.
#[derive(Debug)]
#[must_use]
pub struct BulkheadCall<'b> {
    inside: Inside<'b>,
    span: Span,
}

/// Holds the permit for as long as the operation lives.
#[derive(Debug)]
struct Inside<'b> {
    core: &'b Core,
    permit: Option<Permit<'b>>,
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        self.permit = None;
        self.core.show_in_flight();
    }
}

impl Watcher for Inside<'_> {
    #[cold]
    fn abandoned(&self, how: Abandoned, span: &Span) {
        match how {
            Abandoned::Cancelled => record(span, Outcome::Cancelled, None),
            Abandoned::Panicked => record(span, Outcome::Failure, Some(names::ERROR_PANIC)),
        }
    }
}

impl Inside<'_> {
    #[inline]
    fn settle<T, E>(result: &Result<T, E>, span: &Span) {
        match result {
            Ok(_) => record(span, Outcome::Success, None),
            Err(_) => record(span, Outcome::Failure, Some(type_name::<E>())),
        }
    }
}

/// A call that found no place.
#[derive(Debug)]
#[must_use]
pub struct FullBulkhead {
    full: BulkheadFull,
    span: Span,
}

impl FullBulkhead {
    /// The rejection as the call's error.
    pub fn into_error(self) -> BulkheadFull {
        record(
            &self.span,
            Outcome::Rejected,
            Some(names::ERROR_BULKHEAD_FULL),
        );
        self.full
    }
}

/// A call in line: dropped there, its caller gave up.
struct InLine<'s>(Option<&'s Span>);

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if let Some(span) = self.0 {
            record(span, Outcome::Cancelled, None);
        }
    }
}

impl<'b> BulkheadCall<'b> {
    #[inline]
    pub(crate) fn enter(core: &'b Core, span: Span, metrics: bool) -> Result<Self, FullBulkhead> {
        let permit = match core.gate.try_enter() {
            None if !core.config.max_wait.is_zero() => {
                core.gate.enter_blocking(core.config.max_wait)
            }
            tried => tried,
        };
        Self::entered(core, permit, span, metrics)
    }

    #[inline]
    pub(crate) async fn enter_async(
        core: &'b Core,
        span: Span,
        metrics: bool,
    ) -> Result<Self, FullBulkhead> {
        let permit = match core.gate.try_enter() {
            None if !core.config.max_wait.is_zero() => {
                let mut in_line = InLine(Some(&span));
                let entered = tokio::time::timeout(core.config.max_wait, core.gate.enter()).await;
                in_line.0 = None;
                entered.ok()
            }
            tried => tried,
        };
        Self::entered(core, permit, span, metrics)
    }

    #[inline]
    fn entered(
        core: &'b Core,
        permit: Option<Permit<'b>>,
        span: Span,
        metrics: bool,
    ) -> Result<Self, FullBulkhead> {
        match permit {
            Some(permit) => {
                core.show_in_flight();
                let permit = Some(permit);
                Ok(Self {
                    inside: Inside { core, permit },
                    span,
                })
            }
            None => Err(FullBulkhead::new(core, span, metrics)),
        }
    }

    /// Runs the operation.
    ///
    /// # Errors
    /// The operation's own.
    #[inline]
    pub fn run<T, E>(self, operation: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        watch(self.inside, self.span, operation, |result, _, span| {
            Inside::settle(result, span);
        })
    }

    /// Awaits the operation.
    ///
    /// # Errors
    /// The operation's own.
    #[inline]
    pub fn run_async<F, T, E>(self, operation: F) -> impl Future<Output = Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        Watched::new(
            self.inside,
            self.span,
            operation,
            |result: &Result<T, E>, _: &Inside<'b>, span: &Span| Inside::settle(result, span),
        )
    }
}

impl FullBulkhead {
    #[cold]
    fn new(core: &Core, span: Span, metrics: bool) -> Self {
        if metrics {
            core.rejected.add(0);
        }
        Self {
            full: BulkheadFull {
                name: core.name,
                max_concurrent: core.config.max_concurrent,
            },
            span,
        }
    }
}

/// An error type that has a way to say that a bulkhead is full.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a bulkhead is full",
    label = "the error type of this function",
    note = "implement `From<otelgen::BulkheadFull>` for `{Self}`, or name a function that makes the error with `map = path`"
)]
pub trait AnswersFull: Sized {
    /// The error for a rejected call.
    fn from_full(full: BulkheadFull) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<BulkheadFull>> AnswersFull for E {
    fn from_full(full: BulkheadFull) -> Self {
        Self::from(full)
    }
}

/// The default of `map`.
#[inline]
pub fn full<E: AnswersFull>(full: BulkheadFull) -> E {
    E::from_full(full)
}
