//! One call with retries: its attempts, each in a child span, and why it made no further one.

use std::any::type_name;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;
use tracing::Span;

use crate::names;
use crate::pattern::{Abandoned, Watched, Watcher, rejection, watch};
use crate::recorder;
use crate::retry::Core;
use crate::retry::backoff::Backoff;
use crate::retry::budget::RetryBudget;
use crate::timeout::Elapsed;

/// What to do with a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RetryVerdict {
    /// Return it.
    Done,
    /// Try again, after the usual wait.
    Retry,
    /// Try again, after exactly this wait, which the dependency asked for (`Retry-After`). If it is longer
    /// than `max_delay`, the result is returned.
    RetryAfter(Duration),
}

/// In the order of [`names::RETRY_OUTCOMES`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Success,
    Recovered,
    Exhausted,
    Permanent,
    Rejected,
    Deadline,
    Budget,
    Cancelled,
}

/// In the order of [`names::ATTEMPT_OUTCOMES`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AttemptOutcome {
    Success,
    Failure,
    Timeout,
    Cancelled,
}

/// A call that was started.
#[derive(Debug)]
#[must_use]
pub struct RetryCall<'r> {
    counts: Counts<'r>,
    span: Span,
    budget: Option<&'r RetryBudget>,
}

/// Where a call and its attempts are counted.
#[derive(Clone, Copy, Debug)]
struct Counts<'r> {
    core: &'r Core,
    metrics: bool,
}

/// What became of a call.
#[derive(Debug)]
pub struct Ended<R> {
    result: R,
    outcome: Outcome,
    attempts: u32,
    error_type: Option<&'static str>,
}

/// What became of an attempt.
#[derive(Debug)]
pub struct Attempted<R> {
    result: R,
    verdict: RetryVerdict,
    rejected: bool,
    error_type: Option<&'static str>,
}

impl<'r> RetryCall<'r> {
    #[inline]
    pub(crate) fn new(
        core: &'r Core,
        budget: Option<&'r RetryBudget>,
        span: Span,
        metrics: bool,
    ) -> Self {
        let budget = budget.or(core.budget.as_ref());
        if let Some(budget) = budget {
            budget.deposit();
        }
        Self {
            counts: Counts { core, metrics },
            span,
            budget,
        }
    }

    /// The call as a whole, and what decides on its attempts.
    #[inline]
    pub fn begin(self) -> (WholeCall<'r>, Attempts<'r>) {
        let attempts = Attempts {
            counts: self.counts,
            budget: self.budget,
            spans: !self.span.is_disabled(),
            number: 0,
            started: self.counts.core.config.deadline.map(|_| Instant::now()),
            backoff: None,
        };
        let call = WholeCall {
            call: Call(self.counts),
            span: self.span,
        };
        (call, attempts)
    }

    /// Runs the operation until `judge` is content with a result or forbids another attempt; blocks the
    /// thread between attempts.
    ///
    /// # Errors
    /// That of the last attempt.
    pub fn run<T, E>(
        self,
        mut operation: impl FnMut() -> Result<T, E>,
        judge: impl Fn(&Result<T, E>) -> RetryVerdict,
    ) -> Result<T, E> {
        let (WholeCall { call, span }, mut attempts) = self.begin();
        let all = || {
            loop {
                let attempted = attempts.attempt_blocking(&mut operation, &judge);
                match attempts.decide(&attempted) {
                    Ok(delay) => std::thread::sleep(delay),
                    Err(outcome) => return attempts.end(attempted, outcome),
                }
            }
        };
        watch(call, span, all, Call::settle).result
    }

    /// Awaits what `operation` makes until `judge` is content with a result or forbids another attempt.
    pub(crate) async fn run_mapped<F, T, E, R>(
        self,
        mut operation: impl FnMut() -> F,
        judge: impl Fn(&Result<T, E>) -> RetryVerdict,
        inner: impl Fn(E) -> R,
        elapsed: impl Fn(Elapsed) -> R,
    ) -> Result<T, R>
    where
        F: Future<Output = Result<T, E>>,
    {
        let (call, mut attempts) = self.begin();
        let all = async {
            loop {
                let attempted = attempts
                    .attempt_mapped(operation(), &judge, &inner, Some(&elapsed))
                    .await;
                if let ControlFlow::Break(ended) = attempts.again(attempted).await {
                    break ended;
                }
            }
        };
        call.run(all).await
    }
}

/// The call as a whole: settled once, whatever ends it.
#[derive(Debug)]
#[must_use]
pub struct WholeCall<'r> {
    call: Call<'r>,
    span: Span,
}

impl WholeCall<'_> {
    /// Awaits all attempts inside the call's span.
    #[inline]
    pub async fn run<R>(self, attempts: impl Future<Output = Ended<R>>) -> R {
        Watched::new(self.call, self.span, attempts, Call::settle)
            .await
            .result
    }
}

/// Makes the attempts of a call, and decides after each.
pub struct Attempts<'r> {
    counts: Counts<'r>,
    budget: Option<&'r RetryBudget>,
    spans: bool,
    number: u32,
    started: Option<Instant>,
    backoff: Option<Backoff>,
}

impl Attempts<'_> {
    /// Awaits one attempt. `elapsed` makes the error of one that takes too long; without it an attempt
    /// takes as long as it does.
    #[inline]
    pub async fn attempt<F, T, E>(
        &mut self,
        operation: F,
        judge: impl Fn(&Result<T, E>) -> RetryVerdict,
        elapsed: Option<fn(Elapsed) -> E>,
    ) -> Attempted<Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.attempt_mapped(operation, &judge, &|error| error, elapsed.as_ref())
            .await
    }

    async fn attempt_mapped<F, T, E, R>(
        &mut self,
        operation: F,
        judge: &impl Fn(&Result<T, E>) -> RetryVerdict,
        inner: &impl Fn(E) -> R,
        elapsed: Option<&impl Fn(Elapsed) -> R>,
    ) -> Attempted<Result<T, R>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let span = self.next_span();
        let Core { name, config, .. } = self.counts.core;
        let operation = Attempting {
            operation,
            judge,
            rejected: false,
        };
        let watcher = Attempt(self.counts);
        let mut attempt = pin!(Watched::new(watcher, span, operation, Attempt::settle));
        let Some((limit, elapsed)) = config.attempt_timeout.zip(elapsed) else {
            return attempt.await.map_err(inner);
        };
        match tokio::time::timeout(limit, attempt.as_mut()).await {
            Ok(attempted) => attempted.map_err(inner),
            Err(_) => {
                let error_type = Some(names::ERROR_TIMEOUT);
                attempt.stop(|attempt, span| {
                    attempt.0.attempt(AttemptOutcome::Timeout, error_type, span);
                });
                Attempted {
                    result: Err(elapsed(Elapsed::new(name, limit))),
                    verdict: RetryVerdict::Retry,
                    rejected: false,
                    error_type,
                }
            }
        }
    }

    fn attempt_blocking<T, E>(
        &mut self,
        operation: impl FnOnce() -> Result<T, E>,
        judge: impl Fn(&Result<T, E>) -> RetryVerdict,
    ) -> Attempted<Result<T, E>> {
        let operation = || {
            let before = rejection::noted();
            let result = operation();
            let verdict = judge(&result);
            Attempted::new(result, verdict, rejection::noted() != before)
        };
        let span = self.next_span();
        watch(Attempt(self.counts), span, operation, Attempt::settle)
    }

    /// The span of the next attempt, a child of the call's, which is entered.
    #[inline]
    fn next_span(&mut self) -> Span {
        self.number += 1;
        if !self.spans {
            return Span::none();
        }
        tracing::info_span!(
            target: "otelgen",
            "attempt",
            otelgen.retry.attempt = self.number,
            otelgen.retry.attempt.outcome = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        )
    }

    /// Waits for the next attempt, or ends the call.
    #[inline]
    pub async fn again<R>(&mut self, attempted: Attempted<R>) -> ControlFlow<Ended<R>> {
        match self.decide(&attempted) {
            Ok(delay) => {
                tokio::time::sleep(delay).await;
                ControlFlow::Continue(())
            }
            Err(outcome) => ControlFlow::Break(self.end(attempted, outcome)),
        }
    }

    /// How long to wait for the next attempt, or why there is none.
    #[inline]
    fn decide<R>(&mut self, attempted: &Attempted<R>) -> Result<Duration, Outcome> {
        let failed = attempted.error_type.is_some();
        let asked = match attempted.verdict {
            RetryVerdict::Done if !failed && self.number == 1 => return Err(Outcome::Success),
            RetryVerdict::Done if !failed => return Err(Outcome::Recovered),
            // A breaker is open to keep callers away: coming back at once is what it is there against.
            _ if failed && attempted.rejected => return Err(Outcome::Rejected),
            RetryVerdict::Done => return Err(Outcome::Permanent),
            RetryVerdict::Retry => None,
            RetryVerdict::RetryAfter(wait) => Some(wait),
        };
        self.wait(asked)
    }

    #[cold]
    fn wait(&mut self, asked: Option<Duration>) -> Result<Duration, Outcome> {
        let config = &self.counts.core.config;
        if self.number >= config.attempts {
            return Err(Outcome::Exhausted);
        }
        let delay = match asked {
            Some(wait) if wait > config.max_delay => return Err(Outcome::Deadline),
            Some(wait) => wait,
            None => self
                .backoff
                .get_or_insert_with(|| Backoff::new(config))
                .next(),
        };
        if let (Some(started), Some(deadline)) = (self.started, config.deadline)
            && started.elapsed().saturating_add(delay) >= deadline
        {
            return Err(Outcome::Deadline);
        }
        if self.budget.is_some_and(|budget| !budget.withdraw()) {
            return Err(Outcome::Budget);
        }
        recorder::look();
        Ok(delay)
    }

    fn end<R>(&self, attempted: Attempted<R>, outcome: Outcome) -> Ended<R> {
        Ended {
            result: attempted.result,
            outcome,
            attempts: self.number,
            error_type: attempted.error_type,
        }
    }
}

impl<T, E> Attempted<Result<T, E>> {
    #[inline]
    fn new(result: Result<T, E>, verdict: RetryVerdict, rejected: bool) -> Self {
        Self {
            error_type: result.as_ref().err().map(|_| type_name::<E>()),
            result,
            verdict,
            rejected,
        }
    }

    #[inline]
    fn map_err<R>(self, map: impl FnOnce(E) -> R) -> Attempted<Result<T, R>> {
        Attempted {
            result: self.result.map_err(map),
            verdict: self.verdict,
            rejected: self.rejected,
            error_type: self.error_type,
        }
    }
}

pin_project! {
    /// An attempt that is judged, and watched for refusals of a circuit breaker.
    struct Attempting<'j, F, J> {
        #[pin]
        operation: F,
        judge: &'j J,
        rejected: bool,
    }
}

impl<F, J, T, E> Future for Attempting<'_, F, J>
where
    F: Future<Output = Result<T, E>>,
    J: Fn(&Result<T, E>) -> RetryVerdict,
{
    type Output = Attempted<Result<T, E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // A poll stays on its thread, so what is noted meanwhile is this attempt's.
        let before = rejection::noted();
        let polled = this.operation.poll(context);
        *this.rejected |= rejection::noted() != before;
        polled.map(|result| {
            let verdict = (this.judge)(&result);
            Attempted::new(result, verdict, *this.rejected)
        })
    }
}

impl Counts<'_> {
    #[inline]
    fn call(&self, outcome: Outcome, error_type: Option<&'static str>, span: &Span) {
        let index = outcome as usize;
        if self.metrics {
            self.core.calls.add(index);
        }
        if !span.is_disabled() {
            span.record(names::SPAN_RETRY_OUTCOME, names::RETRY_OUTCOMES.get(index));
            if let Some(error_type) = error_type {
                crate::span::fail(span, error_type);
            }
        }
    }

    #[inline]
    fn attempt(&self, outcome: AttemptOutcome, error_type: Option<&'static str>, span: &Span) {
        let index = outcome as usize;
        if self.metrics {
            self.core.attempts.add(index);
        }
        if !span.is_disabled() {
            span.record(
                names::SPAN_ATTEMPT_OUTCOME,
                names::ATTEMPT_OUTCOMES.get(index),
            );
            if let Some(error_type) = error_type {
                crate::span::fail(span, error_type);
            }
        }
    }
}

/// Watches a whole call.
#[derive(Debug)]
struct Call<'r>(Counts<'r>);

impl Call<'_> {
    #[inline]
    fn settle<R>(ended: &Ended<R>, call: &Self, span: &Span) {
        call.0.call(ended.outcome, ended.error_type, span);
        if !span.is_disabled() {
            span.record(names::SPAN_RETRY_ATTEMPTS, ended.attempts);
        }
    }
}

impl Watcher for Call<'_> {
    #[cold]
    fn abandoned(&self, how: Abandoned, span: &Span) {
        match how {
            Abandoned::Cancelled => self.0.call(Outcome::Cancelled, None, span),
            Abandoned::Panicked => self
                .0
                .call(Outcome::Permanent, Some(names::ERROR_PANIC), span),
        }
    }
}

/// Watches one attempt.
#[derive(Debug)]
struct Attempt<'r>(Counts<'r>);

impl Attempt<'_> {
    #[inline]
    fn settle<R>(attempted: &Attempted<R>, attempt: &Self, span: &Span) {
        let outcome = match attempted.verdict {
            RetryVerdict::Done if attempted.error_type.is_none() => AttemptOutcome::Success,
            _ => AttemptOutcome::Failure,
        };
        attempt.0.attempt(outcome, attempted.error_type, span);
    }
}

impl Watcher for Attempt<'_> {
    #[cold]
    fn abandoned(&self, how: Abandoned, span: &Span) {
        match how {
            Abandoned::Cancelled => self.0.attempt(AttemptOutcome::Cancelled, None, span),
            Abandoned::Panicked => {
                let error_type = Some(names::ERROR_PANIC);
                self.0.attempt(AttemptOutcome::Failure, error_type, span);
            }
        }
    }
}

/// What `when` and `retry_after` say of a result.
#[inline]
pub fn judge_error<T, E>(
    result: &Result<T, E>,
    when: impl Fn(&E) -> bool,
    retry_after: impl Fn(&E) -> Option<Duration>,
) -> RetryVerdict {
    match result {
        Err(error) if when(error) => {
            retry_after(error).map_or(RetryVerdict::Retry, RetryVerdict::RetryAfter)
        }
        _ => RetryVerdict::Done,
    }
}

/// The default of `retry_after`.
#[inline]
pub const fn no_hint<E: ?Sized>(_: &E) -> Option<Duration> {
    None
}
