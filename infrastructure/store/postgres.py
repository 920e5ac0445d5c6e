"""A store in a schema of a Postgres database.

Order: every append takes one advisory lock before it is given a position and holds it until it
has committed. So positions become visible in their order, and a reader that goes on from the last
position it saw misses nothing. Unlike the stock table lock this needs no right but INSERT; only
honest writers take it, so it orders and does not protect (the triggers and the rights do).
"""

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing.domain import EventSourcingError
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier

from turnlog.domain import InvalidInput

from . import postgres_schema
from .address import PostgresAddress
from .backend import BUSY_SECONDS, check_versions, one_by_one
from .group import Append, Outcome
from .threads import THREADS

INSERT_EVENTS = SQL("""
INSERT INTO {schema}.{table} (originator_id, originator_version, topic, state)
SELECT id, version, topic, state
FROM unnest(%s::text[], %s::bigint[], %s::text[], %b::bytea[])
    WITH ORDINALITY AS given (id, version, topic, state, place)
ORDER BY place
RETURNING notification_id
""")
SELECT_HEADS = SQL("""
SELECT name, (
    SELECT max(originator_version) FROM {schema}.{table} WHERE originator_id = name
) AS head
FROM unnest(%s::text[]) AS name
""")
SELECT_STREAMS = SQL("""
SELECT originator_id FROM {schema}.events
WHERE originator_version = 1
    AND originator_id >= %(prefix)s AND starts_with(originator_id, %(prefix)s)
ORDER BY originator_id LIMIT %(limit)s
""")
INSERT_BLOB = SQL("""
INSERT INTO {schema}.blobs (sha256, media_type, size, body)
VALUES (%s, %s, %s, %b) ON CONFLICT DO NOTHING
""")
SELECT_BLOB = SQL("SELECT body FROM {schema}.blobs WHERE sha256 = %s")


class Datastore(PostgresDatastore):
    """The stock pool with our connection settings; its errors say what to do.

    The stock recorder tries ten times whatever connection fails. Ours raises StoreError, which it
    leaves alone: an append whose answer was lost must not be sent again blindly.
    """

    def __init__(self, address: PostgresAddress) -> None:
        super().__init__(
            dbname="",
            host="",
            port="",
            user="",
            password="",
            connect_timeout=BUSY_SECONDS / 2,
            idle_in_transaction_session_timeout=BUSY_SECONDS,
            max_overflow=THREADS - 1,
            pre_ping=True,
            schema=address.schema,
            originator_id_type="text",
        )
        self._address = address
        settings = postgres_schema.parameters(address)
        self.pool.kwargs = {**settings, "row_factory": dict_row}

    @contextmanager
    def get_connection(self) -> Generator[Connection[DictRow]]:
        with self.explained(), super().get_connection() as connection:
            yield connection

    @contextmanager
    def explained(self) -> Generator[None]:
        """Turns errors into StoreError, save IntegrityError, which means a conflict."""
        try:
            yield
        except IntegrityError:
            raise
        except (EventSourcingError, psycopg.Error) as error:
            cause = error.__cause__
            root = cause if isinstance(cause, psycopg.Error) else error
            raise postgres_schema.explain(root, self._address) from error

    def register_type_adapters(self) -> None:
        """None: events travel as arrays, not as the stock composite type."""


class PostgresRecorder(PostgresApplicationRecorder):
    """The stock recorder on our table, with an advisory lock in place of the table's."""

    def __init__(self, datastore: PostgresDatastore, events_table_name: str = "events") -> None:
        if datastore.enable_db_functions:
            raise InvalidInput("ENABLE_DB_FUNCTIONS takes no lock, so readers would miss events; leave it out")
        super().__init__(datastore, events_table_name=events_table_name)
        place = f"{datastore.schema}.{events_table_name}"
        names = {"schema": Identifier(datastore.schema), "table": Identifier(events_table_name)}
        self.channel_name = place[: self.MAX_IDENTIFIER_LEN]
        self.lock_table_statements = [SQL("SELECT pg_advisory_xact_lock({})").format(_key(place))]
        self.insert_events_statement = INSERT_EVENTS.format(**names)
        self.select_heads_statement = SELECT_HEADS.format(**names)

    def create_table(self) -> None:
        """Nothing: the schema is `postgres_schema`'s, and its owner's to make."""

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        expected: Mapping[str, int] | None = None,
        **_: Any,
    ) -> Sequence[int] | None:
        """Insert in one transaction, once. Raises VersionConflict, IntegrityError, StoreError."""
        with self.datastore.transaction(commit=True) as cursor:
            self._lock_table(cursor)
            check_versions(self._heads(cursor, expected or {}), expected or {})
            if not stored_events:
                return None
            self._insert_stored_events(cursor, stored_events)
            positions = [int(row["notification_id"]) for row in cursor.fetchall()]
            self._notify_channel(cursor)
        return positions

    def _insert_stored_events(self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **_: Any) -> None:
        columns = (
            [str(event.originator_id) for event in stored_events],
            [event.originator_version for event in stored_events],
            [event.topic for event in stored_events],
            [event.state for event in stored_events],
        )
        curs.execute(self.insert_events_statement, columns)

    def _heads(self, cursor: Cursor[DictRow], expected: Mapping[str, int]) -> dict[str, int]:
        if not expected:
            return {}
        cursor.execute(self.select_heads_statement, (list(expected),))
        return {row["name"]: row["head"] or 0 for row in cursor.fetchall()}


class PostgresBackend:
    """Events and bodies in one schema, made beforehand by `migrate`."""

    def __init__(self, address: PostgresAddress) -> None:
        postgres_schema.check(address)
        self._datastore = Datastore(address)
        self.recorder = PostgresRecorder(self._datastore)
        names = {"schema": Identifier(address.schema)}
        self._select_streams = SELECT_STREAMS.format(**names)
        self._insert_blob = INSERT_BLOB.format(**names)
        self._select_blob = SELECT_BLOB.format(**names)

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
        with self._datastore.get_connection() as connection:
            rows = connection.execute(self._select_streams, {"prefix": prefix, "limit": limit})
            return [row["originator_id"] for row in rows]

    def put_blob(self, sha256: str, media_type: str, body: bytes) -> None:
        """Keep a body, unless it is kept already, in a transaction of its own."""
        with self._datastore.get_connection() as connection:
            connection.execute(self._insert_blob, (sha256, media_type, len(body), body))

    def get_blob(self, sha256: str) -> bytes | None:
        """The body, or None."""
        with self._datastore.get_connection() as connection:
            row = connection.execute(self._select_blob, (sha256,)).fetchone()
            return None if row is None else bytes(row["body"])

    @contextmanager
    def clear_errors(self) -> Generator[None]:
        """Turns Postgres's errors into StoreError with one line that says what to do."""
        with self._datastore.explained():
            yield

    def close(self) -> None:
        """Close every connection."""
        self._datastore.close()


def _key(place: str) -> int:
    """The advisory lock of one log in one database: a signed 64-bit number."""
    return int.from_bytes(hashlib.sha256(f"turnlog:{place}".encode()).digest()[:8], signed=True)
