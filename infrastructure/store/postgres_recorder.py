"""`eventsourcing`'s interface to Postgres: inserts through the one writer, selects through a pool as far as is safe."""

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing.domain import EventSourcingError
from eventsourcing.persistence import ApplicationRecorder, IntegrityError, Notification, StoredEvent, Subscription
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier

from turnlog.domain import InvalidInput

from . import postgres_schema
from .address import PostgresAddress
from .batches import Append
from .postgres_connection import RECONNECT_SECONDS, BoundedConnection, Pool
from .postgres_subscription import WatchingSubscription
from .postgres_watch import Watch
from .postgres_writer import Writer
from .threads import THREADS

FOLLOW = SQL("""
SELECT notification_id, originator_id, originator_version, topic, state
FROM {schema}.follow(%b::bigint, %b::bigint, %s::text[], %b::bigint)
""")
MAX_POSITION = SQL("""
SELECT max(notification_id) FROM {schema}.events WHERE notification_id <= (SELECT {schema}.safe_position())
""")
IN_ORDER = "SET random_page_cost = 1.1"
"""The events of a stream lie about in the order in which they are read, which the server cannot know.

It would take the way by the index for a dear one, and sort the events, if need be on disk, before it gives the first.
"""

LAST = 2**63 - 1
DB_FUNCTIONS = "POSTGRES_ENABLE_DB_FUNCTIONS"
NO = {"", "n", "no", "f", "false", "off", "0"}


class Datastore(PostgresDatastore):
    """The stock pool with our connection settings; its errors say what to do.

    The stock recorder tries ten times whatever connection fails. Ours raises StoreError, which it
    leaves alone: an append whose answer was lost must not be sent again blindly.
    """

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        super().__init__(
            dbname="",
            host="",
            port="",
            user="",
            password="",
            connect_timeout=address.deadline / 2,
            idle_in_transaction_session_timeout=address.deadline,
            max_overflow=THREADS - 1,
            pre_ping=True,
            schema=address.schema,
            originator_id_type="text",
        )
        self.pool = Pool(
            connection_class=BoundedConnection[DictRow],
            kwargs={**postgres_schema.parameters(address), "row_factory": dict_row},
            min_size=1,
            max_size=THREADS,
            open=False,
            configure=self.after_connect_func(),
            check=Pool.check_connection,
            timeout=address.deadline / 2,
            reconnect_timeout=RECONNECT_SECONDS,
        )

    def after_connect_func(self) -> Callable[[Connection[Any]], None]:
        """What the pool does with a new connection."""
        stock, seconds = super().after_connect_func(), self._address.deadline

        def after_connect(connection: Connection[Any]) -> None:
            stock(connection)
            if isinstance(connection, BoundedConnection):
                connection.seconds = seconds
            connection.execute(IN_ORDER)

        return after_connect

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
    """The stock recorder's interface on our table: appends through the writer, reads no further than is safe."""

    def __init__(
        self, datastore: PostgresDatastore, writer: Writer, watch: Watch, events_table_name: str = "events"
    ) -> None:
        if datastore.enable_db_functions or os.environ.get(DB_FUNCTIONS, "").lower() not in NO:
            raise InvalidInput(f"{DB_FUNCTIONS} takes no lock, so readers would miss events; leave it out")
        super().__init__(datastore, events_table_name=events_table_name)
        names = {"schema": Identifier(datastore.schema)}
        self._writer = writer
        self._watch = watch
        self._follow = FOLLOW.format(**names)
        self.max_notification_id_statement = MAX_POSITION.format(**names)

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
        (outcome,) = self._writer.commit([Append(stored_events, expected or {})])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome or None

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events of all streams in order, as far as nothing can still appear among them."""
        lowest = 0 if start is None else start if inclusive_of_start else min(start, LAST - 1) + 1
        given = (lowest, LAST if stop is None else stop, list(topics) or None, limit)
        with self.datastore.get_connection() as connection:
            rows = connection.execute(self._follow, given, prepare=True, binary=True)
            return [
                Notification(
                    originator_id=row["originator_id"],
                    originator_version=row["originator_version"],
                    topic=row["topic"],
                    state=bytes(row["state"]),
                    id=row["notification_id"],
                )
                for row in rows
            ]

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Every event after a position, as it comes. Subscribers share the connection that listens."""
        return WatchingSubscription(self, self._watch, gt, topics)
