//! Route: a function that replaces another one bit by bit, with a way back at any moment (M. Fowler's strangler fig).
//! Knows neither HTTP nor tenants: a call, perhaps a key, two implementations.

mod call;
mod config;
mod core;
mod handle;
pub(crate) mod names;
mod shadow;
mod split;
mod telemetry;
#[cfg(feature = "tower")]
mod tower;

use std::fmt::Display;
use std::sync::Arc;

use tracing::Span;

use self::config::CHECK;
use self::core::Core;
use crate::pattern::{Pattern, PatternConfigError, lent};
use crate::registry::Registry;

pub use self::core::RouteMode;
pub use call::RouteCall;
pub use config::{RouteConfig, RouteSide, ShadowConfig, ShadowSide};
pub use handle::{RouteHandle, RouteTotals, ShadowTotals, SideTotals};
pub use shadow::{CompareAnswers, IgnoreAnswers, JudgeAnswers, compare_answers};
pub(crate) use telemetry::OBSERVED;
#[cfg(feature = "tower")]
pub use tower::{ChooseSide, RouteKeyOfRequest, Shadowed, TracedRouteLayer, TracedRouteService};

/// What attributes expand into.
pub(crate) mod private {
    pub use super::AsRoute;
    pub use super::split::{GivenKey, MissingKey, RouteKeyOf};
}

static ROUTES: Registry<Core> = Registry::new();

/// The handle of the route of that name, once its function was called or it was built.
#[must_use]
pub fn route(name: &str) -> Option<RouteHandle> {
    ROUTES.find(name).map(RouteHandle::new)
}

/// The handles of all routes, by name.
#[must_use]
pub fn routes() -> Vec<RouteHandle> {
    ROUTES.all().into_iter().map(RouteHandle::new).collect()
}

/// Calls one of two implementations, with its span and metrics. Cheap to clone; clones are one route.
///
/// ```
/// use otelgen::{RouteSide, TracedRoute};
///
/// let route = TracedRoute::builder("pricing.route").percent(10.0).build()?;
///
/// let price = |side| match side {
///     RouteSide::Legacy => Ok::<_, std::io::Error>(100),
///     RouteSide::New => Ok(99),
/// };
/// route.handle().force_new();
/// assert_eq!(route.start_for("tenant-7").run(price)?, 99);
/// route.handle().force_legacy(); // the way back
/// assert_eq!(route.start_for("tenant-7").run(price)?, 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TracedRoute {
    core: Arc<Core>,
    span: bool,
    metrics: bool,
}

impl TracedRoute {
    /// Starts a route of that name; legacy answers everything until told otherwise.
    pub fn builder(name: impl Into<String>) -> TracedRouteBuilder {
        TracedRouteBuilder {
            name: name.into(),
            config: RouteConfig::DEFAULT,
            span: true,
            metrics: true,
        }
    }

    fn of(core: Arc<Core>) -> Self {
        Self {
            core,
            span: true,
            metrics: true,
        }
    }

    /// Name of the route.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.core.name
    }

    /// To look at the route and to change it.
    #[must_use]
    pub fn handle(&self) -> RouteHandle {
        RouteHandle::new(Arc::clone(&self.core))
    }

    /// Chooses a side for a call of nobody in particular: every stretch of calls has its share.
    pub fn start(&self) -> RouteCall<'_> {
        self.enter(self.new_span(), self.metrics, None)
    }

    /// Chooses the side of a key, such as a tenant: the same one for as long as the share is not lowered, in every
    /// process. The share is then one of the keys.
    pub fn start_for(&self, key: impl Display) -> RouteCall<'_> {
        let place = split::key(self.core.name, &key);
        self.enter(self.new_span(), self.metrics, Some(place))
    }

    /// Calls one of the two.
    ///
    /// # Errors
    /// Its own.
    pub fn call<T, E>(
        &self,
        legacy: impl FnOnce() -> Result<T, E>,
        new: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.start().run(|side| match side {
            RouteSide::Legacy => legacy(),
            RouteSide::New => new(),
        })
    }

    /// Awaits one of the two.
    ///
    /// # Errors
    /// Its own.
    pub async fn call_async<T, E, L, N>(
        &self,
        legacy: impl FnOnce() -> L,
        new: impl FnOnce() -> N,
    ) -> Result<T, E>
    where
        L: Future<Output = Result<T, E>>,
        N: Future<Output = Result<T, E>>,
    {
        let sides = |side| async move {
            match side {
                RouteSide::Legacy => legacy().await,
                RouteSide::New => new().await,
            }
        };
        self.start().run_async(sides).await
    }

    /// Starts a call; for attributes, which bring their own span.
    #[doc(hidden)]
    #[inline]
    pub fn enter(&self, span: Span, metrics: bool, place: Option<u64>) -> RouteCall<'_> {
        let side = self.core.choose(place);
        RouteCall::new(&self.core, side, span, metrics)
    }

    fn new_span(&self) -> Span {
        if !self.span {
            return Span::none();
        }
        tracing::info_span!(
            target: "otelgen",
            "route",
            otel.name = self.name(),
            otelgen.route.name = self.name(),
            otelgen.route.side = tracing::field::Empty,
            otelgen.route.outcome = tracing::field::Empty,
            "error.type" = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        )
    }
}

/// Sets up a [`TracedRoute`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TracedRouteBuilder {
    name: String,
    config: RouteConfig,
    span: bool,
    metrics: bool,
}

impl TracedRouteBuilder {
    /// See [`RouteConfig::percent`]; 0 unless set.
    pub fn percent(mut self, share: f64) -> Self {
        self.config.percent = share;
        self
    }

    /// How shadow calls are made; there are none unless set. They are made by
    /// [`run_shadowed`](RouteCall::run_shadowed) and [`run_async_shadowed`](RouteCall::run_async_shadowed).
    pub fn shadow(mut self, shadow: ShadowConfig) -> Self {
        self.config.shadow = Some(shadow);
        self
    }

    /// Whether calls through this instance make spans, and their shadows.
    pub fn span(mut self, span: bool) -> Self {
        self.span = span;
        self
    }

    /// Whether calls through this instance are counted. Shadow calls are in any case.
    pub fn metrics(mut self, metrics: bool) -> Self {
        self.metrics = metrics;
        self
    }

    /// The route of this name: a new one, or the one that exists with the same settings, wherever its share is now.
    ///
    /// # Errors
    /// A setting that cannot work, or a name that belongs to a route with other ones.
    pub fn build(self) -> Result<TracedRoute, PatternConfigError> {
        let route = TracedRoute::find_or_make(&self.name, &self.config).map_err(|error| error.0)?;
        Ok(TracedRoute {
            span: self.span,
            metrics: self.metrics,
            ..route
        })
    }
}

impl Pattern for TracedRoute {
    type Config = RouteConfig;

    fn find_or_make(
        name: &str,
        config: &RouteConfig,
    ) -> Result<Self, (PatternConfigError, Option<Self>)> {
        let name = CHECK.name(name).map_err(|error| (error, None))?;
        config.validate().map_err(|error| (error, None))?;
        ROUTES
            .find_or_make(
                name,
                |core| core.config == *config,
                || Core::new(name, *config),
            )
            .map(Self::of)
            .map_err(|existing| {
                let error = CHECK.taken(name, &existing.config, config);
                (error, Some(Self::of(existing)))
            })
    }

    fn unlisted(name: &'static str) -> Self {
        Self::of(Arc::new(Core::new(name, RouteConfig::DEFAULT)))
    }
}

lent! {
    /// What `route = …` may be.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a route",
        note = "`route` takes a `TracedRoute`, a reference to one, or one in an `Arc` or `LazyLock`"
    )]
    AsRoute, as_route, TracedRoute
}
