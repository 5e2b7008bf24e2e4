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
