CREATE TABLE IF NOT EXISTS turnlog_schema (
    version INTEGER PRIMARY KEY,
    migrated_at TEXT NOT NULL
);

-- AUTOINCREMENT: a position is never given twice, even should the last row vanish.
CREATE TABLE IF NOT EXISTS events (
    notification_id INTEGER PRIMARY KEY AUTOINCREMENT,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    chain BLOB NOT NULL CHECK (typeof(chain) = 'blob' AND length(chain) = 32),
    UNIQUE (originator_id, originator_version)
);

-- Every stream has one version 1, so this is the list of streams.
CREATE INDEX IF NOT EXISTS events_streams ON events (originator_id) WHERE originator_version = 1;

CREATE TABLE IF NOT EXISTS blobs (
    sha256 TEXT PRIMARY KEY,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL
);

-- A cache: rows may be replaced and removed.
CREATE TABLE IF NOT EXISTS snapshots (
    stream TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    digest BLOB NOT NULL,
    data BLOB NOT NULL
);

-- Liveness for leases, never truth: seconds since 1970 at which a worker was heard of.
CREATE TABLE IF NOT EXISTS heartbeats (
    worker TEXT PRIMARY KEY,
    beaten_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER IF NOT EXISTS events_refuse_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'turnlog: events are append-only'); END;

CREATE TRIGGER IF NOT EXISTS events_refuse_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'turnlog: events are append-only'); END;

CREATE TRIGGER IF NOT EXISTS blobs_refuse_update BEFORE UPDATE ON blobs
BEGIN SELECT RAISE(ABORT, 'turnlog: blobs are append-only'); END;

CREATE TRIGGER IF NOT EXISTS blobs_refuse_delete BEFORE DELETE ON blobs
BEGIN SELECT RAISE(ABORT, 'turnlog: blobs are append-only'); END;

-- INSERT OR REPLACE deletes the old row without asking the DELETE trigger.
CREATE TRIGGER IF NOT EXISTS events_refuse_replace BEFORE INSERT ON events
WHEN EXISTS (
    SELECT 1 FROM events WHERE notification_id = NEW.notification_id
        OR (originator_id = NEW.originator_id AND originator_version = NEW.originator_version)
)
BEGIN SELECT RAISE(ABORT, 'turnlog: events are append-only'); END;

CREATE TRIGGER IF NOT EXISTS blobs_refuse_replace BEFORE INSERT ON blobs
WHEN EXISTS (SELECT 1 FROM blobs WHERE sha256 = NEW.sha256)
BEGIN SELECT RAISE(ABORT, 'turnlog: blobs are append-only'); END;
