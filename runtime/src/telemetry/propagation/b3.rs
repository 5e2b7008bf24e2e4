//! B3, in one header or in several, as <https://github.com/openzipkin/b3-propagation> defines it.

use std::sync::LazyLock;

use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, TraceFlags};

use super::{flags, is_hex};

const SINGLE: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";

static SINGLE_FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [SINGLE.to_owned()]);
static MULTIPLE_FIELDS: LazyLock<[String; 4]> =
    LazyLock::new(|| [TRACE_ID, SPAN_ID, SAMPLED, FLAGS].map(str::to_owned));

/// The caller asked for every hop to be kept (`d`, or `X-B3-Flags: 1`); handed on to the next hop.
#[derive(Debug)]
struct Debug;

/// Reads both forms of B3 (the single header first, as the OpenTelemetry specification asks) and writes one.
#[derive(Debug, Clone)]
pub struct B3Propagator {
    multiple: bool,
}

impl B3Propagator {
    /// Writes `b3: {trace id}-{span id}-{sampled}`.
    #[must_use]
    pub const fn single_header() -> Self {
        Self { multiple: false }
    }

    /// Writes `X-B3-TraceId`, `X-B3-SpanId` and `X-B3-Sampled` or `X-B3-Flags`.
    #[must_use]
    pub const fn multiple_headers() -> Self {
        Self { multiple: true }
    }
}

impl TextMapPropagator for B3Propagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span_context = span.span_context();
        if !span_context.is_valid() {
            return;
        }
        let debug = context.get::<Debug>().is_some();
        let sampled = if span_context.is_sampled() { "1" } else { "0" };
        let (trace_id, span_id) = (span_context.trace_id(), span_context.span_id());
        if !self.multiple {
            let sampled = if debug { "d" } else { sampled };
            injector.set(SINGLE, format!("{trace_id}-{span_id}-{sampled}"));
            return;
        }
        injector.set(TRACE_ID, trace_id.to_string());
        injector.set(SPAN_ID, span_id.to_string());
        if debug {
            injector.set(FLAGS, "1".to_owned());
        } else {
            injector.set(SAMPLED, sampled.to_owned());
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let found = extractor
            .get(SINGLE)
            .and_then(from_single)
            .or_else(|| from_multiple(extractor));
        match found {
            Some((parent, true)) => context.with_value(Debug).with_remote_span_context(parent),
            Some((parent, false)) => context.with_remote_span_context(parent),
            None => context.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        if self.multiple {
            FieldIter::new(MULTIPLE_FIELDS.as_slice())
        } else {
            FieldIter::new(SINGLE_FIELDS.as_slice())
        }
    }
}

/// The caller's span, and whether it asked for debugging.
type Parent = (SpanContext, bool);

fn from_single(header: &str) -> Option<Parent> {
    let mut parts = header.trim().split('-');
    let (trace_id, span_id) = (parts.next()?, parts.next()?);
    let (trace_flags, debug) = match parts.next() {
        Some("d") => (flags(Some(true)), true),
        state => (flags(decision(state)?), false),
    };
    Some((remote(trace_id, span_id, trace_flags)?, debug))
}

fn from_multiple(extractor: &dyn Extractor) -> Option<Parent> {
    let (trace_id, span_id) = (extractor.get(TRACE_ID)?, extractor.get(SPAN_ID)?);
    let debug = extractor
        .get(FLAGS)
        .is_some_and(|flags| flags.trim() == "1");
    let trace_flags = if debug {
        flags(Some(true))
    } else {
        flags(decision(extractor.get(SAMPLED))?)
    };
    Some((remote(trace_id.trim(), span_id.trim(), trace_flags)?, debug))
}

/// `1` and `0`, and the `true` and `false` that older tracers send. A missing decision is left to the
/// receiver; an unreadable one spoils the header.
fn decision(state: Option<&str>) -> Option<Option<bool>> {
    match state.map(str::trim) {
        None => Some(None),
        Some("1" | "true") => Some(Some(true)),
        Some("0" | "false") => Some(Some(false)),
        Some(_) => None,
    }
}

/// A 64-bit trace id is the low half of a 128-bit one.
fn remote(trace_id: &str, span_id: &str, trace_flags: TraceFlags) -> Option<SpanContext> {
    if !is_hex(trace_id, &[16, 32]) || !is_hex(span_id, &[16]) {
        return None;
    }
    let trace_id = TraceId::from_hex(trace_id).ok()?;
    let span_id = SpanId::from_hex(span_id).ok()?;
    let parent = SpanContext::new(trace_id, span_id, trace_flags, true, TraceState::default());
    parent.is_valid().then_some(parent)
}
