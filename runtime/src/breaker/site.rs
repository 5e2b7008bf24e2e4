//! What `#[traced_breaker]` expands into: a static that finds its breaker at the first call.

use std::sync::{Arc, LazyLock, OnceLock};

use tracing::Span;

use crate::breaker::call::RejectedCall;
use crate::breaker::config::{BreakerConfig, BreakerConfigError};
use crate::breaker::core::Core;
use crate::breaker::error::BreakerOpen;
use crate::breaker::keyed::Keyed;
use crate::breaker::telemetry::BreakerMeter;
use crate::breaker::{TracedCircuitBreaker, registry};
use crate::clock::Clock;
use crate::intern::intern;
use crate::shard::Counters;
use crate::site::{Site, SiteNames};

/// The place of a `#[traced_breaker]`.
#[derive(Debug)]
pub struct BreakerSite {
    site: Site,
    config: BreakerConfig,
    resolved: OnceLock<ResolvedBreaker>,
}

/// The breaker of a place.
#[derive(Debug)]
pub struct ResolvedBreaker {
    names: SiteNames,
    breaker: TracedCircuitBreaker,
}

impl BreakerSite {
    /// As [`Site::new`], with the settings.
    #[must_use]
    pub const fn new(
        module: &'static str,
        function: &'static str,
        name: Option<&'static str>,
        config: BreakerConfig,
    ) -> Self {
        Self {
            site: Site::new(module, function, name),
            config,
            resolved: OnceLock::new(),
        }
    }

    /// The breaker, found or made at the first call.
    #[inline]
    pub fn resolve(&self, self_type: Option<fn() -> &'static str>) -> &ResolvedBreaker {
        match self.resolved.get() {
            Some(resolved) => resolved,
            None => self.find(self_type),
        }
    }

    #[cold]
    fn find(&self, self_type: Option<fn() -> &'static str>) -> &ResolvedBreaker {
        self.resolved.get_or_init(|| {
            let names = *self.site.resolve(self_type);
            let core = registry::single(names.name(), self.config, Clock::system()).unwrap_or_else(
                |(error, existing)| {
                    let core = existing.unwrap_or_else(|| unlisted(&names, &self.config, &error));
                    crate::registry::report(error);
                    core
                },
            );
            ResolvedBreaker {
                names,
                breaker: TracedCircuitBreaker::new(core),
            }
        })
    }
}

/// A breaker that is in no registry, for a place whose settings cannot be had: the call goes on, and the
/// error is reported.
fn unlisted(names: &SiteNames, config: &BreakerConfig, error: &BreakerConfigError) -> Arc<Core> {
    let config = match error {
        BreakerConfigError::NameTaken { .. } => *config,
        _ => BreakerConfig::DEFAULT,
    };
    let meter = Arc::new(BreakerMeter::new(intern(names.name())));
    let counters = Counters::per_thread();
    Arc::new(Core::new(config, Clock::system(), counters, meter))
}

impl ResolvedBreaker {
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

    /// The breaker.
    #[inline]
    #[must_use]
    pub const fn breaker(&self) -> &TracedCircuitBreaker {
        &self.breaker
    }
}

/// The place of a `#[traced_breaker(key = …)]`.
#[derive(Debug)]
pub struct KeyedBreakerSite {
    site: Site,
    config: BreakerConfig,
    max_keys: usize,
    resolved: OnceLock<ResolvedKeyedBreaker>,
}

/// The breakers of a place.
#[derive(Debug)]
pub struct ResolvedKeyedBreaker {
    names: SiteNames,
    keyed: Arc<Keyed>,
}

impl KeyedBreakerSite {
    /// As [`Site::new`], with the settings.
    #[must_use]
    pub const fn new(
        module: &'static str,
        function: &'static str,
        name: Option<&'static str>,
        config: BreakerConfig,
        max_keys: usize,
    ) -> Self {
        Self {
            site: Site::new(module, function, name),
            config,
            max_keys,
            resolved: OnceLock::new(),
        }
    }

    /// The breakers, found or made at the first call.
    #[inline]
    pub fn resolve(&self, self_type: Option<fn() -> &'static str>) -> &ResolvedKeyedBreaker {
        self.resolved.get_or_init(|| {
            let names = *self.site.resolve(self_type);
            let clock = Clock::system();
            let keyed = registry::keyed(names.name(), self.config, self.max_keys, clock)
                .unwrap_or_else(|(error, existing)| {
                    crate::registry::report(error);
                    existing.unwrap_or_else(|| {
                        let config = BreakerConfig::DEFAULT;
                        let keyed =
                            Keyed::new(names.name(), config, self.max_keys, Clock::system());
                        Arc::new(keyed)
                    })
                });
            ResolvedKeyedBreaker { names, keyed }
        })
    }
}

impl ResolvedKeyedBreaker {
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

    /// The breaker of that key.
    #[must_use]
    pub fn breaker<K: BreakerKey + ?Sized>(&self, key: &K) -> TracedCircuitBreaker {
        key.with_str(|key| TracedCircuitBreaker::new(self.keyed.get(key)))
    }
}

/// What `key = …` may be: text, or anything that displays as text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a circuit breaker",
    note = "`key` takes a value that implements `Display`, such as `key = &request.tenant` or `key = order.shard`"
)]
pub trait BreakerKey {
    /// Lends the key as text.
    fn with_str<R>(&self, use_key: impl FnOnce(&str) -> R) -> R;
}

impl<K: std::fmt::Display + ?Sized> BreakerKey for K {
    fn with_str<R>(&self, use_key: impl FnOnce(&str) -> R) -> R {
        use std::fmt::Write as _;

        // Most keys fit, and then nothing is allocated.
        let mut text = InlineText::default();
        if write!(text, "{self}").is_ok()
            && let Some(key) = text.as_str()
        {
            return use_key(key);
        }
        use_key(&self.to_string())
    }
}

/// Text of up to 64 bytes, without allocation.
struct InlineText {
    bytes: [u8; 64],
    length: usize,
}

impl Default for InlineText {
    fn default() -> Self {
        Self {
            bytes: [0; 64],
            length: 0,
        }
    }
}

impl InlineText {
    fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(..self.length)?).ok()
    }
}

impl std::fmt::Write for InlineText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let place = self
            .bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// What `breaker = …` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a circuit breaker",
    note = "`breaker` takes a `TracedCircuitBreaker`, a reference to one, or one in an `Arc` or `LazyLock`"
)]
pub trait AsBreaker {
    /// Lends the breaker.
    fn as_breaker(&self) -> &TracedCircuitBreaker;
}

impl AsBreaker for TracedCircuitBreaker {
    #[inline]
    fn as_breaker(&self) -> &TracedCircuitBreaker {
        self
    }
}

impl<B: AsBreaker + ?Sized> AsBreaker for &B {
    #[inline]
    fn as_breaker(&self) -> &TracedCircuitBreaker {
        (**self).as_breaker()
    }
}

impl<B: AsBreaker + ?Sized> AsBreaker for Arc<B> {
    #[inline]
    fn as_breaker(&self) -> &TracedCircuitBreaker {
        (**self).as_breaker()
    }
}

impl<B: AsBreaker> AsBreaker for LazyLock<B> {
    #[inline]
    fn as_breaker(&self) -> &TracedCircuitBreaker {
        (**self).as_breaker()
    }
}

/// An error type that has a way to say that a breaker is open.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a circuit breaker is open",
    label = "the error type of this function",
    note = "implement `From<otelgen::BreakerOpen>` for `{Self}`, or name a function with `map_open = path` (makes the error) or `on_open = path` (answers instead)"
)]
pub trait AnswersOpen: Sized {
    /// The error for a rejected call.
    fn from_open(open: BreakerOpen) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<BreakerOpen>> AnswersOpen for E {
    fn from_open(open: BreakerOpen) -> Self {
        Self::from(open)
    }
}

/// The result of a rejected call.
///
/// # Errors
/// Always: the rejection.
#[inline]
pub fn reject<T, E: AnswersOpen>(rejected: RejectedCall<&Span>) -> Result<T, E> {
    Err(E::from_open(rejected.into_error()))
}

/// The result of a rejected call, with the error that `map_open` makes.
///
/// # Errors
/// Always: what the function returns.
#[inline]
pub fn reject_as<T, E>(
    rejected: RejectedCall<&Span>,
    map_open: impl FnOnce(BreakerOpen) -> E,
) -> Result<T, E> {
    Err(map_open(rejected.into_error()))
}
