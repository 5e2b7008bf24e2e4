//! B3, X-Ray and Datadog, held against the examples their specifications publish.
#![cfg(feature = "telemetry")]

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use otelgen::telemetry::{B3Propagator, DatadogPropagator, XrayPropagator};

type Headers = HashMap<String, String>;

fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs
        .iter()
        .map(|(name, value)| (name.to_lowercase(), (*value).to_owned()))
        .collect()
}

fn extracted(propagator: &dyn TextMapPropagator, pairs: &[(&str, &str)]) -> SpanContext {
    let context = propagator.extract_with_context(&Context::new(), &headers(pairs));
    context.span().span_context().clone()
}

/// What goes out when what came in is handed on unchanged.
fn relayed(propagator: &dyn TextMapPropagator, pairs: &[(&str, &str)]) -> Headers {
    let context = propagator.extract_with_context(&Context::new(), &headers(pairs));
    let mut out = Headers::new();
    propagator.inject_context(&context, &mut out);
    out
}

fn injected(
    propagator: &dyn TextMapPropagator,
    trace_id: u128,
    span_id: u64,
    sampled: bool,
) -> Headers {
    let flags = if sampled {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::NOT_SAMPLED
    };
    let span = SpanContext::new(
        trace_id.into(),
        span_id.into(),
        flags,
        false,
        TraceState::default(),
    );
    let mut out = Headers::new();
    propagator.inject_context(&Context::new().with_remote_span_context(span), &mut out);
    out
}

const TRACE: u128 = 0x80f1_98ee_5634_3ba8_64fe_8b2a_57d3_eff7;
const SPAN: u64 = 0xe457_b5a2_e4d8_6bd1;

#[test]
fn b3_reads_the_single_header_of_its_specification() {
    let b3 = B3Propagator::single_header();
    for (header, sampled) in [
        (
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90",
            true,
        ),
        ("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0", false),
        ("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d", true),
        ("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1", true),
    ] {
        let span = extracted(&b3, &[("b3", header)]);
        assert_eq!(span.trace_id(), TraceId::from(TRACE), "{header}");
        assert_eq!(span.span_id(), SpanId::from(SPAN), "{header}");
        assert_eq!(span.is_sampled(), sampled, "{header}");
        assert!(span.is_remote());
    }
}

#[test]
fn b3_reads_the_several_headers_of_its_specification_whichever_form_it_writes() {
    let several = [
        ("X-B3-TraceId", "80f198ee56343ba864fe8b2a57d3eff7"),
        ("X-B3-ParentSpanId", "05e3ac9a4f6e3b90"),
        ("X-B3-SpanId", "e457b5a2e4d86bd1"),
        ("X-B3-Sampled", "1"),
    ];
    for b3 in [
        B3Propagator::single_header(),
        B3Propagator::multiple_headers(),
    ] {
        let span = extracted(&b3, &several);
        assert_eq!(
            (span.trace_id(), span.span_id()),
            (TRACE.into(), SPAN.into())
        );
        assert!(span.is_sampled());
    }
}

#[test]
fn b3_pads_short_trace_ids_and_hands_debugging_on() {
    let b3 = B3Propagator::multiple_headers();
    let short = extracted(&b3, &[("b3", "64fe8b2a57d3eff7-e457b5a2e4d86bd1-1")]);
    assert_eq!(short.trace_id(), TraceId::from(0x64fe_8b2a_57d3_eff7_u128));
    let debug = relayed(
        &b3,
        &[("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d")],
    );
    assert_eq!(debug["x-b3-flags"], "1");
    assert!(
        !debug.contains_key("x-b3-sampled"),
        "debug implies it, and sending both is forbidden"
    );
    let single = relayed(
        &B3Propagator::single_header(),
        &[
            ("x-b3-traceid", "80f198ee56343ba864fe8b2a57d3eff7"),
            ("x-b3-spanid", "e457b5a2e4d86bd1"),
            ("x-b3-flags", "1"),
        ],
    );
    assert_eq!(
        single["b3"],
        "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d"
    );
}

#[test]
fn b3_writes_what_its_specification_shows() {
    let single = injected(&B3Propagator::single_header(), TRACE, SPAN, true);
    assert_eq!(
        single["b3"],
        "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"
    );
    let several = injected(&B3Propagator::multiple_headers(), TRACE, SPAN, false);
    let expected = headers(&[
        ("x-b3-traceid", "80f198ee56343ba864fe8b2a57d3eff7"),
        ("x-b3-spanid", "e457b5a2e4d86bd1"),
        ("x-b3-sampled", "0"),
    ]);
    assert_eq!(several, expected);
}

#[test]
fn xray_reads_and_writes_the_header_of_its_documentation() {
    let xray = XrayPropagator::new();
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let span = extracted(&xray, &[("X-Amzn-Trace-Id", header)]);
    assert_eq!(
        span.trace_id(),
        TraceId::from(0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793)
    );
    assert_eq!(span.span_id(), SpanId::from(0x5399_5c3f_42cd_8ad8));
    assert!(span.is_sampled());
    assert_eq!(
        relayed(&xray, &[("x-amzn-trace-id", header)])["x-amzn-trace-id"],
        header
    );
    let reordered = "Self=1-00000000-0;Sampled=0; Parent=53995c3f42cd8ad8;Root=1-5759e988-bd862e3fe1be46a994272793";
    assert!(!extracted(&xray, &[("x-amzn-trace-id", reordered)]).is_sampled());
}

#[test]
fn datadog_joins_the_halves_of_a_trace_id_and_hands_its_tags_on() {
    let datadog = DatadogPropagator::new();
    let incoming = [
        ("x-datadog-trace-id", "1234567890123456789"),
        ("x-datadog-parent-id", "9876543210987654321"),
        ("x-datadog-sampling-priority", "2"),
        ("x-datadog-origin", "synthetics"),
        ("x-datadog-tags", "_dd.p.dm=-4,_dd.p.tid=640cfd8d00000000"),
    ];
    let span = extracted(&datadog, &incoming);
    let trace_id = 0x640c_fd8d_0000_0000_u128 << 64 | 1_234_567_890_123_456_789;
    assert_eq!(span.trace_id(), TraceId::from(trace_id));
    assert_eq!(span.span_id(), SpanId::from(9_876_543_210_987_654_321));
    assert!(span.is_sampled());
    assert_eq!(relayed(&datadog, &incoming), headers(&incoming));
}

#[test]
fn datadog_drops_and_keeps_by_priority() {
    let datadog = DatadogPropagator::new();
    for (priority, sampled) in [("-1", false), ("0", false), ("1", true), ("2", true)] {
        let ids = [("x-datadog-trace-id", "7"), ("x-datadog-parent-id", "8")];
        let pairs = [ids[0], ids[1], ("x-datadog-sampling-priority", priority)];
        assert_eq!(
            extracted(&datadog, &pairs).is_sampled(),
            sampled,
            "{priority}"
        );
    }
    let out = injected(&datadog, 7, 8, false);
    assert_eq!(out["x-datadog-sampling-priority"], "0");
    assert!(
        !out.contains_key("x-datadog-tags"),
        "a 64-bit trace has no high half"
    );
}

#[test]
fn what_cannot_be_read_is_no_parent_and_nothing_is_written_without_a_span() {
    let propagators: [(&dyn TextMapPropagator, &str, &[&str]); 3] = [
        (
            &B3Propagator::single_header(),
            "b3",
            &[
                "",
                "0",
                "80f198ee56343ba864fe8b2a57d3eff7",
                "+0f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1",
                "00000000000000000000000000000000-e457b5a2e4d86bd1-1",
                "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-x",
                "é-é-1",
            ],
        ),
        (
            &XrayPropagator::new(),
            "x-amzn-trace-id",
            &[
                "",
                "Root=1-5759e988-bd862e3fe1be46a994272793",
                "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
                "Root=1-5759e988-bd862e;Parent=53995c3f42cd8ad8",
                "Root=;Parent=;Sampled=",
            ],
        ),
        (
            &DatadogPropagator::new(),
            "x-datadog-trace-id",
            &["", "7", "-7", "99999999999999999999999"],
        ),
    ];
    for (propagator, header, values) in propagators {
        for value in values {
            assert!(
                !extracted(propagator, &[(header, value)]).is_valid(),
                "{header}: {value}"
            );
        }
        let mut out = Headers::new();
        propagator.inject_context(&Context::new(), &mut out);
        assert!(out.is_empty());
    }
}
