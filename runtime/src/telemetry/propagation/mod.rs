//! Propagators by the names that `OTEL_PROPAGATORS` gives them.
//! Knows the wire formats of trace context; knows no transport.
//!
//! W3C trace context and baggage are the SDK's. B3, X-Ray and Datadog are small ones of our own: the B3
//! crate (`opentelemetry-zipkin`) is deprecated and does not work with OpenTelemetry 0.33, and the other
//! two come only inside whole vendor SDKs.

mod b3;
mod datadog;
mod xray;

use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use super::environment::{Environment, EnvironmentError};

pub use b3::B3Propagator;
pub use datadog::DatadogPropagator;
pub use xray::XrayPropagator;

const PROPAGATORS: &str = "OTEL_PROPAGATORS";

/// The propagator that `OTEL_PROPAGATORS` asks for: a comma list of `tracecontext`, `baggage`, `b3`,
/// `b3multi`, `xray`, `datadog`, or `none`; `tracecontext,baggage` when unset.
///
/// Each is extracted in the order of the list, so where a request carries several the last one wins; all of
/// them are injected. The global propagator does nothing until it is set, so pass the result to
/// [`opentelemetry::global::set_text_map_propagator`].
///
/// ```
/// use opentelemetry::propagation::TextMapPropagator;
/// use otelgen::telemetry::{Environment, propagator};
///
/// let propagator = propagator(&Environment::from_pairs([("OTEL_PROPAGATORS", "tracecontext,b3")]))?;
/// assert!(propagator.fields().any(|header| header == "b3"));
/// opentelemetry::global::set_text_map_propagator(propagator);
/// # Ok::<(), otelgen::telemetry::EnvironmentError>(())
/// ```
///
/// # Errors
///
/// When a name is unknown, or `none` stands beside another.
pub fn propagator(
    environment: &Environment,
) -> Result<TextMapCompositePropagator, EnvironmentError> {
    let mut names = environment.list(PROPAGATORS, "tracecontext,baggage")?;
    let mut seen = Vec::new();
    names.retain(|name| {
        let new = !seen.contains(name);
        if new {
            seen.push(name.clone());
        }
        new
    });
    let propagators = names.into_iter().map(by_name).collect::<Result<_, _>>()?;
    Ok(TextMapCompositePropagator::new(propagators))
}

fn by_name(name: String) -> Result<Box<dyn TextMapPropagator + Send + Sync>, EnvironmentError> {
    Ok(match name.as_str() {
        "tracecontext" => Box::new(TraceContextPropagator::new()),
        "baggage" => Box::new(BaggagePropagator::new()),
        "b3" => Box::new(B3Propagator::single_header()),
        "b3multi" => Box::new(B3Propagator::multiple_headers()),
        "xray" => Box::new(XrayPropagator::new()),
        "datadog" => Box::new(DatadogPropagator::new()),
        _ => {
            return Err(EnvironmentError::UnknownValue {
                variable: PROPAGATORS,
                value: name,
                expected: "tracecontext, baggage, b3, b3multi, xray, datadog, none".to_owned(),
            });
        }
    })
}

/// Sampled unless the caller decided against it: where a format leaves the decision open, the receiver
/// makes it, and with the default sampler (`parentbased_always_on`) its own decision is to sample.
const fn flags(sampled: Option<bool>) -> opentelemetry::TraceFlags {
    match sampled {
        Some(false) => opentelemetry::TraceFlags::NOT_SAMPLED,
        Some(true) | None => opentelemetry::TraceFlags::SAMPLED,
    }
}

fn is_hex(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
