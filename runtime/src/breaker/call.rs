//! One call through a breaker: its permit, its span and its time. However it ends (returned, failed,
//! panicked, dropped half-way) it is settled exactly once.

use std::any::type_name;
use std::borrow::Borrow;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tracing::Span;

use crate::breaker::core::Core;
use crate::breaker::error::BreakerOpen;
use crate::breaker::outcome::{Outcome, Timing};
use crate::breaker::state::Ticket;
use crate::breaker::telemetry::record;
use crate::names;

/// What a result says about the dependency.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BreakerVerdict {
    /// The dependency works.
    Success,
    /// The dependency does not work.
    Failure,
    /// The result says nothing about the dependency.
    Ignored,
}

impl BreakerVerdict {
    const fn outcome(self) -> Outcome {
        match self {
            Self::Success => Outcome::Success,
            Self::Failure => Outcome::Failure,
            Self::Ignored => Outcome::Ignored,
        }
    }
}

/// Says what a result means: a function, or `()` for "every error is a failure".
pub trait JudgeResult<T, E> {
    /// What the result says about the dependency.
    fn judge(self, result: &Result<T, E>) -> BreakerVerdict;
}

impl<T, E> JudgeResult<T, E> for () {
    #[inline]
    fn judge(self, result: &Result<T, E>) -> BreakerVerdict {
        match result {
            Ok(_) => BreakerVerdict::Success,
            Err(_) => BreakerVerdict::Failure,
        }
    }
}

impl<T, E, F: FnOnce(&Result<T, E>) -> BreakerVerdict> JudgeResult<T, E> for F {
    #[inline]
    fn judge(self, result: &Result<T, E>) -> BreakerVerdict {
        self(result)
    }
}

/// A call that was let through: `C` lends or owns the breaker, `S` its span. Dropping it before it is run
/// gives the permit back.
///
/// The attributes lend both. What is lent is not moved, and moving a span costs more than a closed call.
#[derive(Debug)]
#[must_use]
pub struct GuardedCall<C: Deref<Target = Core>, S: Borrow<Span>> {
    core: C,
    span: S,
    ticket: Ticket,
    start: u64,
    timing: Timing,
    progress: Progress,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Progress {
    /// The operation does not run at this moment: dropped now, the call was cancelled.
    Waiting,
    /// The operation runs: dropped now, it panicked.
    Running,
    Settled,
}

/// A call that was not let through.
#[derive(Debug)]
#[must_use]
pub struct RejectedCall<S: Borrow<Span>> {
    open: BreakerOpen,
    span: S,
}

impl<C: Deref<Target = Core>, S: Borrow<Span>> GuardedCall<C, S> {
    #[inline]
    pub(crate) fn enter(core: C, span: S, measured: bool) -> Result<Self, RejectedCall<S>> {
        match core.admit(span.borrow()) {
            Ok(ticket) => {
                let (timing, start) = core.start(measured);
                Ok(Self {
                    core,
                    span,
                    ticket,
                    start,
                    timing,
                    progress: Progress::Waiting,
                })
            }
            Err(open) => Err(RejectedCall { open, span }),
        }
    }

    /// The call's span, to start things in.
    #[cfg(feature = "tower")]
    pub(crate) fn span(&self) -> &Span {
        self.span.borrow()
    }

    #[inline]
    fn record(&self, outcome: Outcome, error_type: &'static str) {
        let span = self.span.borrow();
        if !span.is_disabled() {
            let failed = outcome == Outcome::Failure;
            record(span, outcome, failed.then_some(error_type));
        }
    }

    /// Runs the operation; `is_failure` and `ignore` judge its error.
    ///
    /// # Errors
    /// The operation's own.
    #[inline]
    pub fn run<T, E>(
        self,
        operation: impl FnOnce() -> Result<T, E>,
        is_failure: impl FnOnce(&E) -> bool,
        ignore: impl FnOnce(&E) -> bool,
    ) -> Result<T, E> {
        self.run_judged(operation, |result: &Result<T, E>| {
            judge(result, is_failure, ignore)
        })
    }

    /// Runs the operation; `judge` says what its result means.
    ///
    /// # Errors
    /// The operation's own.
    #[inline]
    pub fn run_judged<T, E>(
        mut self,
        operation: impl FnOnce() -> Result<T, E>,
        judge: impl JudgeResult<T, E>,
    ) -> Result<T, E> {
        self.progress = Progress::Running;
        let entered = self.span.borrow().enter();
        let result = operation();
        let outcome = judge.judge(&result).outcome();
        self.progress = Progress::Settled;
        self.core
            .settle(self.ticket, outcome, self.timing, self.start);
        drop(entered);
        self.record(outcome, type_name::<E>());
        result
    }

    /// Runs the operation; `is_failure` and `ignore` judge its error.
    #[inline]
    pub fn run_async<F, T, E, P, I>(
        self,
        operation: F,
        is_failure: P,
        ignore: I,
    ) -> Guarded<C, S, F, impl FnOnce(&Result<T, E>) -> BreakerVerdict>
    where
        F: Future<Output = Result<T, E>>,
        P: FnOnce(&E) -> bool,
        I: FnOnce(&E) -> bool,
    {
        self.run_async_judged(operation, |result: &Result<T, E>| {
            judge(result, is_failure, ignore)
        })
    }

    /// Runs the operation; `judge` says what its result means.
    #[inline]
    pub fn run_async_judged<F, T, E, J>(self, operation: F, judge: J) -> Guarded<C, S, F, J>
    where
        F: Future<Output = Result<T, E>>,
        J: JudgeResult<T, E>,
    {
        Guarded {
            operation: Some(operation),
            judge: Some(judge),
            call: self,
        }
    }
}

/// Settles a call that is dropped without a result.
#[cold]
#[inline(never)]
fn abandon(
    core: &Core,
    span: &Span,
    ticket: Ticket,
    timing: Timing,
    start: u64,
    progress: Progress,
) {
    let (outcome, error_type) = match progress {
        Progress::Settled => return,
        Progress::Waiting => (Outcome::Cancelled, None),
        Progress::Running => (Outcome::Failure, Some(names::ERROR_PANIC)),
    };
    span.in_scope(|| core.settle(ticket, outcome, timing, start));
    record(span, outcome, error_type);
}

impl<C: Deref<Target = Core>, S: Borrow<Span>> Drop for GuardedCall<C, S> {
    #[inline]
    fn drop(&mut self) {
        if self.progress != Progress::Settled {
            // By value, so that the call itself needs no place in memory.
            abandon(
                &self.core,
                self.span.borrow(),
                self.ticket,
                self.timing,
                self.start,
                self.progress,
            );
        }
    }
}

#[inline]
fn judge<T, E>(
    result: &Result<T, E>,
    is_failure: impl FnOnce(&E) -> bool,
    ignore: impl FnOnce(&E) -> bool,
) -> BreakerVerdict {
    match result {
        Ok(_) => BreakerVerdict::Success,
        Err(error) if ignore(error) => BreakerVerdict::Ignored,
        Err(error) if is_failure(error) => BreakerVerdict::Failure,
        Err(_) => BreakerVerdict::Success,
    }
}

pin_project! {
    /// The future of a guarded operation.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<C, S, F, J>
    where
        C: Deref<Target = Core>,
        S: Borrow<Span>,
    {
        #[pin]
        operation: Option<F>,
        judge: Option<J>,
        call: GuardedCall<C, S>,
    }

    impl<C, S, F, J> PinnedDrop for Guarded<C, S, F, J>
    where
        C: Deref<Target = Core>,
        S: Borrow<Span>,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What the operation drops belongs to its span.
            if this.operation.is_some() {
                let span: &Span = this.call.span.borrow();
                span.in_scope(|| this.operation.set(None));
            }
        }
    }
}

impl<C, S, F, J, T, E> Future for Guarded<C, S, F, J>
where
    C: Deref<Target = Core>,
    S: Borrow<Span>,
    F: Future<Output = Result<T, E>>,
    J: JudgeResult<T, E>,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let call = this.call;
        let Some(operation) = this.operation.as_mut().as_pin_mut() else {
            // Polled after completion, which no executor does: it never completes again.
            return Poll::Pending;
        };
        call.progress = Progress::Running;
        let entered = call.span.borrow().enter();
        let polled = operation.poll(context);
        call.progress = Progress::Waiting;
        let result = ready!(polled);
        this.operation.set(None);
        let judge = this.judge.take();
        let outcome = judge.map_or(Outcome::Ignored, |judge| judge.judge(&result).outcome());
        call.progress = Progress::Settled;
        call.core
            .settle(call.ticket, outcome, call.timing, call.start);
        drop(entered);
        call.record(outcome, type_name::<E>());
        Poll::Ready(result)
    }
}

impl<S: Borrow<Span>> RejectedCall<S> {
    /// The rejection as the call's error.
    #[inline]
    pub fn into_error(self) -> BreakerOpen {
        record(
            self.span.borrow(),
            Outcome::Rejected,
            Some(names::ERROR_OPEN),
        );
        crate::pattern::rejection::note();
        self.open
    }

    /// Answers in another way, in the call's span; the rejection is no error then.
    pub fn handle<R>(self, fallback: impl FnOnce() -> R) -> R {
        record(self.span.borrow(), Outcome::Rejected, None);
        self.span.borrow().in_scope(fallback)
    }

    /// As [`Self::handle`], for a future.
    pub async fn handle_async<F: Future>(self, fallback: F) -> F::Output {
        record(self.span.borrow(), Outcome::Rejected, None);
        let span = self.span.borrow().clone();
        tracing::Instrument::instrument(fallback, span).await
    }
}
