//! Shadow calls: the side that did not answer is called too, after the answer, apart from it, and never more than so
//! many at once.

use std::any::type_name;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use tracing::instrument::WithSubscriber;
use tracing::{Span, dispatcher};

use super::config::{RouteSide, ShadowConfig};
use super::core::{Core, ShadowPermit};
use super::names as route_names;
use super::telemetry::ShadowOutcome;
use crate::clock::Clock;
use crate::names;
use crate::pattern::{Abandoned, Watched, Watcher, watch};

/// Says whether two answers agree.
pub trait JudgeAnswers<T>: Send + 'static {
    /// What is kept of the answer until the shadow's is there.
    type Kept: Send + 'static;

    /// Keeps what is needed of the answer.
    fn keep(&self, answer: &T) -> Self::Kept;

    /// Whether the answer and the shadow's agree; `answered` is the side that gave the first.
    fn agree(&self, kept: &Self::Kept, shadow: &T, answered: RouteSide) -> bool;
}

/// Answers are not looked at: sides agree if both succeed, or neither.
#[derive(Clone, Copy, Debug)]
pub struct IgnoreAnswers;

impl<T> JudgeAnswers<T> for IgnoreAnswers {
    type Kept = ();

    fn keep(&self, _: &T) -> Self::Kept {}

    fn agree(&self, (): &Self::Kept, _: &T, _: RouteSide) -> bool {
        true
    }
}

/// Answers are compared: see [`compare_answers`].
pub struct CompareAnswers<T, C> {
    compare: C,
    answers: PhantomData<fn(&T)>,
}

impl<T, C: Clone> Clone for CompareAnswers<T, C> {
    fn clone(&self) -> Self {
        Self {
            compare: self.compare.clone(),
            answers: PhantomData,
        }
    }
}

impl<T, C> std::fmt::Debug for CompareAnswers<T, C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("CompareAnswers")
            .finish_non_exhaustive()
    }
}

/// Answers are compared by `compare(&legacy, &new)`, which runs where the shadow does. The answer is cloned for it.
pub const fn compare_answers<T, C: Fn(&T, &T) -> bool>(compare: C) -> CompareAnswers<T, C> {
    CompareAnswers {
        compare,
        answers: PhantomData,
    }
}

impl<T, C> JudgeAnswers<T> for CompareAnswers<T, C>
where
    T: Clone + Send + 'static,
    C: Fn(&T, &T) -> bool + Send + 'static,
{
    type Kept = T;

    fn keep(&self, answer: &T) -> T {
        answer.clone()
    }

    fn agree(&self, kept: &T, shadow: &T, answered: RouteSide) -> bool {
        match answered {
            RouteSide::Legacy => (self.compare)(kept, shadow),
            RouteSide::New => (self.compare)(shadow, kept),
        }
    }
}

/// How a shadow call compares, and the type of its error if it failed alone.
struct Verdict(ShadowOutcome, Option<&'static str>);

impl Verdict {
    fn of<T, E, J: JudgeAnswers<T>>(
        shadow: &Result<T, E>,
        kept: Option<&J::Kept>,
        judge: &J,
        answered: RouteSide,
    ) -> Self {
        match (kept, shadow) {
            (Some(kept), Ok(shadow)) if judge.agree(kept, shadow, answered) => {
                Self(ShadowOutcome::Match, None)
            }
            (Some(_), Ok(_)) => Self(ShadowOutcome::Mismatch, None),
            (Some(_), Err(_)) => Self(ShadowOutcome::Failure, Some(type_name::<E>())),
            (None, Ok(_)) => Self(ShadowOutcome::Recovered, None),
            (None, Err(_)) => Self(ShadowOutcome::Match, None),
        }
    }
}

/// A shadow call under way.
#[derive(Debug)]
struct Watch {
    permit: ShadowPermit,
    side: RouteSide,
    started: u64,
}

impl Watch {
    /// Takes a place for a shadow call, or counts it as skipped.
    fn start(
        core: &Arc<Core>,
        config: &ShadowConfig,
        answered: RouteSide,
        span: &Span,
    ) -> Option<(Self, Span)> {
        let Some(permit) = ShadowPermit::take(core, config.max_concurrent) else {
            core.meter.shadow(ShadowOutcome::Skipped);
            return None;
        };
        let side = answered.other();
        let watch = Self {
            permit,
            side,
            started: Clock::system().stamp(),
        };
        Some((watch, shadow_span(core, side, span)))
    }

    fn settle(&self, outcome: ShadowOutcome, error_type: Option<&'static str>, span: &Span) {
        let meter = &self.permit.core().meter;
        meter.shadow(outcome);
        if outcome != ShadowOutcome::Cancelled {
            meter.shadow_took(self.side, Clock::system().since(self.started));
        }
        if !span.is_disabled() {
            span.record(route_names::SPAN_SHADOW_OUTCOME, outcome.as_str());
            if let Some(error_type) = error_type {
                crate::span::fail(span, error_type);
            }
        }
    }
}

impl Watcher for Watch {
    #[cold]
    fn abandoned(&self, how: Abandoned, span: &Span) {
        match how {
            Abandoned::Cancelled => self.settle(ShadowOutcome::Cancelled, None, span),
            Abandoned::Panicked => {
                self.settle(ShadowOutcome::Failure, Some(names::ERROR_PANIC), span);
            }
        }
    }
}

/// A trace of its own that points at the call: as its child it would make the call look as long as both.
fn shadow_span(core: &Core, side: RouteSide, answered: &Span) -> Span {
    if answered.is_disabled() {
        return Span::none();
    }
    let span = tracing::info_span!(
        target: "otelgen",
        parent: None,
        "shadow",
        otel.name = %format_args!("shadow {}", core.name),
        otelgen.route.name = core.name,
        otelgen.route.side = side.as_str(),
        otelgen.route.shadow.outcome = tracing::field::Empty,
        "error.type" = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    );
    span.follows_from(answered);
    span
}

/// Calls the other side in a task of its own.
pub(super) fn launch_async<T, E, F, S, J>(
    core: &Arc<Core>,
    config: &ShadowConfig,
    answered: RouteSide,
    span: &Span,
    sides: S,
    judge: J,
    kept: Option<J::Kept>,
) where
    S: FnOnce(RouteSide) -> F + Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
    J: JudgeAnswers<T>,
{
    // A future that no tokio runtime polls has nowhere to leave a task.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        core.meter.shadow(ShadowOutcome::Skipped);
        return;
    };
    let Some((watch, span)) = Watch::start(core, config, answered, span) else {
        return;
    };
    let timeout = config.timeout;
    let operation = async move {
        let shadow = sides(answered.other()).await;
        Verdict::of(&shadow, kept.as_ref(), &judge, answered)
    };
    let task = async move {
        let settle = |verdict: &Verdict, watch: &Watch, span: &Span| {
            watch.settle(verdict.0, verdict.1, span);
        };
        let mut watched = pin!(Watched::new(watch, span, operation, settle));
        if tokio::time::timeout(timeout, watched.as_mut())
            .await
            .is_err()
        {
            watched.stop(|watch, span| {
                watch.settle(ShadowOutcome::Timeout, Some(names::ERROR_TIMEOUT), span);
            });
        }
    };
    runtime.spawn(task.with_current_subscriber());
}

/// Calls the other side in a thread of its own.
pub(super) fn launch<T, E, S, J>(
    core: &Arc<Core>,
    config: &ShadowConfig,
    answered: RouteSide,
    span: &Span,
    sides: S,
    judge: J,
    kept: Option<J::Kept>,
) where
    S: FnOnce(RouteSide) -> Result<T, E> + Send + 'static,
    J: JudgeAnswers<T>,
{
    let Some((watcher, span)) = Watch::start(core, config, answered, span) else {
        return;
    };
    let subscriber = dispatcher::get_default(Clone::clone);
    let call = move || {
        dispatcher::with_default(&subscriber, || {
            let operation = || {
                let shadow = sides(answered.other());
                Verdict::of(&shadow, kept.as_ref(), &judge, answered)
            };
            watch(watcher, span, operation, |verdict, watch, span| {
                watch.settle(verdict.0, verdict.1, span);
            });
        });
    };
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(call)),
        // Where no thread can be had the watcher is dropped, and counts it as a failure of the shadow.
        Err(_) => drop(
            std::thread::Builder::new()
                .name("shadow".to_owned())
                .spawn(call),
        ),
    }
}
