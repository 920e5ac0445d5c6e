"""One statement, prepared, and run on libpq itself.

A cursor of psycopg does much for every statement that the append, the same each time, has no need of. It costs a
lone append a fifth of its time. And libpq never waits by itself: whether a thread waits for the socket or an event
loop watches it is its user's choice. Statements go out in libpq's pipeline mode, so that one can be sent before another
is answered. Each ends with a synchronisation of its own, and so is a transaction of its own.
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


Answer = Sequence[PGresult]
"""All that the server said of one statement, up to the end of its transaction."""


class Prepared:
    """A statement with binary parameters, on a connection in autocommit."""

    unsent = False
    """Whether some of what was sent is still here, until the socket takes more."""

    def __init__(self, connection: Connection[Any], statement: str, until: float) -> None:
        """Prepare it, by a time of `monotonic`. Raises psycopg.Error."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._unanswered = 0
        self._results: list[PGresult] = []
        self.socket = self._pgconn.socket
        self._ready = poll()
        self._ready.register(self.socket, POLLIN)
        self._begin()
        self._pgconn.send_prepare(NAME, statement.encode())
        self._end()
        row(self._answer(until))

    def run(self, parameters: Sequence[Buffer], until: float) -> Sequence[bytes | None]:
        """The row it gives, in binary. Raises psycopg.Error; NoAnswer, and the connection is closed."""
        self.send(parameters)
        return row(self._answer(until))

    def send(self, parameters: Sequence[Buffer]) -> None:
        """Begin to send it; `advance` does the rest. Raises psycopg.Error."""
        self._begin()
        self._pgconn.send_query_prepared(NAME, parameters, [Format.BINARY] * len(parameters), Format.BINARY)
        self._end()

    def advance(self) -> Sequence[Answer]:
        """Send and take what can be; the answers that have come, in the statements' order. Raises psycopg.Error."""
        self._pgconn.consume_input()  # even with something unsent, or each side could wait for the other to read
        if self.unsent:
            self.unsent = bool(self._pgconn.flush())
        answers: list[Answer] = []
        was_none = False
        while self._unanswered and not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            if result is None and was_none:
                break  # one None ends the results of a statement; two mean that no more is there
            was_none = result is None
            if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
                answers.append(self._results)
                self._results = []
                self._unanswered -= 1
            elif result is not None:
                self._results.append(result)
        if answers and not self._unanswered:
            self._pgconn.exit_pipeline_mode()  # other statements may go over this connection now
        return answers

    def _begin(self) -> None:
        if not self._unanswered:
            self._pgconn.enter_pipeline_mode()
        self._unanswered += 1

    def _end(self) -> None:
        self._pgconn.pipeline_sync()
        self.unsent = bool(self._pgconn.flush())

    def _answer(self, until: float) -> Answer:
        """Wait for the answer to the only statement that was sent."""
        while True:
            self._ready.modify(self.socket, POLLIN | POLLOUT if self.unsent else POLLIN)
            if not self._ready.poll(max(0.0, until - monotonic()) * 1000):
                self._connection.close()
                raise NoAnswer("it did not answer in time")
            for answer in self.advance():
                return answer


def row(answer: Answer) -> Sequence[bytes | None]:
    """The row of an answer, empty for a statement without one. Raises psycopg.Error."""
    for result in answer:  # a commit that fails is told of after the row
        if result.status not in ANSWERED:
            raise error_from_result(result)
    return [answer[0].get_value(0, column) for column in range(answer[0].nfields)]
