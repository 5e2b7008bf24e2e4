//! One call of a route: its side is chosen, its span open.

use std::any::type_name;
use std::sync::Arc;

use tracing::Span;

use super::config::RouteSide;
use super::core::Core;
use super::names as route_names;
use super::shadow::{self, JudgeAnswers};
use super::telemetry::Outcome;
use crate::clock::Clock;
use crate::names;
use crate::pattern::{Abandoned, Watched, Watcher, watch};
use crate::recorder;

/// A call whose side is chosen. Both sides are one closure, which is told the side to take.
#[derive(Debug)]
#[must_use = "nothing is called until it is run"]
pub struct RouteCall<'r> {
    watch: Watch<'r>,
    span: Span,
}

#[derive(Debug)]
struct Watch<'r> {
    core: &'r Arc<Core>,
    side: RouteSide,
    metrics: bool,
    started: Option<u64>,
}

impl<'r> RouteCall<'r> {
    #[inline]
    pub(super) fn new(core: &'r Arc<Core>, side: RouteSide, span: Span, metrics: bool) -> Self {
        if !span.is_disabled() {
            span.record(route_names::SPAN_ROUTE_SIDE, side.as_str());
        }
        let timed = metrics && recorder::is_active();
        Self {
            watch: Watch {
                core,
                side,
                metrics,
                started: timed.then(|| Clock::system().stamp()),
            },
            span,
        }
    }

    /// The side that answers.
    #[must_use]
    pub const fn side(&self) -> RouteSide {
        self.watch.side
    }

    /// Calls the side that was chosen.
    ///
    /// # Errors
    /// That side's own.
    pub fn run<T, E>(self, sides: impl FnOnce(RouteSide) -> Result<T, E>) -> Result<T, E> {
        let side = self.watch.side;
        watch(self.watch, self.span, || sides(side), settle)
    }

    /// Calls the side that was chosen.
    ///
    /// # Errors
    /// That side's own.
    pub async fn run_async<T, E, F>(self, sides: impl FnOnce(RouteSide) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let operation = sides(self.watch.side);
        Watched::new(self.watch, self.span, operation, settle).await
    }

    /// As [`Self::run`], then calls the other side in a thread of its own, if the route's settings say so. The answer
    /// does not wait for that and cannot fail by it.
    ///
    /// # Errors
    /// The chosen side's own.
    pub fn run_shadowed<T, E, S, J>(self, sides: S, judge: J) -> Result<T, E>
    where
        S: FnOnce(RouteSide) -> Result<T, E> + Clone + Send + 'static,
        J: JudgeAnswers<T>,
    {
        let (core, side) = (self.watch.core, self.watch.side);
        let Some(config) = core.shadow_of(side) else {
            return self.run(sides);
        };
        let (spare, span) = (sides.clone(), self.span.clone());
        let answer = self.run(sides);
        let kept = answer.as_ref().ok().map(|answer| judge.keep(answer));
        shadow::launch(core, config, side, &span, spare, judge, kept);
        answer
    }

    /// As [`Self::run_async`], then calls the other side in a task of its own, if the route's settings say so. The
    /// answer does not wait for that and cannot fail by it.
    ///
    /// # Errors
    /// The chosen side's own.
    pub async fn run_async_shadowed<T, E, F, S, J>(self, sides: S, judge: J) -> Result<T, E>
    where
        S: FnOnce(RouteSide) -> F + Clone + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
        J: JudgeAnswers<T>,
    {
        let (core, side) = (self.watch.core, self.watch.side);
        let Some(config) = core.shadow_of(side) else {
            return self.run_async(sides).await;
        };
        let (spare, span) = (sides.clone(), self.span.clone());
        let answer = self.run_async(sides).await;
        let kept = answer.as_ref().ok().map(|answer| judge.keep(answer));
        shadow::launch_async(core, config, side, &span, spare, judge, kept);
        answer
    }
}

#[inline]
fn settle<T, E>(result: &Result<T, E>, watch: &Watch<'_>, span: &Span) {
    match result {
        Ok(_) => watch.settle(Outcome::Success, None, span),
        Err(_) => watch.settle(Outcome::Failure, Some(type_name::<E>()), span),
    }
}

impl Watch<'_> {
    #[inline]
    fn settle(&self, outcome: Outcome, error_type: Option<&'static str>, span: &Span) {
        if self.metrics {
            self.core.meter.call(self.side, outcome, self.started);
        }
        if !span.is_disabled() {
            span.record(
                route_names::SPAN_ROUTE_OUTCOME,
                route_names::ROUTE_OUTCOMES.get(outcome as usize),
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
