//! What retry, timeout, bulkhead, rate limit and cache share: settings that are refused, the static
//! behind an attribute, and a future that knows how it ended. Knows no pattern.

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use thiserror::Error;
use tracing::Span;

pub(crate) mod meter;
pub mod names;
pub(crate) mod rejection;

use crate::intern::intern;
use crate::site::{Site, SiteNames};

/// Why a retry, timeout, bulkhead, rate limit, cache or policy cannot be made.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PatternConfigError {
    /// The name is empty or only spaces.
    #[error("a {pattern} needs a name; give it what it guards, such as \"payments\"")]
    EmptyName {
        /// The pattern.
        pattern: &'static str,
    },
    /// A setting is outside of what can work.
    #[error("{pattern} setting `{field}` is {value}; it must be {allowed}")]
    OutOfRange {
        /// The pattern.
        pattern: &'static str,
        /// The setting.
        field: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// A setting is needed and was not given.
    #[error("{pattern} setting `{field}` is missing; {advice}")]
    Missing {
        /// The pattern.
        pattern: &'static str,
        /// The setting.
        field: &'static str,
        /// What to set.
        advice: &'static str,
    },
    /// A setting does nothing without another one, or contradicts it.
    #[error("{pattern} setting `{field}` {problem}")]
    Conflict {
        /// The pattern.
        pattern: &'static str,
        /// The setting.
        field: &'static str,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// The name belongs to another instance already.
    #[error(
        "{pattern} `{name}` exists already with other settings ({existing}, not {requested}); choose another name, or use the same settings in both places"
    )]
    NameTaken {
        /// The pattern.
        pattern: &'static str,
        /// The name.
        name: String,
        /// The settings of the one that exists.
        existing: String,
        /// The settings asked for.
        requested: String,
    },
}

/// The longest duration that makes sense anywhere; keeps sums of nanoseconds within 64 bits.
pub(crate) const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The checks of one pattern's settings.
#[derive(Clone, Copy)]
pub(crate) struct Check(pub(crate) &'static str);

impl Check {
    pub(crate) fn name(self, name: &str) -> Result<&'static str, PatternConfigError> {
        if name.trim().is_empty() {
            return Err(PatternConfigError::EmptyName { pattern: self.0 });
        }
        Ok(intern(name))
    }

    pub(crate) fn within<T: PartialOrd + Debug>(
        self,
        field: &'static str,
        value: T,
        range: RangeInclusive<T>,
        allowed: &'static str,
    ) -> Result<(), PatternConfigError> {
        // NaN is in no range.
        if range.contains(&value) {
            return Ok(());
        }
        Err(PatternConfigError::OutOfRange {
            pattern: self.0,
            field,
            value: format!("{value:?}"),
            allowed,
        })
    }

    /// A duration from a millisecond to a year.
    pub(crate) fn duration(
        self,
        field: &'static str,
        value: Duration,
    ) -> Result<(), PatternConfigError> {
        let range = Duration::from_millis(1)..=LONGEST;
        self.within(field, value, range, "from 1ms to 366 days")
    }

    #[cfg(feature = "cache")]
    pub(crate) fn conflict(self, field: &'static str, problem: &'static str) -> PatternConfigError {
        PatternConfigError::Conflict {
            pattern: self.0,
            field,
            problem,
        }
    }

    pub(crate) fn missing(self, field: &'static str, advice: &'static str) -> PatternConfigError {
        PatternConfigError::Missing {
            pattern: self.0,
            field,
            advice,
        }
    }

    pub(crate) fn taken(
        self,
        name: &str,
        existing: &impl Debug,
        requested: &impl Debug,
    ) -> PatternConfigError {
        PatternConfigError::NameTaken {
            pattern: self.0,
            name: name.to_owned(),
            existing: format!("{existing:?}"),
            requested: format!("{requested:?}"),
        }
    }
}

/// A pattern that an attribute can make from its settings.
pub trait Pattern: Sized {
    /// The settings; written into a `static`.
    type Config: Clone + Debug;

    /// The instance of that name and configuration, made if there is none.
    ///
    /// # Errors
    /// The settings cannot work, or the name belongs to other ones; that instance comes along.
    fn find_or_make(
        name: &str,
        config: &Self::Config,
    ) -> Result<Self, (PatternConfigError, Option<Self>)>;

    /// An instance that works in any case and is in no registry.
    fn unlisted(name: &'static str) -> Self;
}

/// The place of an attribute with a pattern of its own.
#[derive(Debug)]
pub struct PatternSite<P: Pattern> {
    site: Site,
    config: P::Config,
    resolved: OnceLock<ResolvedPattern<P>>,
}

/// The pattern of a place.
#[derive(Debug)]
pub struct ResolvedPattern<P> {
    names: SiteNames,
    pattern: P,
}

impl<P: Pattern> PatternSite<P> {
    /// As [`Site::new`], with the settings.
    #[must_use]
    pub const fn new(
        module: &'static str,
        function: &'static str,
        name: Option<&'static str>,
        config: P::Config,
    ) -> Self {
        Self {
            site: Site::new(module, function, name),
            config,
            resolved: OnceLock::new(),
        }
    }

    /// The pattern, found or made at the first call.
    #[inline]
    pub fn resolve(&self, self_type: Option<fn() -> &'static str>) -> &ResolvedPattern<P> {
        match self.resolved.get() {
            Some(resolved) => resolved,
            None => self.find(self_type),
        }
    }

    #[cold]
    fn find(&self, self_type: Option<fn() -> &'static str>) -> &ResolvedPattern<P> {
        self.resolved.get_or_init(|| {
            let names = *self.site.resolve(self_type);
            let pattern =
                P::find_or_make(names.name(), &self.config).unwrap_or_else(|(error, existing)| {
                    crate::registry::report(error);
                    existing.unwrap_or_else(|| P::unlisted(intern(names.name())))
                });
            ResolvedPattern { names, pattern }
        })
    }
}

impl<P> ResolvedPattern<P> {
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

    /// The instance.
    #[inline]
    #[must_use]
    pub const fn pattern(&self) -> &P {
        &self.pattern
    }
}

/// Declares what an attribute's `pattern = EXPR` may be: the pattern, or a reference, `Arc` or `LazyLock`.
macro_rules! lent {
    ($(#[$documentation:meta])* $lends:ident, $lend:ident, $pattern:ident $(<$($generic:ident),+>)?) => {
        $(#[$documentation])*
        pub trait $lends $(<$($generic),+>)? {
            /// Lends the instance.
            fn $lend(&self) -> &$pattern $(<$($generic),+>)?;
        }

        impl $(<$($generic),+>)? $lends $(<$($generic),+>)? for $pattern $(<$($generic),+>)? {
            #[inline]
            fn $lend(&self) -> &$pattern $(<$($generic),+>)? {
                self
            }
        }

        impl<$($($generic,)+)? Lender: $lends $(<$($generic),+>)? + ?Sized> $lends $(<$($generic),+>)? for &Lender {
            #[inline]
            fn $lend(&self) -> &$pattern $(<$($generic),+>)? {
                (**self).$lend()
            }
        }

        impl<$($($generic,)+)? Lender: $lends $(<$($generic),+>)? + ?Sized> $lends $(<$($generic),+>)? for std::sync::Arc<Lender> {
            #[inline]
            fn $lend(&self) -> &$pattern $(<$($generic),+>)? {
                (**self).$lend()
            }
        }

        impl<$($($generic,)+)? Lender: $lends $(<$($generic),+>)?> $lends $(<$($generic),+>)? for std::sync::LazyLock<Lender> {
            #[inline]
            fn $lend(&self) -> &$pattern $(<$($generic),+>)? {
                (**self).$lend()
            }
        }
    };
}
pub(crate) use lent;

/// How an operation ended without returning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Abandoned {
    /// Its future was dropped between two polls.
    Cancelled,
    /// It unwound.
    Panicked,
}

/// Whoever must know that an operation ended without returning.
pub(crate) trait Watcher {
    fn abandoned(&self, how: Abandoned, span: &Span);
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Progress {
    Waiting,
    Running,
    Settled,
}

/// A watcher that is told of whatever ends the call before it is settled.
#[derive(Debug)]
struct Armed<W: Watcher> {
    watcher: W,
    span: Span,
    progress: Progress,
}

impl<W: Watcher> Drop for Armed<W> {
    #[inline]
    fn drop(&mut self) {
        match self.progress {
            Progress::Settled => {}
            Progress::Running => self.watcher.abandoned(Abandoned::Panicked, &self.span),
            Progress::Waiting => self.watcher.abandoned(Abandoned::Cancelled, &self.span),
        }
    }
}

/// Runs a blocking operation inside `span`; the watcher hears of a panic, `settle` of what it returned.
#[inline]
pub(crate) fn watch<W: Watcher, R>(
    watcher: W,
    span: Span,
    operation: impl FnOnce() -> R,
    settle: impl FnOnce(&R, &W, &Span),
) -> R {
    let mut armed = Armed {
        watcher,
        span,
        progress: Progress::Running,
    };
    let returned = {
        let _entered = armed.span.enter();
        operation()
    };
    armed.progress = Progress::Settled;
    settle(&returned, &armed.watcher, &armed.span);
    returned
}

pin_project! {
    /// An operation inside its span; `settle` hears of what it returned, the watcher of anything else.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Watched<F, W: Watcher, S> {
        #[pin]
        operation: Option<F>,
        settle: Option<S>,
        armed: Armed<W>,
    }

    impl<F, W: Watcher, S> PinnedDrop for Watched<F, W, S> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What the operation drops belongs to its span.
            if this.operation.is_some() {
                this.armed.span.in_scope(|| this.operation.set(None));
            }
        }
    }
}

impl<F: Future, W: Watcher, S: FnOnce(&F::Output, &W, &Span)> Watched<F, W, S> {
    #[inline]
    pub(crate) fn new(watcher: W, span: Span, operation: F, settle: S) -> Self {
        Self {
            operation: Some(operation),
            settle: Some(settle),
            armed: Armed {
                watcher,
                span,
                progress: Progress::Waiting,
            },
        }
    }

    /// As [`Self::new`], with an operation that is made inside the span: the watcher hears of a panic there too.
    #[cfg(feature = "tower")]
    pub(crate) fn start(watcher: W, span: Span, operation: impl FnOnce() -> F, settle: S) -> Self {
        let mut armed = Armed {
            watcher,
            span,
            progress: Progress::Running,
        };
        let operation = armed.span.in_scope(operation);
        armed.progress = Progress::Waiting;
        Self {
            operation: Some(operation),
            settle: Some(settle),
            armed,
        }
    }

    /// Ends the operation from outside: `settle` hears of that instead.
    pub(crate) fn stop(self: Pin<&mut Self>, settle: impl FnOnce(&W, &Span)) {
        let mut this = self.project();
        this.armed.span.in_scope(|| this.operation.set(None));
        if this.armed.progress != Progress::Settled {
            this.armed.progress = Progress::Settled;
            settle(&this.armed.watcher, &this.armed.span);
        }
    }
}

impl<F: Future, W: Watcher, S: FnOnce(&F::Output, &W, &Span)> Future for Watched<F, W, S> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let armed = this.armed;
        let Some(operation) = this.operation.as_mut().as_pin_mut() else {
            // Polled after completion, which no executor does: it never completes again.
            return Poll::Pending;
        };
        armed.progress = Progress::Running;
        let polled = {
            let _entered = armed.span.enter();
            operation.poll(context)
        };
        armed.progress = Progress::Waiting;
        let returned = ready!(polled);
        this.operation.set(None);
        armed.progress = Progress::Settled;
        if let Some(settle) = this.settle.take() {
            settle(&returned, &armed.watcher, &armed.span);
        }
        Poll::Ready(returned)
    }
}
