//! Datadog's headers: decimal 64-bit ids, the high half of the trace id in `x-datadog-tags`, as
//! <https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/> defines them.

use std::sync::LazyLock;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceId, TraceState};

use super::{flags, is_hex};

const TRACE_ID: &str = "x-datadog-trace-id";
const PARENT_ID: &str = "x-datadog-parent-id";
const PRIORITY: &str = "x-datadog-sampling-priority";
const ORIGIN: &str = "x-datadog-origin";
const TAGS: &str = "x-datadog-tags";
const HIGH_TRACE_ID: &str = "_dd.p.tid";

static FIELDS: LazyLock<[String; 5]> =
    LazyLock::new(|| [TRACE_ID, PARENT_ID, PRIORITY, ORIGIN, TAGS].map(str::to_owned));

/// What the caller said and the next hop is to hear: its priority (`2` is a person's decision to keep),
/// its origin (`rum`, `synthetics`) and its tags without the trace id.
#[derive(Debug, Clone)]
struct Passed {
    priority: Option<i8>,
    origin: Option<String>,
    tags: String,
}

/// Reads and writes Datadog's headers, so that traces join with services whose tracer is Datadog's.
#[derive(Debug, Clone, Default)]
pub struct DatadogPropagator {
    _private: (),
}

impl DatadogPropagator {
    /// The propagator.
    #[must_use]
    pub const fn new() -> Self {
        Self { _private: () }
    }
}

impl TextMapPropagator for DatadogPropagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span_context = span.span_context();
        if !span_context.is_valid() {
            return;
        }
        let passed = context.get::<Passed>();
        let trace_id = u128::from_be_bytes(span_context.trace_id().to_bytes());
        let (high, low) = (trace_id >> 64, trace_id & u128::from(u64::MAX));
        injector.set(TRACE_ID, low.to_string());
        injector.set(
            PARENT_ID,
            u64::from_be_bytes(span_context.span_id().to_bytes()).to_string(),
        );
        injector.set(
            PRIORITY,
            priority(span_context.is_sampled(), passed).to_string(),
        );
        let mut tags = passed.map(|passed| passed.tags.clone()).unwrap_or_default();
        if high != 0 {
            if !tags.is_empty() {
                tags.push(',');
            }
            tags.push_str(&format!("{HIGH_TRACE_ID}={high:016x}"));
        }
        if !tags.is_empty() {
            injector.set(TAGS, tags);
        }
        if let Some(origin) = passed.and_then(|passed| passed.origin.clone()) {
            injector.set(ORIGIN, origin);
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        match parse(extractor) {
            Some((parent, passed)) => context.with_value(passed).with_remote_span_context(parent),
            None => context.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(FIELDS.as_slice())
    }
}

/// The caller's priority where it agrees with our own decision, else plain keep or drop.
fn priority(sampled: bool, passed: Option<&Passed>) -> i8 {
    let own = i8::from(sampled);
    passed
        .and_then(|passed| passed.priority)
        .filter(|said| (*said > 0) == sampled)
        .unwrap_or(own)
}

fn parse(extractor: &dyn Extractor) -> Option<(SpanContext, Passed)> {
    let low: u64 = extractor.get(TRACE_ID)?.trim().parse().ok()?;
    let parent: u64 = extractor.get(PARENT_ID)?.trim().parse().ok()?;
    let priority: Option<i8> = extractor
        .get(PRIORITY)
        .and_then(|priority| priority.trim().parse().ok());
    let tags = extractor.get(TAGS).unwrap_or_default();
    let pairs = || tags.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let high = pairs()
        .filter_map(|tag| tag.split_once('='))
        .find(|(name, value)| *name == HIGH_TRACE_ID && is_hex(value, &[16]))
        .and_then(|(_, value)| u64::from_str_radix(value, 16).ok())
        .unwrap_or(0);
    let trace_id = TraceId::from(u128::from(high) << 64 | u128::from(low));
    let sampled = priority.map(|priority| priority > 0);
    let context = SpanContext::new(
        trace_id,
        SpanId::from(parent),
        flags(sampled),
        true,
        TraceState::default(),
    );
    let others: Vec<&str> = pairs()
        .filter(|tag| !tag.starts_with(HIGH_TRACE_ID))
        .collect();
    let origin = extractor.get(ORIGIN).map(str::to_owned);
    context.is_valid().then(|| {
        (
            context,
            Passed {
                priority,
                origin,
                tags: others.join(","),
            },
        )
    })
}
