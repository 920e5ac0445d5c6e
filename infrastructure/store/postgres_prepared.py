"""One statement, prepared, and run on libpq itself.

A cursor of psycopg does much for every statement that the append, the same each time, has no need of. It costs a
lone append a fifth of its time.
"""

from collections.abc import Sequence
from select import POLLIN, POLLOUT, poll
from time import monotonic
from typing import Any

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from .postgres_connection import NoAnswer

NAME = b"turnlog"
ANSWERED = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}


class Prepared:
    """A statement with binary parameters, on a connection in autocommit."""

    def __init__(self, connection: Connection[Any], statement: str, until: float) -> None:
        """Prepare it, by a time of `monotonic`. Raises psycopg.Error."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._ready = poll()
        self._ready.register(self._pgconn.socket, POLLIN)
        self._pgconn.send_prepare(NAME, statement.encode())
        self._answer(until)

    def run(self, parameters: Sequence[Buffer], until: float) -> Sequence[bytes | None]:
        """The row it gives, in binary. Raises psycopg.Error; NoAnswer, and the connection is closed."""
        self._pgconn.send_query_prepared(NAME, parameters, [Format.BINARY] * len(parameters), Format.BINARY)
        result = self._answer(until)
        return [result.get_value(0, column) for column in range(result.nfields)]

    def _answer(self, until: float) -> PGresult:
        while self._pgconn.flush():
            self._wait(POLLIN | POLLOUT, until)
            self._pgconn.consume_input()  # or each side could wait for the other to read
        answer = self._next_result(until)
        while self._next_result(until) is not None:
            pass
        if answer is None:
            raise NoAnswer("the connection ended")
        if answer.status not in ANSWERED:
            raise error_from_result(answer)
        return answer

    def _next_result(self, until: float) -> PGresult | None:
        while self._pgconn.is_busy():
            self._wait(POLLIN, until)
            self._pgconn.consume_input()
        return self._pgconn.get_result()

    def _wait(self, events: int, until: float) -> None:
        self._ready.modify(self._pgconn.socket, events)
        if not self._ready.poll(max(0.0, until - monotonic()) * 1000):
            self._connection.close()
            raise NoAnswer("it did not answer in time")
