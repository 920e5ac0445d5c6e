"""How long after its commit a follower sees an event while an unrelated write transaction stays open."""

import asyncio
from contextlib import AsyncExitStack, ExitStack
from time import perf_counter

import psycopg

from turnlog.domain import Change, EventLog
from turnlog.infrastructure import store

from .cells import Bench
from .content import event
from .figures import Figure, Sample, at_most, figure, of_cell, percentile
from .server import Server

POLL = 0.001
PAUSE = 0.005
UNRELATED = ("CREATE TABLE IF NOT EXISTS public.unrelated (x int)", "INSERT INTO public.unrelated VALUES (1)")


def measure_postgres(bench: Bench, server: Server) -> list[Figure]:
    """The follower's lag, with a write transaction open in this database and one in another."""

    def cell() -> Sample:
        with server.database() as url, server.database() as elsewhere, ExitStack() as stack:
            store.migrate(url)
            for each in (url, elsewhere):
                connection = stack.enter_context(psycopg.connect(each))
                for statement in UNRELATED:
                    connection.execute(statement)
            return asyncio.run(_lag(url, 40 if bench.quick else 400))

    rounds = bench.interleave("follower lag", {"ours": cell})
    return [
        figure("follower_lag_ms", of_cell(rounds, "ours", "p50_ms"), "ms", at_most(20)),
        figure("follower_lag_p99_ms", of_cell(rounds, "ours", "p99_ms"), "ms"),
    ]


async def _lag(url: str, events: int) -> Sample:
    """Appends one by one through one store, polled every millisecond through another."""
    committed: dict[int, float] = {}
    seen: dict[int, float] = {}
    written = (event(),)

    async def follow(log: EventLog) -> None:
        position = 0
        while len(seen) < events:
            page = await log.read_all(position)
            now = perf_counter()
            seen.update((each.version, now) for each in page)
            position = page[-1].position or 0 if page else position
            await asyncio.sleep(0 if page else POLL)

    async with AsyncExitStack() as stack:
        writer, reader = [await stack.enter_async_context(store.open_store(url)) for _ in range(2)]
        following = asyncio.create_task(follow(reader.log))
        for version in range(events):
            await writer.log.append(Change("lag", version, written))
            committed[version + 1] = perf_counter()
            await asyncio.sleep(PAUSE)
        async with asyncio.timeout(60):
            await following
    lags = [max(0.0, (seen[version] - at) * 1000) for version, at in committed.items()]
    return {"p50_ms": percentile(lags, 0.5), "p99_ms": percentile(lags, 0.99)}
