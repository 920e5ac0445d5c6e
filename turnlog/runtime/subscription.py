"""Following the log: history first, then live. Events come from the log, so a slow reader lags and loses nothing.

Readers hold one page at a time and ask for the next when that is read. They are woken when something is appended, and
look for themselves every `poll_seconds` where nothing tells. A database that is away is asked again, less and less
often, until it answers or `away_seconds` are over; then the reader raises, and a new one may go on from its place.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial
from typing import Self, TypeVar

from turnlog.domain import (
    CorruptRecord,
    Kinds,
    Recorded,
    SchemaMissing,
    SchemaNewer,
    StoreClosed,
    StoreError,
    Wanted,
)

from .environment import Environment
from .turns.live import Listener, Piece

T = TypeVar("T")
_PAGE = 500
_FIRST_DELAY = 0.05
_LONGEST_DELAY = 2.0
_FINAL = (CorruptRecord, SchemaMissing, SchemaNewer, StoreClosed)
"""What asking again does not cure."""


def follow_all(
    env: Environment, after: int = 0, wanted: Wanted | None = None, *, patience: float | None = None
) -> "Follower":
    """The events wanted after a position, each once and in the order of the log, then live."""
    return Follower(env, after, wanted or Wanted(), env.settings.away_seconds if patience is None else patience)


class Follower:
    """An iterator over the log that never ends by itself; `position` is up to where it has handed everything out.

    What it was not asked for is passed over, and `position` moves on with it: a reader that waits for a rare kind of
    event may stop at any time, and another goes on from there.

    Stop asking, and nothing of it is left: it holds a page and no task. One step may be cancelled, as by a timeout, and
    the next goes on where that was. Several tasks may take turns with one follower; each event goes to one of them.
    Raises StoreError once the database was away too long, or at once where waiting is no help.
    """

    def __init__(self, env: Environment, after: int, wanted: Wanted, patience: float) -> None:
        self._env = env
        self._wanted = wanted
        self._patience = patience
        self._read_to = after
        self._page = deque[Recorded]()
        self._turning = asyncio.Lock()
        self.position = after

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Recorded:
        if not self._page:
            async with self._turning:
                await self._turn_page()
        record = self._page.popleft()
        self.position = _position(record) if self._page else self._read_to
        return record

    async def _turn_page(self) -> None:
        """Return once there is something on the page."""
        log = self._env.log
        while not self._page:
            appends = log.appends
            found = await _patiently(self._env, lambda: log.select(self._wanted, self._read_to, _PAGE), self._patience)
            if found.position == self._read_to:
                await self._env.news(appends)
                continue
            self._read_to = found.position
            self._page.extend(found.records)
            if not self._page:
                self.position = self._read_to


def _position(record: Recorded) -> int:
    if record.position is None:
        raise TypeError("a log tells the position of what it reads in its order")
    return record.position


async def follow_kinds(env: Environment, session_id: str, after: int, kinds: Kinds) -> AsyncGenerator[Recorded, None]:
    """Every event of some kinds in a session's stream after a version, each once and in order, then live.

    Ends when closed or cancelled. Raises StoreError once the database was away too long.
    """
    while True:
        appends, until = env.log.appends, after + _PAGE
        # Asked first: where the stream goes on behind the page, the page is whole.
        goes_on = await _patiently(env, partial(env.log.read, session_id, until, until + 1), env.settings.away_seconds)
        read = partial(env.log.read, session_id, after, until, kinds)
        records = await _patiently(env, read, env.settings.away_seconds)
        for record in records:
            yield record
        after = until if goes_on else records[-1].version if records else after
        if not goes_on and not records:
            await env.news(appends)


async def follow(env: Environment, session_id: str, after: int = 0) -> AsyncGenerator[Recorded | Piece, None]:
    """Every event of a session's stream after a version, each once and in order, with live pieces in between.

    Pieces come before the event that settles them; a reader that lags may miss pieces. Ends when closed or cancelled.
    Raises StoreError once the database was away too long.
    """
    with env.live.listen(session_id) as listener:
        while True:
            appends = env.log.appends
            read = _reading(env, session_id, after)
            records = await _patiently(env, read, env.settings.away_seconds)
            for record in records:
                for piece in listener.take(before=record.version):
                    yield piece
                yield record
                after = record.version
            if not records:
                for piece in listener.take(before=after + 1):
                    yield piece
                await _wait(env, listener, appends)


def _reading(env: Environment, session_id: str, after: int) -> Callable[[], Awaitable[Sequence[Recorded]]]:
    return lambda: env.log.read(session_id, after=after, until=after + _PAGE)


async def _patiently(env: Environment, read: Callable[[], Awaitable[T]], patience: float) -> T:
    """What is read, once the database is there. Raises StoreError where it stays away for longer than `patience`."""
    loop = asyncio.get_running_loop()
    end, delay = loop.time() + patience, _FIRST_DELAY
    while True:
        try:
            return await read()
        except _FINAL:
            raise
        except StoreError:
            left = end - loop.time()
            if left <= 0:
                raise
        await env.log.wait(env.log.appends, min(delay, left))  # whoever appends shows that it is back
        delay = min(delay * 2, _LONGEST_DELAY)


async def _wait(env: Environment, listener: Listener, appends: int) -> None:
    """Return when there may be something new."""
    waits = [asyncio.create_task(listener.arrival()), asyncio.create_task(env.news(appends))]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
