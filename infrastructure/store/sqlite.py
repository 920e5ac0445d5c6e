"""A store in an SQLite file, shared by any number of processes on one machine.

One writer at a time: `BEGIN IMMEDIATE` takes the file's write lock before anything is looked at,
so what is checked still holds when it is written, and positions are committed in their order.
Every commit is synced (WAL, synchronous=FULL). Readers never wait for the writer.
"""

import os
import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from eventsourcing.domain import EventSourcingError
from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteTransaction,
)

from turnlog.domain import StoreError

from . import sqlite_schema
from .address import SQLiteAddress
from .backend import BUSY_SECONDS, check_versions, one_by_one
from .group import Append, Outcome
from .threads import THREADS

INSERT_EVENT = "INSERT INTO {table} (originator_id, originator_version, topic, state) VALUES (?, ?, ?, ?)"
SELECT_HEAD = "SELECT max(originator_version) FROM {table} WHERE originator_id = ?"
SELECT_STREAMS = (
    "SELECT originator_id FROM events WHERE originator_version = 1"
    " AND originator_id >= ?1 AND substr(originator_id, 1, length(?1)) = ?1"
    " ORDER BY originator_id LIMIT ?2"
)
INSERT_BLOB = (
    "INSERT INTO blobs (sha256, media_type, size, body) SELECT ?1, ?2, ?3, ?4"
    " WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE sha256 = ?1)"
)
SELECT_BLOB = "SELECT body FROM blobs WHERE sha256 = ?"

EXPLANATIONS = {
    "SQLITE_FULL": "cannot grow, the disk is full; free some space",
    "SQLITE_NOTADB": "is not an SQLite database; give another file name",
    "SQLITE_CORRUPT": "is damaged; restore it from a backup",
    "SQLITE_READONLY": "cannot be written; check the permissions of the file and its directory",
    "SQLITE_CANTOPEN": "cannot be opened; check that it is a file you may read and write",
    "SQLITE_PERM": "cannot be opened; check the permissions of the file",
    "SQLITE_BUSY": f"was locked by another writer for {BUSY_SECONDS} seconds; try again",
    "SQLITE_IOERR": "cannot be read or written; check the disk and its free space",
}


class FileTransaction(SQLiteTransaction):
    """Takes the write lock at the start of a transaction that is to write."""

    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        return cursor


class FileConnection(SQLiteConnection):
    """A connection whose transactions are ours."""

    @contextmanager
    def transaction(self, *, commit: bool) -> Generator[SQLiteCursor]:
        with FileTransaction(self, commit=commit) as cursor, cursor:
            yield cursor


class FilePool(SQLiteConnectionPool):
    """Connections with our settings; the stock pool hands out one writer at a time."""

    def get_connection(self, timeout: float | None = None, *, is_writer: bool | None = None) -> SQLiteConnection:
        """A connection; the stock pool would keep its writer lock for ever if none can be made."""
        try:
            return super().get_connection(timeout, is_writer=is_writer)
        except sqlite3.Error:
            if is_writer:
                self._num_writers -= 1
                self._writer_lock.release()
            raise

    def _create_connection(self) -> FileConnection:
        return FileConnection(sqlite_schema.connect(Path(self.db_name)), max_age=None)

    @staticmethod
    def detect_memory_mode(db_name: str) -> bool:
        """A name is a name, whatever it looks like."""
        return False


class FileDatastore(SQLiteDatastore):
    """The pool of one file."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), originator_id_type="text")
        self.pool = FilePool(db_name=str(path), pool_size=THREADS, max_overflow=0, pool_timeout=2 * BUSY_SECONDS)


class SQLiteRecorder(SQLiteApplicationRecorder):
    """The stock recorder on our table, with positions that are never reused."""

    def __init__(self, datastore: SQLiteDatastore, events_table_name: str = "events") -> None:
        super().__init__(datastore, events_table_name)
        self.insert_events_statement = INSERT_EVENT.format(table=events_table_name)
        self.select_head_statement = SELECT_HEAD.format(table=events_table_name)

    def construct_create_table_statements(self) -> list[str]:
        """None: the schema is `sqlite_schema`'s."""
        return []

    def _insert_events(
        self,
        c: SQLiteCursor,
        stored_events: Sequence[StoredEvent],
        *,
        expected: Mapping[str, int] | None = None,
        **_: Any,
    ) -> Sequence[int] | None:
        check_versions({name: self._head(c, name) for name in expected or {}}, expected or {})
        return super()._insert_events(c, stored_events)

    def _head(self, cursor: SQLiteCursor, stream: str) -> int:
        cursor.execute(self.select_head_statement, (stream,))
        head: int | None = cursor.fetchone()[0]
        return head or 0

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events by position; the stock statement would not find the name of our column."""
        first = (start or 0) if inclusive_of_start else (start or 0) + 1
        condition = "notification_id >= ?"
        params: list[int | str] = [first]
        if stop is not None:
            condition += " AND notification_id <= ?"
            params.append(stop)
        if topics:
            condition += f" AND topic IN ({','.join('?' * len(topics))})"
            params.extend(topics)
        query = f"SELECT * FROM {self.events_table_name} WHERE {condition} ORDER BY notification_id LIMIT ?"
        with self.datastore.transaction(commit=False) as c:
            c.execute(query, (*params, limit))
            return [_notification(row) for row in c.fetchall()]


def _notification(row: sqlite3.Row) -> Notification:
    return Notification(
        id=row["notification_id"],
        originator_id=row["originator_id"],
        originator_version=row["originator_version"],
        topic=row["topic"],
        state=row["state"],
    )


class SQLiteBackend:
    """Events and bodies in one file, made on first use."""

    def __init__(self, address: SQLiteAddress) -> None:
        self._shown = address.shown
        with self.clear_errors():
            _create_file(address.path)
            sqlite_schema.prepare(address.path, address.shown)
            self._datastore = FileDatastore(address.path)
            self.recorder = SQLiteRecorder(self._datastore)

    def commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        """Write appends, each with its own outcome."""
        return one_by_one(self._insert, appends)

    def _insert(self, append: Append) -> Sequence[int]:
        with self.clear_errors():
            return self.recorder.insert_events(append.events, expected=append.expected) or ()

    def watch(self, ring: Callable[[], None]) -> None:
        """Nothing tells of other processes yet."""

    def streams(self, prefix: str, limit: int) -> Sequence[str]:
        """Names of streams that begin with `prefix`, by code point."""
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute(SELECT_STREAMS, (prefix, limit))
            return [row["originator_id"] for row in cursor.fetchall()]

    def put_blob(self, sha256: str, media_type: str, body: bytes) -> None:
        """Keep a body, unless it is kept already, in a transaction of its own."""
        with self._datastore.transaction(commit=True) as cursor:
            cursor.execute(INSERT_BLOB, (sha256, media_type, len(body), body))

    def get_blob(self, sha256: str) -> bytes | None:
        """The body, or None."""
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute(SELECT_BLOB, (sha256,))
            row = cursor.fetchone()
            return None if row is None else bytes(row["body"])

    @contextmanager
    def clear_errors(self) -> Generator[None]:
        """Turns SQLite's errors into StoreError with one line that says what to do."""
        with explained(self._shown):
            yield

    def close(self) -> None:
        """Close every connection."""
        self._datastore.close()


def migrate(address: SQLiteAddress) -> None:
    """Bring the file to this turnlog's schema. Raises StoreError."""
    with explained(address.shown):
        _create_file(address.path)
        with closing(sqlite_schema.connect(address.path)) as connection:
            sqlite_schema.migrate(connection, address.shown)
        sqlite_schema.prepare(address.path, address.shown)


@contextmanager
def explained(shown: str) -> Generator[None]:
    """Turns SQLite's errors into StoreError about the database shown."""
    try:
        yield
    except (sqlite3.Error, EventSourcingError) as error:
        raise StoreError(f"{shown} {_explanation(error)}") from error
    except OSError as error:
        raise StoreError(f"{shown} cannot be opened: {error.strerror or error}") from error


def _explanation(error: Exception) -> str:
    root = error.args[0] if error.args and isinstance(error.args[0], sqlite3.Error) else error
    code: str = getattr(root, "sqlite_errorname", "")
    for prefix, explanation in EXPLANATIONS.items():
        if code.startswith(prefix):
            return explanation
    return f"refused: {' '.join(str(root).split()) or type(root).__name__}"


def _create_file(path: Path) -> None:
    """Make the file for its owner only; SQLite gives its side files the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with suppress(FileExistsError):
        os.close(os.open(path, flags, mode=0o600))
