-- The position comes from a sequence, so it does not tell which event was committed first. The id of the writing
-- transaction does, once every older transaction has ended: events are handed out in the order of the primary key,
-- up to the oldest transaction that is still running.
CREATE SEQUENCE otelgen_events_position_seq;

CREATE TABLE otelgen_events (
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position bigint NOT NULL DEFAULT nextval('otelgen_events_position_seq'),
    tenant text NOT NULL,
    stream_type text NOT NULL,
    stream_id text NOT NULL,
    version bigint NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    event_version integer NOT NULL,
    -- json, not jsonb: what was written is read back to the byte, and writing is cheaper.
    payload json NOT NULL,
    metadata json NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (transaction_id, position),
    CONSTRAINT otelgen_events_stream_version UNIQUE (tenant, stream_type, stream_id, version)
);

ALTER SEQUENCE otelgen_events_position_seq OWNED BY otelgen_events.position;

CREATE TABLE otelgen_snapshots (
    tenant text NOT NULL,
    stream_type text NOT NULL,
    stream_id text NOT NULL,
    kind text NOT NULL,
    schema_version bigint NOT NULL,
    version bigint NOT NULL,
    state json NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, stream_type, stream_id, kind)
);

CREATE TABLE otelgen_projections (
    name text NOT NULL PRIMARY KEY,
    transaction_id xid8 NOT NULL,
    position bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
