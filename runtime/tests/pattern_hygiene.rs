//! Nothing in the user's scope can change what the attributes for retry, timeout, bulkhead, rate limit and cache mean,
//! and they change nothing there.
#![cfg(all(feature = "retry", feature = "rate-limit", feature = "cache"))]
#![no_implicit_prelude]
#![allow(non_upper_case_globals, non_camel_case_types, dead_code, unused_macros)]

extern crate otelgen as renamed;

// Names that the expansions use inside, with other meanings.
mod core {}
mod std {}
mod alloc {}
mod tracing {}
mod tokio_util {}
mod otelgen {}
struct Result;
struct Option;
struct Ok;
struct Err;
struct Some;
struct None;
struct String;
struct Box;
struct Duration;
struct Clone;
struct Into;
struct From;
struct Fn;
struct FnOnce;
struct Future;
struct Send;
const SITE: u8 = 1;
const site: u8 = 2;
const retry: u8 = 3;
const attempts: u8 = 4;
const cache: u8 = 5;
const limit: u8 = 6;
const bulkhead: u8 = 7;
const timeout: u8 = 8;
const error: u8 = 9;
const key: u8 = 10;
fn panic() {}
fn drop() {}
fn clone() {}
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

#[derive(::core::fmt::Debug, ::core::cmp::PartialEq, ::core::clone::Clone)]
struct Refused;

macro_rules! refused {
    ($($cause:ty),*) => {$(
        impl ::core::convert::From<$cause> for Refused {
            fn from(_: $cause) -> Self {
                Self
            }
        }
    )*};
}

refused!(
    ::otelgen::BulkheadFull,
    ::otelgen::RateLimited,
    ::otelgen::Elapsed,
    ::otelgen::BreakerOpen
);

const fn worth_it(_: &Refused) -> bool {
    true
}

const fn hint(_: &Refused) -> ::core::option::Option<::core::time::Duration> {
    ::core::option::Option::None
}

#[::otelgen::traced_retry(
    name = "hygiene.retry", attempts = 2, base = "1ms", factor = 2.0, max_delay = "1s", jitter = "none",
    deadline = "10s", when = worth_it, retry_after = hint, budget = 0.5, fields(span = span, result = result),
)]
fn retried(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_ + SITE + site + retry + attempts)
}

#[::otelgen::traced_retry(crate = renamed, attempts = 2, base = "1ms", attempt_timeout = "1s")]
async fn retried_async(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_ + error)
}

#[::otelgen::traced_timeout(crate = renamed, name = "hygiene.timeout", after = "1s", fields(span = span))]
async fn timed(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_ + timeout)
}

#[::otelgen::traced_bulkhead(name = "hygiene.bulkhead", max_concurrent = 2, max_wait = "1ms", fields(span = span))]
fn bounded(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_ + bulkhead)
}

#[::otelgen::traced_bulkhead(crate = renamed, max_concurrent = 2)]
async fn bounded_async(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_ + bulkhead)
}

#[::otelgen::traced_rate_limit(
    name = "hygiene.limit", per_second = 1000, burst = 100, key = span, max_keys = 8, fields(span = span),
)]
fn limited(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_ + limit)
}

#[::otelgen::traced_rate_limit(crate = renamed, per_second = 1000, on_limit = "wait", max_wait = "1s")]
async fn limited_async(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_ + limit)
}

#[::otelgen::traced_cache(
    name = "hygiene.cache", key = span, ttl = "1m", max_entries = 8, stale_if_error = "1s", refresh_ahead = "1s",
    ttl_jitter = 0.1, fields(span = span),
)]
fn cached(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_ + cache + key)
}

#[::otelgen::traced_cache(crate = renamed, key = (span, result), tti = "1m", cache_err = true)]
async fn cached_async(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_ + cache + key)
}

#[::otelgen::traced(crate = renamed)]
#[::otelgen::traced_cache(crate = renamed, key = span)]
#[::otelgen::traced_retry(crate = renamed)]
#[::otelgen::traced_breaker(crate = renamed)]
#[::otelgen::traced_rate_limit(crate = renamed, per_second = 1000)]
#[::otelgen::traced_bulkhead(crate = renamed, max_concurrent = 2)]
#[::otelgen::traced_timeout(crate = renamed, after = "1s")]
async fn stacked(span: u8, result: u8, self_: u8) -> Answer<u8> {
    ::core::result::Result::Ok(span + result + self_)
}

#[::core::prelude::v1::test]
fn hostile_names_change_nothing() {
    let builder = &mut ::tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().build().expect("a runtime");
    let subscriber = ::tracing_subscriber::fmt()
        .with_writer(::std::io::sink)
        .finish();
    let _recorded = ::tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    ::std::assert_eq!(retried(1, 2, 3), ::core::result::Result::Ok(16));
    ::std::assert_eq!(bounded(1, 2, 3), ::core::result::Result::Ok(13));
    ::std::assert_eq!(limited(1, 2, 3), ::core::result::Result::Ok(12));
    ::std::assert_eq!(cached(1, 2, 3), ::core::result::Result::Ok(21));
    let answers = runtime.block_on(async {
        [
            retried_async(1, 2, 3).await,
            timed(1, 2, 3).await,
            bounded_async(1, 2, 3).await,
            limited_async(1, 2, 3).await,
            cached_async(1, 2, 3).await,
            stacked(1, 2, 3).await,
        ]
    });
    let expected = [15, 14, 13, 12, 21, 6].map(::core::result::Result::Ok);
    ::std::assert_eq!(answers, expected);
}
