"""`eventsourcing`'s interface to an SQLite file: inserts through the one writer, selects through a pool of readers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from eventsourcing.persistence import ListenNotifySubscription, Notification, StoredEvent, Subscription
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteDatastore,
)

from . import sqlite_schema
from .backend import BUSY_SECONDS
from .batches import Append
from .sqlite_errors import as_the_library_says
from .sqlite_writer import Writer
from .threads import THREADS

SELECT_EVENTS = "SELECT originator_id, originator_version, topic, state FROM events WHERE originator_id = ? "
SELECT_NOTIFICATIONS = (
    "SELECT notification_id, originator_id, originator_version, topic, state FROM events WHERE notification_id >= ?"
)


class FilePool(SQLiteConnectionPool):
    """Connections with our settings."""

    def _create_connection(self) -> SQLiteConnection:
        return SQLiteConnection(sqlite_schema.connect(Path(self.db_name)), max_age=None)

    @staticmethod
    def detect_memory_mode(db_name: str) -> bool:
        """A name is a name, whatever it looks like."""
        return False


class FileDatastore(SQLiteDatastore):
    """The readers of one file."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), originator_id_type="text")
        self.pool = FilePool(db_name=str(path), pool_size=THREADS, max_overflow=0, pool_timeout=2 * BUSY_SECONDS)


class SQLiteRecorder(SQLiteApplicationRecorder):
    """The stock recorder on our table."""

    def __init__(self, datastore: SQLiteDatastore, writer: Writer) -> None:
        super().__init__(datastore, "events")
        self.select_events_statement = SELECT_EVENTS
        self._writer = writer
        self._lock = Lock()
        self._subscriptions = set[SQLiteSubscription]()

    def construct_create_table_statements(self) -> list[str]:
        """None: the schema is `sqlite_schema`'s."""
        return []

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        expected: Mapping[str, int] | None = None,
        **_: Any,
    ) -> Sequence[int]:
        """Insert events in one transaction; their positions. `expected` is the version each stream must be at."""
        with as_the_library_says():
            (outcome,) = self._writer.commit([Append(stored_events, expected or {})])
        if isinstance(outcome, Exception):
            raise outcome
        self.tell()
        return outcome

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
        params: list[int | str] = [(start or 0) if inclusive_of_start else (start or 0) + 1]
        query = SELECT_NOTIFICATIONS
        if stop is not None:
            query += " AND notification_id <= ?"
            params.append(stop)
        if topics:
            query += f" AND topic IN ({','.join('?' * len(topics))})"
            params.extend(topics)
        with self.datastore.transaction(commit=False) as c:
            c.execute(f"{query} ORDER BY notification_id LIMIT ?", (*params, limit))
            return [
                Notification(id=position, originator_id=stream, originator_version=version, topic=topic, state=state)
                for position, stream, version, topic, state in c.fetchall()
            ]

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription["SQLiteRecorder"]:
        """All events after a position, in order, each once, and then those to come, until it is stopped."""
        return SQLiteSubscription(self, gt, topics)

    def join(self, subscription: "SQLiteSubscription") -> None:
        """Wake this subscription from now on."""
        with self._lock:
            self._subscriptions.add(subscription)

    def leave(self, subscription: "SQLiteSubscription") -> None:
        """Wake this subscription no more."""
        with self._lock:
            self._subscriptions.discard(subscription)

    def tell(self) -> None:
        """Wake whoever follows: something was appended."""
        for subscription in self._following():
            subscription.wake()

    def stop(self) -> None:
        """End every subscription; none reads any more then, so connections may be closed."""
        following = self._following()
        for subscription in following:
            subscription.stop()
        for subscription in following:
            subscription.wait()

    def _following(self) -> "tuple[SQLiteSubscription, ...]":
        with self._lock:
            return tuple(self._subscriptions)


class SQLiteSubscription(ListenNotifySubscription[SQLiteRecorder]):
    """Follows the log in a thread of its own, a few thousand events ahead of its reader at most."""

    def __init__(self, recorder: SQLiteRecorder, gt: int | None = None, topics: Sequence[str] = ()) -> None:
        super().__init__(recorder, gt, topics)
        recorder.join(self)
        if not self._pull_thread.is_alive():
            recorder.leave(self)
        self.wake()  # the thread runs already, and may have looked before an append that nobody told it of

    def wake(self) -> None:
        """There may be more to read."""
        self._has_been_notified.set()

    def wait(self) -> None:
        """Return once its thread has ended. SQLite crashes where a connection is closed that somebody reads from."""
        self._pull_thread.join()

    def _loop_on_pull(self) -> None:
        try:
            super()._loop_on_pull()
        finally:
            self._recorder.leave(self)
