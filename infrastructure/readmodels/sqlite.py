"""Read models in an SQLite file beside the log's: `turnlog.db` has `turnlog.readmodels.db`.

The log's file is never written to, so neither a rebuild nor somebody's long query holds up an append. Commits are not
synced one by one: a power cut may take the latest with it, tables and position alike, and they are caught up again.
"""

import json
import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any, Final

from turnlog.domain import SchemaNewer, StoreError
from turnlog.projections import Kind, Phrase, Row, Table

from ..store.sqlite_errors import explained
from ..store.sqlite_schema import connect, use_wal
from .database import FORMAT, REGISTRY, BadData, Values, listed, quoted

APPLICATION_ID: Final = 0x7475726D
"""`turm` in ASCII: tells read models from a log, which has `turn`."""

MEMORY: Final = ":memory:"
_TYPES: Mapping[Kind, str] = {
    "text": "TEXT",
    "integer": "INTEGER",
    "decimal": "TEXT",
    "boolean": "INTEGER",
    "time": "TEXT",
    "json": "TEXT",
    "words": "TEXT",
}
_BAD_DATA = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError, OverflowError)


def _time(moment: datetime) -> str:
    """Of one length, so that the order of texts is that of times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_WRITTEN: Mapping[Kind, Callable[[Any], Any]] = {
    "decimal": str,
    "boolean": int,
    "time": _time,
    "json": lambda value: json.dumps(value, ensure_ascii=False),
}
_READ: Mapping[Kind, Callable[[Any], Any]] = {
    "decimal": Decimal,
    "boolean": bool,
    "time": datetime.fromisoformat,
    "json": json.loads,
}


class SQLiteTransaction:
    """A transaction on one connection."""

    for_update = ""  # whoever writes has the file to itself

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; the rows it gives."""
        return self._connection.execute(statement, values).fetchall()

    def lock(self) -> None:
        """Whoever writes has the file to itself."""

    def create(self, table: Table, physical: str) -> None:
        """Make a table and its indexes under a name."""
        columns = [f"{quoted(name)} {_TYPES[kind]}" for name, kind in table.columns.items()]
        # A row has a number of its own, which VACUUM leaves as it is, to be found by.
        self.run(
            f"CREATE TABLE {quoted(physical)} (_number INTEGER PRIMARY KEY, {', '.join(columns)},"
            f" UNIQUE ({listed(table.key)}))"
        )
        for number, index in enumerate(table.indexes):
            self.run(f"CREATE INDEX {quoted(f'{physical}_i{number}')} ON {quoted(physical)} ({listed(index)})")
        if table.searched is not None:
            self._create_index_of_words(quoted(table.searched), physical)

    def _create_index_of_words(self, column: str, physical: str) -> None:
        words, rows = quoted(f"{physical}_words"), quoted(physical)
        add = f"INSERT INTO {words} (rowid, {column}) VALUES (new._number, new.{column});"
        remove = f"INSERT INTO {words} ({words}, rowid, {column}) VALUES ('delete', old._number, old.{column});"
        # The words are cut and folded already: they are told apart by spaces and compared as they are.
        self.run(
            f"CREATE VIRTUAL TABLE {words} USING fts5({column}, content='{physical}', content_rowid='_number',"
            f" tokenize='ascii')"
        )
        for event, what in (("INSERT", add), ("DELETE", remove), ("UPDATE", remove + add)):
            self.run(f"CREATE TRIGGER {quoted(f'{physical}_{event.lower()}')} AFTER {event} ON {rows} BEGIN {what} END")

    def drop(self, physical: str) -> None:
        """Remove a table with all that belongs to it."""
        self.run(f"DROP TABLE IF EXISTS {quoted(f'{physical}_words')}")
        self.run(f"DROP TABLE IF EXISTS {quoted(physical)}")

    def replace_view(self, name: str, table: Table, physical: str) -> None:
        """Let a view show a table."""
        self.drop_view(name)
        self.run(f"CREATE VIEW {quoted(name)} AS SELECT {listed(table.shown)} FROM {quoted(physical)}")

    def drop_view(self, name: str) -> None:
        """Remove a view, if it is there."""
        self.run(f"DROP VIEW IF EXISTS {quoted(name)}")

    def fetch(self, table: Table, physical: str, keys: Sequence[Values]) -> list[Row]:
        """The rows under these keys."""
        wanted = json.dumps([self._key(table, key) for key in keys])
        parts = " AND ".join(
            f"t.{quoted(name)} = json_extract(wanted.value, '$[{place}]')" for place, name in enumerate(table.key)
        )
        columns = ", ".join(f"t.{quoted(name)}" for name in table.readable)
        statement = f"SELECT {columns} FROM json_each(?) AS wanted CROSS JOIN {quoted(physical)} AS t ON {parts}"
        return [_row(table, found) for found in self.run(statement, wanted)]

    def write(self, table: Table, physical: str, rows: Sequence[Row]) -> None:
        """Add rows, or replace those under the same keys."""
        others = [name for name in table.columns if name not in table.key]
        change = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in others)
        statement = (
            f"INSERT INTO {quoted(physical)} ({listed([*table.columns])})"
            f" VALUES ({', '.join('?' * len(table.columns))})"
            f" ON CONFLICT ({listed(table.key)}) DO {f'UPDATE SET {change}' if change else 'NOTHING'}"
        )
        values = ([self.value(kind, row.get(name)) for name, kind in table.columns.items()] for row in rows)
        self._connection.executemany(statement, values)

    def delete(self, table: Table, physical: str, keys: Sequence[Values]) -> None:
        """Remove the rows under these keys."""
        parts = " AND ".join(f"{quoted(name)} = ?" for name in table.key)
        self._connection.executemany(
            f"DELETE FROM {quoted(physical)} WHERE {parts}", [self._key(table, key) for key in keys]
        )

    def select(self, table: Table, physical: str, tail: str, values: Values) -> list[Row]:
        """Rows of a table; `tail` is what comes behind its name."""
        statement = f"SELECT {listed(table.readable)} FROM {quoted(physical)} {tail}"
        return [_row(table, found) for found in self.run(statement, *values)]

    def value(self, kind: Kind, value: Any) -> Any:
        """A value as it is stored in a column of a kind."""
        written = _WRITTEN.get(kind)
        return value if value is None or written is None else written(value)

    def contains(self, column: str) -> str:
        """The condition that a column of text contains a value."""
        return f"instr({quoted(column)}, ?) > 0"

    def matches(self, table: Table, physical: str, phrases: Sequence[Phrase]) -> tuple[str, str]:
        """The condition that all phrases stand in the table's words, and its value."""
        words = quoted(f"{physical}_words")
        query = " AND ".join(f'"{" ".join(each.words)}"{" *" if each.begins else ""}' for each in phrases)
        return f"_number IN (SELECT rowid FROM {words} WHERE {words} MATCH ?)", query

    def _key(self, table: Table, key: Values) -> list[Any]:
        return [self.value(table.columns[name], part) for name, part in zip(table.key, key, strict=True)]


def _row(table: Table, found: Values) -> Row:
    row: Row = dict(zip(table.readable, found, strict=True))
    for name in table.readable:
        read = _READ.get(table.columns[name])
        if read is not None and row[name] is not None:
            row[name] = read(row[name])
    return row


class SQLiteDatabase:
    """One file, opened when it is first needed; or memory, for a log that lives there."""

    def __init__(self, path: Path | None, shown: str) -> None:
        self._path = path
        self.shown = shown
        line = Lock()
        self._lines = {"write": line, "read": Lock() if path else line}
        self._connections: dict[str, sqlite3.Connection] = {}
        self._ready = False

    def is_there(self) -> bool:
        """Whether the file is there and has read models."""
        if self._ready or self._path is None or not self._path.exists():
            return self._ready
        with explained(self.shown), self._lines["write"]:
            self._ready = self._check(self._connection("write"))
        return self._ready

    def set_up(self) -> None:
        """Make the file, for its owner only, and the list of builds."""
        if self.is_there():
            return
        with explained(self.shown), self._lines["write"]:
            if self._path is not None:
                self._path.touch(mode=0o600)
            connection = self._connection("write")
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not self._check(connection):
                    connection.execute(REGISTRY.format(place=""))
                    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    connection.execute(f"PRAGMA user_version = {FORMAT}")
                connection.execute("COMMIT")
            finally:
                _roll_back(connection)
            use_wal(connection)
            self._ready = True

    def _check(self, connection: sqlite3.Connection) -> bool:
        """Whether the list of builds is there. Raises SchemaNewer, StoreError."""
        mark: int = connection.execute("PRAGMA application_id").fetchone()[0]
        form: int = connection.execute("PRAGMA user_version").fetchone()[0]
        empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if empty:
            return False
        if mark != APPLICATION_ID:
            raise StoreError(f"{self.shown} holds something other than read models; move it away")
        if form > FORMAT:
            raise SchemaNewer(f"{self.shown} was made by a newer turnlog; upgrade turnlog, or delete the file")
        return True

    @contextmanager
    def writing(self) -> Generator[SQLiteTransaction]:
        """A transaction that has the file to itself."""
        with explained(self.shown), self._lines["write"]:
            connection = self._connection("write")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield SQLiteTransaction(connection)
                connection.execute("COMMIT")
            except _BAD_DATA as error:
                _roll_back(connection)
                raise BadData(str(error)) from error
            except BaseException:
                _roll_back(connection)
                raise

    @contextmanager
    def reading(self) -> Generator[SQLiteTransaction]:
        """A transaction that sees one moment."""
        with explained(self.shown), self._lines["read"]:
            connection = self._connection("read")
            connection.execute("BEGIN")
            try:
                yield SQLiteTransaction(connection)
            finally:
                _roll_back(connection)

    def close(self) -> None:
        """Close every connection."""
        for connection in set(self._connections.values()):
            connection.close()
        self._connections.clear()

    def _connection(self, purpose: str) -> sqlite3.Connection:
        """The connection for reading or for writing; of memory there is one."""
        purpose = purpose if self._path else "both"
        if purpose not in self._connections:
            connection = connect(self._path or Path(MEMORY))
            connection.row_factory = None
            connection.execute("PRAGMA synchronous = NORMAL")
            self._connections[purpose] = connection
        return self._connections[purpose]


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
