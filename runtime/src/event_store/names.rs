//! Every name the event store emits: metrics, their attributes, span attributes.
//! A pack declares its telemetry from here.

/// Events saved. Counter, `{event}`; attributes [`EVENT_TYPE`], [`STREAM_TYPE`].
pub const APPENDED: &str = "otelgen.event_store.appended";
/// Duration of saves that succeeded or met a conflict. Histogram, `s`; attribute [`STREAM_TYPE`].
pub const APPEND_DURATION: &str = "otelgen.event_store.append.duration";
/// Saves that another writer was faster than. Counter, `{conflict}`; attribute [`STREAM_TYPE`].
pub const CONFLICTS: &str = "otelgen.event_store.conflicts";
/// Events read back, to rebuild a state or a read model. Counter, `{event}`; attribute [`STREAM_TYPE`].
pub const REPLAYED: &str = "otelgen.event_store.replayed";
/// How many events a projection is behind the last committed one. Gauge, `{event}`; attribute [`PROJECTION`].
pub const PROJECTION_LAG: &str = "otelgen.event_store.projection.lag";

/// Metric attribute: the type of an event.
pub const EVENT_TYPE: &str = "event_type";
/// Metric attribute: the type of a stream.
pub const STREAM_TYPE: &str = "stream_type";
/// Metric attribute: the name of a projection.
pub const PROJECTION: &str = "projection";

/// Span attribute: the type of the stream.
pub const SPAN_STREAM_TYPE: &str = "otelgen.event_store.stream_type";
/// Span attribute: the id of the stream.
pub const SPAN_STREAM_ID: &str = "otelgen.event_store.stream_id";
/// Span attribute: the tenant the stream belongs to, where there is one.
pub const SPAN_TENANT: &str = "otelgen.event_store.tenant";
/// Span attribute: the version of the stream's last event that was written or read.
pub const SPAN_VERSION: &str = "otelgen.event_store.version";
/// Span attribute: how many events were written or read.
pub const SPAN_EVENTS: &str = "otelgen.event_store.events";
/// Span attribute: the name of the projection.
pub const SPAN_PROJECTION: &str = "otelgen.event_store.projection";
