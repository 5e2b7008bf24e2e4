//! A policy as a Tower layer.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::policy::{Policy, PolicyError};

/// Guards a Tower service with a policy.
///
/// ```
/// use otelgen::{Policy, PolicyLayer};
/// use tower::ServiceBuilder;
///
/// let policy = Policy::builder("stock.policy.tower").retry(|retry| retry).build()?;
/// let service = ServiceBuilder::new()
///     .layer(PolicyLayer::new(policy))
///     .service_fn(|item: u32| async move { Ok::<_, std::io::Error>(item) });
/// # drop(service);
/// # Ok::<(), otelgen::ConfigurationError>(())
/// ```
///
/// Requests are cloned for each attempt, and so is the service, which is awaited to be ready each time.
#[derive(Clone, Debug)]
pub struct PolicyLayer(Policy);

impl PolicyLayer {
    /// Calls through the layer are made under `policy`.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self(policy)
    }
}

impl<S> Layer<S> for PolicyLayer {
    type Service = PolicyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        PolicyService {
            inner,
            policy: self.0.clone(),
        }
    }
}

/// A service under a policy: see [`PolicyLayer`].
#[derive(Clone, Debug)]
pub struct PolicyService<S> {
    inner: S,
    policy: Policy,
}

impl<S, R> Service<R> for PolicyService<S>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
    R: Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = PolicyError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(PolicyError::Inner)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let policy = self.policy.clone();
        // The service that is ready makes the first attempt; later ones wait for it to be ready again.
        let fresh = self.inner.clone();
        let mut service = std::mem::replace(&mut self.inner, fresh);
        let mut is_ready = true;
        Box::pin(async move {
            let attempt = move || {
                let fresh = service.clone();
                let mut service = std::mem::replace(&mut service, fresh);
                let request = request.clone();
                let is_ready = std::mem::take(&mut is_ready);
                async move {
                    if !is_ready {
                        poll_fn(|context| service.poll_ready(context)).await?;
                    }
                    service.call(request).await
                }
            };
            policy.call_async(attempt).await
        })
    }
}
