"""A worker that is stopped for longer than its lease, and goes on once another has its session: it does nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from turnlog.domain import LeaseTaken, SessionBusy
from turnlog.infrastructure import system
from turnlog.runtime import SessionHandle, Settings

from ..runtime.world import World, check_log, until
from .conftest import Killer
from .reading import effects, finish, session_of

pytestmark = pytest.mark.fault

LEASE = 0.5
PLACES = [("last", 3), ("before", 7), ("last", 10), ("before", 11)]
"""Right after an append, or right before one: reads announced, a write not yet, one announced, and one done."""


@pytest.fixture
async def other(url: str) -> AsyncIterator[World]:
    """A process that takes over what was silent for long enough."""
    async with AsyncExitStack() as stack:
        workers = system.LocalWorkers()
        settings = Settings(poll_seconds=0.02, lease_seconds=LEASE)
        world = World(url, worker=workers.me, workers=workers, settings=settings)
        stack.push_async_callback(world.close)
        yield world


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def happened(ledger: Path) -> list[str]:
    return [line for line in ledger.read_text().splitlines() if not line.startswith("appends")]


async def take_over(session: SessionHandle) -> None:
    """Finish the turn as soon as its worker was silent for long enough."""
    while True:
        try:
            return await finish(session)
        except SessionBusy as busy:
            await asyncio.sleep(busy.free_in or LEASE / 10)


async def pause_and_replace(url: str, other: World, killer: Killer, ledger: Path, place: tuple[str, int]) -> None:
    """Stop a worker at a place, have another finish its turn, and let it go on."""
    title = ledger.name
    pid = killer.begin(url, title, ledger, signal=signal.SIGSTOP, lease_seconds=LEASE, **dict([place]))
    try:
        await until(lambda: is_stopped(pid))
        session = await session_of(other, title, ledger)
        await take_over(session)
        before = await other.events(session.id), happened(ledger)
    finally:
        os.kill(pid, signal.SIGCONT)
        assert killer.end() is None
    assert (await other.events(session.id), happened(ledger)) == before, f"stopped at {place}"
    assert max(effects(ledger, "send").values()) == 1
    assert [event.epoch for event in await other.all_of(session.id, LeaseTaken)][:2] == [1, 2]
    await check_log(other, session.id)


@pytest.mark.parametrize("place", PLACES)
async def test_a_worker_that_was_paused_past_its_lease_does_nothing_more(
    url: str, tmp_path: Path, the_killer: Killer, other: World, place: tuple[str, int]
) -> None:
    await pause_and_replace(url, other, the_killer, tmp_path / "paused", place)


@pytest.mark.soak
async def test_no_worker_that_was_paused_past_its_lease_does_anything_more(
    url: str, tmp_path: Path, the_killer: Killer, other: World
) -> None:
    places = [(when, number) for number in range(3, 16) for when in ("last", "before")]
    for turn in range(50):
        await pause_and_replace(url, other, the_killer, tmp_path / f"{turn}", places[turn % len(places)])


async def test_a_worker_that_was_paused_for_less_than_its_lease_goes_on(
    url: str, tmp_path: Path, the_killer: Killer, other: World
) -> None:
    ledger = tmp_path / "paused"
    pid = the_killer.begin(url, "paused", ledger, signal=signal.SIGSTOP, last=3)
    await until(lambda: is_stopped(pid))
    os.kill(pid, signal.SIGCONT)
    assert the_killer.end() is None
    session = await session_of(other, "paused", ledger)
    assert (await session.metadata()).status == "idle"
    assert set(effects(ledger, "send").values()) == {1}
