"""A pool of workers: what it takes up, how it shares, and how it lets go."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from turnlog.domain import (
    Change,
    Event,
    InvalidInput,
    LeaseReleased,
    LeaseTaken,
    Model,
    ModelRequested,
    Recorded,
    Selection,
    StoreError,
    Tool,
    ToolCallFinished,
    TurnCompleted,
    TurnResumed,
    TurnStarted,
    Wanted,
)
from turnlog.projections import Unfinished
from turnlog.runtime import PermissionDecision
from turnlog.runtime.workers.pool import PoolSettings
from turnlog.runtime.workers.runnable import RunnableSessions
from turnlog.runtime.workers.work_reports import TellWork, WorkReport, silent

from .conftest import MakeWorld
from .world import PATIENCE, ModelOf, World, act, asks, check_log, look, model_of, tool, until

SOON = PoolSettings(sweep_seconds=0.1, breath_seconds=0.005, retry_seconds=0.05)


class Linger:
    """A tool that lingers until it is told to go on, the model that calls it, and a pool that has both."""

    def __init__(self) -> None:
        self.began, self.go_on = asyncio.Event(), asyncio.Event()
        self.model = model_of([asks("linger"), "done"])

        @tool(effect="pure")
        async def linger() -> str:
            """Linger."""
            self.began.set()
            await self.go_on.wait()
            return "lingered"

        self.tool = linger

    async def work(self, world: World, *, tell: TellWork = silent, until_idle: bool = False) -> None:
        await world.turnlog.work(
            tools=[self.tool], models=[self.model], settings=SOON, tell=tell, until_idle=until_idle
        )


@asynccontextmanager
async def pooled(
    world: World, model: Model, *tools: Tool, concurrency: int = 4, settings: PoolSettings = SOON
) -> AsyncGenerator[list[WorkReport]]:
    """A pool at work for as long as the block lasts; what it tells."""
    told: list[WorkReport] = []
    work = world.turnlog.work(tools=tools, models=[model], concurrency=concurrency, settings=settings, tell=told.append)
    task = asyncio.create_task(work)
    try:
        yield told
    finally:
        await drained(task)


async def drained(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def begun(world: World, model: Model, *tools: Tool, said: str = "Go") -> str:
    session = await world.session(model, *tools)
    await session.begin_turn(said)
    return session.id


def events(told: Sequence[WorkReport], session: str | None = None) -> list[str]:
    return [each.event for each in told if each.session == session]


def ended(world: World, *sessions: str) -> Callable[[], object]:
    async def fact() -> bool:
        return all([await world.all_of(session, TurnCompleted) for session in sessions])

    return fact


async def test_it_runs_what_was_begun_without_a_worker(world: World) -> None:
    model = model_of([asks("look"), "done"])
    sessions = [await begun(world, model, look) for _ in range(3)]
    told: list[WorkReport] = []
    await world.turnlog.work(tools=[look], models=[model], until_idle=True, settings=SOON, tell=told.append)
    for session in sessions:
        assert events(told, session) == ["claimed", "finished"]
        assert len(await world.all_of(session, LeaseTaken)) == 1
        await check_log(world, session)
    assert told[-1].event == "idle"


async def test_the_oldest_goes_first_and_no_more_run_than_may(memory: World) -> None:
    running: list[int] = []
    order: list[str] = []

    @tool(effect="pure")
    async def note() -> str:
        """Note."""
        running.append(1)
        assert len(running) <= 2
        await asyncio.sleep(0)
        running.pop()
        return "noted"

    model = model_of([asks("note"), "done"])
    sessions: list[str] = []
    for _ in range(6):
        memory.clock.advance(1)
        sessions.append(await begun(memory, model, note))

    def tell(report: WorkReport) -> None:
        if report.event == "claimed":
            order.append(str(report.session))

    await memory.turnlog.work(tools=[note], models=[model], concurrency=2, until_idle=True, settings=SOON, tell=tell)
    assert sorted(order) == sorted(sessions)
    assert set(order[:2]) == set(sessions[:2])


async def test_an_answer_wakes_a_suspended_session(world: World) -> None:
    model = model_of([asks("act"), "done"])
    session = await begun(world, model, act)
    async with pooled(world, model, act) as told:
        await until(lambda: "suspended" in events(told, session))
        (waiting,) = [each.waiting_for for each in told if each.event == "suspended"]
        await world.turnlog.resolve_permission((waiting or ("",))[0], PermissionDecision(allow=True))
        await until(lambda: "finished" in events(told, session))
    assert len(await world.all_of(session, TurnResumed)) == 1
    await check_log(world, session)


async def test_a_question_that_is_too_old_wakes_its_session(memory: World) -> None:
    model = model_of([asks("act"), "done"])
    session = await begun(memory, model, act)
    async with pooled(memory, model, act) as told:
        await until(lambda: "suspended" in events(told, session))
        memory.clock.advance(memory.settings.approval_lifetime.total_seconds() + 1)
        await until(lambda: events(told, session).count("claimed") > 1)


async def test_of_two_pools_one_runs_a_session(shared_url: str, open_world: MakeWorld) -> None:
    model = model_of([asks("look"), "done"])
    one, other = open_world(shared_url, worker="one"), open_world(shared_url, worker="other")
    for world in (one, other):
        world.neighbours.answer = True
    sessions = [await begun(one, model, look) for _ in range(8)]
    async with pooled(one, model, look) as told, pooled(other, model, look) as heard:
        await until(ended(one, *sessions))
    for session in sessions:
        assert sorted(events([*told, *heard], session)) == ["claimed", "finished"]
        assert len(await one.all_of(session, LeaseTaken)) == 1
        assert len(await one.all_of(session, ModelRequested)) == 2


async def test_a_session_whose_worker_is_gone_is_taken_over(shared_url: str, open_world: MakeWorld) -> None:
    model = model_of([asks("look"), "done"])
    here = open_world(shared_url, worker="here")
    session = await here.session(model, look)
    here.log.after = lambda changes: (_ for _ in ()).throw(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        await session.append_turn("Go")
    there = open_world(shared_url, worker="there")
    async with pooled(there, model, look) as told:
        await until(ended(there, session.id))
    assert next(each.standing for each in told if each.event == "claimed") == "held"
    await check_log(there, session.id)


async def test_draining_ends_the_step_and_leaves_the_turn_to_another(world: World) -> None:
    linger = Linger()
    session = await begun(world, linger.model, linger.tool)
    told: list[WorkReport] = []
    work = asyncio.create_task(linger.work(world, tell=told.append))
    await linger.began.wait()
    work.cancel()
    await asyncio.sleep(0)
    linger.go_on.set()
    await asyncio.gather(work, return_exceptions=True)
    assert events(told, session) == ["claimed", "released"]
    assert [each.is_error for each in await world.all_of(session, ToolCallFinished)] == [False]
    assert (await world.kinds(session))[-2:] == ["ToolCallFinished", "LeaseReleased"]
    await linger.work(world, until_idle=True)
    assert await world.all_of(session, TurnCompleted)
    await check_log(world, session)


async def test_cancelled_twice_it_breaks_the_step_off_and_leaves_the_turn_open(world: World) -> None:
    linger = Linger()
    session = await begun(world, linger.model, linger.tool)
    told: list[WorkReport] = []
    work = asyncio.create_task(linger.work(world, tell=told.append))
    await linger.began.wait()
    work.cancel()
    await asyncio.sleep(0)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert events(told, session) == ["claimed", "released"]
    kinds = await world.kinds(session)
    assert kinds[-1] == "LeaseReleased"
    assert "TurnCancelled" not in kinds
    await linger.work(world, until_idle=True)
    assert await world.all_of(session, TurnCompleted)


async def test_one_session_that_fails_at_once_keeps_no_other_from_running(memory: World) -> None:
    broken = await begun(memory, ModelOf(lambda request, number: []))
    good = model_of(["done"])
    session = await begun(memory, good)
    async with pooled(memory, good) as told:
        await until(ended(memory, session))
        await until(lambda: events(told, broken).count("failed") > 2)
    pauses = [each.retry_seconds for each in told if each.event == "failed"]
    assert pauses[:3] == [0.05, 0.1, 0.2]
    assert await memory.all_of(broken, LeaseTaken) == []


async def test_a_session_whose_tools_are_not_here_is_left_to_others(memory: World) -> None:
    model = model_of([asks("look"), "done"])
    session = await begun(memory, model, look)
    async with pooled(memory, model) as told:
        await until(lambda: "failed" in events(told, session))
    assert "tools that this worker does not: look" in str([each.message for each in told])
    assert await memory.all_of(session, LeaseTaken) == []


async def test_a_turn_that_failed_is_not_tried_again(memory: World) -> None:
    model = ModelOf(lambda request, number: (_ for _ in ()).throw(ValueError("no")))
    session = await begun(memory, model)
    told: list[WorkReport] = []
    await memory.turnlog.work(models=[model], until_idle=True, settings=SOON, tell=told.append)
    assert events(told, session) == ["claimed", "failed"]
    assert [each.retry_seconds for each in told if each.event == "failed"] == [None]


async def test_a_turn_that_somebody_stopped_is_left_alone(memory: World) -> None:
    model = model_of(["done"])
    session = await memory.session(model)
    await session.begin_turn("Go")
    await session.stop()
    told: list[WorkReport] = []
    await memory.turnlog.work(models=[model], until_idle=True, settings=SOON, tell=told.append)
    assert events(told, session.id) == ["claimed", "suspended"]
    assert not await memory.all_of(session.id, ModelRequested)


async def test_a_cancelled_turn_is_not_taken_up_again(memory: World) -> None:
    model = model_of(["done"])
    session = await memory.session(model)
    await session.begin_turn("Go")
    await session.cancel()
    told: list[WorkReport] = []
    await memory.turnlog.work(models=[model], until_idle=True, settings=SOON, tell=told.append)
    assert [each.event for each in told] == ["idle"]


async def test_a_session_that_is_given_back_is_released_once(memory: World) -> None:
    model = model_of(["done"])
    session = await begun(memory, model)
    await memory.turnlog.work(models=[model], until_idle=True, settings=SOON)
    assert len(await memory.all_of(session, LeaseReleased)) == 1


async def test_no_sessions_at_a_time_are_refused(memory: World) -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        await memory.turnlog.work(concurrency=0)


async def test_the_settings_of_a_pool_hold_where_no_argument_says_otherwise(memory: World) -> None:
    ends = replace(SOON, until_idle=True, concurrency=0)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(InvalidInput, match="at least 1"):
            await memory.turnlog.work(settings=ends)
        await memory.turnlog.work(settings=ends, concurrency=1)


async def test_of_turns_that_are_over_the_first_sweep_reads_little(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of([asks("look"), "done"])
    over = [await begun(memory, model, look) for _ in range(3)]
    await memory.turnlog.work(tools=[look], models=[model], until_idle=True, settings=SOON)
    left = await begun(memory, model, look)
    read, handed_out = list[str](), list[type[Event]]()
    whole, some = memory.log.read, memory.log.select

    async def noted(stream: str, after: int = 0, until: int | None = None) -> Sequence[Recorded]:
        read.append(stream)
        return await whole(stream, after, until)

    async def selected(wanted: Wanted, after: int = 0, limit: int = 500) -> Selection:
        found = await some(wanted, after, limit)
        handed_out.extend(type(record.event) for record in found.records)
        return found

    monkeypatch.setattr(memory.log, "read", noted)
    monkeypatch.setattr(memory.log, "select", selected)
    sessions = RunnableSessions(memory.env, memory.turnlog.projections, 1.0)
    assert [each.session.id for each in await sessions.now()] == [left]
    assert set(over) & set(read) == set()
    assert set(handed_out) <= {TurnStarted, LeaseTaken, TurnCompleted, LeaseReleased}


async def test_what_nobody_told_of_is_found_by_the_sweep(memory: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf(appends: int, seconds: float) -> None:
        await asyncio.sleep(seconds)

    monkeypatch.setattr(memory.log, "wait", deaf)
    model = model_of(["done"])
    async with pooled(memory, model):
        session = await begun(memory, model)
        await until(ended(memory, session))


async def test_a_pool_that_cannot_tell_gives_back_what_it_was_running(memory: World) -> None:
    linger = Linger()

    def tell(report: WorkReport) -> None:
        if report.event == "claimed":
            linger.go_on.set()
            raise RuntimeError("nobody listens")

    session = await begun(memory, linger.model, linger.tool)
    with pytest.raises(RuntimeError, match="nobody listens"):
        await linger.work(memory, tell=tell)
    assert (await memory.kinds(session))[-1] == "LeaseReleased"
    await linger.work(memory, until_idle=True)
    assert await memory.all_of(session, TurnCompleted)


async def test_a_database_that_is_away_ends_a_pool_that_was_to_end_anyway_once_its_steps_are_over(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    linger = Linger()
    session = await begun(memory, linger.model, linger.tool)
    work = asyncio.create_task(linger.work(memory, until_idle=True))
    await linger.began.wait()
    real, looked = RunnableSessions.now, asyncio.Event()

    async def away(sessions: RunnableSessions) -> list[Unfinished]:
        looked.set()
        raise StoreError("the database is away")

    monkeypatch.setattr(RunnableSessions, "now", away)
    await looked.wait()
    monkeypatch.setattr(RunnableSessions, "now", real)
    linger.go_on.set()
    with pytest.raises(StoreError, match="the database is away"):
        await work
    assert len(await memory.all_of(session, ToolCallFinished)) == 1
    assert len(await memory.all_of(session, LeaseReleased)) == 1


async def test_a_session_that_is_tried_again_is_no_reason_to_look_more_often(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    linger, looks, failed = Linger(), list[float](), list[bool]()

    def fail_once(changes: tuple[Change, ...]) -> None:
        if not failed:
            failed.append(True)
            raise StoreError("the database is away")

    real = RunnableSessions.now

    async def counted(sessions: RunnableSessions) -> list[Unfinished]:
        looks.append(asyncio.get_running_loop().time())
        return await real(sessions)

    session = await begun(memory, linger.model, linger.tool)
    memory.log.before = fail_once
    monkeypatch.setattr(RunnableSessions, "now", counted)
    rarely = PoolSettings(sweep_seconds=600, breath_seconds=0, retry_seconds=0.01)
    async with pooled(memory, linger.model, linger.tool, settings=rarely):
        await linger.began.wait()
        looks.clear()
        for _ in range(50):  # turns of the loop in which a pool that is not at rest would look
            await asyncio.sleep(0)
        assert len(looks) <= 1
        linger.go_on.set()
        await until(ended(memory, session))
    assert failed
