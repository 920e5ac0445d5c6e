"""The heartbeat of the workers this process runs, and whether one of them was silent for too long.

A worker is silent when its beats do not reach the database: the network is away, or the process was stopped. Others
may take its sessions then. It learns so by its own clock, and begins nothing before it has read the session again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from turnlog.domain import Heartbeats, StoreError

_LOGGER = logging.getLogger(__name__)

BEATS = 3
"""Beats in the time after which a silent worker may be replaced."""


def awake_seconds() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine sleeps where there is such a clock."""
    boot: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Pulse:
    """Tells the database that workers are there for as long as they run, all of them in one statement."""

    def __init__(
        self,
        heartbeats: Heartbeats | None,
        lease_seconds: float,
        now: Callable[[], datetime],
        elapsed: Callable[[], float] = awake_seconds,
    ) -> None:
        self._heartbeats = heartbeats
        self._lease_seconds = lease_seconds
        self._now = now
        self._elapsed = elapsed
        self._heard: dict[str, float] = {}
        self._silent: set[str] = set()
        self._ended: set[str] = set()
        self._beating: asyncio.Task[None] | None = None
        self._their_time: tuple[datetime, float] | None = None
        self.skew = 0.0
        """Seconds by which this machine's clock is ahead of the database's, as far as that is certain."""

    async def begin(self, worker: str) -> None:
        """Tell that a worker is there, and go on telling. Raises StoreError."""
        if self._heartbeats is None:
            return
        self._heard.setdefault(worker, self._elapsed())
        try:
            await self._beat([worker])
        except BaseException:
            self._forget(worker)
            raise
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._go_on(), name="turnlog-pulse")

    def end(self, worker: str, *, holds: bool) -> None:
        """Tell no more of a worker. What it was heard of last is kept where it still `holds` its session."""
        if self._forget(worker) and not holds:
            self._ended.add(worker)

    def _forget(self, worker: str) -> bool:
        """Beat for a worker no more, and for nobody where it was the last; whether it was there."""
        was_there = self._heard.pop(worker, None) is not None
        self._silent.discard(worker)
        if not self._heard and self._beating is not None:
            self._beating.cancel()
            self._beating = None
        return was_there

    async def close(self) -> None:
        """Tell what is untold of workers that have ended; where the database is away, it will forget them by itself."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        if self._ended:
            with suppress(StoreError):
                await self._beat([])

    def is_silent(self, worker: str) -> bool:
        """Whether others may have taken the worker's session because its beats did not get through."""
        heard = self._heard.get(worker)
        return heard is not None and (worker in self._silent or self._elapsed() - heard > self._lease_seconds)

    async def beat(self) -> None:
        """Tell at once that all workers are there; those that were silent count as that until they have read.

        Raises StoreError.
        """
        await self._beat(tuple(self._heard))

    @contextmanager
    def reading(self, worker: str) -> Generator[None]:
        """The worker, heard of again, reads its session to know whether that is still its own.

        It counts as silent where the reading fails, or where it was silent again before that was over.
        """
        self._silent.discard(worker)
        try:
            yield
        except BaseException:
            self._silent.add(worker)
            raise

    def their_time(self) -> datetime | None:
        """The earliest that it can be by the database's clock, where that has ever been told."""
        if self._their_time is None:
            return None
        theirs, heard = self._their_time
        return theirs + timedelta(seconds=self._elapsed() - heard)

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / BEATS)
            try:
                await self.beat()
            except StoreError as error:
                _LOGGER.debug("no heartbeat: %s", error.message)

    async def _beat(self, workers: Sequence[str]) -> None:
        if self._heartbeats is None:
            return
        ended = frozenset(self._ended)
        since, before = self._elapsed(), self._now()
        theirs = await self._heartbeats.beat(workers, ended)
        self._ended -= ended
        if theirs is not None:
            self._their_time = theirs, self._elapsed()
            self.skew = _apart(before, theirs, self._now())
        for worker in self._heard.keys() & workers:  # one that ended meanwhile stays ended
            # The beat counts from before it was sent: the database has it as later, never as earlier.
            if since - self._heard[worker] > self._lease_seconds:
                self._silent.add(worker)
            self._heard[worker] = since


def _apart(before: datetime, theirs: datetime, after: datetime) -> float:
    """Seconds we are ahead; the other clock was read at some moment between two looks at ours."""
    ahead, behind = (before - theirs).total_seconds(), (theirs - after).total_seconds()
    return ahead if ahead > 0 else -behind if behind > 0 else 0.0
