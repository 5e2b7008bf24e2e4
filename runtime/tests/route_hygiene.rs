//! Nothing in the user's scope can change what the attributes for routes, messages and fields mean.
#![cfg(all(feature = "messaging", feature = "route"))]
#![no_implicit_prelude]
#![allow(non_upper_case_globals, non_camel_case_types, dead_code)]

extern crate otelgen as renamed;

// Names that the expansions use inside, with other meanings.
mod core {}
mod std {}
mod tracing {}
mod otelgen {}
struct Result;
struct Option;
struct Clone;
struct Ok;
struct Err;
struct Some;
struct None;
const SITE: u8 = 1;
const recorder: u8 = 2;
const field_0: u8 = 3;

type Answer = ::core::result::Result<u8, ()>;

#[::otelgen::traced_consumer(crate = renamed, system = "kafka", destination = topic, headers = headers)]
#[::otelgen::traced_route(crate = renamed, name = "hygiene.route", legacy = ::core::result::Result::Ok(side), percent = 100, key = key)]
#[::otelgen::traced_producer(crate = renamed, system = "kafka", destination = "orders", headers = sent)]
async fn stacked(
    topic: &str,
    headers: &[(&str, &str)],
    mut sent: ::std::vec::Vec<(::std::string::String, ::std::string::String)>,
    side: u8,
    key: u8,
) -> Answer {
    let call = 4;
    ::core::result::Result::Ok(SITE + recorder + field_0 + call + side + key)
}

#[::otelgen::traced_consumer(system = "kafka", destination = "orders", headers = headers, group = "hostile", fields(span = span))]
fn consumed(headers: &[(&str, &str)], span: u8, result: u8, self_: u8) -> Answer {
    ::core::result::Result::Ok(SITE + span + result + self_)
}

#[::otelgen::traced_producer(system = "kafka", destination = "orders", headers = *headers, fields(span = span))]
fn produced(
    headers: &mut ::std::vec::Vec<(::std::string::String, ::std::string::String)>,
    span: u8,
    result: u8,
    self_: u8,
) -> Answer {
    ::core::result::Result::Ok(SITE + span + result + self_)
}

#[::otelgen::traced_route(name = "hygiene.sync", legacy = legacy_of(span), percent = 0, fields(span = span))]
fn routed(span: u8, result: u8, self_: u8) -> Answer {
    ::core::result::Result::Ok(SITE + span + result + self_)
}

fn legacy_of(span: u8) -> Answer {
    ::core::result::Result::Ok(span)
}

#[derive(::otelgen::TraceFields)]
#[trace(crate = renamed)]
struct Value {
    recorder: u8,
    #[trace(debug)]
    r#self_: ::core::option::Option<u8>,
}

#[::otelgen::traced(fields(..value, span = ..value))]
fn spread(value: &Value, span: u8) -> u8 {
    span + value.recorder
}

#[::core::prelude::v1::test]
fn hostile_names_change_nothing() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    let headers = [("traceparent", "nonsense")];
    let answer = runtime.block_on(stacked("topic", &headers, ::std::vec::Vec::new(), 5, 6));
    ::std::assert_eq!(answer, ::core::result::Result::Ok(21));
    ::std::assert_eq!(consumed(&headers, 1, 2, 3), ::core::result::Result::Ok(7));
    let mut sent = ::std::vec::Vec::new();
    ::std::assert_eq!(produced(&mut sent, 1, 2, 3), ::core::result::Result::Ok(7));
    ::std::assert_eq!(routed(5, 2, 3), ::core::result::Result::Ok(5));
    let value = Value {
        recorder: 1,
        self_: ::core::option::Option::None,
    };
    ::std::assert_eq!(spread(&value, 2), 3);
    let subscriber = ::tracing_subscriber::fmt()
        .with_writer(::std::io::sink)
        .finish();
    let recorded = ::tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    ::std::assert_eq!(spread(&value, 2), 3);
    ::core::mem::drop(recorded);
}
