"""Connections that give up, since every exchange with the server has an end, and a pool that does not."""

from collections.abc import Generator
from time import monotonic
from typing import TypeVar

from eventsourcing.postgres import ConnectionPool
from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.rows import DictRow, Row
from psycopg.waiting import Ready, Wait

from .address import DEADLINE_SECONDS

RV = TypeVar("RV")
INTERVAL = 0.1
"""How often, in seconds, a wait looks at the clock."""

RECONNECT_SECONDS = 0.5
"""Between two attempts of the pool to connect."""


class NoAnswer(OperationalError):
    """The server did not answer in time; the connection is closed."""


class BoundedConnection(Connection[Row]):
    """A connection none of whose exchanges takes longer than `seconds`, or goes on after `until`.

    The server's own timeouts end a statement, TCP's end a dead link. Neither helps against a server that is stopped,
    or against a machine in between that takes our bytes and passes nothing on.
    """

    seconds: float = DEADLINE_SECONDS
    until: float = float("inf")

    def wait(self, gen: PQGen[RV], interval: float = INTERVAL, timeout: float | None = None) -> RV:
        """Run one exchange. Raises NoAnswer."""
        seconds = self.seconds if timeout is None else max(self.seconds, timeout + 1)
        bounded = self._bounded(gen, min(self.until, monotonic() + seconds))
        return super().wait(bounded, interval) if timeout is None else super().wait(bounded, interval, timeout)

    def _bounded(self, gen: PQGen[RV], until: float) -> Generator[Wait, Ready | int, RV]:
        try:
            state = next(gen)
            while True:
                ready = yield state
                if not ready and monotonic() >= until:
                    self.close()
                    raise NoAnswer("it did not answer in time")
                state = gen.send(ready)
        except StopIteration as done:
            result: RV = done.value
            return result


class Pool(ConnectionPool[Connection[DictRow]]):
    """A pool that tries to connect as often however long the server was away: the stock one waits twice as long each
    time, and would find it back as late as it was away."""

    def reconnect_failed(self) -> None:
        super().reconnect_failed()
        self.check()
