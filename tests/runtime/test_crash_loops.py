"""A turn whose workers die one after the other at the same step fails, and is not tried again by itself."""

import pytest

from turnlog.domain import (
    Change,
    CrashLoop,
    Effect,
    ModelResponded,
    StoreError,
    SubagentFinished,
    ToolCallStarted,
    TurnFailed,
    every_call,
)
from turnlog.runtime import PermissionDecision, PermissionRequest, RuleDraft, SessionHandle

from .agents import agents, task
from .world import Crash, ScriptedModel, World, asks, check_log, tool

RAN: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


async def deadly(world: World, effect: Effect, dies: int) -> SessionHandle:
    """A session with a call that takes its workers with it, as often as told."""

    @tool(name="act", effect=effect)
    async def act() -> str:
        """Act."""
        RAN.append("ran")
        if len(RAN) <= dies:
            raise Crash
        return "acted"

    await world.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    session = await world.session(ScriptedModel([asks("act"), "Done."]), act)
    with pytest.raises(BaseExceptionGroup):
        await session.append_turn("Act.")
    return session


async def crash(session: SessionHandle, times: int) -> None:
    for _ in range(times):
        with pytest.raises(BaseExceptionGroup):
            await session.resume_turn(unknown="retry")


@pytest.mark.parametrize("effect", ["pure", "idempotent", "external"])
async def test_a_call_that_kills_three_workers_is_not_run_a_fourth_time(world: World, effect: Effect) -> None:
    session = await deadly(world, effect, dies=9)
    await crash(session, 2)
    with pytest.raises(CrashLoop, match="3 workers in a row"):
        await session.resume_turn(unknown="retry")
    assert RAN == ["ran"] * 3
    (failed,) = await world.all_of(session.id, TurnFailed)
    assert (failed.code, failed.retryable) == ("crash_loop", False)
    assert (await session.state()).lease is None
    await check_log(world, session.id)


async def test_a_call_that_kills_two_workers_is_run_a_third_time(world: World) -> None:
    session = await deadly(world, "idempotent", dies=2)
    await crash(session, 1)
    assert (await session.resume_turn()).text == "Done."
    assert [event.attempt for event in await world.all_of(session.id, ToolCallStarted)] == [1, 2, 3]


async def test_a_person_can_take_up_a_crash_loop_once_its_cause_is_gone(world: World) -> None:
    session = await deadly(world, "idempotent", dies=3)
    await crash(session, 2)
    with pytest.raises(CrashLoop):
        await session.resume_turn()
    assert (await session.resume_turn(unknown="retry")).text == "Done."
    assert RAN == ["ran"] * 4
    await check_log(world, session.id)


async def test_a_subagent_whose_call_kills_three_workers_fails_and_its_parent_goes_on(world: World) -> None:
    @tool(name="act", effect="idempotent")
    async def act() -> str:
        """Act."""
        RAN.append("ran")
        raise Crash

    await world.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    session = await world.session(agents(task("one", "Do one."), tool="act"), act, "task")
    with pytest.raises(BaseExceptionGroup):
        await session.append_turn("Go.")
    await crash(session, 2)
    assert (await session.resume_turn()).text == "All done."
    assert RAN == ["ran"] * 3
    (finished,) = await world.all_of(session.id, SubagentFinished)
    assert (finished.outcome, finished.code) == ("failed", "crash_loop")
    await check_log(world, session.id)


async def test_a_database_that_is_away_again_and_again_costs_no_worker(world: World) -> None:
    def away(changes: tuple[Change, ...]) -> None:
        if any(isinstance(event, ModelResponded) for change in changes for event in change.events):
            raise StoreError("away")

    session = await world.session(["Done."] * 9)
    world.log.before = away
    with pytest.raises(StoreError):
        await session.append_turn("Act.")
    for _ in range(5):
        with pytest.raises(StoreError):
            await session.resume_turn()
    world.log.before = lambda changes: None
    assert (await session.resume_turn()).text == "Done."
    await check_log(world, session.id)


async def test_nobody_dies_of_waiting_for_a_person(world: World) -> None:
    """However often a worker is killed meanwhile, by a deployment say."""

    @tool(name="act")
    async def act() -> str:
        """Act."""
        return "acted"

    async def killed(request: PermissionRequest) -> PermissionDecision:
        raise Crash

    session = await world.session([asks("act"), "Done."], act)
    with pytest.raises(Crash):
        await session.append_turn("Act.", approvals=killed)
    for _ in range(5):
        with pytest.raises(Crash):
            await session.resume_turn(approvals=killed)
    assert await world.all_of(session.id, TurnFailed) == []
