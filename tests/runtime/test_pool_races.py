"""A pool whose looks at the log take long: what happens meanwhile is not judged by what was read before."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from turnlog.domain import Change, StoreError, ToolCallFinished, TurnCompleted
from turnlog.infrastructure import readmodels
from turnlog.projections import RUNNABLE_TABLE, Build, Unfinished
from turnlog.runtime.read_models import Projections
from turnlog.runtime.workers.runnable import RunnableSessions
from turnlog.runtime.workers.work_reports import WorkReport

from .test_pool import SOON, Linger, begun, events, pooled
from .world import World, model_of, until


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


async def test_what_tables_do_not_know_that_took_the_place_of_others_while_a_pool_looked_is_found_all_the_same(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = readmodels.open_read_models("memory:")
    env = replace(memory.env, read_tables=tables)
    projections = Projections(env)
    first = await begun(memory, model_of([]))
    await projections.catch_up(RUNNABLE_TABLE.name)
    anew = await tables.begin(RUNNABLE_TABLE, anew=True)  # by another process, which has come to the end of the log
    await tables.apply(anew, RUNNABLE_TABLE, await memory.log.read_all(), {})
    second = await begun(memory, model_of([]))
    asked, looks = tables.builds, iter(range(9))

    async def builds() -> Sequence[Build]:
        known = await asked()
        if next(looks) == 1:  # the tables that serve are caught up
            await tables.serve(anew)
        return known

    monkeypatch.setattr(tables, "builds", builds)
    found = await RunnableSessions(env, projections, 1.0).now()
    assert [each.session.id for each in found] == [first, second]
    await tables.close()
