//! Looks into a value apart from any span.

use std::fmt::Debug;

use tracing::field::{Field, FieldSet, Value, Visit};
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Callsite, Level, Metadata, callsite};

/// Hands a value's `Debug` to `show`; nothing where there is no value.
pub(super) fn show(value: &dyn Value, show: &mut dyn FnMut(&dyn Debug)) {
    struct Shown<'s>(&'s mut dyn FnMut(&dyn Debug));

    impl Visit for Shown<'_> {
        fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
            (self.0)(value);
        }
    }

    visit(value, &mut Shown(show));
}

/// A value shows itself only under a field, and a field belongs to a callsite: this one is nobody's.
pub(super) fn visit(value: &dyn Value, visitor: &mut dyn Visit) {
    struct Nowhere;

    static NOWHERE: Nowhere = Nowhere;
    static METADATA: Metadata<'static> = Metadata::new(
        "field",
        "otelgen",
        Level::TRACE,
        None,
        None,
        None,
        FieldSet::new(&["value"], callsite::Identifier(&NOWHERE)),
        Kind::SPAN,
    );

    impl Callsite for Nowhere {
        fn set_interest(&self, _: Interest) {}

        fn metadata(&self) -> &Metadata<'_> {
            &METADATA
        }
    }

    if let Some(field) = METADATA.fields().field("value") {
        value.record(&field, visitor);
    }
}
