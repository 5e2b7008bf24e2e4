//! Nothing in the user's scope can change what an attribute means, and it changes nothing there.
#![no_implicit_prelude]
#![allow(non_upper_case_globals, non_camel_case_types, dead_code, unused_macros)]

extern crate otelgen as renamed;

// Names that the expansion uses inside, with other meanings.
mod core {}
mod std {}
mod alloc {}
mod tracing {}
mod otelgen {}
struct Result;
struct Option;
struct Ok;
struct Err;
struct Some;
struct None;
struct String;
struct Box;
const SITE: u8 = 1;
const site: u8 = 2;
const breaker: u8 = 3;
const call: u8 = 4;
const rejected: u8 = 5;
const value: u8 = 6;
fn panic() {}
fn drop() {}
macro_rules! span {
    () => {};
}
macro_rules! module_path {
    () => {};
}
macro_rules! concat {
    () => {};
}

type Answer<T> = ::core::result::Result<T, Refused>;

#[derive(::core::fmt::Debug, ::core::cmp::PartialEq)]
struct Refused;

impl ::core::convert::From<::otelgen::BreakerOpen> for Refused {
    fn from(_: ::otelgen::BreakerOpen) -> Self {
        Self
    }
}

#[::otelgen::traced_breaker(name = "hygiene.sync", fields(span = span, result = result))]
fn sync(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_ + SITE + site + breaker + call + rejected)
}

#[::otelgen::traced]
#[::otelgen::traced_breaker(crate = renamed, key = key, on_open = fallback)]
async fn stacked(key: u8, open: u8) -> Answer<u8> {
    ::core::result::Result::Ok(key + open + value)
}

fn fallback(key: u8, open: u8) -> Answer<u8> {
    ::core::result::Result::Ok(key + open)
}

#[::otelgen::traced(name = "hygiene.traced", err, ret, kind = "client")]
fn traced(meter: u8) -> Answer<u8> {
    ::core::result::Result::Ok(meter)
}

impl ::core::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        formatter.write_str("refused")
    }
}

struct Method;

impl Method {
    #[::otelgen::traced_breaker]
    fn method(&self, this: u8) -> Answer<u8> {
        ::core::result::Result::Ok(this)
    }

    #[::otelgen::traced_breaker(breaker = ::core::clone::Clone::clone(&own))]
    async fn own(&self, own: ::otelgen::TracedCircuitBreaker) -> Answer<u8> {
        ::core::result::Result::Ok(9)
    }
}

#[::core::prelude::v1::test]
fn hostile_names_change_nothing() {
    ::std::assert_eq!(sync(1, 2, 3), ::core::result::Result::Ok(21));
    ::std::assert_eq!(traced(4), ::core::result::Result::Ok(4));
    ::std::assert_eq!(Method.method(5), ::core::result::Result::Ok(5));
    let runtime = ::tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    ::std::assert_eq!(
        runtime.block_on(stacked(1, 2)),
        ::core::result::Result::Ok(9)
    );
    let own = ::otelgen::TracedCircuitBreaker::builder("hygiene.own").build();
    let own = own.expect("valid settings");
    ::std::assert_eq!(
        runtime.block_on(Method.own(own)),
        ::core::result::Result::Ok(9)
    );
}
