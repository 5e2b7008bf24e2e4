-- SQLite has one writer at a time, so the order of positions is the order of commits.
CREATE TABLE otelgen_events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    stream_type TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    event_version INTEGER NOT NULL,
    payload TEXT NOT NULL,
    metadata TEXT NOT NULL,
    -- microseconds since 1970
    recorded_at INTEGER NOT NULL,
    UNIQUE (tenant, stream_type, stream_id, version)
) STRICT;

CREATE TABLE otelgen_snapshots (
    tenant TEXT NOT NULL,
    stream_type TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (tenant, stream_type, stream_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE otelgen_projections (
    name TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
