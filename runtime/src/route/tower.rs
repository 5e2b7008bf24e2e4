//! The route as a Tower layer: one service replaces another one bit by bit.

use std::fmt::Display;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::{JudgeAnswers, RouteCall, RouteSide, TracedRoute};

/// Puts the service it wraps, the new one, in the place of another one, request by request.
///
/// ```
/// use otelgen::{TracedRoute, TracedRouteLayer};
/// use tower::ServiceBuilder;
///
/// let route = TracedRoute::builder("pricing.route.tower").percent(10.0).build()?;
/// let legacy = tower::service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item * 2) });
/// let service = ServiceBuilder::new()
///     .layer(TracedRouteLayer::new(route, legacy))
///     .service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item << 1) });
/// # drop(service);
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
///
/// The service is ready at any time: which of the two has to be is known with the request, and awaited then, so that
/// the one cannot hold up the other.
#[derive(Clone, Debug)]
pub struct TracedRouteLayer<L, K = (), J = ()> {
    route: TracedRoute,
    legacy: L,
    key: K,
    shadowed: J,
}

impl<L> TracedRouteLayer<L> {
    /// Requests through the layer are answered by `legacy` or by the service inside, as `route` says.
    #[must_use]
    pub fn new(route: TracedRoute, legacy: L) -> Self {
        Self {
            route,
            legacy,
            key: (),
            shadowed: (),
        }
    }
}

impl<L, K, J> TracedRouteLayer<L, K, J> {
    /// `key` names the key of a request, such as its tenant, which stays on its side: see
    /// [`start_for`](TracedRoute::start_for). Requests without one are shared out one by one.
    #[must_use]
    pub fn keyed<R, D, F>(self, key: F) -> TracedRouteLayer<L, RouteKeyOfRequest<F>, J>
    where
        F: Fn(&R) -> Option<D>,
        D: Display,
    {
        TracedRouteLayer {
            route: self.route,
            legacy: self.legacy,
            key: RouteKeyOfRequest(key),
            shadowed: self.shadowed,
        }
    }

    /// The other side is called too, as the route's settings say, with a clone of the request and in a task of its own;
    /// `judge` says whether the answers agree: [`compare_answers`](super::compare_answers) or
    /// [`IgnoreAnswers`](super::IgnoreAnswers).
    #[must_use]
    pub fn shadowed<J2>(self, judge: J2) -> TracedRouteLayer<L, K, Shadowed<J2>> {
        TracedRouteLayer {
            route: self.route,
            legacy: self.legacy,
            key: self.key,
            shadowed: Shadowed(judge),
        }
    }
}

impl<S, L: Clone, K: Clone, J: Clone> Layer<S> for TracedRouteLayer<L, K, J> {
    type Service = TracedRouteService<S, L, K, J>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedRouteService {
            route: self.route.clone(),
            sides: Sides {
                legacy: self.legacy.clone(),
                new: inner,
            },
            key: self.key.clone(),
            shadowed: self.shadowed.clone(),
        }
    }
}

/// Two services, one of which answers: see [`TracedRouteLayer`].
#[derive(Clone, Debug)]
pub struct TracedRouteService<S, L, K = (), J = ()> {
    route: TracedRoute,
    sides: Sides<S, L>,
    key: K,
    shadowed: J,
}

#[derive(Clone, Debug)]
struct Sides<S, L> {
    legacy: L,
    new: S,
}

impl<S, L> Sides<S, L> {
    async fn call<R>(self, side: RouteSide, request: R) -> Result<S::Response, S::Error>
    where
        S: Service<R>,
        L: Service<R, Response = S::Response, Error = S::Error>,
    {
        match side {
            RouteSide::Legacy => call_when_ready(self.legacy, request).await,
            RouteSide::New => call_when_ready(self.new, request).await,
        }
    }
}

async fn call_when_ready<S: Service<R>, R>(
    mut service: S,
    request: R,
) -> Result<S::Response, S::Error> {
    poll_fn(|context| service.poll_ready(context)).await?;
    service.call(request).await
}

/// Chooses the side of a request.
pub trait ChooseSide<R> {
    /// Starts the call that chose it.
    fn start<'r>(&self, route: &'r TracedRoute, request: &R) -> RouteCall<'r>;
}

/// Requests are shared out one by one.
impl<R> ChooseSide<R> for () {
    fn start<'r>(&self, route: &'r TracedRoute, _: &R) -> RouteCall<'r> {
        route.start()
    }
}

/// Requests are shared out by their key: see [`TracedRouteLayer::keyed`].
#[derive(Clone, Copy, Debug)]
pub struct RouteKeyOfRequest<F>(F);

impl<R, D: Display, F: Fn(&R) -> Option<D>> ChooseSide<R> for RouteKeyOfRequest<F> {
    fn start<'r>(&self, route: &'r TracedRoute, request: &R) -> RouteCall<'r> {
        match (self.0)(request) {
            Some(key) => route.start_for(key),
            None => route.start(),
        }
    }
}

/// The side that did not answer is called too: see [`TracedRouteLayer::shadowed`].
#[derive(Clone, Copy, Debug)]
pub struct Shadowed<J>(J);

impl<S, L, K, R> Service<R> for TracedRouteService<S, L, K>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Send,
    L: Service<R, Response = S::Response, Error = S::Error> + Clone + Send + 'static,
    L::Future: Send,
    K: ChooseSide<R> + Clone + Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (route, sides, key) = (self.route.clone(), self.sides.clone(), self.key.clone());
        Box::pin(async move {
            let call = key.start(&route, &request);
            call.run_async(|side| sides.call(side, request)).await
        })
    }
}

impl<S, L, K, J, R> Service<R> for TracedRouteService<S, L, K, Shadowed<J>>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
    L: Service<R, Response = S::Response, Error = S::Error> + Clone + Send + 'static,
    L::Future: Send,
    K: ChooseSide<R> + Clone + Send + 'static,
    J: JudgeAnswers<S::Response> + Clone,
    R: Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (route, sides, key) = (self.route.clone(), self.sides.clone(), self.key.clone());
        let judge = self.shadowed.0.clone();
        Box::pin(async move {
            let call = key.start(&route, &request);
            let sides = move |side| sides.call(side, request);
            call.run_async_shadowed(sides, judge).await
        })
    }
}
