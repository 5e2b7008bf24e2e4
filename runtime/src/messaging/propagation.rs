//! Trace context in and out of headers, in whatever formats the global propagator speaks.

use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::headers::{MessageHeaders, MessageHeadersMut};

struct Reader<'h, H: ?Sized>(&'h H);

impl<H: MessageHeaders + ?Sized> Extractor for Reader<'_, H> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.header(key)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.header_names()
    }
}

struct Writer<'h, H: ?Sized>(&'h mut H);

impl<H: MessageHeadersMut + ?Sized> Injector for Writer<'_, H> {
    fn set(&mut self, key: &str, value: String) {
        // Such as the `tracestate` of a new trace.
        if !value.is_empty() {
            self.0.set_header(key, value);
        }
    }
}

/// What travels with the messages of an operation: the span's context, or where it is switched off or filtered out the
/// one it would have been a child of, so that the trace does not end here.
pub(super) fn context(span: &Span) -> Context {
    if span.is_disabled() {
        Span::current().context()
    } else {
        span.context()
    }
}

pub(super) fn inject(context: &Context, headers: &mut (impl MessageHeadersMut + ?Sized)) {
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(context, &mut Writer(headers));
    });
}

fn extract(headers: &(impl MessageHeaders + ?Sized)) -> Context {
    global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), &Reader(headers))
    })
}

/// The span points at the one that created the message.
pub(super) fn link(span: &Span, headers: &(impl MessageHeaders + ?Sized)) {
    if !span.is_disabled() {
        span.add_link(extract(headers).span().span_context().clone());
    }
}

/// The span becomes a child of the one that created the message, and points at it as well, as the conventions ask. Must
/// come before the span is first entered.
pub(super) fn adopt(span: &Span, headers: &(impl MessageHeaders + ?Sized)) {
    if span.is_disabled() {
        return;
    }
    let context = extract(headers);
    if context.has_active_span() {
        span.add_link(context.span().span_context().clone());
        // Fails only where there is no OpenTelemetry layer: nothing to join then.
        let _ = span.set_parent(context);
    }
}
