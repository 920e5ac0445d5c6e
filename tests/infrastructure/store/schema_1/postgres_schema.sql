CREATE TABLE IF NOT EXISTS {schema}.turnlog_schema (
    version integer PRIMARY KEY,
    migrated_at timestamptz NOT NULL DEFAULT now()
);

-- Nobody may choose a position: an identity column. CACHE 1, or a connection would hold back positions lower than
-- those that others have used already. "C" orders names by code point, as SQLite does.
CREATE TABLE IF NOT EXISTS {schema}.events (
    notification_id bigint GENERATED ALWAYS AS IDENTITY (MINVALUE 0 START WITH 0 CACHE 1) UNIQUE,
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    leaf bytea NOT NULL CHECK (octet_length(leaf) = 32),
    chain bytea NOT NULL CHECK (octet_length(chain) = 32),
    PRIMARY KEY (originator_id, originator_version)
);

-- The sequence has a last value from the start, 0, and so the first position is 1.
SELECT setval(pg_get_serial_sequence('{schema}.events', 'notification_id'), 0, true)
WHERE pg_sequence_last_value(pg_get_serial_sequence('{schema}.events', 'notification_id')::regclass) IS NULL;

-- Every stream has one version 1, so this is the list of streams.
CREATE INDEX IF NOT EXISTS events_streams ON {schema}.events (originator_id) WHERE originator_version = 1;

CREATE TABLE IF NOT EXISTS {schema}.blobs (
    sha256 text COLLATE "C" PRIMARY KEY CHECK (sha256 = encode(sha256(body), 'hex')),
    media_type text NOT NULL,
    size bigint NOT NULL,
    body bytea NOT NULL
);

-- A cache: rows may be replaced and removed.
CREATE TABLE IF NOT EXISTS {schema}.snapshots (
    stream text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    digest bytea NOT NULL,
    data bytea NOT NULL
);

CREATE OR REPLACE FUNCTION {schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'turnlog: % are append-only', TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE OR REPLACE TRIGGER events_refuse_change BEFORE UPDATE OR DELETE ON {schema}.events
    FOR EACH ROW EXECUTE FUNCTION {schema}.refuse_change();
CREATE OR REPLACE TRIGGER events_refuse_truncate BEFORE TRUNCATE ON {schema}.events
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change();
CREATE OR REPLACE TRIGGER blobs_refuse_change BEFORE UPDATE OR DELETE ON {schema}.blobs
    FOR EACH ROW EXECUTE FUNCTION {schema}.refuse_change();
CREATE OR REPLACE TRIGGER blobs_refuse_truncate BEFORE TRUNCATE ON {schema}.blobs
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change();
-- ALWAYS: replication, and session_replication_role, do not get around them.
ALTER TABLE {schema}.events ENABLE ALWAYS TRIGGER events_refuse_change;
ALTER TABLE {schema}.events ENABLE ALWAYS TRIGGER events_refuse_truncate;
ALTER TABLE {schema}.blobs ENABLE ALWAYS TRIGGER blobs_refuse_change;
ALTER TABLE {schema}.blobs ENABLE ALWAYS TRIGGER blobs_refuse_truncate;
