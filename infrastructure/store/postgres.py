"""A store in a schema of a Postgres database.

Order without a lock that appends would queue for. A reader goes on from the last position it saw, so no event may
become visible at a position below one that was already read. Positions come from a sequence, and transactions commit
in any order, or never. Therefore:

- An appending transaction takes a shared advisory lock, keyed by the last value of the sequence, *before* it draws a
  position, and holds it until it is over. The key is a floor: every position it draws is greater.
- A reader (1) reads the sequence's last value, (2) reads the lowest floor in the lock table, (3) takes a new snapshot
  and reads the events up to the lower of the two, and none above.

Take any position p that is not above the result. It was drawn before (1), for it is at most the last value; so its
transaction took its floor, which is below p, before (1) as well. At (2) that lock is not held, or the result would be
below p. It is released only after the transaction ended and its rows became visible to every later snapshot. So at
(3) the event at p is visible, or its transaction was rolled back and there will never be one. Hence whatever is at
or below the result is final, and what comes later comes above.

This takes a sequence with CACHE 1 (or a session would draw positions from a cache filled before its floor), one way
to append (`append`, the only one a writer role may use), and READ COMMITTED for readers (`safe_position` checks it).
A transaction that dawdles holds readers back at its floor; it holds no appender back.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import islice

from psycopg import Cursor, capabilities
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from . import postgres_schema
from .address import PostgresAddress
from .backend import ANY_TOPIC, PAGE, PlacedRow, Row, Selected, SnapshotRow, Topics
from .batches import Append, Outcome
from .postgres_recorder import FOLLOW, LAST, Datastore, PostgresRecorder
from .postgres_selecting import Selecting
from .postgres_watch import Watch
from .postgres_writer import Writer
from .prefixes import behind

SELECT_EVENTS = SQL("""
SELECT originator_version, topic, state FROM {schema}.events
WHERE originator_id = %s AND originator_version > %b::bigint AND originator_version <= %b::bigint
ORDER BY originator_version LIMIT %b::bigint
""")
SELECT_TOPICS = SQL("""
SELECT originator_version, topic, state FROM {schema}.events
WHERE originator_id = %s AND originator_version > %b::bigint AND originator_version <= %b::bigint
    AND (%s::text[] IS NULL OR topic = ANY (%s::text[])) AND topic <> ALL (%s::text[])
ORDER BY originator_version LIMIT %b::bigint
""")
SELECT_LATEST = SQL("""
SELECT originator_version FROM {schema}.events
WHERE originator_id = %s AND originator_version <= %b::bigint AND topic = ANY (%s::text[])
ORDER BY originator_version DESC LIMIT 1
""")
AT_ONCE = 10_000
"""Events one statement reads: they are decoded in a tenth of a second, far from any deadline."""

CHUNK = PAGE if capabilities.has_stream_chunked() else 1
"""Rows the server sends at a time; libpq before 17 can only take all or one."""

SELECT_BLOB = SQL("SELECT body FROM {schema}.blobs WHERE sha256 = %s")
SELECT_STREAMS = SQL("""
SELECT originator_id FROM {schema}.events
WHERE originator_version = 1
    AND originator_id >= %(prefix)s AND (%(behind)s::text IS NULL OR originator_id < %(behind)s)
ORDER BY originator_id LIMIT %(limit)s
""")
INSERT_BLOB = SQL("""
INSERT INTO {schema}.blobs (sha256, media_type, size, body)
VALUES (%s, %s, %s, %b) ON CONFLICT DO NOTHING
""")
SELECT_SNAPSHOT = SQL("SELECT version, digest, data FROM {schema}.snapshots WHERE stream = %s")
PUT_SNAPSHOT = SQL("""
INSERT INTO {schema}.snapshots (stream, version, digest, data) VALUES (%s, %s, %b, %b)
ON CONFLICT (stream) DO UPDATE SET (version, digest, data) = (excluded.version, excluded.digest, excluded.data)
""")

BEAT = SQL("SELECT {schema}.beat(%s::text[], %s::text[]) AS now")
SILENCES = SQL("SELECT worker, seconds FROM {schema}.silences(%s::text[])")
TAKE_HINTS = SQL("SELECT {schema}.take_hints(%b::bigint) AS sessions")


class PostgresBackend:
    """Events and bodies in one schema, made beforehand by `migrate`."""

    def __init__(self, address: PostgresAddress) -> None:
        postgres_schema.check(address)
        self._datastore = Datastore(address)
        self._watch = Watch(address)
        self._writer = Writer(address, self._watch.committed)
        self.begin = self._writer.begin
        self.recorder = PostgresRecorder(self._datastore, self._writer, self._watch)
        names = {"schema": Identifier(address.schema)}
        self._follow = FOLLOW.format(**names)
        self._select_events = SELECT_EVENTS.format(**names)
        self._select_topics = SELECT_TOPICS.format(**names)
        self._select_latest = SELECT_LATEST.format(**names)
        self._selecting = Selecting(address.schema)
        self._select_streams = SELECT_STREAMS.format(**names)
        self._insert_blob = INSERT_BLOB.format(**names)
        self._select_blob = SELECT_BLOB.format(**names)
        self._select_snapshot = SELECT_SNAPSHOT.format(**names)
        self._put_snapshot = PUT_SNAPSHOT.format(**names)
        self._beat = BEAT.format(**names)
        self._silences = SILENCES.format(**names)
        self._take_hints = TAKE_HINTS.format(**names)

    def commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        """Write appends in one transaction, each with its own outcome, within the deadline."""
        return self._writer.commit(appends)

    def read(self, stream: str, after: int, until: int, topics: Topics = ANY_TOPIC) -> Generator[Sequence[Row]]:
        """Events of a stream with after < version <= until, of these topics, in order and in pages.

        The server sends the next pages while one is decoded. It may have to wait for us, and its deadline does not.
        """
        with self._datastore.get_connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            given = AT_ONCE
            while given == AT_ONCE:
                given = 0
                # Whoever stops early leaves a connection that can be used again.
                with closing(self._rows(cursor, stream, after, until, topics)) as rows:
                    while page := list(islice(rows, PAGE)):
                        yield page
                        given += len(page)
                        after = page[-1][0]

    def _rows(self, cursor: Cursor[Row], stream: str, after: int, until: int, topics: Topics) -> Generator[Row]:
        if topics == ANY_TOPIC:
            yield from cursor.stream(self._select_events, (stream, after, until, AT_ONCE), binary=True, size=CHUNK)
        else:
            only = None if topics.only is None else list(topics.only)
            wanted = (stream, after, until, only, only, list(topics.but), AT_ONCE)
            yield from cursor.stream(self._select_topics, wanted, binary=True, size=CHUNK)

    def latest(self, stream: str, until: int, topics: Sequence[str]) -> int:
        """The version of the last event of a stream with version <= until and of these topics; 0 for none."""
        with self._datastore.get_connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            found = cursor.execute(self._select_latest, (stream, until, list(topics)), prepare=True).fetchone()
            return found[0] if found else 0

    def read_all(self, after: int, limit: int) -> Sequence[PlacedRow]:
        """Events with position > after, in order, no further than nothing can still appear."""
        wanted = (min(after, LAST - 1) + 1, LAST, None, limit)
        with self._datastore.get_connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(self._follow, wanted, prepare=True, binary=True).fetchall()

    def select(self, topics: Sequence[str] | None, streams: Sequence[str] | None, after: int, limit: int) -> Selected:
        """Events after a position, of these topics and streams, and the position of the last one looked at."""
        with self._datastore.get_connection() as connection:
            return self._selecting.select(connection, topics, streams, after, limit)

    def watch(self, ring: Callable[[], None]) -> None:
        """Call `ring` soon after anybody appended, until closed."""
        self._watch.add(ring)

    def streams(self, prefix: str, limit: int) -> Sequence[str]:
        """Names of streams that begin with `prefix`, by code point."""
        with self._datastore.get_connection() as connection:
            rows = connection.execute(
                self._select_streams, {"prefix": prefix, "behind": behind(prefix), "limit": limit}
            )
            return [row["originator_id"] for row in rows]

    def put_blob(self, sha256: str, media_type: str, body: bytes) -> None:
        """Keep a body, unless it is kept already, in a transaction of its own."""
        with self._datastore.get_connection() as connection:
            connection.execute(self._insert_blob, (sha256, media_type, len(body), body))

    def get_blob(self, sha256: str) -> bytes | None:
        """The body, or None."""
        with self._datastore.get_connection() as connection:
            # In text, every byte would come as two characters.
            row = connection.execute(self._select_blob, (sha256,), binary=True).fetchone()
            return None if row is None else bytes(row["body"])

    def get_snapshot(self, stream: str) -> SnapshotRow | None:
        """The row of this stream, as it stands, or None."""
        with self._datastore.get_connection() as connection:
            row = connection.execute(self._select_snapshot, (stream,)).fetchone()
            return None if row is None else SnapshotRow(row["version"], bytes(row["digest"]), bytes(row["data"]))

    def put_snapshot(self, stream: str, row: SnapshotRow) -> None:
        """Keep a row in place of the stream's row, if there is one."""
        with self._datastore.get_connection() as connection:
            connection.execute(self._put_snapshot, (stream, row.version, row.digest, row.data))

    def beat(self, alive: Sequence[str], ended: Sequence[str]) -> datetime | None:
        """Note that these workers are there, and forget those; the server's time."""
        with self._datastore.get_connection() as connection:
            row = connection.execute(self._beat, (list(alive), list(ended))).fetchone()
            return None if row is None else row["now"]

    def silences(self, workers: Sequence[str]) -> Mapping[str, float]:
        """Seconds since each was heard of, at least 0; one never heard of counts from now."""
        with self._datastore.get_connection() as connection:
            rows = connection.execute(self._silences, (list(workers),))
            return {row["worker"]: row["seconds"] for row in rows}

    def take_hints(self, at_most: int) -> Sequence[str] | None:
        """At most so many sessions that may be ready, each told to one taker only; None where there are no hints."""
        with self._datastore.get_connection() as connection:
            row = connection.execute(self._take_hints, (at_most,)).fetchone()
            return None if row is None else row["sessions"]

    @contextmanager
    def clear_errors(self) -> Generator[None]:
        """Turns Postgres's errors into StoreError with one line that says what to do."""
        with self._datastore.explained():
            yield

    def close(self) -> None:
        """Close every connection."""
        self._writer.close()
        self._watch.close()
        self._datastore.close()
