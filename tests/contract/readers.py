"""Readers for the contract suite, and logs that count what they give, or may be away or damaged."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import pytest

from turnlog import Settings, Turnlog
from turnlog.domain import (
    READ_WHOLE,
    Actor,
    CorruptRecord,
    EventLog,
    Kinds,
    Model,
    Recorded,
    Selection,
    StoreError,
    Tool,
    Unread,
    Wanted,
)
from turnlog.infrastructure import permissions, store, system
from turnlog.runtime import Environment, Follower


def no_tool(name: str) -> Tool | None:
    return None


def no_model(name: str) -> Model:
    raise NotImplementedError


T = TypeVar("T")


class CountingLog:
    """A log that counts the events it gave, and raises what it is told to before it gives any more."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.append, self.streams, self.wait, self.latest = log.append, log.streams, log.wait, log.latest
        self.given = 0
        self.errors: list[StoreError] = []
        self.away = False

    async def read(
        self, stream: str, after: int = 0, until: int | None = None, kinds: Kinds | None = None
    ) -> Sequence[Recorded]:
        self._fail()
        return [*self._counted(await self._log.read(stream, after, until, kinds))]

    async def fold(
        self,
        stream: str,
        step: Callable[[T, Iterable[Recorded]], T],
        state: T,
        after: int = 0,
        until: int | None = None,
        unread: Unread = READ_WHOLE,
    ) -> T:
        self._fail()

        def counted(state: T, records: Iterable[Recorded]) -> T:
            return step(state, self._counted(records))

        return await self._log.fold(stream, counted, state, after, until, unread)

    async def read_all(self, after: int = 0, limit: int = 500, unread: Unread = READ_WHOLE) -> Sequence[Recorded]:
        self._fail()
        return [*self._counted(await self._log.read_all(after, limit, unread))]

    async def select(self, wanted: Wanted, after: int = 0, limit: int = 500) -> Selection:
        self._fail()
        records, position = await self._log.select(wanted, after, limit)
        return Selection([*self._counted(records)], position)

    @property
    def appends(self) -> int:
        return self._log.appends

    def _counted(self, records: Iterable[Recorded]) -> Iterator[Recorded]:
        for record in records:
            self.given += 1
            yield record

    def _fail(self) -> None:
        if self.away:
            raise StoreError("the database is away")
        if self.errors:
            raise self.errors.pop(0)


class DamagedLog:
    """A log of which one event cannot be read."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.append, self.read, self.fold, self.select = log.append, log.read, log.fold, log.select
        self.streams, self.wait, self.latest = log.streams, log.wait, log.latest
        self.at: int | None = None

    async def read_all(self, after: int = 0, limit: int = 500, unread: Unread = READ_WHOLE) -> Sequence[Recorded]:
        page = await self._log.read_all(after, limit, unread)
        if any(each.position == self.at for each in page):
            raise CorruptRecord(f"the event at position {self.at} cannot be read")
        return page

    @property
    def appends(self) -> int:
        return self._log.appends


def environment(opened: store.Store, log: EventLog | None = None, **settings: Any) -> Environment:
    """What a turnlog on this store is made of."""
    return Environment(
        log=log or opened.log,
        blobs=opened.blobs,
        clock=system.SystemClock(),
        ids=system.RandomIds(),
        workers=system.LocalWorkers(),
        models=no_model,
        tools=no_tool,
        permissions=permissions.StructuredPermissions(),
        user=Actor(kind="user", id="ada"),
        worker="here",
        settings=Settings(**settings),
    )


def turnlog_on(opened: store.Store, log: EventLog | None = None, **settings: Any) -> Turnlog:
    """A turnlog on this store, which others close."""
    return Turnlog(environment(opened, log, **settings), opened.close)


async def take(follower: Follower, count: int) -> list[Recorded]:
    """The next so many events."""
    async with asyncio.timeout(20):
        return [await anext(follower) for _ in range(count)]


async def nothing_comes(follower: Follower) -> None:
    """Fails where there is another event already."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            pytest.fail(f"{await anext(follower)} comes twice, or was never asked for")
