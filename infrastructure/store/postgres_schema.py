"""The Postgres schema: made by its owner in one transaction, checked by whoever opens it."""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from turnlog.domain import InvalidInput, SchemaMissing, StoreError, TurnlogError

from . import postgres_wakeups
from .address import FORMS, PostgresAddress
from .schema_version import SCHEMA_VERSION, how_to_migrate, refuse_newer, refuse_older, refuse_unchained

STATEMENTS = [
    Path(__file__).with_name(f"postgres_{name}.sql") for name in ("schema", "append", "wakeups", "heartbeats")
]

GRANTS = SQL("""
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT ON {schema}.events, {schema}.blobs, {schema}.turnlog_schema TO {role};
GRANT INSERT ON {schema}.blobs TO {role};
GRANT SELECT, INSERT, UPDATE ON {schema}.snapshots TO {role};
GRANT EXECUTE ON FUNCTION {schema}.append, {schema}.safe_position, {schema}.follow TO {role};
GRANT EXECUTE ON FUNCTION {schema}.beat, {schema}.silences, {schema}.take_hints TO {role};
-- Nobody steps around the order of `append`.
REVOKE INSERT ON {schema}.events FROM {role};
""")

NAMES = SQL("""
SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relnamespace = %(id)s
UNION ALL
SELECT t.tgname FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %(id)s AND t.tgenabled = 'A'
UNION ALL
SELECT p.proname FROM pg_catalog.pg_proc p WHERE p.pronamespace = %(id)s
""")
SCHEMA_ID = SQL("SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s")
MAY_USE = SQL("SELECT pg_catalog.has_schema_privilege(%s::oid, 'USAGE')")
MAY_APPEND = SQL("""
SELECT bool_and(may) FROM (
    SELECT has_table_privilege(c.oid, 'SELECT') AS may
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = %(id)s AND c.relname IN ('events', 'blobs', 'turnlog_schema')
    UNION ALL
    SELECT has_table_privilege(c.oid, 'INSERT') FROM pg_catalog.pg_class c
    WHERE c.relnamespace = %(id)s AND c.relname = 'blobs'
    UNION ALL
    SELECT has_function_privilege(p.oid, 'EXECUTE') FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = %(id)s
        AND p.proname IN ('append', 'safe_position', 'follow', 'beat', 'silences', 'take_hints')
) AS needed
""")
COLUMNS = SQL("""
SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = %s AND c.relname = 'events' AND a.attnum > 0 AND NOT a.attisdropped
""")
# The trigger, which looks at the column, is made again with the rest.
DROP_LEAF = SQL("""
DROP TRIGGER IF EXISTS events_fill_chain ON {schema}.events;
ALTER TABLE {schema}.events DROP COLUMN leaf;
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
    "snapshots",
    "blobs_refuse_change",
    "blobs_refuse_truncate",
    "append",
    "safe_position",
    "follow",
    "heartbeats",
    "beat",
    "silences",
    "wake",
    "has_wakeups",
    "take_hints",
}
IDLE, INTERVAL, COUNT = 2, 1, 3
"""A silent peer is asked after so many seconds, so many seconds apart, and given up after so many questions."""

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
    milliseconds = max(1, round(address.deadline * 1000))
    ours = (
        f"-c statement_timeout={milliseconds} -c lock_timeout={max(1, milliseconds // 2)}"
        f" -c idle_in_transaction_session_timeout={milliseconds}"
        r" -c default_transaction_isolation=read\ committed"
        # The server's end, too: it would keep what was cut off for hours, and readers behind what is under way there.
        f" -c tcp_keepalives_idle={IDLE} -c tcp_keepalives_interval={INTERVAL} -c tcp_keepalives_count={COUNT}"
        f" -c tcp_user_timeout={milliseconds}"
    )
    defaults: Parameters = {
        "connect_timeout": max(2, round(address.deadline / 2)),
        "keepalives_idle": IDLE,
        "keepalives_interval": INTERVAL,
        "keepalives_count": COUNT,
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
        else:
            _upgrade(connection, schema_id, address)
        for statements in STATEMENTS:
            connection.execute(_for_schema(statements.read_text(), address.schema))
        connection.execute(
            SQL("INSERT INTO {schema}.turnlog_schema (version) VALUES (%s) ON CONFLICT DO NOTHING").format(**names),
            (SCHEMA_VERSION,),
        )
        postgres_wakeups.install(connection, address.schema)
        if writer_role is not None:
            connection.execute(GRANTS.format(**names, role=Identifier(writer_role)))


def _upgrade(connection: Connection[TupleRow], schema_id: int, address: PostgresAddress) -> None:
    """Change what is there and the statements would leave as it is."""
    if "turnlog_schema" in _names(connection, schema_id):
        refuse_newer(_version(connection, address), address.shown)
    columns = _columns(connection, schema_id)
    refuse_unchained(columns, address.shown)
    if "leaf" in columns:
        connection.execute(DROP_LEAF.format(schema=Identifier(address.schema)))


def _for_schema(statements: str, schema: str) -> bytes:
    """The statements with a schema's names in them. Schema names are plain (`address.py`), so quoting is all it takes.

    Advisory locks are the database's: `class` keeps those of one turnlog from those of another.
    """
    names = {
        "{schema}": f'"{schema}"',
        "{sequence}": f'"{schema}".events_notification_id_seq',
        "{class}": str(lock_class(schema)),
        **postgres_wakeups.names(schema),
    }
    for mark, name in names.items():
        statements = statements.replace(mark, name)
    return statements.encode()


def lock_class(schema: str) -> int:
    """The first half of the keys of a turnlog's advisory locks.

    Should two turnlogs share it, readers of one may have to wait for appends to the other, and miss nothing.
    """
    return int.from_bytes(hashlib.sha256(f"turnlog:{schema}".encode()).digest()[:4]) & 0x7FFFFFFF


def check(address: PostgresAddress) -> None:
    """Raises SchemaMissing, SchemaNewer or StoreError when the log could not be used."""
    with explained(address), psycopg.connect(**parameters(address)) as connection:
        schema_id = _schema_id(connection, address)
        found = _names(connection, schema_id) & NEEDED if schema_id is not None else set[str]()
        if not found or schema_id is None:
            raise SchemaMissing(f"{address.shown} has no turnlog schema; {how_to_migrate(address.shown)}")
        if "turnlog_schema" in found:
            _check_usage(connection, schema_id, address)
            version = _version(connection, address)
        else:
            version = 0
        refuse_newer(version, address.shown)
        refuse_unchained(_columns(connection, schema_id), address.shown)
        refuse_older(version, NEEDED - found, address.shown)
        if not _is_true(connection.execute(MAY_APPEND, {"id": schema_id})):
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
    said = first_line(error)
    match error:
        case errors.UndefinedTable() | errors.InvalidSchemaName() | errors.UndefinedFunction():
            return SchemaMissing(f"{shown} has no turnlog schema; {how_to_migrate(shown)}")
        case errors.DiskFull():
            return StoreError(f"{shown} cannot grow, its disk is full; free some space")
        case errors.ReadOnlySqlTransaction():
            return StoreError(f"{shown} is read-only; use the primary server")
        case errors.InsufficientPrivilege():
            return StoreError(f"{shown} refused: {said}; use a role with the rights")
        case errors.QueryCanceled() | errors.LockNotAvailable():
            return StoreError(f"{shown} did not answer within {address.deadline:g} seconds; try again")
        case psycopg.OperationalError() if not error.sqlstate:
            return StoreError(f"{shown} cannot be reached: {said}; check the URL and the server")
        case psycopg.ProgrammingError() if not error.sqlstate:
            return InvalidInput(f"{shown} has an option that cannot be used; use {FORMS}")
        case _:
            return StoreError(f"{shown} refused: {said}")


def first_line(error: Exception) -> str:
    """What an error said, without what follows."""
    lines = str(error).strip().splitlines()
    return " ".join(lines[0].split()).rstrip(".") if lines else type(error).__name__


def _schema_id(connection: Connection[TupleRow], address: PostgresAddress) -> int | None:
    row = connection.execute(SCHEMA_ID, (address.schema,)).fetchone()
    return None if row is None else int(row[0])


def _names(connection: Connection[TupleRow], schema_id: int) -> set[str]:
    return {str(row[0]) for row in connection.execute(NAMES, {"id": schema_id})}


def _columns(connection: Connection[TupleRow], schema_id: int) -> set[str]:
    return {str(row[0]) for row in connection.execute(COLUMNS, (schema_id,))}


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
