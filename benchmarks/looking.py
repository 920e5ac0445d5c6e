"""Looking back: a session of 2,000 events shown at any version, and a part of it blamed, from SQLite."""

import asyncio
import gc
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from typing import Any

from turnlog import Turnlog
from turnlog.domain import Change
from turnlog.infrastructure import store

from . import content
from .cells import Bench
from .figures import Figure, Sample, at_most, figure, of_cell

EVENTS = 2_000
BATCH = 500
SESSION = "session"
POINTS = (1, EVENTS // 2, EVENTS - 1, EVENTS)
LOOKS = 5
"""Times each look is taken in one run; the quickest counts."""


def measure(bench: Bench) -> list[Figure]:
    """Show at the version that takes longest, and blame one message."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/log.db"
        store.migrate(url)
        asyncio.run(_fill(url))
        looks = 1 if bench.quick else LOOKS
        rounds = bench.interleave(f"looking, {EVENTS} events", {"look": lambda: asyncio.run(_look(url, looks))})
    return [
        figure(f"show_any_version_{EVENTS}_ms", of_cell(rounds, "look", "show_ms"), "ms", at_most(50)),
        figure(f"blame_{EVENTS}_ms", of_cell(rounds, "look", "blame_ms"), "ms"),
    ]


async def _fill(url: str) -> None:
    events = tuple(content.session(EVENTS))
    async with store.open_store(url) as opened:
        for after in range(0, EVENTS, BATCH):
            await opened.log.append(Change(SESSION, after, events[after : after + BATCH]))


async def _look(url: str, looks: int) -> Sample:
    async with Turnlog.open(url) as log:
        shown = [await _quickest(looks, partial(log.show, SESSION, at)) for at in POINTS]
        blamed = await _quickest(looks, partial(log.blame, SESSION, "messages[3]"))
    return {"show_ms": max(shown), "blame_ms": blamed}


async def _quickest(looks: int, look: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds."""
    times: list[float] = []
    for _ in range(looks):
        gc.collect()
        begun = perf_counter()
        await look()
        times.append((perf_counter() - begun) * 1000)
    return min(times)
