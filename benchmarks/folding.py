"""Rebuilding a session from its events: read and fold, ours against the stock repository."""

import asyncio
import gc
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from random import Random
from time import perf_counter
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from turnlog.domain import Change, Event, Session
from turnlog.infrastructure import store
from turnlog.runtime.rebuilding import rebuild

from . import content
from .cells import Bench
from .figures import Figure, Sample, Target, at_least, at_most, figure, of_cell, ratios
from .server import Server

SIZES = (100, 1_000, 2_000, 10_000)
BATCH = 500
LOADS = 5
"""Times a session is loaded in one run; the quickest counts, as for anything that only waits for processors."""

STREAM = "session"
TARGETS: dict[str, Target] = {
    "rebuild_ratio_stock_10000": at_least(5),
    "rebuild_2000_ms": at_most(15),
    "sqlite_rebuild_2000_ms": at_most(15),
}


class Conversation(Aggregate):
    """The stock way: an aggregate whose state is as lean as that of our Session."""

    messages = 0
    last_role = ""

    @event("MessageAdded")
    def add(self, role: str, turn_id: str, text: str) -> None:
        """One message more."""
        self.messages += 1
        self.last_role = role


class Conversations(Application[UUID]):
    """The stock application; where it stores is in its environment."""


def measure_postgres(bench: Bench, server: Server) -> list[Figure]:
    """Rebuild from Postgres."""
    with server.database() as url:
        return _measure(bench, "", url, postgres_environment(url))


def measure_sqlite(bench: Bench) -> list[Figure]:
    """Rebuild from SQLite."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": f"{directory}/stock.db"}
        return _measure(bench, "sqlite_", f"sqlite:///{directory}/log.db", environment)


def postgres_environment(url: str) -> dict[str, str]:
    given = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    names = {"dbname": "DBNAME", "host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    settings = {f"POSTGRES_{name}": given.get(key, "") for key, name in names.items()}
    return {"PERSISTENCE_MODULE": "eventsourcing.postgres", **settings}


def _measure(bench: Bench, prefix: str, url: str, environment: Mapping[str, str]) -> list[Figure]:
    with closing(Conversations(env=environment)) as application:
        store.migrate(url)
        stock = {size: _fill_stock(application, size) for size in SIZES}
        asyncio.run(_fill_ours(url))
        loads = 1 if bench.quick else LOADS
        found: list[Figure] = []
        for size in SIZES:
            cells = {
                "ours": _our_cell(url, size, loads),
                "stock": _stock_cell(application, stock[size], size, loads),
            }
            rounds = bench.interleave(f"{prefix}rebuild, {size} events", cells)
            ratio = f"{prefix}rebuild_ratio_stock_{size}"
            milliseconds = f"{prefix}rebuild_{size}_ms"
            found += [
                figure(milliseconds, of_cell(rounds, "ours", "ms"), "ms", TARGETS.get(milliseconds)),
                figure(f"{prefix}rebuild_stock_{size}_ms", of_cell(rounds, "stock", "ms"), "ms"),
                figure(ratio, ratios(rounds, "stock", "ours", "ms"), "x", TARGETS.get(ratio)),
            ]
        return found


async def _fill_ours(url: str) -> None:
    async with store.open_store(url) as opened:
        for size in SIZES:
            after = 0
            for events in _batches(content.session(size)):
                await opened.log.append(Change(f"{STREAM}-{size}", after, events))
                after += len(events)


def _batches(events: Iterator[Event]) -> Iterator[tuple[Event, ...]]:
    batch: list[Event] = []
    for each in events:
        batch.append(each)
        if len(batch) == BATCH:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


def _fill_stock(application: Conversations, size: int) -> UUID:
    random = Random(7)
    conversation = Conversation()
    for number in range(size - 1):
        turn_id = f"turn-{number // content.MESSAGES_A_TURN}"
        conversation.add("user", turn_id, content.text(random))
        if number % BATCH == 0:
            application.save(conversation)
    application.save(conversation)
    return conversation.id


def _our_cell(url: str, size: int, loads: int) -> Callable[[], Sample]:
    async def run() -> Sample:
        async with store.open_store(url) as opened:
            times: list[float] = []
            for _ in range(loads):
                gc.collect()
                begun = perf_counter()
                session = await rebuild(opened.log, f"{STREAM}-{size}", Session("session"))
                times.append((perf_counter() - begun) * 1000)
                assert session.version == size, session.version
            return _quickest(times)

    return lambda: asyncio.run(run())


def _stock_cell(application: Conversations, session: UUID, size: int, loads: int) -> Callable[[], Sample]:
    def run() -> Sample:
        times: list[float] = []
        for _ in range(loads):
            gc.collect()
            begun = perf_counter()
            found: Conversation = application.repository.get(session)
            times.append((perf_counter() - begun) * 1000)
            assert found.version == size, found.version
        return _quickest(times)

    return run


def _quickest(times: Sequence[float]) -> Sample:
    return {"ms": min(times)}
