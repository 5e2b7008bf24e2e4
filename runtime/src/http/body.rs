//! A response's body that knows when it has been sent: a request ends there, not at the response's head.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::in_flight::InFlight;
use super::names;

pin_project! {
    /// The body of a response of a service observed by a [`ServerLayer`](super::ServerLayer).
    pub struct TracedBody<B> {
        #[pin]
        body: Option<B>,
        in_flight: Option<InFlight>,
    }
}

impl<B: Body> TracedBody<B> {
    pub(super) fn new(body: B, mut in_flight: Option<InFlight>) -> Self {
        if body.is_end_stream() || in_flight.as_ref().is_some_and(InFlight::sends_no_body) {
            end(&mut in_flight);
        }
        Self {
            body: Some(body),
            in_flight,
        }
    }
}

impl<B> TracedBody<B> {
    pub(super) fn empty() -> Self {
        Self {
            body: None,
            in_flight: None,
        }
    }
}

impl<B> std::fmt::Debug for TracedBody<B> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TracedBody").finish_non_exhaustive()
    }
}

impl<B: Body> Body for TracedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(mut body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let Some(in_flight) = this.in_flight.as_mut() else {
            return body.poll_frame(context);
        };
        let polled = in_flight
            .span()
            .in_scope(|| body.as_mut().poll_frame(context));
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                // A server stops asking once a body of known length is sent, or its trailers are.
                if frame.is_trailers()
                    || body.is_end_stream()
                    || body.size_hint().exact() == Some(0)
                {
                    end(this.in_flight);
                }
            }
            Poll::Ready(Some(Err(_))) => {
                if let Some(in_flight) = this.in_flight.take() {
                    in_flight.fail(names::ERROR_BODY);
                }
            }
            Poll::Ready(None) => end(this.in_flight),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

fn end(in_flight: &mut Option<InFlight>) {
    if let Some(in_flight) = in_flight.take() {
        in_flight.end();
    }
}
