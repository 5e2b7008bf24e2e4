//! The statements of the PostgreSQL store. Each is prepared once per connection.

macro_rules! columns {
    () => {
        "SELECT tenant, stream_type, stream_id, version, transaction_id::text::bigint, position, event_id::text, \
         event_type, event_version::bigint, payload::text, metadata::text, \
         (extract(epoch FROM recorded_at) * 1000000)::bigint FROM otelgen_events "
    };
}

macro_rules! append {
    ($base:literal, $condition:literal) => {
        concat!(
            "WITH base AS (SELECT ",
            $base,
            " AS version), appended AS (
                INSERT INTO otelgen_events
                    (tenant, stream_type, stream_id, version, event_id, event_type, event_version, payload, metadata)
                SELECT $1, $2, $3, base.version + event.ordinal, event.id, event.type, event.version,
                       event.payload::json, event.metadata::json
                FROM base, UNNEST($4::uuid[], $5::text[], $6::integer[], $7::text[], $8::text[])
                    WITH ORDINALITY AS event (id, type, version, payload, metadata, ordinal)
                WHERE ",
            $condition,
            " ORDER BY event.ordinal
                RETURNING position, version
            )
            SELECT max(position), max(version), pg_current_xact_id()::text::bigint FROM appended"
        )
    };
}

/// The unique constraint finds a stream that is longer than expected; the condition finds one that is shorter, and
/// one whose last event a younger transaction wrote (readers order by transaction).
pub(super) const APPEND_AFTER: &str = append!(
    "$9::bigint",
    "base.version = 0 OR EXISTS (
        SELECT 1 FROM otelgen_events last
        WHERE last.tenant = $1 AND last.stream_type = $2 AND last.stream_id = $3
          AND last.version = base.version AND last.transaction_id <= pg_current_xact_id()
    )"
);

/// Two writers at one end: the slower one meets the unique constraint and tries again.
pub(super) const APPEND_AT_END: &str = append!(
    "COALESCE((SELECT max(version) FROM otelgen_events
        WHERE tenant = $1 AND stream_type = $2 AND stream_id = $3), 0)",
    "true"
);

pub(super) const LOAD_STREAM: &str = concat!(
    columns!(),
    "WHERE tenant = $1 AND stream_type = $2 AND stream_id = $3 AND version > $4 ORDER BY version LIMIT $5"
);

pub(super) const STREAM_VERSION: &str = "SELECT COALESCE(max(version), 0) FROM otelgen_events
    WHERE tenant = $1 AND stream_type = $2 AND stream_id = $3";

/// Every transaction below the snapshot's `xmin` has ended, so nothing can still appear among these rows.
pub(super) const READ_ALL: &str = concat!(
    columns!(),
    "WHERE (transaction_id, position) > ($1::text::xid8, $2)
       AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
     ORDER BY otelgen_events.transaction_id, otelgen_events.position LIMIT $3"
);

pub(super) const HEAD: &str = "SELECT transaction_id::text::bigint, position FROM otelgen_events
    ORDER BY otelgen_events.transaction_id DESC, position DESC LIMIT 1";

pub(super) const SAVE_SNAPSHOT: &str = "INSERT INTO otelgen_snapshots AS kept
        (tenant, stream_type, stream_id, kind, schema_version, version, state)
    VALUES ($1, $2, $3, $4, $5, $6, $7::json)
    ON CONFLICT (tenant, stream_type, stream_id, kind) DO UPDATE
    SET schema_version = excluded.schema_version, version = excluded.version, state = excluded.state,
        recorded_at = clock_timestamp()
    WHERE kept.schema_version <> excluded.schema_version OR kept.version < excluded.version";

pub(super) const LOAD_SNAPSHOT: &str =
    "SELECT schema_version, version, state::text FROM otelgen_snapshots
    WHERE tenant = $1 AND stream_type = $2 AND stream_id = $3 AND kind = $4";

pub(super) const LOAD_CHECKPOINT: &str =
    "SELECT transaction_id::text::bigint, position FROM otelgen_projections WHERE name = $1";

/// A projection's first commit: there is no row, or one that was set back to the start.
pub(super) const START_CHECKPOINT: &str = "INSERT INTO otelgen_projections AS kept (name, transaction_id, position)
    VALUES ($1, $4::text::xid8, $5)
    ON CONFLICT (name) DO UPDATE
    SET transaction_id = excluded.transaction_id, position = excluded.position, updated_at = clock_timestamp()
    WHERE kept.transaction_id = $2::text::xid8 AND kept.position = $3";

pub(super) const MOVE_CHECKPOINT: &str = "UPDATE otelgen_projections
    SET transaction_id = $4::text::xid8, position = $5, updated_at = clock_timestamp()
    WHERE name = $1 AND transaction_id = $2::text::xid8 AND position = $3";

pub(super) const IS_RESTORED: &str = "SELECT EXISTS (
    SELECT 1 FROM otelgen_events WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))";

/// All events get transaction 1, which no cluster ever gives to a user, and positions in their old order.
pub(super) const ADOPT_RESTORED: [&str; 6] = [
    "LOCK TABLE otelgen_events, otelgen_projections IN ACCESS EXCLUSIVE MODE",
    "CREATE TEMPORARY TABLE otelgen_renumbering ON COMMIT DROP AS
        SELECT transaction_id, position, row_number() OVER (ORDER BY transaction_id, position) AS renumbered
        FROM otelgen_events",
    "UPDATE otelgen_projections projection SET transaction_id = '1'::xid8, position = (
        SELECT COALESCE(max(renumbered), 0) FROM otelgen_renumbering event
        WHERE (event.transaction_id, event.position) <= (projection.transaction_id, projection.position)
    ) WHERE projection.transaction_id <> '0'::xid8",
    "CREATE UNIQUE INDEX ON otelgen_renumbering (transaction_id, position)",
    "UPDATE otelgen_events event SET transaction_id = '1'::xid8, position = renumbering.renumbered
        FROM otelgen_renumbering renumbering
        WHERE event.transaction_id = renumbering.transaction_id AND event.position = renumbering.position",
    "SELECT setval('otelgen_events_position_seq', GREATEST(1, (SELECT max(renumbered) FROM otelgen_renumbering)))",
];
