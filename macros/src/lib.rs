//! Attribute macros of otelgen: a resilience pattern, its span and its metrics in one attribute.
//!
//! Use them through the `otelgen` crate, which re-exports them and holds what they expand into.
//! Four stages, one file set for all of them: parse (`attr`, `common`, `function`) → model and
//! check (one file per attribute) → expand (`stage` nests what stands on one function).

mod attr;
mod breaker;
mod bulkhead;
mod cache;
mod common;
mod domain_event;
mod duration;
mod error;
#[cfg(all(
    test,
    feature = "retry",
    feature = "rate-limit",
    feature = "cache",
    feature = "messaging",
    feature = "route"
))]
mod every_parameter;
mod function;
mod messaging;
mod rate_limit;
mod retry;
mod route;
mod site;
mod stage;
mod suggest;
mod timeout;
mod tokens;
mod trace_fields;
mod traced;
mod traced_event;

use proc_macro::TokenStream;

/// A span and calls, duration and errors as metrics, for any function; the page is at `otelgen::traced`.
#[proc_macro_attribute]
pub fn traced(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand("traced", arguments.into(), item.into()).into()
}

/// A circuit breaker round a function, with its span and metrics; the page is at `otelgen::traced_breaker`.
#[proc_macro_attribute]
pub fn traced_breaker(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand("traced_breaker", arguments.into(), item.into()).into()
}

/// On a type: it is a domain event. On a command handler: what it returns is appended to a stream, in one span;
/// the page is at `otelgen::traced_event`.
#[proc_macro_attribute]
pub fn traced_event(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    if domain_event::is_type(&item) {
        domain_event::attribute(arguments.into(), item).into()
    } else {
        stage::expand("traced_event", arguments.into(), item).into()
    }
}

/// Names, schema versions, upcasts and aggregate ids of events; the page is at `otelgen::event_store::DomainEvent`.
#[proc_macro_derive(DomainEvent, attributes(event))]
pub fn domain_event(item: TokenStream) -> TokenStream {
    domain_event::derive(item.into()).into()
}

/// A function that failed is tried again, later and later; the page is at `otelgen::traced_retry`.
#[proc_macro_attribute]
pub fn traced_retry(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand("traced_retry", arguments.into(), item.into()).into()
}

/// A function that takes too long is dropped; the page is at `otelgen::traced_timeout`.
#[proc_macro_attribute]
pub fn traced_timeout(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand("traced_timeout", arguments.into(), item.into()).into()
}

/// At most so many calls of a function run at once; the page is at `otelgen::traced_bulkhead`.
#[proc_macro_attribute]
pub fn traced_bulkhead(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand("traced_bulkhead", arguments.into(), item.into()).into()
}

/// No more than so many calls of a function in a time; the page is at `otelgen::traced_rate_limit`.
#[proc_macro_attribute]
pub fn traced_rate_limit(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand("traced_rate_limit", arguments.into(), item.into()).into()
}

/// What a function returns is kept and returned again; the page is at `otelgen::traced_cache`.
#[proc_macro_attribute]
pub fn traced_cache(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand("traced_cache", arguments.into(), item.into()).into()
}

/// Sends messages in spans that travel with them; the page is at `otelgen::traced_producer`.
#[proc_macro_attribute]
pub fn traced_producer(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand("traced_producer", arguments.into(), item.into()).into()
}

/// Processes messages in spans that know where they came from; the page is at `otelgen::traced_consumer`.
#[proc_macro_attribute]
pub fn traced_consumer(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand("traced_consumer", arguments.into(), item.into()).into()
}

/// A function that replaces another one bit by bit; the page is at `otelgen::traced_route`.
#[proc_macro_attribute]
pub fn traced_route(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand("traced_route", arguments.into(), item.into()).into()
}

/// The fields of a struct or enum, to be recorded on spans; the page is at `otelgen::TraceFields`.
#[proc_macro_derive(TraceFields, attributes(trace))]
pub fn trace_fields(item: TokenStream) -> TokenStream {
    trace_fields::derive(item.into()).into()
}
