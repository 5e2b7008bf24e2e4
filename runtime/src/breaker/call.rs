//! One call through a breaker: its permit, its span and its time. However it ends (returned, failed,
//! panicked, dropped half-way) it is settled exactly once.

use std::any::type_name;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tracing::Span;

use crate::breaker::core::{Core, Outcome, Started};
use crate::breaker::error::BreakerOpen;
use crate::breaker::machine::Admission;
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

/// A call that was let through; `C` lends or owns the breaker. Dropping it before it is run gives the permit back.
#[derive(Debug)]
#[must_use]
pub struct GuardedCall<C: Deref<Target = Core>> {
    permit: Permit<C>,
    span: Span,
}

/// What the breaker knows of a call.
#[derive(Debug)]
struct Permit<C> {
    core: C,
    admission: Admission,
    started: Started,
    measured: bool,
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
pub struct RejectedCall {
    open: BreakerOpen,
    span: Span,
}

impl<C: Deref<Target = Core>> GuardedCall<C> {
    #[inline]
    pub(crate) fn enter(core: C, span: Span, measured: bool) -> Result<Self, RejectedCall> {
        match core.admit(&span) {
            Ok(admission) => Ok(Self {
                permit: Permit {
                    started: core.start(measured),
                    core,
                    admission,
                    measured,
                    progress: Progress::Waiting,
                },
                span,
            }),
            Err(open) => Err(RejectedCall { open, span }),
        }
    }

    /// The call's span, to start things in.
    #[cfg(feature = "tower")]
    pub(crate) fn span(&self) -> &Span {
        &self.span
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
        let Self { permit, span } = &mut self;
        permit.progress = Progress::Running;
        let _entered = span.enter();
        let result = operation();
        permit.finish(span, &result, judge);
        result
    }

    /// Runs the operation; `is_failure` and `ignore` judge its error.
    #[inline]
    pub fn run_async<F, T, E, P, I>(
        self,
        operation: F,
        is_failure: P,
        ignore: I,
    ) -> Guarded<C, F, impl FnOnce(&Result<T, E>) -> BreakerVerdict>
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
    pub fn run_async_judged<F, T, E, J>(self, operation: F, judge: J) -> Guarded<C, F, J>
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

impl<C: Deref<Target = Core>> Permit<C> {
    #[inline]
    fn finish<T, E>(&mut self, span: &Span, result: &Result<T, E>, judge: impl JudgeResult<T, E>) {
        let outcome = judge.judge(result).outcome();
        self.settle(outcome);
        if !span.is_disabled() {
            let failed = outcome == Outcome::Failure;
            record(span, outcome, failed.then(type_name::<E>));
        }
    }

    #[inline]
    fn settle(&mut self, outcome: Outcome) {
        self.progress = Progress::Settled;
        self.core
            .settle(self.admission, outcome, self.started, self.measured);
    }

    /// Settles a call that is dropped without a result.
    #[cold]
    fn abandon(&mut self, span: &Span) {
        let (outcome, error_type) = match self.progress {
            Progress::Settled => return,
            Progress::Waiting => (Outcome::Cancelled, None),
            Progress::Running => (Outcome::Failure, Some(names::ERROR_PANIC)),
        };
        span.in_scope(|| self.settle(outcome));
        record(span, outcome, error_type);
    }
}

impl<C: Deref<Target = Core>> Drop for GuardedCall<C> {
    #[inline]
    fn drop(&mut self) {
        if self.permit.progress != Progress::Settled {
            self.permit.abandon(&self.span);
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
    pub struct Guarded<C, F, J>
    where
        C: Deref<Target = Core>,
    {
        #[pin]
        operation: Option<F>,
        judge: Option<J>,
        call: GuardedCall<C>,
    }

    impl<C, F, J> PinnedDrop for Guarded<C, F, J>
    where
        C: Deref<Target = Core>,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What the operation drops belongs to its span.
            if this.operation.is_some() {
                this.call.span.in_scope(|| this.operation.set(None));
            }
        }
    }
}

impl<C, F, J, T, E> Future for Guarded<C, F, J>
where
    C: Deref<Target = Core>,
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
        let GuardedCall { permit, span } = call;
        permit.progress = Progress::Running;
        let _entered = span.enter();
        let polled = operation.poll(context);
        permit.progress = Progress::Waiting;
        let result = ready!(polled);
        this.operation.set(None);
        if let Some(judge) = this.judge.take() {
            permit.finish(span, &result, judge);
        }
        Poll::Ready(result)
    }
}

impl RejectedCall {
    /// The rejection as the call's error.
    #[inline]
    pub fn into_error(self) -> BreakerOpen {
        record(&self.span, Outcome::Rejected, Some(names::ERROR_OPEN));
        crate::pattern::rejection::note();
        self.open
    }

    /// Answers in another way, in the call's span; the rejection is no error then.
    pub fn handle<R>(self, fallback: impl FnOnce() -> R) -> R {
        record(&self.span, Outcome::Rejected, None);
        self.span.in_scope(fallback)
    }

    /// As [`Self::handle`], for a future.
    pub async fn handle_async<F: Future>(self, fallback: F) -> F::Output {
        record(&self.span, Outcome::Rejected, None);
        tracing::Instrument::instrument(fallback, self.span).await
    }
}
