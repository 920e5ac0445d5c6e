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
from psycopg.types.numeric import Int8BinaryDumper

from turnlog.domain import StoreError, VersionConflict

from . import postgres_schema
from .address import PostgresAddress
from .group import Append, Outcome
from .postgres_connection import BoundedConnection

APPEND = SQL("""
SELECT positions, refused, refused_ids FROM {schema}.append(
    %b::text[], %b::bigint[], %b::text[], %b::bytea[], %b::bigint[], %b::bigint[], %b::text[], %b::bigint[]
)
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
    """What one commit has still to do."""

    left: dict[int, Append]
    until: float
    outcomes: dict[int, Outcome] = field(default_factory=dict[int, Outcome])
    collisions: int = 0
    alone: bool = False
    lost: TupleRow | None = None
    trouble: psycopg.Error | None = None

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


class Writer:
    """Appends from any thread, one batch at a time; connects when there is something to write."""

    def __init__(self, address: PostgresAddress, committed: Callable[[], None]) -> None:
        self._address = address
        self._committed = committed
        names = {"schema": Identifier(address.schema)}
        self._append = APPEND.format(**names)
        self._read_back = READ_BACK.format(**names)
        self._turn = Lock()
        self._connection: BoundedConnection[TupleRow] | None = None
        self._identity: TupleRow | None = None

    def commit(self, appends: Sequence[Append]) -> list[Outcome]:
        """Write appends to distinct streams; the outcome of each. Ends within the deadline."""
        work = _Work(dict(enumerate(appends)), monotonic() + self._address.deadline)
        if not self._turn.acquire(timeout=self._address.deadline):
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
            if monotonic() >= work.until:
                work.decide_all(tuple(work.left.items()), self._late(work))
                return
            try:
                connection = self._connected(work)
                if work.lost is not None:
                    self._settle(connection, work)
                elif batch := work.next_batch():
                    self._send(connection, batch, work)
            except psycopg.OperationalError as error:
                self._disconnect()
                work.trouble = error
                sleep(max(0.0, min(pause, work.until - monotonic())))
                pause = min(2 * pause, LONGEST_PAUSE)

    def _send(self, connection: BoundedConnection[TupleRow], batch: Numbered, work: _Work) -> None:
        try:
            row = connection.execute(self._append, _parameters(batch), prepare=True, binary=True).fetchone()
        except (errors.UniqueViolation, errors.DeadlockDetected) as error:
            _collide(batch, work, error)
        except psycopg.Error as error:
            if connection.closed:
                work.lost = self._identity
                raise psycopg.OperationalError(str(error)) from error
            if isinstance(error, psycopg.DataError | psycopg.IntegrityError) and len(batch) > 1:
                work.alone = True  # one of them is to blame, and the others are not
            else:
                work.decide_all(batch, postgres_schema.explain(error, self._address))
        else:
            _share_out(batch, row or (None, None, None), work)

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

    def _connected(self, work: _Work) -> BoundedConnection[TupleRow]:
        if self._connection is None or self._connection.closed:
            self._disconnect()
            settings = postgres_schema.parameters(self._address)
            seconds = min(float(settings["connect_timeout"]), work.until - monotonic())
            settings["connect_timeout"] = max(1, round(seconds))
            connection = BoundedConnection[TupleRow].connect(**settings, autocommit=True)
            self._connection = connection
            connection.until = work.until
            # Numbers of one type whatever their size, so that it is one prepared statement.
            connection.adapters.register_dumper(int, Int8BinaryDumper)
            self._identity = connection.execute(WHO_AM_I).fetchone()
        self._connection.until = work.until
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error, OSError):
                self._connection.close()
        self._connection = None

    def _late(self, work: _Work) -> StoreError:
        shown, seconds = self._address.shown, self._address.deadline
        if work.lost is not None:
            return StoreError(
                f"{shown} did not say within {seconds:g} seconds whether it wrote the append,"
                " so the outcome is unknown; read the stream again"
            )
        if work.trouble is not None:
            return StoreError(str(postgres_schema.explain(work.trouble, self._address)))
        return StoreError(f"{shown} did not answer within {seconds:g} seconds; try again")


def _parameters(batch: Numbered) -> tuple[Sequence[object], ...]:
    events = [(number, event) for number, append in batch for event in append.events]
    expected = [(number, *expectation) for number, append in batch for expectation in append.expected.items()]
    return (
        [str(event.originator_id) for _, event in events],
        [event.originator_version for _, event in events],
        [event.topic for _, event in events],
        [event.state for _, event in events],
        [number for number, _ in events],
        [number for number, _, _ in expected],
        [stream for _, stream, _ in expected],
        [version for _, _, version in expected],
    )


def _places(events: Sequence[StoredEvent]) -> tuple[Sequence[object], ...]:
    return [str(event.originator_id) for event in events], [event.originator_version for event in events]


def _share_out(batch: Numbered, row: TupleRow, work: _Work) -> None:
    """Give each append its positions, or its conflict."""
    positions = iter(row[0] or ())
    refused: dict[int, str] = dict(zip(row[1] or (), row[2] or (), strict=True))
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
