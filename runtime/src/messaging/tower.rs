//! Producer and consumer as Tower layers: for clients and workers that are services of messages.

use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::consumer::TracedConsumer;
use super::headers::{MessageHeaders, MessageHeadersMut};
use super::producer::TracedProducer;

/// Gives a Tower service that sends messages a producer's spans and metrics; the span's context travels in the headers.
///
/// ```
/// use otelgen::{TracedProducer, TracedProducerLayer};
/// use tower::ServiceBuilder;
///
/// struct Message {
///     headers: Vec<(String, String)>,
/// }
///
/// let producer = TracedProducer::builder("kafka", "orders").build()?;
/// let service = ServiceBuilder::new()
///     .layer(TracedProducerLayer::new(producer, |message: &mut Message| &mut message.headers))
///     .service_fn(|message: Message| async move { Ok::<_, std::io::Error>(message.headers.len()) });
/// # drop(service);
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
///
/// The service that was ready is called when the response is first polled.
#[derive(Clone, Debug)]
pub struct TracedProducerLayer<F> {
    producer: TracedProducer,
    headers: F,
}

impl<F> TracedProducerLayer<F> {
    /// Messages through the layer are sent by `producer`; `headers` says where a message has them.
    #[must_use]
    pub fn new<R, H: ?Sized>(producer: TracedProducer, headers: F) -> Self
    where
        F: Fn(&mut R) -> &mut H,
    {
        Self { producer, headers }
    }
}

impl<S, F: Clone> Layer<S> for TracedProducerLayer<F> {
    type Service = TracedProducerService<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedProducerService {
            inner,
            producer: self.producer.clone(),
            headers: self.headers.clone(),
        }
    }
}

/// A service that sends messages: see [`TracedProducerLayer`].
#[derive(Clone, Debug)]
pub struct TracedProducerService<S, F> {
    inner: S,
    producer: TracedProducer,
    headers: F,
}

impl<S, F, R, H> Service<R> for TracedProducerService<S, F>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send + 'static,
    F: Fn(&mut R) -> &mut H + Clone + Send + 'static,
    H: MessageHeadersMut + ?Sized,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut message: R) -> Self::Future {
        let producer = self.producer.clone();
        let headers = self.headers.clone();
        // The service that is ready is the one to call; its clone becomes ready anew.
        let fresh = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            let call = producer.start(headers(&mut message));
            call.run_async(async move { ready.call(message).await })
                .await
        })
    }
}

/// Gives a Tower service that processes messages a consumer's spans and metrics; the span knows where the message came
/// from.
///
/// ```
/// use otelgen::{TracedConsumer, TracedConsumerLayer};
/// use tower::ServiceBuilder;
///
/// struct Message {
///     headers: Vec<(String, Vec<u8>)>,
/// }
///
/// let consumer = TracedConsumer::builder("kafka", "orders").group("billing").build()?;
/// let service = ServiceBuilder::new()
///     .layer(TracedConsumerLayer::new(consumer, |message: &Message| &message.headers))
///     .service_fn(|message: Message| async move { Ok::<_, std::io::Error>(message.headers.len()) });
/// # drop(service);
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
///
/// The service that was ready is called when the response is first polled.
#[derive(Clone, Debug)]
pub struct TracedConsumerLayer<F> {
    consumer: TracedConsumer,
    headers: F,
}

impl<F> TracedConsumerLayer<F> {
    /// Messages through the layer are processed by `consumer`; `headers` says where a message has them.
    #[must_use]
    pub fn new<R, H: ?Sized>(consumer: TracedConsumer, headers: F) -> Self
    where
        F: Fn(&R) -> &H,
    {
        Self { consumer, headers }
    }
}

impl<S, F: Clone> Layer<S> for TracedConsumerLayer<F> {
    type Service = TracedConsumerService<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedConsumerService {
            inner,
            consumer: self.consumer.clone(),
            headers: self.headers.clone(),
        }
    }
}

/// A service that processes messages: see [`TracedConsumerLayer`].
#[derive(Clone, Debug)]
pub struct TracedConsumerService<S, F> {
    inner: S,
    consumer: TracedConsumer,
    headers: F,
}

impl<S, F, R, H> Service<R> for TracedConsumerService<S, F>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send + 'static,
    F: Fn(&R) -> &H + Clone + Send + 'static,
    H: MessageHeaders + ?Sized,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, message: R) -> Self::Future {
        let consumer = self.consumer.clone();
        let headers = self.headers.clone();
        // The service that is ready is the one to call; its clone becomes ready anew.
        let fresh = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            let call = consumer.start(headers(&message));
            call.run_async(async move { ready.call(message).await })
                .await
        })
    }
}
