//! `#[traced]`: any function's calls, errors and durations, with its span.

mod explicit;
#[cfg(feature = "tower")]
mod tower;

use std::fmt::{Debug, Display};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tracing::Span;

use crate::clock::Clock;
use crate::intern::intern;
use crate::names;
use crate::recorder::{self, Counts, Durations, Kind, Observed, Timed};
use crate::registry::Registry;
use crate::shard::Counters;
use crate::site::{Site, SiteNames};
use crate::span::error_of;

pub use explicit::{TracedFunction, TracedFunctionBuilder};
#[cfg(feature = "tower")]
pub use tower::{TracedLayer, TracedService, TracedServiceFuture};

/// The function metrics that are read at collection.
pub(crate) const OBSERVED: &[Observed] = &[Observed {
    name: names::FUNCTION_CALLS,
    description: "Calls of a function, by how they ended.",
    unit: "{call}",
    kind: Kind::Counter,
    read: |observe| {
        for meter in METERS.all() {
            for (index, outcome) in names::FUNCTION_OUTCOMES.into_iter().enumerate() {
                observe(
                    meter.counters.sum(index),
                    &[(names::NAME, meter.name), (names::OUTCOME, outcome)],
                );
            }
        }
    },
}];

const DURATION: Timed = Timed {
    name: names::FUNCTION_DURATION,
    description: "Duration of a function's calls.",
};

static METERS: Registry<FunctionMeter> = Registry::new();

/// The metrics of the functions of one name.
#[derive(Debug)]
pub(crate) struct FunctionMeter {
    name: &'static str,
    counters: Counters<4>,
    counts: Counts<4>,
    durations: Durations<4>,
}

impl FunctionMeter {
    fn of(name: &str) -> Arc<Self> {
        let name = intern(name);
        let found = METERS.find_or_make(
            name,
            |_| true,
            || Self {
                name,
                counters: Counters::per_thread(),
                counts: Counts::new(names::FUNCTION_CALLS, name, names::FUNCTION_OUTCOMES),
                durations: Durations::new(DURATION, name, names::FUNCTION_OUTCOMES),
            },
        );
        match found {
            Ok(meter) | Err(meter) => meter,
        }
    }

    #[inline]
    fn settle(&self, outcome: Outcome, started: Option<u64>) {
        let index = outcome as usize;
        self.counters.add(index);
        self.counts.add(index);
        if let Some(stamp) = started {
            self.durations.record(index, Clock::system().since(stamp));
        }
    }
}

/// In the order of [`names::FUNCTION_OUTCOMES`].
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Success,
    Error,
    Panic,
    Cancelled,
}

/// The place of a `#[traced]`.
#[derive(Debug)]
pub struct FunctionSite {
    site: Site,
    resolved: OnceLock<ResolvedFunction>,
}

/// The function of a place.
#[derive(Debug)]
pub struct ResolvedFunction {
    names: SiteNames,
    meter: Arc<FunctionMeter>,
}

impl FunctionSite {
    /// As [`Site::new`].
    #[must_use]
    pub const fn new(
        module: &'static str,
        function: &'static str,
        name: Option<&'static str>,
    ) -> Self {
        Self {
            site: Site::new(module, function, name),
            resolved: OnceLock::new(),
        }
    }

    /// The function, found out at the first call.
    #[inline]
    pub fn resolve(&self, self_type: Option<fn() -> &'static str>) -> &ResolvedFunction {
        self.resolved.get_or_init(|| {
            let names = *self.site.resolve(self_type);
            recorder::look();
            ResolvedFunction {
                names,
                meter: FunctionMeter::of(names.name()),
            }
        })
    }
}

impl ResolvedFunction {
    /// See [`SiteNames::name`].
    #[inline]
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.names.name()
    }

    /// See [`SiteNames::function`].
    #[inline]
    #[must_use]
    pub const fn function(&self) -> &'static str {
        self.names.function()
    }

    /// Starts a call.
    #[inline]
    pub fn enter<'c>(&'c self, span: &'c Span, metrics: bool) -> FunctionCall<'c> {
        FunctionCall::new(metrics.then_some(&*self.meter), span)
    }
}

/// When a call starts, where somebody wants to know.
#[inline]
fn started(metrics: bool) -> Option<u64> {
    (metrics && recorder::is_active()).then(|| Clock::system().stamp())
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Progress {
    Waiting,
    Running,
    Settled,
}

/// A call of a traced function: settled once, however it ends.
#[derive(Debug)]
#[must_use]
pub struct FunctionCall<'m> {
    meter: Option<&'m FunctionMeter>,
    started: Option<u64>,
    span: &'m Span,
    progress: Progress,
}

impl<'m> FunctionCall<'m> {
    #[inline]
    fn new(meter: Option<&'m FunctionMeter>, span: &'m Span) -> Self {
        Self {
            meter,
            started: started(meter.is_some()),
            span,
            progress: Progress::Waiting,
        }
    }

    /// Runs the body; `error_type` names the error of what it returned, if it is one.
    #[inline]
    pub fn run<R>(
        mut self,
        body: impl FnOnce() -> R,
        error_type: impl FnOnce(&R) -> Option<&'static str>,
    ) -> R {
        self.progress = Progress::Running;
        let entered = self.span.enter();
        let returned = body();
        let error_type = error_type(&returned);
        self.progress = Progress::Settled;
        drop(entered);
        settle(self.meter, self.started, self.span, error_type);
        returned
    }

    /// Runs the body; `error_type` names the error of what it returned, if it is one.
    #[inline]
    pub fn run_async<F, J>(self, body: F, error_type: J) -> TracedFuture<'m, F, J>
    where
        F: Future,
        J: FnOnce(&F::Output) -> Option<&'static str>,
    {
        TracedFuture {
            body: Some(body),
            error_type: Some(error_type),
            call: self,
        }
    }
}

#[cold]
#[inline(never)]
fn abandon(meter: Option<&FunctionMeter>, started: Option<u64>, span: &Span, progress: Progress) {
    let outcome = match progress {
        Progress::Settled => return,
        Progress::Waiting => Outcome::Cancelled,
        Progress::Running => Outcome::Panic,
    };
    if let Some(meter) = meter {
        meter.settle(outcome, started);
    }
    if matches!(outcome, Outcome::Panic) && !span.is_disabled() {
        crate::span::fail(span, names::ERROR_PANIC);
    }
}

#[inline]
fn settle(
    meter: Option<&FunctionMeter>,
    started: Option<u64>,
    span: &Span,
    error_type: Option<&'static str>,
) {
    if let Some(meter) = meter {
        let outcome = match error_type {
            None => Outcome::Success,
            Some(_) => Outcome::Error,
        };
        meter.settle(outcome, started);
    }
    if let Some(error_type) = error_type
        && !span.is_disabled()
    {
        crate::span::fail(span, error_type);
    }
}

impl Drop for FunctionCall<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.progress != Progress::Settled {
            // By value, so that the call itself needs no place in memory.
            abandon(self.meter, self.started, self.span, self.progress);
        }
    }
}

pin_project! {
    /// The future of a traced function.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct TracedFuture<'m, F, J> {
        #[pin]
        body: Option<F>,
        error_type: Option<J>,
        call: FunctionCall<'m>,
    }

    impl<F, J> PinnedDrop for TracedFuture<'_, F, J> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.body.is_some() {
                this.call.span.in_scope(|| this.body.set(None));
            }
        }
    }
}

impl<F, J> Future for TracedFuture<'_, F, J>
where
    F: Future,
    J: FnOnce(&F::Output) -> Option<&'static str>,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let call = this.call;
        call.progress = Progress::Running;
        let entered = call.span.enter();
        let polled = body.poll(context);
        call.progress = Progress::Waiting;
        let returned = ready!(polled);
        this.body.set(None);
        let error_type = this.error_type.take().and_then(|name| name(&returned));
        call.progress = Progress::Settled;
        drop(entered);
        settle(call.meter, call.started, call.span, error_type);
        Poll::Ready(returned)
    }
}

/// What a function returned, asked for its error by method resolution: `Result` first, then anything.
#[derive(Debug)]
pub struct Returned<'r, R>(pub &'r R);

/// The answer for a `Result`.
pub trait ResultReturned {
    /// The type of the error, if there is one.
    fn error_type(&self) -> Option<&'static str>;
}

impl<T, E> ResultReturned for &Returned<'_, Result<T, E>> {
    #[inline]
    fn error_type(&self) -> Option<&'static str> {
        error_of(self.0)
    }
}

/// The answer for anything else.
pub trait AnyReturned {
    /// Never an error.
    fn error_type(&self) -> Option<&'static str> {
        None
    }
}

impl<R> AnyReturned for Returned<'_, R> {}

/// An error that `err` can write.
#[diagnostic::on_unimplemented(
    message = "`err` cannot write `{Self}`, which is not `Display`",
    label = "`err` needs an error that is `Display`",
    note = "implement `std::fmt::Display` for `{Self}`, or leave `err` out"
)]
pub trait WritableError: Display {}

#[diagnostic::do_not_recommend]
impl<E: Display> WritableError for E {}

/// `err`: the error as an event in the span.
#[cold]
pub fn report_error<T, E: WritableError>(result: &Result<T, E>) {
    if let Err(error) = result {
        tracing::error!(target: "otelgen", error = %error, "function returned an error");
    }
}

/// A returned value that `ret` can write.
#[diagnostic::on_unimplemented(
    message = "`ret` cannot write `{Self}`, which is not `Debug`",
    label = "`ret` needs a value that is `Debug`",
    note = "write `#[derive(Debug)]` above `{Self}`, or leave `ret` out"
)]
pub trait WritableReturn: Debug {}

#[diagnostic::do_not_recommend]
impl<R: Debug> WritableReturn for R {}

/// `ret`: the returned value as an event in the span.
#[cold]
pub fn report_return<R: WritableReturn>(returned: &R) {
    tracing::info!(target: "otelgen", returned = ?returned, "function returned");
}
