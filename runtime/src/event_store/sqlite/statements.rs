//! The statements of the SQLite store. Each is prepared once per connection.

macro_rules! columns {
    () => {
        "SELECT tenant, stream_type, stream_id, version, 0, position, event_id, event_type, event_version, payload, \
         metadata, recorded_at FROM otelgen_events "
    };
}

macro_rules! append {
    ($base:literal, $condition:literal) => {
        concat!(
            "INSERT INTO otelgen_events (tenant, stream_type, stream_id, version, event_id, event_type, event_version,
                payload, metadata, recorded_at)
            SELECT ?1, ?2, ?3, ",
            $base,
            " + event.key + 1, event.value ->> 0, event.value ->> 1, event.value ->> 2, event.value ->> 3,
                event.value ->> 4, ?5
            FROM json_each(?4) AS event WHERE ",
            $condition,
            " ORDER BY event.key
            RETURNING position, version"
        )
    };
}

/// The unique constraint finds a stream that is longer than expected, the condition one that is shorter.
pub(super) const APPEND_AFTER: &str = append!(
    "?6",
    "?6 = 0 OR EXISTS (SELECT 1 FROM otelgen_events last
        WHERE last.tenant = ?1 AND last.stream_type = ?2 AND last.stream_id = ?3 AND last.version = ?6)"
);

/// The end is read in a subquery of its own, which runs once and before the first row is written.
pub(super) const APPEND_AT_END: &str = append!(
    "(SELECT COALESCE(max(version), 0) FROM otelgen_events
        WHERE tenant = ?1 AND stream_type = ?2 AND stream_id = ?3)",
    "?6 IS NULL"
);

pub(super) const LOAD_STREAM: &str = concat!(
    columns!(),
    "WHERE tenant = ?1 AND stream_type = ?2 AND stream_id = ?3 AND version > ?4 ORDER BY version LIMIT ?5"
);

pub(super) const STREAM_VERSION: &str = "SELECT COALESCE(max(version), 0) FROM otelgen_events
    WHERE tenant = ?1 AND stream_type = ?2 AND stream_id = ?3";

pub(super) const READ_ALL: &str =
    concat!(columns!(), "WHERE position > ?1 ORDER BY position LIMIT ?2");

pub(super) const HEAD: &str = "SELECT COALESCE(max(position), 0) FROM otelgen_events";

pub(super) const SAVE_SNAPSHOT: &str = "INSERT INTO otelgen_snapshots
        (tenant, stream_type, stream_id, kind, schema_version, version, state)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (tenant, stream_type, stream_id, kind) DO UPDATE
    SET schema_version = excluded.schema_version, version = excluded.version, state = excluded.state
    WHERE schema_version <> excluded.schema_version OR version < excluded.version";

pub(super) const LOAD_SNAPSHOT: &str =
    "SELECT schema_version, version, state FROM otelgen_snapshots
    WHERE tenant = ?1 AND stream_type = ?2 AND stream_id = ?3 AND kind = ?4";

pub(super) const LOAD_CHECKPOINT: &str = "SELECT position FROM otelgen_projections WHERE name = ?1";

/// A projection's first commit: there is no row, or one that was set back to the start.
pub(super) const START_CHECKPOINT: &str =
    "INSERT INTO otelgen_projections (name, position) VALUES (?1, ?3)
    ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE position = ?2";

pub(super) const MOVE_CHECKPOINT: &str =
    "UPDATE otelgen_projections SET position = ?3 WHERE name = ?1 AND position = ?2";
