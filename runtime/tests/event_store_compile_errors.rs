//! Mistakes in `#[traced_event]` and `#[derive(DomainEvent)]` are told where they are, with what to write instead.
#![cfg(feature = "event-store")]

#[test]
fn mistakes_are_explained_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/event_store_ui/*.rs");
}
