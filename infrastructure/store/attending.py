"""An event loop attends to a pipeline: it is called when the socket is ready, and when time is up."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from weakref import finalize

from .batches import Pipeline

Loop = asyncio.AbstractEventLoop


class Attendance:
    """Over many turns, until `end`; all of it in the loop's own thread.

    To begin and to end costs a short append a twentieth of its time. The number of a socket that is closed, wherever,
    may be another's at once, so what is watched is a descriptor of our own for the same socket.
    """

    def __init__(
        self,
        loop: Loop,
        pipeline: Pipeline,
        ready: Callable[["Attendance"], None],
        late: Callable[["Attendance"], None],
    ) -> None:
        """Have `ready` called whenever there is something to do, and `late` at the deadline of what is under way.

        Raises NotImplementedError for a loop that cannot watch sockets, OSError.
        """
        self.loop = loop
        self.pipeline = pipeline
        self._ready = ready
        self._late = late
        self._waits_to_write = False
        self._alarm: asyncio.TimerHandle | None = None
        self._watched = os.dup(pipeline.socket)
        self._close = finalize(self, os.close, self._watched)  # of a loop that was closed, nobody else would
        loop.add_reader(self._watched, ready, self)

    def serves(self, loop: Loop, pipeline: Pipeline) -> bool:
        """Whether it can be gone on with."""
        return self._close.alive and self.loop is loop and self.pipeline is pipeline

    def go_on(self) -> None:
        """Something was sent, or has come."""
        if self.pipeline.unsent != self._waits_to_write:
            self._waits_to_write = not self._waits_to_write
            if self._waits_to_write:
                self.loop.add_writer(self._watched, self._ready, self)
            else:
                self.loop.remove_writer(self._watched)
        if self._alarm is None:
            self._look_at_the_clock()

    def end(self) -> None:
        """Call nobody any more; a second call does nothing."""
        if not self._close.alive:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self.loop.remove_reader(self._watched)
        if self._waits_to_write:
            self.loop.remove_writer(self._watched)
        self._close()

    def end_from_elsewhere(self) -> None:
        """Have its loop end it, now or when it runs again; a loop that was closed does not watch any more."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.end)

    def _look_at_the_clock(self) -> None:
        """What the alarm was set for is over as a rule, and something else under way, or nothing."""
        self._alarm = None
        left = self.pipeline.until - monotonic()
        if left <= 0:
            self._late(self)
        elif left < float("inf"):
            self._alarm = self.loop.call_later(left, self._look_at_the_clock)


def running_loop() -> Loop | None:
    """The event loop of this thread, if one runs in it."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
