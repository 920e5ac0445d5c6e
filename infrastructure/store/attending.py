"""An event loop attends to a transaction: it is called when the socket is ready, and when time is up."""

import asyncio
from collections.abc import Callable
from time import monotonic

from .batches import Flight

Loop = asyncio.AbstractEventLoop


class Attendance:
    """From the sending of a flight until `end`; all of it in the loop's own thread."""

    def __init__(self, loop: Loop, flight: Flight, ready: Callable[[], None], late: Callable[[], None]) -> None:
        """Send it, and have `ready` called whenever there is something to do, and `late` at the deadline.

        Raises what sending raises; NotImplementedError for a loop that cannot watch sockets, and then nothing was sent.
        """
        self.loop = loop
        self._flight = flight
        self._ready = ready
        self._waits_to_write = False
        loop.add_reader(flight.socket, ready)
        self._alarm = loop.call_later(max(0.0, flight.until - monotonic()), late)
        try:
            flight.send()
        except BaseException:
            self.end()
            raise
        self.go_on()

    def go_on(self) -> None:
        """There is more to come, or to send."""
        if self._flight.unsent != self._waits_to_write:
            self._waits_to_write = not self._waits_to_write
            if self._waits_to_write:
                self.loop.add_writer(self._flight.socket, self._ready)
            else:
                self.loop.remove_writer(self._flight.socket)

    def end(self) -> None:
        """Call nobody any more."""
        self._alarm.cancel()
        self.loop.remove_reader(self._flight.socket)
        if self._waits_to_write:
            self.loop.remove_writer(self._flight.socket)


def running_loop() -> Loop | None:
    """The event loop of this thread, if one runs in it."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
