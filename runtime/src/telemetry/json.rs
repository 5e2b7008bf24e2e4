//! Log events as one line of JSON each, with the identifiers that join them to their trace.
//! Knows the shape of a line; knows no file and no filter.

use std::fmt::{self, Write};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::redact::{REDACTED, Redaction};

/// Top-level names that a field of an event may not take; it becomes `field.<name>`.
const RESERVED: &[&str] = &[
    "dd.span_id",
    "dd.trace_id",
    "event.name",
    "level",
    "span",
    "span_id",
    "spans",
    "target",
    "timestamp",
    "trace_id",
];

/// Fields of spans that belong to the span and would only repeat on every line of its logs.
const SPAN_ONLY: &[&str] = &[
    "otel.",
    "client.",
    "network.",
    "server.",
    "url.scheme",
    "url.query",
    "user_agent.",
];

/// Formats events as
/// `{"timestamp","level","target","event.name","message",…fields,"trace_id","span_id","span","spans"}`.
///
/// `event.name` is there for events that were given a name (`info!(name: "order.paid", { order.id = 7 }, "paid")`).
/// `trace_id` and `span_id` are there when the event happens inside a span that OpenTelemetry knows; `span`
/// is the innermost span with its fields and `spans` the list from the root. Text fields whose name carries
/// a secret are redacted. Use it through [`Logs`](super::Logs), or with a `fmt` layer of your own:
///
/// ```
/// use otelgen::telemetry::{JsonFields, JsonFormat};
/// use tracing_subscriber::prelude::*;
///
/// let json = tracing_subscriber::fmt::layer()
///     .event_format(JsonFormat::new())
///     .fmt_fields(JsonFields::default());
/// let _subscriber = tracing_subscriber::registry().with(json);
/// ```
#[derive(Debug, Clone, Default)]
pub struct JsonFormat {
    datadog: bool,
    redaction: Redaction,
}

impl JsonFormat {
    /// The format without Datadog's identifiers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `dd.trace_id` and `dd.span_id`: decimal, the trace's low 64 bits, as Datadog correlates.
    #[must_use]
    pub fn with_datadog_ids(mut self) -> Self {
        self.datadog = true;
        self
    }

    /// Other secret names than the built-in ones.
    #[must_use]
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    fn write_ids(&self, line: &mut String, span_context: &SpanContext) -> fmt::Result {
        let (trace_id, span_id) = (span_context.trace_id(), span_context.span_id());
        write!(line, r#","trace_id":"{trace_id}","span_id":"{span_id}""#)?;
        if !self.datadog {
            return Ok(());
        }
        let low = u128::from_be_bytes(trace_id.to_bytes()) & u128::from(u64::MAX);
        let span = u64::from_be_bytes(span_id.to_bytes());
        write!(line, r#","dd.trace_id":"{low}","dd.span_id":"{span}""#)
    }
}

impl<S, N> FormatEvent<S, N> for JsonFormat
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = FieldWriter::of_event(&self.redaction);
        event.record(&mut fields);
        let metadata = event.metadata();
        let mut line = String::with_capacity(256 + fields.text.len());
        line.push_str(r#"{"timestamp":""#);
        SystemTime.format_time(&mut Writer::new(&mut line))?;
        write!(line, r#"","level":"{}","target":"#, metadata.level())?;
        write_text(
            &mut line,
            fields.log_target.as_deref().unwrap_or(metadata.target()),
        )?;
        if let Some(name) = event_name(metadata.name()) {
            line.push_str(r#","event.name":"#);
            write_text(&mut line, name)?;
        }
        line.push_str(&fields.text);
        if let Some(span_context) = span_context(event) {
            self.write_ids(&mut line, &span_context)?;
        }
        write_spans(&mut line, context, event)?;
        line.push('}');
        writeln!(writer, "{line}")
    }
}

/// A name that somebody gave; `tracing` calls the others `event src/orders.rs:42`, and those of the `log` crate
/// `log event`.
pub(super) fn event_name(name: &str) -> Option<&str> {
    let is_given = !name.starts_with("event ") && name != "log event";
    is_given.then_some(name)
}

/// The span an event belongs to: the one it names, else the one that is entered.
fn span_context(event: &Event<'_>) -> Option<SpanContext> {
    let context = match event.parent() {
        Some(parent) => tracing::dispatcher::get_default(|dispatch| {
            tracing_opentelemetry::get_otel_context(parent, dispatch)
        })?,
        None if event.is_root() => return None,
        None => Context::current(),
    };
    let span = context.span();
    span.span_context()
        .is_valid()
        .then(|| span.span_context().clone())
}

fn write_spans<S, N>(
    line: &mut String,
    context: &FmtContext<'_, S, N>,
    event: &Event<'_>,
) -> fmt::Result
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    let span = match event.parent() {
        Some(parent) => context.span(parent),
        None if event.is_root() => None,
        None => context.lookup_current(),
    };
    let Some(span) = span else { return Ok(()) };
    line.push_str(r#","span":"#);
    write_span::<S, N>(line, &span)?;
    line.push_str(r#","spans":["#);
    for (index, span) in span.scope().from_root().enumerate() {
        if index > 0 {
            line.push(',');
        }
        write_span::<S, N>(line, &span)?;
    }
    line.push(']');
    Ok(())
}

fn write_span<S, N>(line: &mut String, span: &SpanRef<'_, S>) -> fmt::Result
where
    S: for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    line.push_str(r#"{"name":"#);
    write_text(line, span.name())?;
    if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
        line.push_str(&fields.fields);
    }
    line.push('}');
    Ok(())
}

/// Formats the fields of spans for [`JsonFormat`]: `,"name":value` each, secrets redacted, without what
/// only the exported span needs (`otel.*`, `server.*`, `user_agent.*` …).
#[derive(Debug, Clone, Default)]
pub struct JsonFields {
    redaction: Redaction,
}

impl JsonFields {
    /// Other secret names than the built-in ones.
    #[must_use]
    pub fn with_redaction(redaction: Redaction) -> Self {
        Self { redaction }
    }
}

impl<'writer> FormatFields<'writer> for JsonFields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut visitor = FieldWriter::of_span(&self.redaction);
        fields.record(&mut visitor);
        writer.write_str(&visitor.text)
    }

    /// A field recorded later stands beside the earlier ones; of two values the last is what readers take.
    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &tracing::span::Record<'_>,
    ) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

/// Writes `,"name":value` for each field it visits.
struct FieldWriter<'a> {
    text: String,
    redaction: &'a Redaction,
    span: bool,
    /// The target of a record that came through the `log` crate.
    log_target: Option<String>,
}

impl<'a> FieldWriter<'a> {
    fn of_event(redaction: &'a Redaction) -> Self {
        Self {
            text: String::with_capacity(128),
            redaction,
            span: false,
            log_target: None,
        }
    }

    fn of_span(redaction: &'a Redaction) -> Self {
        Self {
            span: true,
            text: String::new(),
            ..Self::of_event(redaction)
        }
    }

    fn is_left_out(&self, name: &str) -> bool {
        if self.span {
            SPAN_ONLY.iter().any(|prefix| name.starts_with(prefix))
        } else {
            name.starts_with("log.")
        }
    }

    /// Writes the name; false where the field is left out.
    fn name(&mut self, field: &Field) -> bool {
        let name = field.name().strip_prefix("r#").unwrap_or(field.name());
        if self.is_left_out(name) {
            return false;
        }
        self.text.push_str(",\"");
        let reserved = if self.span {
            name == "name"
        } else {
            RESERVED.contains(&name)
        };
        if reserved {
            self.text.push_str("field.");
        }
        let _ = write_escaped(&mut self.text, name);
        self.text.push_str("\":");
        true
    }

    fn bare(&mut self, field: &Field, value: impl fmt::Display) {
        if self.name(field) {
            let _ = write!(self.text, "{value}");
        }
    }

    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if !self.name(field) {
            return;
        }
        self.text.push('"');
        if self.redaction.is_sensitive_field(field.name()) {
            self.text.push_str(REDACTED);
        } else {
            let _ = write!(Escaped(&mut self.text), "{value}");
        }
        self.text.push('"');
    }
}

impl Visit for FieldWriter<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.bare(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.bare(field, value);
    }

    /// JSON has no NaN and no infinity; they are written as text.
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.bare(field, value);
        } else {
            self.text(field, format_args!("{value}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.log_target = Some(value.to_owned());
        }
        self.text(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format_args!("{value:?}"));
    }
}

fn write_text(line: &mut String, text: &str) -> fmt::Result {
    line.push('"');
    write_escaped(line, text)?;
    line.push('"');
    Ok(())
}

fn write_escaped(line: &mut String, text: &str) -> fmt::Result {
    Escaped(line).write_str(text)
}

/// Escapes what JSON text may not hold: quotes, backslashes and control characters.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(position) =
            rest.find(|letter: char| matches!(letter, '"' | '\\') || letter < ' ')
        {
            let (plain, from) = rest.split_at(position);
            self.0.push_str(plain);
            let mut letters = from.chars();
            match letters.next() {
                Some('"') => self.0.push_str("\\\""),
                Some('\\') => self.0.push_str("\\\\"),
                Some('\n') => self.0.push_str("\\n"),
                Some('\r') => self.0.push_str("\\r"),
                Some('\t') => self.0.push_str("\\t"),
                Some(control) => write!(self.0, "\\u{:04x}", u32::from(control))?,
                None => {}
            }
            rest = letters.as_str();
        }
        self.0.push_str(rest);
        Ok(())
    }
}
