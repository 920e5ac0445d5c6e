"""The connection that appends, held by an event loop: several statements under way, and nobody waits for it.

While the server runs one transaction, the next is made and is on its way, so that neither waits for the other. Each is
committed before the server looks at the next. What does not go as it should is left to whoever can wait.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg
from psycopg.rows import TupleRow

from . import postgres_schema
from .batches import Append, Outcome
from .postgres_batch import Work, parameters, share_out
from .postgres_connection import BoundedConnection, NoAnswer
from .postgres_prepared import Answer, Prepared, row


@dataclass(frozen=True, slots=True)
class Link:
    """A connection, the statement prepared on it, and which server process it is with."""

    connection: BoundedConnection[TupleRow]
    append: Prepared
    identity: TupleRow | None

    def lose(self, work: Work, error: Exception) -> None:
        """Note that the answer to what was sent will not come."""
        work.lost, work.said = self.identity, postgres_schema.first_line(error)


class Lender(Protocol):
    """Whose connection it is."""

    @property
    def wanted(self) -> bool:
        """Whether others wait for the connection."""
        ...

    def outcomes(self, work: Work) -> Sequence[Outcome]:
        """The outcomes of work that is done."""
        ...

    def conclude(self, work: Work) -> Sequence[Outcome]:
        """Do what is left of the work; the outcomes. Blocks. Raises StoreError."""
        ...

    def release(self) -> None:
        """Let others have the connection."""
        ...


class PostgresFlight:
    """An append statement on its way, and what becomes of it."""

    is_open = False
    outcomes: Sequence[Outcome] | None = None

    def __init__(self, pipeline: "PostgresPipeline", work: Work) -> None:
        self._pipeline = pipeline
        self.work = work
        self.batch = work.next_batch()
        self.until = work.until

    def conclude(self) -> Sequence[Outcome]:
        """The outcomes, whatever happened so far. Blocks. Raises StoreError."""
        return self._pipeline.conclude(self.work)


class PostgresPipeline:
    """The `Pipeline` of a connection, the same in every turn."""

    def __init__(self, lender: Lender, link: Link, seconds: float) -> None:
        """An append has so many seconds since it was asked for."""
        self._lender = lender
        self.link = link
        self._seconds = seconds
        self._flights: deque[PostgresFlight] = deque()
        self.socket = link.append.socket

    @property
    def until(self) -> float:
        """When the first of what is under way has to be answered."""
        return min((flight.until for flight in self._flights), default=float("inf"))

    @property
    def unsent(self) -> bool:
        """Whether there is more to send once the socket takes it."""
        return self.link.append.unsent

    @property
    def wanted(self) -> bool:
        """Whether others wait for the connection."""
        return self._lender.wanted

    def send(self, appends: Sequence[Append]) -> PostgresFlight:
        """Begin to send appends to distinct streams as one transaction."""
        flight = PostgresFlight(self, Work(dict(enumerate(appends)), self._seconds))
        try:
            sent = parameters(flight.batch)
        except Exception:  # noqa: BLE001 - whoever concludes it meets it again, and tells
            return flight
        flight.is_open = True
        self._flights.append(flight)
        try:
            self.link.append.send(sent)
        except Exception as error:  # noqa: BLE001 - some of it may have been sent
            self._lose(error)
        return flight

    def advance(self) -> None:
        """Send and take what can be."""
        try:
            for answer in self.link.append.advance():
                self._take(self._flights.popleft(), answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing more of it can be understood
            self._lose(error)

    def conclude(self, work: Work) -> Sequence[Outcome]:
        """The outcomes of a flight's work, without another look at what the connection has to say."""
        if self._flights:
            self._lose(NoAnswer("it did not answer in time"))
        return self._lender.conclude(work)

    def release(self) -> None:
        """Let others have the connection."""
        self._lender.release()

    def _take(self, flight: PostgresFlight, answer: Answer) -> None:
        flight.is_open = False
        try:
            share_out(flight.batch, row(answer), flight.work)
        except psycopg.Error:
            return
        flight.outcomes = self._lender.outcomes(flight.work)

    def _lose(self, error: Exception) -> None:
        """What is under way was written or was not: the connection will not tell."""
        self.link.connection.close()
        for flight in self._flights:
            flight.is_open = False
            self.link.lose(flight.work, error)
        self._flights.clear()
