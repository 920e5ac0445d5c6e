"""A pool whose looks at the log take long: what happens meanwhile is not judged by what was read before."""

import asyncio
from dataclasses import replace

import pytest

from turnlog.domain import Change, StoreError, ToolCallFinished, TurnCompleted
from turnlog.projections import Unfinished
from turnlog.runtime.workers.runnable import RunnableSessions
from turnlog.runtime.workers.work_reports import WorkReport

from .test_pool import SOON, Linger, begun, events, pooled
from .world import World, until


class SlowLooks:
    """Looks at the log of which the next is handed out, as it was read, only when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read, self.hand_out = asyncio.Event(), asyncio.Event()
        self.found: list[set[str]] = []
        real = RunnableSessions.now

        async def now(sessions: RunnableSessions) -> list[Unfinished]:
            found = await real(sessions)
            self.found.append({each.session.id for each in found})
            self.read.set()
            await self.hand_out.wait()
            return found

        monkeypatch.setattr(RunnableSessions, "now", now)


async def test_a_pool_that_is_to_end_once_idle_runs_what_came_while_it_looked_and_its_last_turn_ended(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    linger, told = Linger(), list[WorkReport]()
    first = await begun(memory, linger.model, linger.tool)
    work = asyncio.create_task(linger.work(memory, tell=told.append, until_idle=True))
    await linger.began.wait()
    slow = SlowLooks(monkeypatch)
    await slow.read.wait()
    second = await begun(memory, linger.model)
    linger.go_on.set()
    await until(lambda: "finished" in events(told, first))
    slow.hand_out.set()
    await work
    assert await memory.all_of(second, TurnCompleted)


async def test_a_session_that_failed_while_the_pool_looked_is_left_alone_for_a_while_like_any_other(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    linger = Linger()

    def lose_the_result(changes: tuple[Change, ...]) -> None:
        if any(isinstance(event, ToolCallFinished) for change in changes for event in change.events):
            raise StoreError("the database is away")

    session = await begun(memory, linger.model, linger.tool)
    memory.log.before = lose_the_result
    seldom = replace(SOON, retry_seconds=1_000.0, retry_ceiling=1_000.0)
    async with pooled(memory, linger.model, linger.tool, settings=seldom) as told:
        await linger.began.wait()
        slow = SlowLooks(monkeypatch)
        await slow.read.wait()
        linger.go_on.set()
        await until(lambda: "failed" in events(told, session))
        slow.hand_out.set()
        await until(lambda: session in set[str]().union(*slow.found[:-1]))  # it could be run, and the pool looked again
        assert events(told, session) == ["claimed", "failed"]
