"""Time that moves only when it is told to."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""A Monday morning; where a `VirtualClock` starts unless told otherwise."""


class VirtualClock:
    """A `Clock` on which sleeping takes no time: it moves the hands and lets other tasks run.

    Two tasks that sleep at the same time each move the hands, so they do not overlap as they would on a wall clock.
    """

    def __init__(self, start: datetime = START) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware time; give it a tzinfo")
        self._now = start.astimezone(UTC)
        self.slept: list[float] = []
        """The naps taken so far, in seconds, in order."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Move the hands instead of waiting, then yield to the loop."""
        self.slept.append(seconds)
        self.advance(max(seconds, 0))  # asyncio.sleep takes a negative wait for none
        await asyncio.sleep(0)

    async def until(self, moment: datetime) -> None:
        """Wait as long as that is away on this clock, by the clock on the wall: deadlines move no hands."""
        await asyncio.sleep((moment - self.now()).total_seconds())

    def advance(self, seconds: float) -> None:
        """Move the hands forward. Raises ValueError: this clock does not run backwards."""
        if seconds < 0:
            raise ValueError(f"a clock cannot advance by {seconds} seconds")
        self._now += timedelta(seconds=seconds)
