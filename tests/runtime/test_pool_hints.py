"""A pool that is told which sessions may be ready: it runs them at once, and misses none that nobody told of."""

import asyncio
from collections.abc import Sequence

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnlog.domain import LeaseTaken, TurnCompleted
from turnlog.infrastructure import store
from turnlog.runtime import PermissionDecision
from turnlog.runtime.environment import Environment
from turnlog.runtime.worker import Worker
from turnlog.runtime.workers.claiming import PoolMeans, prepared
from turnlog.runtime.workers.pool import PoolSettings

from .conftest import MakeWorld
from .test_pool import begun, drained, ended, events, pooled
from .world import World, act, asks, check_log, look, model_of, until

NO_SWEEP = PoolSettings(sweep_seconds=1_000.0, breath_seconds=0.005)
SWEEPS = PoolSettings(sweep_seconds=0.05, breath_seconds=0.001, retry_seconds=0.01)


@pytest.fixture
def postgres(fresh_postgres: str) -> str:
    store.migrate(fresh_postgres)
    return fresh_postgres


async def test_what_is_told_is_run_without_looking_at_the_log(
    postgres: str, open_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = open_world(postgres, worker="here"), open_world(postgres, worker="there")
    model = model_of([asks("act"), "done"])
    async with pooled(there, model, act, settings=NO_SWEEP) as told:
        await until(lambda: "idle" in events(told))
        monkeypatch.setattr(there.log, "read_all", _forbidden)
        session = await begun(here, model, act)
        await until(lambda: "suspended" in events(told, session))
        (question,) = await here.turnlog.approvals()
        await here.turnlog.resolve_permission(question.request_id, PermissionDecision(allow=True))
        await until(lambda: "finished" in events(told, session))
    assert events(told, session) == ["claimed", "suspended", "claimed", "finished"]
    await check_log(here, session)


async def _forbidden(*_: object, **__: object) -> None:
    raise AssertionError("the log was looked at")


async def test_of_several_pools_each_hint_reaches_one(postgres: str, open_world: MakeWorld) -> None:
    model = model_of([asks("look"), "done"])
    one, other = open_world(postgres, worker="one"), open_world(postgres, worker="other")
    for world in (one, other):
        world.neighbours.answer = True
    async with (
        pooled(one, model, look, settings=NO_SWEEP) as told,
        pooled(other, model, look, settings=NO_SWEEP) as heard,
    ):
        await until(lambda: "idle" in events(told) and "idle" in events(heard))
        sessions = [await begun(one, model, look) for _ in range(8)]
        await until(ended(one, *sessions))
    for session in sessions:
        assert sorted(events([*told, *heard], session)) == ["claimed", "finished"]
        assert len(await one.all_of(session, LeaseTaken)) == 1


async def test_a_full_pool_leaves_hints_to_others_and_takes_them_once_it_has_room(
    postgres: str, open_world: MakeWorld
) -> None:
    world = open_world(postgres)
    model = model_of([asks("look"), "done"])
    async with pooled(world, model, look, concurrency=1, settings=NO_SWEEP) as told:
        await until(lambda: "idle" in events(told))
        sessions = [await begun(world, model, look) for _ in range(5)]
        await until(ended(world, *sessions))


async def test_hints_that_are_dropped_under_a_pool_at_work_cost_it_nothing(
    postgres: str, open_world: MakeWorld
) -> None:
    world = open_world(postgres)
    model = model_of([asks("look"), "done"])
    async with pooled(world, model, look) as told:
        first = await begun(world, model, look)
        await until(ended(world, first))
        with psycopg.connect(postgres, autocommit=True) as server:
            server.execute("DROP SCHEMA turnlog_wakeups CASCADE")
        second = await begun(world, model, look)
        await until(ended(world, second))
    assert [events(told, each) for each in (first, second)] == [["claimed", "finished"]] * 2


class Rumours:
    """Hints of a test's making: one list at a look, of sessions by their number; a number too high is nobody's."""

    def __init__(self, said: Sequence[Sequence[int]]) -> None:
        self.said = list(said)
        self.sessions: list[str] = []

    async def take(self, at_most: int) -> Sequence[str] | None:
        numbers = self.said.pop(0) if self.said else ()
        return [self.sessions[each] if each < len(self.sessions) else f"nobody{each}" for each in numbers][:at_most]


async def test_a_session_told_of_several_times_at_once_is_taken_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rumours, taken_up = Rumours([]), list[str]()
    world, model = World("memory:", hints=rumours), model_of([asks("look"), "done"])

    async def counted(env: Environment, session_id: str, means: PoolMeans) -> Worker:
        taken_up.append(session_id)
        return await prepared(env, session_id, means)

    monkeypatch.setattr("turnlog.runtime.workers.pool.prepared", counted)
    async with pooled(world, model, look, settings=NO_SWEEP) as told:
        await until(lambda: "idle" in events(told))
        session = await world.session(model, look)
        rumours.sessions.append(session.id)
        rumours.said += [[0, 0, 0]] * 100
        await session.begin_turn("Go")
        await until(ended(world, session.id))
    assert taken_up == [session.id]
    await world.close()


@given(said=st.lists(st.lists(st.integers(0, 4), max_size=4), max_size=8))
@settings(max_examples=25)
def test_whatever_is_told_lost_repeated_or_made_up_every_session_is_run_once(said: Sequence[Sequence[int]]) -> None:
    asyncio.run(_run_told(said))


async def _run_told(said: Sequence[Sequence[int]]) -> None:
    rumours = Rumours(said)
    world = World("memory:", hints=rumours)
    model = model_of([asks("look"), "done"])
    work = asyncio.create_task(world.turnlog.work(tools=[look], models=[model], concurrency=2, settings=SWEEPS))
    try:
        for _ in range(4):
            rumours.sessions.append(await begun(world, model, look))
        await until(ended(world, *rumours.sessions))
    finally:
        await drained(work)
    for session in rumours.sessions:
        assert len(await world.all_of(session, LeaseTaken)) == len(await world.all_of(session, TurnCompleted)) == 1
        await check_log(world, session)
    await world.close()
