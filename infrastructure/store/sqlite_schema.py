"""The SQLite schema: made in one transaction, checked whenever a file is opened."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from turnlog.domain import StoreError

from .backend import BUSY_SECONDS
from .schema_version import SCHEMA_VERSION, refuse_newer, refuse_older, refuse_unchained

APPLICATION_ID = 0x7475726E
"""`turn` in ASCII, in the header of the file: tells ours from anybody else's."""

SCHEMA = Path(__file__).with_name("sqlite_schema.sql")
NEEDED = {
    "turnlog_schema",
    "events",
    "events_streams",
    "events_refuse_update",
    "events_refuse_delete",
    "events_refuse_replace",
    "blobs",
    "blobs_refuse_update",
    "blobs_refuse_delete",
    "blobs_refuse_replace",
    "snapshots",
    "heartbeats",
}


def connect(path: Path) -> sqlite3.Connection:
    """A connection in auto-commit mode that waits for other writers and syncs every commit."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(path: Path, shown: str) -> None:
    """Migrate a new or empty file, and check any other. Raises StoreError and its kinds."""
    with closing(connect(path)) as connection:
        names = _names(connection)
        if not names:
            migrate(connection, shown)
        elif _is_foreign(connection, names):
            raise StoreError(f"{shown} is not a turnlog database; give another file name")
        else:
            _check(connection, names, shown)
        use_wal(connection)


def migrate(connection: sqlite3.Connection, shown: str) -> None:
    """Bring the file to this turnlog's schema; nothing happens if it is there already. Raises StoreError."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        names = _names(connection)
        if names and _is_foreign(connection, names):
            raise StoreError(f"{shown} is not a turnlog database; give another file name")
        refuse_newer(_version(connection, names), shown)
        columns = _columns(connection)
        refuse_unchained(columns, shown)
        if "leaf" in columns:
            connection.execute("ALTER TABLE events DROP COLUMN leaf")
        for statement in _statements():
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(
            "INSERT OR IGNORE INTO turnlog_schema VALUES (?, ?)",
            (SCHEMA_VERSION, datetime.now(UTC).isoformat(timespec="seconds")),
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements() -> Iterator[str]:
    """The schema, statement by statement: `executescript` would commit on its own."""
    statement = ""
    for line in SCHEMA.read_text("utf-8").splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _check(connection: sqlite3.Connection, names: set[str], shown: str) -> None:
    version = _version(connection, names)
    refuse_newer(version, shown)
    refuse_unchained(_columns(connection), shown)
    refuse_older(version, NEEDED - names, shown)


def _is_foreign(connection: sqlite3.Connection, names: set[str]) -> bool:
    mark: int = connection.execute("PRAGMA application_id").fetchone()[0]
    return mark != APPLICATION_ID and "turnlog_schema" not in names


def _names(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'")
    return {row[0] for row in rows}


def _columns(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM pragma_table_info('events')")}


def _version(connection: sqlite3.Connection, names: set[str]) -> int:
    if "turnlog_schema" not in names:
        return 0
    version: int | None = connection.execute("SELECT max(version) FROM turnlog_schema").fetchone()[0]
    return version or 0


def use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. SQLite does not wait for others here, so we do."""
    deadline = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or monotonic() > deadline:
                raise
            sleep(0.02)
