"""The Postgres schema: made by its owner in one transaction, checked by whoever opens it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from turnlog.domain import InvalidInput, SchemaMissing, SchemaNewer, StoreError, TurnlogError

from .address import FORMS, PostgresAddress
from .backend import BUSY_SECONDS, SCHEMA_VERSION

TABLES = SQL("""
CREATE TABLE IF NOT EXISTS {schema}.turnlog_schema (
    version integer PRIMARY KEY,
    migrated_at timestamptz NOT NULL DEFAULT now()
);
-- An identity column needs no right to its sequence, and nobody may choose a position.
-- "C" orders names by code point, as SQLite does.
CREATE TABLE IF NOT EXISTS {schema}.events (
    notification_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
);
-- Every stream has one version 1, so this is the list of streams.
CREATE INDEX IF NOT EXISTS events_streams
    ON {schema}.events (originator_id) WHERE originator_version = 1;
CREATE TABLE IF NOT EXISTS {schema}.blobs (
    sha256 text COLLATE "C" PRIMARY KEY,
    media_type text NOT NULL,
    size bigint NOT NULL,
    body bytea NOT NULL
);
""")

TRIGGERS = SQL("""
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
""")

GRANTS = SQL("""
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT ON {schema}.events, {schema}.blobs TO {role};
GRANT SELECT ON {schema}.turnlog_schema TO {role};
""")

NAMES = SQL("""
SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relnamespace = %(id)s
UNION ALL
SELECT t.tgname FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %(id)s AND t.tgenabled = 'A'
""")
SCHEMA_ID = SQL("SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s")
MAY_USE = SQL("SELECT pg_catalog.has_schema_privilege(%s::oid, 'USAGE')")
MAY_APPEND = SQL("""
SELECT bool_and(has_table_privilege(c.oid, 'SELECT') AND
    (c.relname = 'turnlog_schema' OR has_table_privilege(c.oid, 'INSERT')))
FROM pg_catalog.pg_class c
WHERE c.relnamespace = %s AND c.relname IN ('events', 'blobs', 'turnlog_schema')
""")
VERSION = SQL("SELECT coalesce(max(version), 0) FROM {schema}.turnlog_schema")
LOCK_MIGRATIONS = SQL("SELECT pg_advisory_xact_lock(7599108)")

NEEDED = {
    "turnlog_schema",
    "events",
    "events_streams",
    "blobs",
    "events_refuse_change",
    "events_refuse_truncate",
    "blobs_refuse_change",
    "blobs_refuse_truncate",
}
Parameters = dict[str, Any]


def parameters(address: PostgresAddress) -> Parameters:
    """What libpq is given: the URL's own settings, and deadlines where it has none."""
    try:
        given: Parameters = conninfo_to_dict(address.conninfo)
    except psycopg.Error:
        # libpq's message may quote the part it stumbled over, and that may be the password:
        # it goes neither into the line nor into the traceback.
        raise InvalidInput(
            f"{address.shown} cannot be read as a Postgres URL (a special character in the"
            f" password must be percent-escaped); use {FORMS}"
        ) from None
    if not all(port.isdecimal() for port in str(given.get("port") or 5432).split(",") if port):
        raise InvalidInput(f"{address.shown} has a port that is no number; use {FORMS}")
    milliseconds = BUSY_SECONDS * 1000
    ours = (
        f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds // 2}"
        f" -c idle_in_transaction_session_timeout={milliseconds}"
        r" -c default_transaction_isolation=read\ committed"
    )
    defaults: Parameters = {
        "connect_timeout": 5,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": milliseconds,
        "application_name": "turnlog",
    }
    options = f"{ours} {given.get('options') or ''}".strip()
    return {**defaults, **given, "options": options}


def migrate(address: PostgresAddress, writer_role: str | None = None) -> None:
    """Bring the database to this turnlog's schema. Raises SchemaNewer, StoreError, InvalidInput."""
    names = {"schema": Identifier(address.schema)}
    with explained(address), psycopg.connect(**parameters(address)) as connection:
        connection.execute(LOCK_MIGRATIONS)
        schema_id = _schema_id(connection, address)
        if schema_id is None:
            connection.execute(SQL("CREATE SCHEMA {schema}").format(**names))
        elif "turnlog_schema" in _names(connection, schema_id):
            _refuse_newer(_version(connection, address), address)
        connection.execute(TABLES.format(**names))
        connection.execute(TRIGGERS.format(**names))
        connection.execute(
            SQL("INSERT INTO {schema}.turnlog_schema (version) VALUES (%s) ON CONFLICT DO NOTHING").format(**names),
            (SCHEMA_VERSION,),
        )
        if writer_role is not None:
            connection.execute(GRANTS.format(**names, role=Identifier(writer_role)))


def check(address: PostgresAddress) -> None:
    """Raises SchemaMissing, SchemaNewer or StoreError when the log could not be used."""
    with explained(address), psycopg.connect(**parameters(address)) as connection:
        schema_id = _schema_id(connection, address)
        found = _names(connection, schema_id) & NEEDED if schema_id is not None else set[str]()
        if not found or schema_id is None:
            raise SchemaMissing(f"{address.shown} has no turnlog schema; {_how_to_migrate(address)}")
        if "turnlog_schema" in found:
            _check_usage(connection, schema_id, address)
            version = _version(connection, address)
            _refuse_newer(version, address)
        else:
            version = 0
        missing = sorted(NEEDED - found)
        if missing or version < SCHEMA_VERSION:
            what = f" ({', '.join(missing)} missing)" if missing else ""
            raise SchemaMissing(
                f"{address.shown} has only part of the turnlog schema{what}; {_how_to_migrate(address)}"
            )
        if not _is_true(connection.execute(MAY_APPEND, (schema_id,))):
            raise _no_rights(connection, address)


@contextmanager
def explained(address: PostgresAddress) -> Generator[None]:
    """Turns psycopg's errors into StoreError about this database."""
    try:
        yield
    except psycopg.Error as error:
        raise explain(error, address) from error


def explain(error: Exception, address: PostgresAddress) -> TurnlogError:
    """One line that says what happened and what to do."""
    shown = address.shown
    said = _first_line(error)
    match error:
        case errors.UndefinedTable() | errors.InvalidSchemaName():
            return SchemaMissing(f"{shown} has no turnlog schema; {_how_to_migrate(address)}")
        case errors.DiskFull():
            return StoreError(f"{shown} cannot grow, its disk is full; free some space")
        case errors.ReadOnlySqlTransaction():
            return StoreError(f"{shown} is read-only; use the primary server")
        case errors.InsufficientPrivilege():
            return StoreError(f"{shown} refused: {said}; use a role with the rights")
        case errors.QueryCanceled() | errors.LockNotAvailable():
            return StoreError(f"{shown} did not answer within {BUSY_SECONDS} seconds; try again")
        case psycopg.OperationalError() if not error.sqlstate:
            return StoreError(f"{shown} cannot be reached: {said}; check the URL and the server")
        case psycopg.ProgrammingError() if not error.sqlstate:
            return InvalidInput(f"{shown} has an option that cannot be used; use {FORMS}")
        case _:
            return StoreError(f"{shown} refused: {said}")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return " ".join(lines[0].split()).rstrip(".") if lines else type(error).__name__


def _schema_id(connection: Connection[TupleRow], address: PostgresAddress) -> int | None:
    row = connection.execute(SCHEMA_ID, (address.schema,)).fetchone()
    return None if row is None else int(row[0])


def _names(connection: Connection[TupleRow], schema_id: int) -> set[str]:
    return {str(row[0]) for row in connection.execute(NAMES, {"id": schema_id})}


def _version(connection: Connection[TupleRow], address: PostgresAddress) -> int:
    query = VERSION.format(schema=Identifier(address.schema))
    row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])


def _is_true(cursor: psycopg.Cursor[TupleRow]) -> bool:
    row = cursor.fetchone()
    return row is not None and row[0] is True


def _check_usage(connection: Connection[TupleRow], schema_id: int, address: PostgresAddress) -> None:
    if not _is_true(connection.execute(MAY_USE, (schema_id,))):
        raise _no_rights(connection, address)


def _no_rights(connection: Connection[TupleRow], address: PostgresAddress) -> StoreError:
    role = connection.info.user
    return StoreError(
        f"{address.shown} may not be written by the role {role}; its owner gives the right with:"
        f" turnlog db migrate --database URL --writer-role {role}"
    )


def _refuse_newer(version: int, address: PostgresAddress) -> None:
    if version > SCHEMA_VERSION:
        raise SchemaNewer(
            f"{address.shown} has schema {version} of a newer turnlog and this one knows"
            f" {SCHEMA_VERSION}; upgrade turnlog"
        )


def _how_to_migrate(address: PostgresAddress) -> str:
    return f"run: turnlog db migrate --database {address.shown}"
