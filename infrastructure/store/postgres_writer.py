"""The connection that appends: one statement a transaction, and an answer even where the connection lost it.

A statement whose answer was lost is neither repeated blindly nor called a failure. The writer connects again, makes
sure that the server process which had the statement is gone, and reads the versions back: the same bytes are there,
and the append was written; nothing is there, and it is sent again; other bytes are there, and it is a conflict. Where
the deadline does not leave the time to find out, the error says that the outcome is unknown.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic, sleep

import psycopg
from eventsourcing.persistence import IntegrityError, StoredEvent
from psycopg import errors
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from turnlog.domain import StoreError, VersionConflict

from . import postgres_schema
from .address import PostgresAddress
from .group import Append, Outcome
from .postgres_arrays import Packed, PackedDumper, blobs, integers, read_integers, read_texts, texts
from .postgres_connection import BoundedConnection
from .postgres_prepared import Prepared

APPEND = SQL("""
SELECT positions, refused, refused_ids
FROM {schema}.append($1::text[], $2::bigint[], $3::text[], $4::bytea[], $5::bigint[], $6::bigint[])
""")
READ_BACK = SQL("""
SELECT e.originator_id, e.originator_version, e.notification_id, e.topic, e.state
FROM unnest(%b::text[], %b::bigint[]) AS sent (id, version)
JOIN {schema}.events AS e ON e.originator_id = sent.id AND e.originator_version = sent.version
""")
WHO_AM_I = SQL("SELECT pid, backend_start FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()")
END = SQL("""
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = %s AND backend_start = %s
""")
COLLISIONS = 5
"""How often a batch may collide with another process before its appends go one at a time."""

PAUSE = 0.05
LONGEST_PAUSE = 0.5

Numbered = Sequence[tuple[int, Append]]
Stored = Mapping[tuple[str, int], tuple[int, str, bytes]]


@dataclass(slots=True)
class _Work:
    """What one commit has still to do; each append has so many seconds since it was asked for."""

    left: dict[int, Append]
    seconds: float
    outcomes: dict[int, Outcome] = field(default_factory=dict[int, Outcome])
    collisions: int = 0
    alone: bool = False
    lost: TupleRow | None = None
    said: str = ""
    trouble: psycopg.Error | None = None

    @property
    def until(self) -> float:
        """When the first of what is left has to be answered."""
        return min((append.since for append in self.left.values()), default=0.0) + self.seconds

    def late(self) -> Numbered:
        """What has to be answered now."""
        asked = monotonic() - self.seconds
        return tuple((number, append) for number, append in self.left.items() if append.since <= asked)

    def next_batch(self) -> Numbered:
        """What to send now: sorted, so that two processes wait for each other in one direction only."""
        numbered = sorted(self.left.items(), key=lambda item: min(item[1].streams(), default=""))
        return numbered[:1] if self.alone else numbered

    def decide(self, number: int, outcome: Outcome) -> None:
        self.outcomes[number] = outcome
        del self.left[number]

    def decide_all(self, numbered: Numbered, outcome: Outcome) -> None:
        for number, _ in numbered:
            self.decide(number, outcome)


@dataclass(frozen=True, slots=True)
class _Link:
    """A connection, the statement prepared on it, and which server process it is with."""

    connection: BoundedConnection[TupleRow]
    append: Prepared
    identity: TupleRow | None


class Writer:
    """Appends from any thread, one batch at a time; connects when there is something to write."""

    def __init__(self, address: PostgresAddress, committed: Callable[[], None]) -> None:
        self._address = address
        self._committed = committed
        names = {"schema": Identifier(address.schema)}
        self._append = APPEND.format(**names).as_string()
        self._read_back = READ_BACK.format(**names)
        self._turn = Lock()
        self._link: _Link | None = None

    def commit(self, appends: Sequence[Append]) -> list[Outcome]:
        """Write appends to distinct streams; the outcome of each. Ends within the deadline."""
        work = _Work(dict(enumerate(appends)), self._address.deadline)
        if not self._turn.acquire(timeout=max(0.0, work.until - monotonic())):
            raise self._late(work)
        try:
            self._work(work)
        except BaseException:
            self._disconnect()  # it may be in the middle of something
            raise
        finally:
            self._turn.release()
        outcomes = [work.outcomes[number] for number in range(len(appends))]
        if any(outcome and not isinstance(outcome, Exception) for outcome in outcomes):
            self._committed()
        return outcomes

    def close(self) -> None:
        """Close the connection; a later commit opens another."""
        with self._turn:
            self._disconnect()

    def _work(self, work: _Work) -> None:
        pause = PAUSE
        while work.left:
            if late := work.late():
                work.decide_all(late, self._late(work))
                continue
            try:
                link = self._connected(work)
                if work.lost is not None:
                    self._settle(link.connection, work)
                elif batch := work.next_batch():
                    self._send(link, batch, work)
            except psycopg.OperationalError as error:
                self._disconnect()
                work.trouble = error
                sleep(max(0.0, min(pause, work.until - monotonic())))
                pause = min(2 * pause, LONGEST_PAUSE)

    def _send(self, link: _Link, batch: Numbered, work: _Work) -> None:
        try:
            row = link.append.run(_parameters(batch), work.until)
        except (errors.UniqueViolation, errors.DeadlockDetected) as error:
            _collide(batch, work, error)
        except psycopg.Error as error:
            if link.connection.closed:
                work.lost, work.said = link.identity, postgres_schema.first_line(error)
                raise psycopg.OperationalError(str(error)) from error
            if isinstance(error, psycopg.DataError | psycopg.IntegrityError) and len(batch) > 1:
                work.alone = True  # one of them is to blame, and the others are not
            else:
                work.decide_all(batch, postgres_schema.explain(error, self._address))
        else:
            _share_out(batch, row, work)

    def _settle(self, connection: BoundedConnection[TupleRow], work: _Work) -> None:
        """Find out what became of a statement whose answer was lost."""
        while connection.execute(END, work.lost).fetchone() is not None:
            sleep(PAUSE / 5)
            if monotonic() >= work.until:
                return
        batch = tuple(work.left.items())
        events = [event for _, append in batch for event in append.events]
        rows = connection.execute(self._read_back, _places(events), binary=True)
        stored = {(row[0], row[1]): (row[2], row[3], bytes(row[4])) for row in rows}
        work.lost = None
        for number, append in batch:
            outcome = _found(append, stored)
            if outcome is not None:
                work.decide(number, outcome)

    def _connected(self, work: _Work) -> _Link:
        if self._link is None or self._link.connection.closed:
            self._disconnect()
            settings = postgres_schema.parameters(self._address)
            seconds = min(float(settings["connect_timeout"]), work.until - monotonic())
            settings["connect_timeout"] = max(1, round(seconds))
            connection = BoundedConnection[TupleRow].connect(**settings, autocommit=True)
            connection.until = work.until
            connection.adapters.register_dumper(Packed, PackedDumper)
            try:
                identity = connection.execute(WHO_AM_I).fetchone()
                self._link = _Link(connection, Prepared(connection, self._append, work.until), identity)
            except BaseException:
                connection.close()
                raise
        self._link.connection.until = work.until
        return self._link

    def _disconnect(self) -> None:
        if self._link is not None:
            with suppress(psycopg.Error, OSError):
                self._link.connection.close()
        self._link = None

    def _late(self, work: _Work) -> StoreError:
        shown, seconds = self._address.shown, self._address.deadline
        if work.lost is not None:
            return StoreError(
                f"{shown} did not say within {seconds:g} seconds whether it wrote the append,"
                f" so the outcome is unknown ({work.said}); read the stream again"
            )
        if work.trouble is not None:
            return StoreError(str(postgres_schema.explain(work.trouble, self._address)))
        return StoreError(f"{shown} did not answer within {seconds:g} seconds; try again")


def _parameters(batch: Numbered) -> tuple[Packed, ...]:
    """The arrays that `append` takes."""
    events: list[tuple[str, int, str | None, bytes | None]] = []
    owners: list[int] = []
    follows: list[int | None] = []
    for number, append in batch:
        latest: dict[str, int] = {}
        for event in append.events:
            stream = str(event.originator_id)
            events.append((stream, event.originator_version, event.topic, event.state))
            follows.append(-latest[stream] if stream in latest else append.expected.get(stream))
            latest[stream] = len(events)
        for stream in append.expected.keys() - latest.keys():
            events.append((stream, 0, None, None))
            follows.append(append.expected[stream])
        owners += [number] * (len(events) - len(owners))
    ids, versions, topics, states = zip(*events, strict=True) if events else ((), (), (), ())
    return texts(ids), integers(versions), texts(topics), blobs(states), integers(owners), integers(follows)


def _places(events: Sequence[StoredEvent]) -> tuple[Packed, ...]:
    return texts([str(event.originator_id) for event in events]), integers(
        [event.originator_version for event in events]
    )


def _share_out(batch: Numbered, row: Sequence[bytes | None], work: _Work) -> None:
    """Give each append its positions, or its conflict."""
    positions = iter(read_integers(row[0]))
    refused = dict(zip(read_integers(row[1]), read_texts(row[2]), strict=True))
    for number, append in batch:
        if number in refused:
            stream = refused[number]
            work.decide(number, VersionConflict(stream, append.expected[stream]))
        else:
            work.decide(number, [next(positions) for _ in append.events])


def _collide(batch: Numbered, work: _Work, error: psycopg.Error) -> None:
    """Somebody wrote the same version meanwhile. Next time the heads show it, and refuse who lost."""
    work.collisions += 1
    if len(batch) > 1:
        work.alone = work.alone or work.collisions >= COLLISIONS
        return
    ((number, append),) = batch
    if isinstance(error, errors.UniqueViolation) and (not append.expected or work.collisions > 2 * COLLISIONS):
        work.decide(number, IntegrityError(str(error)))


def _found(append: Append, stored: Stored) -> Outcome | None:
    """What a look at the table says of an append: positions, a conflict, or None where nothing was written."""
    positions: list[int] = []
    for event in append.events:
        stream = str(event.originator_id)
        found = stored.get((stream, event.originator_version))
        if found is not None and found[1:] == (event.topic, event.state):
            positions.append(found[0])
        elif found is not None or positions:
            return VersionConflict(stream, append.expected.get(stream, event.originator_version - 1))
    return positions or None if len(positions) == len(append.events) else None
