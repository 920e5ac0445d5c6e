"""One statement, prepared, and run on libpq itself.

A cursor of psycopg does much for every statement that the append, the same each time, has no need of. It costs a
lone append a fifth of its time. And libpq never waits by itself: whether a thread waits for the socket or an event
loop watches it is its user's choice.
"""

from collections.abc import Sequence
from select import POLLIN, POLLOUT, poll
from time import monotonic
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.abc import Buffer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from .postgres_connection import NoAnswer

NAME = b"turnlog"
ANSWERED = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}


class Prepared:
    """A statement with binary parameters, on a connection in autocommit."""

    unsent = False
    """Whether some of what was sent is still here, until the socket takes more."""

    def __init__(self, connection: Connection[Any], statement: str, until: float) -> None:
        """Prepare it, by a time of `monotonic`. Raises psycopg.Error."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._results: list[PGresult] = []
        self.socket = self._pgconn.socket
        self._ready = poll()
        self._ready.register(self.socket, POLLIN)
        self._pgconn.send_prepare(NAME, statement.encode())
        self.unsent = bool(self._pgconn.flush())
        self._answer(until)

    def run(self, parameters: Sequence[Buffer], until: float) -> Sequence[bytes | None]:
        """The row it gives, in binary. Raises psycopg.Error; NoAnswer, and the connection is closed."""
        self.send(parameters)
        return self._answer(until)

    def send(self, parameters: Sequence[Buffer]) -> None:
        """Begin to send it; `advance` does the rest. Raises psycopg.Error."""
        self._results.clear()
        self._pgconn.send_query_prepared(NAME, parameters, [Format.BINARY] * len(parameters), Format.BINARY)
        self.unsent = bool(self._pgconn.flush())

    def advance(self) -> bool:
        """Send and take what can be; True once the answer is there. Raises psycopg.Error."""
        self._pgconn.consume_input()  # even with something unsent, or each side could wait for the other to read
        if self.unsent:
            self.unsent = bool(self._pgconn.flush())
        while not self.unsent and not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            if result is None:
                return True
            self._results.append(result)
        return False

    def row(self) -> Sequence[bytes | None]:
        """The row of the answer, now that it is committed. Raises psycopg.Error."""
        if not self._results:
            raise OperationalError("the connection ended")
        for result in self._results:  # a commit that fails is told of after the row
            if result.status not in ANSWERED:
                raise error_from_result(result)
        result = self._results[0]
        return [result.get_value(0, column) for column in range(result.nfields)]

    def _answer(self, until: float) -> Sequence[bytes | None]:
        while True:
            self._ready.modify(self.socket, POLLIN | POLLOUT if self.unsent else POLLIN)
            if not self._ready.poll(max(0.0, until - monotonic()) * 1000):
                self._connection.close()
                raise NoAnswer("it did not answer in time")
            if self.advance():
                return self.row()
