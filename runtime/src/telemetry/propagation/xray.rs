//! AWS X-Ray's `X-Amzn-Trace-Id`, as
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader> defines it.

use std::sync::LazyLock;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceId, TraceState};

use super::{flags, is_hex};

const HEADER: &str = "x-amzn-trace-id";

static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [HEADER.to_owned()]);

/// Reads and writes `X-Amzn-Trace-Id: Root=1-{8 hex}-{24 hex};Parent={16 hex};Sampled={0|1}`.
///
/// X-Ray itself accepts only traces whose first 32 bits are the time; for that the service needs X-Ray's id
/// generator too.
#[derive(Debug, Clone, Default)]
pub struct XrayPropagator {
    _private: (),
}

impl XrayPropagator {
    /// The propagator.
    #[must_use]
    pub const fn new() -> Self {
        Self { _private: () }
    }
}

impl TextMapPropagator for XrayPropagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span_context = span.span_context();
        if !span_context.is_valid() {
            return;
        }
        let trace_id = u128::from_be_bytes(span_context.trace_id().to_bytes());
        let (time, unique) = (trace_id >> 96, trace_id & ((1 << 96) - 1));
        let (parent, sampled) = (span_context.span_id(), u8::from(span_context.is_sampled()));
        injector.set(
            HEADER,
            format!("Root=1-{time:08x}-{unique:024x};Parent={parent};Sampled={sampled}"),
        );
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        match extractor.get(HEADER).and_then(parse) {
            Some(parent) => context.with_remote_span_context(parent),
            None => context.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(FIELDS.as_slice())
    }
}

fn parse(header: &str) -> Option<SpanContext> {
    let (mut trace_id, mut span_id, mut sampled) = (None, None, None);
    for part in header.split(';') {
        match part.trim().split_once('=') {
            Some(("Root", value)) => trace_id = parse_root(value),
            Some(("Parent", value)) if is_hex(value, &[16]) => {
                span_id = SpanId::from_hex(value).ok()
            }
            Some(("Sampled", "1")) => sampled = Some(true),
            Some(("Sampled", "0")) => sampled = Some(false),
            _ => {}
        }
    }
    let parent = SpanContext::new(
        trace_id?,
        span_id?,
        flags(sampled),
        true,
        TraceState::default(),
    );
    parent.is_valid().then_some(parent)
}

fn parse_root(root: &str) -> Option<TraceId> {
    let (time, unique) = root.strip_prefix("1-")?.split_once('-')?;
    if !is_hex(time, &[8]) || !is_hex(unique, &[24]) {
        return None;
    }
    TraceId::from_hex(&format!("{time}{unique}")).ok()
}
