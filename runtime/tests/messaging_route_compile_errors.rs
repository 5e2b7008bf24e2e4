//! Mistakes in messages, routes and recorded fields are told where they are, with what to write instead.
#![cfg(all(feature = "messaging", feature = "route", feature = "http"))]

#[test]
fn mistakes_are_explained_where_they_are() {
    let cases = trybuild::TestCases::new();
    for rule in ["messaging", "route", "trace_fields"] {
        cases.compile_fail(format!("tests/ui/{rule}/*.rs"));
    }
}
