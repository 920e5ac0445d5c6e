"""The connection that appends: one statement a transaction, and an answer even where the connection lost it.

A statement whose answer was lost is neither repeated blindly nor called a failure. The writer connects again, makes
sure that the server process which had the statement is gone, and reads the versions back: the same bytes are there,
and the append was written; nothing is there, and it is sent again; other bytes are there, and it is a conflict. Where
the deadline does not leave the time to find out, the error says that the outcome is unknown.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from time import monotonic, sleep

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from turnlog.domain import StoreError

from . import postgres_schema
from .address import PostgresAddress
from .batches import Append, Outcome, Pipeline
from .postgres_arrays import Packed, PackedDumper
from .postgres_batch import Numbered, Work, collide, found, parameters, places, share_out
from .postgres_connection import BoundedConnection
from .postgres_pipeline import Link, PostgresPipeline
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
ONES_OWN = (psycopg.DataError, psycopg.IntegrityError, errors.RaiseException)
"""Errors that one append of a batch brings about: by what it holds, or by a trigger of the owner's."""

PAUSE = 0.05
LONGEST_PAUSE = 0.5


class Writer:
    """Appends from any thread, one batch at a time; connects when there is something to write."""

    def __init__(self, address: PostgresAddress, committed: Callable[[], None]) -> None:
        self._address = address
        self._committed = committed
        names = {"schema": Identifier(address.schema)}
        self._append = APPEND.format(**names).as_string()
        self._read_back = READ_BACK.format(**names)
        self._turn = Lock()
        self._counting = Lock()
        self._waiting = 0
        self._link: Link | None = None
        self._pipeline: PostgresPipeline | None = None

    def commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        """Write appends to distinct streams; the outcome of each. Ends within the deadline."""
        work = Work(dict(enumerate(appends)), self._address.deadline)
        self._take_turn(work)
        try:
            return self.conclude(work)
        finally:
            self.release()

    def begin(self) -> Pipeline | None:
        """The connection, to send on without waiting; None while there is none, or while others write."""
        if self.wanted or not self._turn.acquire(blocking=False):
            return None
        if self._link is None or self._link.connection.closed:
            self.release()
            return None
        if self._pipeline is None or self._pipeline.link is not self._link:
            self._pipeline = PostgresPipeline(self, self._link, self._address.deadline)
        return self._pipeline

    # In our turn.

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for his turn."""
        return self._waiting > 0

    def conclude(self, work: Work) -> Sequence[Outcome]:
        """Do what is left of the work, whatever came before; the outcome of each append."""
        try:
            with postgres_schema.explained(self._address):
                self._work(work)
        except BaseException:
            self._disconnect()  # it may be in the middle of something
            raise
        return self.outcomes(work)

    def outcomes(self, work: Work) -> Sequence[Outcome]:
        """The outcomes of work that is done, which is told to whoever reads."""
        outcomes = work.in_order()
        if any(outcome and not isinstance(outcome, Exception) for outcome in outcomes):
            self._committed()
        return outcomes

    def release(self) -> None:
        """It is somebody else's turn."""
        self._turn.release()

    def _take_turn(self, work: Work) -> None:
        with self._counting:
            self._waiting += 1
        try:
            taken = self._turn.acquire(timeout=max(0.0, work.until - monotonic()))
        finally:
            with self._counting:
                self._waiting -= 1
        if not taken:
            raise self._late(work)

    def close(self) -> None:
        """Close the connection; a later commit opens another."""
        with self._turn:
            self._disconnect()

    def _work(self, work: Work) -> None:
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

    def _send(self, link: Link, batch: Numbered, work: Work) -> None:
        try:
            row = link.append.run(parameters(batch), work.until)
        except (errors.UniqueViolation, errors.DeadlockDetected, errors.SerializationFailure) as error:
            collide(batch, work, error)
        except psycopg.Error as error:
            if link.connection.closed:
                link.lose(work, error)
                raise psycopg.OperationalError(str(error)) from error
            if isinstance(error, ONES_OWN) and len(batch) > 1:
                work.alone = True  # one of them is to blame, and the others are not
            else:
                work.decide_all(batch, postgres_schema.explain(error, self._address))
        else:
            share_out(batch, row, work)

    def _settle(self, connection: BoundedConnection[TupleRow], work: Work) -> None:
        """Find out what became of a statement whose answer was lost."""
        while connection.execute(END, work.lost).fetchone() is not None:
            sleep(PAUSE / 5)
            if monotonic() >= work.until:
                return
        batch = tuple(work.left.items())
        events = [event for _, append in batch for event in append.events]
        rows = connection.execute(self._read_back, places(events), binary=True)
        stored = {(row[0], row[1]): (row[2], row[3], bytes(row[4])) for row in rows}
        work.lost = None
        for number, append in batch:
            outcome = found(append, stored)
            if outcome is not None:
                work.decide(number, outcome)

    def _connected(self, work: Work) -> Link:
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
                self._link = Link(connection, Prepared(connection, self._append, work.until), identity)
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

    def _late(self, work: Work) -> StoreError:
        shown, seconds = self._address.shown, self._address.deadline
        if work.lost is not None:
            return StoreError(
                f"{shown} did not say within {seconds:g} seconds whether it wrote the append,"
                f" so the outcome is unknown ({work.said}); read the stream again"
            )
        if work.trouble is not None:
            return StoreError(str(postgres_schema.explain(work.trouble, self._address)))
        return StoreError(f"{shown} did not answer within {seconds:g} seconds; try again")
