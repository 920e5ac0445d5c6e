"""A store in an SQLite file, shared by any number of processes on one machine.

One writer at a time, for the whole of a transaction, so positions are committed in their order, without a gap, and
AUTOINCREMENT never gives one twice. Every commit is synced (WAL, synchronous=FULL) before anybody hears of it; when a
sync fails, this process writes no more. Readers never wait for the writer.
"""

import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from . import sqlite_blobs, sqlite_schema, sqlite_selecting
from .address import SQLiteAddress
from .backend import ANY_TOPIC, PAGE, PlacedRow, Row, Selected, SnapshotRow, Topics
from .batches import Append, Outcome
from .prefixes import behind
from .sqlite_errors import explained
from .sqlite_heartbeats import FileHeartbeats
from .sqlite_recorder import FileDatastore, SQLiteRecorder
from .sqlite_watch import Watch
from .sqlite_writer import Writer

SELECT_EVENTS = (
    "SELECT originator_version, topic, state FROM events"
    " WHERE originator_id = ? AND originator_version > ? AND originator_version <= ? ORDER BY originator_version"
)
SELECT_TOPICS = (
    "SELECT originator_version, topic, state FROM events"
    " WHERE originator_id = ?1 AND originator_version > ?2 AND originator_version <= ?3"
    " AND (?4 IS NULL OR topic IN (SELECT value FROM json_each(?4)))"
    " AND topic NOT IN (SELECT value FROM json_each(?5)) ORDER BY originator_version"
)
SELECT_LATEST = (
    "SELECT originator_version FROM events WHERE originator_id = ? AND originator_version <= ?"
    " AND topic IN (SELECT value FROM json_each(?)) ORDER BY originator_version DESC LIMIT 1"
)
SELECT_ALL = (
    "SELECT notification_id, originator_id, originator_version, topic, state FROM events"
    " WHERE notification_id > ? ORDER BY notification_id LIMIT ?"
)
SELECT_STREAMS = (
    "SELECT originator_id FROM events WHERE originator_version = 1 AND originator_id >= ?1 AND originator_id < ?2"
    " ORDER BY originator_id LIMIT ?3"
)
BEHIND_ALL_TEXTS = b""  # in SQLite any bytes come after any text
# Whatever somebody put there, it comes as the type it should have had.
SELECT_SNAPSHOT = (
    "SELECT CAST(version AS INTEGER) AS version, CAST(digest AS BLOB) AS digest, CAST(data AS BLOB) AS data"
    " FROM snapshots WHERE stream = ?"
)
PUT_SNAPSHOT = "INSERT OR REPLACE INTO snapshots (stream, version, digest, data) VALUES (?, ?, ?, ?)"


class SQLiteBackend:
    """Events and bodies in one file, made on first use."""

    begin = None

    def __init__(self, address: SQLiteAddress) -> None:
        self._shown = address.shown
        self._told = 0
        self._rings: list[Callable[[], None]] = []
        with self.clear_errors():
            _create_file(address.path)
            sqlite_schema.prepare(address.path, address.shown)
            self._writer = Writer(address.path)
            self._datastore = FileDatastore(address.path)
            self.recorder = SQLiteRecorder(self._datastore, self._writer)
            self._heartbeats = FileHeartbeats(address.path)
            self._watch = Watch(address.path, lambda: self._told, self._ring)

    def commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        """Write appends, each with its own outcome."""
        outcomes = self._writer.commit(appends)
        last = max((outcome[-1] for outcome in outcomes if not isinstance(outcome, Exception) and outcome), default=0)
        if last:
            self._told = last
            self.recorder.tell()
        return outcomes

    def read(self, stream: str, after: int, until: int, topics: Topics = ANY_TOPIC) -> Generator[Sequence[Row]]:
        """Events of a stream with after < version <= until, of these topics, in order and in pages."""
        with self._datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None
            if topics == ANY_TOPIC:
                cursor.execute(SELECT_EVENTS, (stream, after, until))
            else:
                only = None if topics.only is None else json.dumps(topics.only)
                cursor.execute(SELECT_TOPICS, (stream, after, until, only, json.dumps(topics.but)))
            while rows := cursor.sqlite_cursor.fetchmany(PAGE):
                yield rows

    def latest(self, stream: str, until: int, topics: Sequence[str]) -> int:
        """The version of the last event of a stream with version <= until and of these topics; 0 for none."""
        with self._datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None
            found = cursor.sqlite_cursor.execute(SELECT_LATEST, (stream, until, json.dumps(topics))).fetchone()
            return found[0] if found else 0

    def read_all(self, after: int, limit: int) -> Sequence[PlacedRow]:
        """Events with position > after, in order."""
        with self._datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None
            return cursor.sqlite_cursor.execute(SELECT_ALL, (after, limit)).fetchall()

    def select(self, topics: Sequence[str] | None, streams: Sequence[str] | None, after: int, limit: int) -> Selected:
        """Events after a position, of these topics and streams, and the position of the last one looked at."""
        with self._datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None
            return sqlite_selecting.select(cursor.sqlite_cursor, topics, streams, after, limit)

    def watch(self, ring: Callable[[], None]) -> None:
        """Call `ring` within 100 ms of what others append, and of what does not go through `commit`."""
        self._rings.append(ring)

    def _ring(self) -> None:
        self.recorder.tell()
        for ring in self._rings:
            ring()

    def streams(self, prefix: str, limit: int) -> Sequence[str]:
        """Names of streams that begin with `prefix`, by code point."""
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute(SELECT_STREAMS, (prefix, behind(prefix) or BEHIND_ALL_TEXTS, limit))
            return [row["originator_id"] for row in cursor.fetchall()]

    def put_blob(self, sha256: str, media_type: str, body: bytes) -> None:
        """Keep a body, unless it is kept already, in a transaction of its own."""
        with self._writer.transaction() as connection:
            sqlite_blobs.insert(connection, sha256, media_type, body)

    def get_blob(self, sha256: str) -> bytes | None:
        """The body, or None."""
        with self._datastore.transaction(commit=False) as cursor:
            return sqlite_blobs.select(cursor.sqlite_cursor.connection, sha256)

    def get_snapshot(self, stream: str) -> SnapshotRow | None:
        """The row of this stream, as it stands, or None."""
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute(SELECT_SNAPSHOT, (stream,))
            row = cursor.fetchone()
            return None if row is None else SnapshotRow(row["version"], row["digest"], row["data"])

    def put_snapshot(self, stream: str, row: SnapshotRow) -> None:
        """Keep a row in place of the stream's row, if there is one."""
        with self._writer.transaction() as connection:
            connection.execute(PUT_SNAPSHOT, (stream, row.version, row.digest, row.data))

    def beat(self, alive: Sequence[str], ended: Sequence[str]) -> None:
        """Note that these workers are there, and forget those. The file's clock is that of the machine."""
        self._heartbeats.beat(alive, ended)

    def silences(self, workers: Sequence[str]) -> Mapping[str, float]:
        """Seconds since each was heard of, at least 0; one never heard of counts from now."""
        return self._heartbeats.silences(workers)

    def take_hints(self, at_most: int) -> None:
        """Nobody tells: workers look for themselves."""

    @contextmanager
    def clear_errors(self) -> Generator[None]:
        """Turns SQLite's errors into StoreError with one line that says what to do."""
        with explained(self._shown):
            yield

    def close(self) -> None:
        """End every subscription and close every connection."""
        self._watch.close()
        self.recorder.stop()
        self._writer.close()
        self._heartbeats.close()
        self._datastore.close()


def migrate(address: SQLiteAddress) -> None:
    """Bring the file to this turnlog's schema. Raises StoreError."""
    with explained(address.shown):
        _create_file(address.path)
        with closing(sqlite_schema.connect(address.path)) as connection:
            sqlite_schema.migrate(connection, address.shown)
        sqlite_schema.prepare(address.path, address.shown)


def _create_file(path: Path) -> None:
    """Make the file for its owner only; SQLite gives its side files the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with suppress(FileExistsError):
        os.close(os.open(path, flags, mode=0o600))
