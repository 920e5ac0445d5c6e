"""The background tasks that this process runs: one registry an open log."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, Protocol

from turnlog.domain import CommandRefused, Stream, StreamSoFar

MOST: Final = 256
"""Tasks of all sessions together; what a session may have is in its policy."""


class LiveTask(Protocol):
    """A task of this process that is not over."""

    def so_far(self, stream: Stream) -> StreamSoFar:
        """What it has written."""
        ...

    def stop(self, reason: str) -> None:
        """Have it ended. Returns at once."""
        ...

    async def over(self) -> None:
        """Return once its end is in the log, or could not be told."""
        ...


class LiveTasks:
    """The tasks that run, by session and id."""

    def __init__(self) -> None:
        self._live: dict[tuple[str, str], LiveTask] = {}
        self._lives: set[asyncio.Future[None]] = set()
        self._rooms = MOST
        self._closed = False

    def keep(self, life: asyncio.Future[None]) -> None:
        """Hold on to what looks after a task until it is over."""
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)

    @contextmanager
    def room(self) -> Generator[None]:
        """Room for one more task. Raises CommandRefused where there is none."""
        if self._closed:
            raise CommandRefused("turnlog is being closed, so no background task of any session begins any more")
        if not self._rooms:
            raise CommandRefused(f"{MOST} background tasks of all sessions run in this process, which is the most")
        self._rooms -= 1
        try:
            yield
        finally:
            self._rooms += 1

    @contextmanager
    def listed(self, session_id: str, task_id: str, task: LiveTask) -> Generator[None]:
        """A task for as long as it can be seen here."""
        self._live[session_id, task_id] = task
        try:
            if self._closed:
                task.stop(_CLOSED)
            yield
        finally:
            del self._live[session_id, task_id]

    def find(self, session_id: str, task_id: str) -> LiveTask | None:
        """The task, where it runs here."""
        return self._live.get((session_id, task_id))

    async def close(self) -> None:
        """Stop all, and let none begin any more. Returns once what became of them is recorded."""
        self._closed = True
        for task in tuple(self._live.values()):
            task.stop(_CLOSED)
        if self._lives:
            await asyncio.wait(tuple(self._lives))


_CLOSED: Final = "turnlog was closed"
