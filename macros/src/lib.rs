//! Attribute macros of otelgen: a resilience pattern, its span and its metrics in one attribute.
//!
//! Use them through the `otelgen` crate, which re-exports them and holds what they expand into.
//! Four stages, one file set for all of them: parse ([`attr`], [`common`], [`function`]) → model and
//! check (one file per attribute) → expand ([`stage`] nests what stands on one function).

mod attr;
mod breaker;
mod common;
mod duration;
mod error;
mod function;
mod stage;
mod suggest;
mod traced;

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
