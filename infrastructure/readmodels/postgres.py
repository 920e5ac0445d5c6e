"""Read models in a schema of their own beside the log's: `turnlog` has `turnlog_read`.

Whoever fills them needs the rights on that schema, and on the log those of a writer role: to read it. Auditors are
given SELECT on the views, and keep it when other tables take the place of those they looked at.
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from threading import Lock
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from turnlog.domain import SchemaMissing, StoreError
from turnlog.projections import Kind, Phrase, Row, Table

from ..store import postgres_schema
from ..store.address import PostgresAddress
from ..store.postgres_connection import BoundedConnection
from .database import REGISTRY, BadData, Switched, Values, listed, quoted

_TYPES: Mapping[Kind, str] = {
    "text": 'text COLLATE "C"',
    "integer": "bigint",
    "decimal": "numeric",
    "boolean": "boolean",
    "time": "timestamptz",
    "json": "json",
    "words": "tsvector",
}
_ARRAYS: Mapping[Kind, str] = {
    "text": "text[]",
    "integer": "bigint[]",
    "decimal": "numeric[]",
    "boolean": "boolean[]",
    "time": "timestamptz[]",
    "json": "text[]",
    "words": "text[]",
}
_CAST: Mapping[Kind, str] = {"json": "::json", "words": "::tsvector"}
# Should the server lose power, rows and position are lost together and caught up again: no commit waits for the disk.
SETTINGS = SQL("SET search_path = {}; SET timezone = 'UTC'; SET synchronous_commit = off")
_BAD_DATA = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.NotSupportedError)
_OF_THE_SCHEMA = (errors.UndefinedTable, errors.InvalidSchemaName)


def _text(text: str) -> str:
    """Text as Postgres takes it: it has no place for NUL."""
    return text.replace("\0", "\ufffd")


def _words(words: str) -> str:
    """Words and their places, as the text form of a tsvector."""
    return " ".join(f"'{word}':{place}" for place, word in enumerate(words.split(), 1))


_WRITTEN: Mapping[Kind, Callable[[Any], Any]] = {
    "text": _text,
    "time": lambda moment: moment.astimezone(UTC),
    "json": lambda value: json.dumps(value, ensure_ascii=False),
    "words": _words,
}


class PostgresTransaction:
    """A transaction on one connection, whose search path is the schema of the read models."""

    for_update = " FOR UPDATE"

    def __init__(self, connection: BoundedConnection[TupleRow], schema: str) -> None:
        self._connection = connection
        self._schema = schema

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; the rows it gives."""
        cursor = self._connection.execute(statement.replace("?", "%s").encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def lock(self) -> None:
        """Let nobody else change the list of builds until the end."""
        self.run("SELECT pg_advisory_xact_lock(?, 1)", postgres_schema.lock_class(self._schema))

    def create(self, table: Table, physical: str) -> None:
        """Make a table and its indexes under a name."""
        columns = [f"{quoted(name)} {_TYPES[kind]}" for name, kind in table.columns.items()]
        self.run(f"CREATE TABLE {quoted(physical)} ({', '.join(columns)}, PRIMARY KEY ({listed(table.key)}))")
        for number, index in enumerate(table.indexes):
            self.run(f"CREATE INDEX {quoted(f'{physical}_i{number}')} ON {quoted(physical)} ({listed(index)})")
        if table.searched is not None:
            self.run(
                f"CREATE INDEX {quoted(f'{physical}_words')} ON {quoted(physical)} USING gin ({quoted(table.searched)})"
            )

    def drop(self, physical: str) -> None:
        """Remove a table with all that belongs to it."""
        self.run(f"DROP TABLE IF EXISTS {quoted(physical)}")

    def replace_view(self, name: str, table: Table, physical: str) -> None:
        """Let a view show a table, for whoever may read it so far."""
        readers = self.run(
            "SELECT DISTINCT grantee FROM information_schema.role_table_grants"
            " WHERE table_schema = ? AND table_name = ? AND privilege_type = 'SELECT' AND grantee <> grantor",
            self._schema,
            name,
        )
        self.drop_view(name)
        self.run(f"CREATE VIEW {quoted(name)} AS SELECT {listed(table.shown)} FROM {quoted(physical)}")
        for (reader,) in readers:
            role = SQL("PUBLIC") if reader == "PUBLIC" else Identifier(reader)
            self._connection.execute(SQL("GRANT SELECT ON {} TO {}").format(Identifier(name), role))

    def drop_view(self, name: str) -> None:
        """Remove a view, if it is there."""
        self.run(f"DROP VIEW IF EXISTS {quoted(name)}")

    def fetch(self, table: Table, physical: str, keys: Sequence[Values]) -> list[Row]:
        """The rows under these keys."""
        arrays = [[self.value(table.columns[name], key[place]) for key in keys] for place, name in enumerate(table.key)]
        given = ", ".join(f"?::{_ARRAYS[table.columns[name]]}" for name in table.key)
        tail = f"WHERE ({listed(table.key)}) IN (SELECT * FROM unnest({given}))"
        return self.select(table, physical, tail, arrays)

    def write(self, table: Table, physical: str, rows: Sequence[Row]) -> None:
        """Add rows, or replace those under the same keys."""
        kinds = table.columns
        arrays = [[self.value(kind, row.get(name)) for row in rows] for name, kind in kinds.items()]
        given = ", ".join(f"?::{_ARRAYS[kind]}" for kind in kinds.values())
        columns = ", ".join(f"{quoted(name)}{_CAST.get(kind, '')}" for name, kind in kinds.items())
        others = [name for name in kinds if name not in table.key]
        change = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in others)
        self.run(
            f"INSERT INTO {quoted(physical)} ({listed([*kinds])})"
            f" SELECT {columns} FROM unnest({given}) AS given ({listed([*kinds])})"
            f" ON CONFLICT ({listed(table.key)}) DO {f'UPDATE SET {change}' if change else 'NOTHING'}",
            *arrays,
        )

    def delete(self, table: Table, physical: str, keys: Sequence[Values]) -> None:
        """Remove the rows under these keys."""
        arrays = [[self.value(table.columns[name], key[place]) for key in keys] for place, name in enumerate(table.key)]
        given = ", ".join(f"?::{_ARRAYS[table.columns[name]]}" for name in table.key)
        self.run(
            f"DELETE FROM {quoted(physical)} WHERE ({listed(table.key)}) IN (SELECT * FROM unnest({given}))", *arrays
        )

    def select(self, table: Table, physical: str, tail: str, values: Values) -> list[Row]:
        """Rows of a table; `tail` is what comes behind its name."""
        found = self.run(f"SELECT {listed(table.readable)} FROM {quoted(physical)} {tail}", *values)
        return [dict(zip(table.readable, row, strict=True)) for row in found]

    def value(self, kind: Kind, value: Any) -> Any:
        """A value as it is given to the database for a column of a kind."""
        written = _WRITTEN.get(kind)
        return value if value is None or written is None else written(value)

    def contains(self, column: str) -> str:
        """The condition that a column of text contains a value."""
        return f"strpos({quoted(column)}, ?) > 0"

    def matches(self, table: Table, physical: str, phrases: Sequence[Phrase]) -> tuple[str, str]:
        """The condition that all phrases stand in the table's words, and its value."""
        return f"{quoted(table.searched or '')} @@ ?::tsquery", " & ".join(map(_query, phrases))


def _query(phrase: Phrase) -> str:
    *whole, last = [f"'{word}'" for word in phrase.words]
    return f"({' <-> '.join([*whole, f'{last}:*' if phrase.begins else last])})"


class PostgresDatabase:
    """One schema, reached by two connections: who reads does not wait for who writes."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self.shown = address.shown
        self.schema = f"{address.schema}_read"
        self._lines = {"write": Lock(), "read": Lock()}
        self._connections: dict[str, BoundedConnection[TupleRow]] = {}
        self._ready = False

    def is_there(self) -> bool:
        """Whether the schema is there and has read models."""
        if not self._ready:
            with self.reading() as transaction:
                # A catalogue, not to_regclass: that raises where the schema may not be used.
                self._ready = bool(
                    transaction.run(
                        "SELECT 1 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n"
                        " ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relname = 'projections'",
                        self.schema,
                    )
                )
        return self._ready

    def set_up(self) -> None:
        """Make the schema, unless somebody did, and the list of builds."""
        if self.is_there():
            return
        with self.writing() as transaction:
            transaction.lock()
            if not transaction.run("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ?", self.schema):
                transaction.run(f"CREATE SCHEMA {quoted(self.schema)}")
            transaction.run(REGISTRY.format(place=f"{quoted(self.schema)}."))
        self._ready = True

    @contextmanager
    def writing(self) -> Generator[PostgresTransaction]:
        """A transaction that is committed in the end."""
        with self._lines["write"], self._explained():
            try:
                with self._connection("write") as connection, connection.transaction():
                    yield PostgresTransaction(connection, self.schema)
            except _BAD_DATA as error:
                if isinstance(error, (*_OF_THE_SCHEMA, errors.InsufficientPrivilege)):
                    raise
                raise BadData(postgres_schema.first_line(error)) from error

    @contextmanager
    def reading(self) -> Generator[PostgresTransaction]:
        """A transaction that only reads."""
        with self._lines["read"], self._explained():
            try:
                with self._connection("read") as connection, connection.transaction():
                    yield PostgresTransaction(connection, self.schema)
            except errors.UndefinedTable as error:
                self._ready = False  # perhaps it is the schema that is gone
                raise Switched from error

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    @contextmanager
    def _connection(self, purpose: str) -> Generator[BoundedConnection[TupleRow]]:
        """The connection for reading or for writing; one that failed is not used again."""
        connection = self._connections.get(purpose)
        if connection is None or connection.closed:
            connection = BoundedConnection[TupleRow].connect(
                **postgres_schema.parameters(self._address), autocommit=True
            )
            connection.seconds = self._address.deadline
            self._connections[purpose] = connection
            connection.execute(SETTINGS.format(Identifier(self.schema)))
        try:
            yield connection
        except psycopg.OperationalError:
            connection.close()
            raise

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except errors.InsufficientPrivilege as error:
            raise StoreError(
                f"{self.shown} refused: {postgres_schema.first_line(error)}; whoever may make schemas gives the right"
                f" with: CREATE SCHEMA {self.schema} AUTHORIZATION role"
            ) from error
        except _OF_THE_SCHEMA as error:
            self._ready = False
            raise SchemaMissing(
                f"{self.shown} lost its read models meanwhile; run: turnlog projections build"
            ) from error
        except psycopg.Error as error:
            raise postgres_schema.explain(error, self._address) from error
