//! The fields of a value on a span: what `#[derive(TraceFields)]` implements. Knows no span in particular.

use std::fmt::{self, Debug, Display};

use tracing::Span;
use tracing::field::{self, Value};

#[cfg(any(feature = "telemetry", feature = "http", feature = "messaging"))]
mod attribute;
mod visit;
#[cfg(any(feature = "telemetry", feature = "http", feature = "messaging"))]
use attribute::attribute;

/// Without the OpenTelemetry layer there are no fields but those that are declared.
#[cfg(not(any(feature = "telemetry", feature = "http", feature = "messaging")))]
fn attribute(_: &Span, _: &str, _: &dyn Value) {}

/// What stands for the value of a field that is `#[trace(redact)]`.
const REDACTED: &str = "REDACTED";

/// A value whose fields can be recorded on a span; derive it: [`TraceFields`](macro@crate::TraceFields).
#[diagnostic::on_unimplemented(
    message = "the fields of `{Self}` cannot be recorded",
    label = "does not implement `TraceFields`",
    note = "put `#[derive(otelgen::TraceFields)]` on `{Self}`"
)]
pub trait TraceFields {
    /// Hands every field to the recorder.
    fn record_fields(&self, fields: &mut FieldRecorder<'_>);

    /// Records the fields on a span, by their own names.
    fn record_on(&self, span: &Span)
    where
        Self: Sized,
    {
        record_fields(span, "", self);
    }

    /// The fields as one value, such as for `fields(order = ?order.as_fields())`: as `Debug` would show them, without
    /// what is skipped or redacted.
    fn as_fields(&self) -> DebugFields<'_, Self>
    where
        Self: Sized,
    {
        DebugFields(self)
    }
}

/// Receives the fields of one value.
pub struct FieldRecorder<'r> {
    sink: &'r mut dyn FnMut(&str, &dyn Value),
    /// The name so far, in which each field replaces what stands behind the prefix.
    name: String,
}

impl Debug for FieldRecorder<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FieldRecorder")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<'r> FieldRecorder<'r> {
    fn new(prefix: &str, sink: &'r mut dyn FnMut(&str, &dyn Value)) -> Self {
        Self {
            sink,
            name: prefix.to_owned(),
        }
    }

    /// Runs `record` with the name one level deeper.
    fn within(&mut self, name: &str, record: impl FnOnce(&mut Self)) {
        let length = self.name.len();
        if length > 0 {
            self.name.push('.');
        }
        self.name.push_str(name);
        record(self);
        self.name.truncate(length);
    }

    /// Records a value as it is: a number, a text, a truth.
    pub fn value(&mut self, name: &str, value: &(impl FieldValue + ?Sized)) {
        self.within(name, |fields| value.hand_to(&fields.name, fields.sink));
    }

    /// Records a value as `Display` shows it.
    pub fn display(&mut self, name: &str, value: &(impl Display + ?Sized)) {
        self.within(name, |fields| {
            (fields.sink)(&fields.name, &field::display(value));
        });
    }

    /// Records a value as `Debug` shows it.
    pub fn debug(&mut self, name: &str, value: &(impl Debug + ?Sized)) {
        self.within(name, |fields| {
            (fields.sink)(&fields.name, &field::debug(value));
        });
    }

    /// Records that there is a value.
    pub fn redacted(&mut self, name: &str) {
        self.within(name, |fields| (fields.sink)(&fields.name, &REDACTED));
    }

    /// Records the fields of a value, behind its name and a dot.
    pub fn nested(&mut self, name: &str, value: &(impl TraceFields + ?Sized)) {
        self.within(name, |fields| value.record_fields(fields));
    }
}

/// A value that spans can hold as it is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded on a span as it is",
    label = "neither a number, a text nor a truth",
    note = "say how to record the field: `#[trace(display)]`, `#[trace(debug)]`, `#[trace(nested)]` for a type that derives `TraceFields`, `#[trace(redact)]` or `#[trace(skip)]`"
)]
pub trait FieldValue {
    /// Hands the value on under its name.
    fn hand_to(&self, name: &str, sink: &mut dyn FnMut(&str, &dyn Value));
}

#[diagnostic::do_not_recommend]
impl<V: Value> FieldValue for V {
    fn hand_to(&self, name: &str, sink: &mut dyn FnMut(&str, &dyn Value)) {
        sink(name, self);
    }
}

macro_rules! through {
    ($($pointer:ty),*) => {$(
        impl<T: TraceFields + ?Sized> TraceFields for $pointer {
            fn record_fields(&self, fields: &mut FieldRecorder<'_>) {
                (**self).record_fields(fields);
            }
        }
    )*};
}

through!(&T, &mut T, Box<T>, std::rc::Rc<T>, std::sync::Arc<T>);

impl<T: TraceFields> TraceFields for Option<T> {
    fn record_fields(&self, fields: &mut FieldRecorder<'_>) {
        if let Some(value) = self {
            value.record_fields(fields);
        }
    }
}

/// See [`TraceFields::as_fields`].
pub struct DebugFields<'f, T: ?Sized>(&'f T);

impl<T: TraceFields + ?Sized> Debug for DebugFields<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = formatter.debug_map();
        let mut sink = |name: &str, value: &dyn Value| {
            visit::show(value, &mut |shown| {
                map.entry(&format_args!("{name}"), shown);
            });
        };
        self.0.record_fields(&mut FieldRecorder::new("", &mut sink));
        map.finish()
    }
}

/// `fields(..value)`: records each field where the span declares its name, for every subscriber; and as an attribute
/// of the OpenTelemetry span where it does not.
pub fn record_fields(span: &Span, prefix: &str, value: &(impl TraceFields + ?Sized)) {
    if span.is_disabled() {
        return;
    }
    let mut sink = |name: &str, value: &dyn Value| {
        if span.has_field(name) {
            span.record(name, value);
        } else {
            attribute(span, name, value);
        }
    };
    value.record_fields(&mut FieldRecorder::new(prefix, &mut sink));
}
