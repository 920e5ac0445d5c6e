"""The one connection of this process that writes to an SQLite file.

`BEGIN IMMEDIATE` takes the file's write lock before anything is looked at, so the versions and chain values that are
read still hold when the rows are written, and positions are given in the order of commits. Whatever goes wrong rolls
all of a transaction back.
"""

import json
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from eventsourcing.persistence import IntegrityError, OperationalError, StoredEvent

from turnlog.domain import VersionConflict

from . import sqlite_schema
from .backend import BUSY_SECONDS, check_versions
from .batches import Append, Outcome
from .chain import GENESIS, leaf, link
from .sqlite_errors import name_of

LINE_SECONDS = 2 * BUSY_SECONDS
"""How long a thread may wait for the other threads of this process that write."""

Head = tuple[int, bytes]
"""Version and chain value of a stream's last event."""

Row = tuple[str, int, str, bytes, bytes]

EMPTY: Head = (0, GENESIS)
INSERT = "INSERT INTO events (originator_id, originator_version, topic, state, chain) VALUES (?, ?, ?, ?, ?)"
SELECT_HEAD = (
    "SELECT originator_version, chain FROM events WHERE originator_id = ?1 ORDER BY originator_version DESC LIMIT 1"
)
# One row however many streams: the fewer steps, the fewer turns the writing thread waits for the interpreter's lock.
SELECT_HEADS = """
SELECT json_group_array(json_array(events.originator_id, events.originator_version, hex(events.chain)))
FROM json_each(?1) AS asked JOIN events ON events.originator_id = asked.value
AND events.originator_version = (SELECT max(originator_version) FROM events WHERE originator_id = asked.value)
"""
SELECT_BEFORE = (
    "SELECT chain FROM events WHERE originator_id = ? AND originator_version < ?"
    " ORDER BY originator_version DESC LIMIT 1"
)
UNKNOWN_DISK = {"SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC"}
"""After these nobody knows what the disk holds, and trying again would not tell."""


class Writer:
    """Writes appends and whatever else belongs in the file, one transaction at a time, from any thread."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite_schema.connect(path)
        self._line = Lock()
        self._broken = False

    def close(self) -> None:
        """Close the connection once nobody writes."""
        with self._line:
            self._connection.close()

    def commit(self, appends: Sequence[Append]) -> list[Outcome]:
        """Write appends in one transaction, each with its own outcome; whatever it raises, nothing was written."""
        with self.transaction() as connection:
            plan = _Plan(_heads(connection, appends))
            planned = [plan.add(append) for append in appends]
            first = _insert(connection, plan.rows)
        return [self._outcome(append, first, rows) for append, rows in zip(appends, planned, strict=True)]

    def _outcome(self, append: Append, first: int, rows: range | VersionConflict | None) -> Outcome:
        if isinstance(rows, range):
            return list(range(first + rows.start, first + rows.stop))
        return rows or self._insert_apart(append)

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """The connection with the file's write lock taken; commits in the end."""
        if not self._line.acquire(timeout=LINE_SECONDS):
            raise OperationalError(f"other threads wrote for {LINE_SECONDS} seconds; try again")
        try:
            if self._broken:
                raise OperationalError("did not reach the disk before; check the disk, and open the store again")
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back(error)
            raise
        finally:
            self._line.release()

    def _roll_back(self, error: BaseException) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._broken = True
        if isinstance(error, sqlite3.Error) and name_of(error) in UNKNOWN_DISK:
            self._broken = True

    def _insert_apart(self, append: Append) -> Outcome:
        """Insert events that are not next in their stream, as only others than our log do, in a transaction apart."""
        try:
            with self.transaction() as connection:
                heads = _heads(connection, [append])
                check_versions({name: version for name, (version, _) in heads.items()}, append.expected)
                return [_insert(connection, [_row_after_smaller(connection, event)]) for event in append.events]
        except sqlite3.IntegrityError as error:
            return IntegrityError(error)
        except VersionConflict as error:
            return error


class _Plan:
    """The rows of a batch, as they follow the heads read."""

    def __init__(self, heads: dict[str, Head]) -> None:
        self._heads = heads
        self.rows: list[Row] = []

    def add(self, append: Append) -> range | VersionConflict | None:
        """Which rows are the append's; why it is refused; or None when its events are not next in their streams."""
        for stream, version in append.expected.items():
            if self._heads.get(stream, EMPTY)[0] != version:
                return VersionConflict(stream, version)
        reached: dict[str, Head] = {}
        rows: list[Row] = []
        for event in append.events:
            stream = str(event.originator_id)
            version, before = reached.get(stream) or self._heads.get(stream, EMPTY)
            if event.originator_version <= version:
                return None
            row = _row(event, before)
            reached[stream] = (event.originator_version, row[-1])
            rows.append(row)
        self._heads |= reached
        self.rows += rows
        return range(len(self.rows) - len(rows), len(self.rows))


def _heads(connection: sqlite3.Connection, appends: Sequence[Append]) -> dict[str, Head]:
    """Where the streams of the appends are; those without events are left out."""
    streams = set[str]().union(*(append.streams() for append in appends))
    if len(streams) == 1:
        (stream,) = streams
        head: tuple[int, bytes] | None = connection.execute(SELECT_HEAD, (stream,)).fetchone()
        return {} if head is None else {stream: head}
    found: str = connection.execute(SELECT_HEADS, (json.dumps(list(streams)),)).fetchone()[0]
    heads: list[tuple[str, int, str]] = json.loads(found)
    return {stream: (version, bytes.fromhex(chain)) for stream, version, chain in heads}


def _row(event: StoredEvent, before: bytes) -> Row:
    stream, version = str(event.originator_id), event.originator_version
    chain = link(before, leaf(stream, version, event.topic, event.state))
    return stream, version, event.topic, event.state, chain


def _row_after_smaller(connection: sqlite3.Connection, event: StoredEvent) -> Row:
    """The row of an event of any version: its chain goes on from the greatest smaller one."""
    place = (str(event.originator_id), event.originator_version)
    before: tuple[bytes] | None = connection.execute(SELECT_BEFORE, place).fetchone()
    return _row(event, before[0] if before else GENESIS)


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
    """Insert rows; the position of the first. Those of the others follow, as nobody else writes meanwhile."""
    if len(rows) == 1:
        return connection.execute(INSERT, rows[0]).lastrowid or 0
    connection.executemany(INSERT, rows)
    last: int = connection.execute("SELECT last_insert_rowid()").fetchone()[0]
    return last - len(rows) + 1
