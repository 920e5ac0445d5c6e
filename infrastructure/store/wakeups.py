"""Waking readers when something was appended through this process's log."""

import asyncio
from asyncio import AbstractEventLoop, Event
from contextlib import suppress
from threading import Lock


class Wakeups:
    """Counts appends. Whoever read the log at a count can wait for the next one and miss none in between."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._appends = 0
        self._waiting = set[tuple[AbstractEventLoop, Event]]()

    @property
    def appends(self) -> int:
        """How many appends there were."""
        with self._lock:
            return self._appends

    def ring(self) -> None:
        """Something was appended. May be called from any thread."""
        with self._lock:
            self._appends += 1
            waiting = tuple(self._waiting)
        for loop, event in waiting:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(event.set)

    async def wait(self, appends: int, seconds: float) -> None:
        """Return once there were more appends than this, or after so many seconds."""
        waiter = (asyncio.get_running_loop(), Event())
        with self._lock:
            if self._appends != appends:
                return
            self._waiting.add(waiter)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiter[1].wait()
        finally:
            with self._lock:
                self._waiting.discard(waiter)
