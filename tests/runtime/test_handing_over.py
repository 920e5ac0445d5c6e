"""A turn that came to a halt is left to workers: by whom, from where, and what becomes of who had it."""

import asyncio

import pytest

from turnlog.domain import (
    LimitReached,
    Limits,
    Model,
    NothingToResume,
    SessionBusy,
    SessionLost,
    Tool,
    ToolOutcomeResolved,
    TurnResumed,
)
from turnlog.runtime import SessionHandle
from turnlog.runtime.workers.pool import PoolSettings

from .conftest import MakeWorld
from .paced import Paced, PacedModel, under_way
from .test_leases import left_behind
from .test_outcomes_not_known import Post, posting
from .world import ScriptedModel, World, act, asks, check_log, look

SOON = PoolSettings(sweep_seconds=0.1, breath_seconds=0.005, retry_seconds=0.05)


async def worked(world: World, *tools: Tool, model: Model) -> None:
    """Run all that workers find to do."""
    await world.turnlog.work(tools=tools, models=[model], until_idle=True, settings=SOON)


async def stopped(world: World, model: PacedModel) -> SessionHandle:
    session, turn = await under_way(world, model, look)
    await session.stop("lunch")
    model.go.set()
    await turn
    return session


async def test_a_stopped_turn_goes_on_where_a_worker_takes_it(world: World) -> None:
    model = PacedModel([asks("look"), "Done."])
    session = await stopped(world, model)
    await session.hand_over_turn()
    assert (await world.kinds(session.id))[-1] == "TurnResumed"
    await worked(world, look, model=model)
    assert (await world.kinds(session.id))[-2:] == ["TurnCompleted", "LeaseReleased"]
    await check_log(world, session.id)


@pytest.mark.parametrize("how", ["failed", "cancelled"])
async def test_so_does_one_that_failed_or_was_cancelled(memory: World, how: str) -> None:
    model = ScriptedModel([asks("look"), asks("look"), "Done."])
    session = await memory.session(model, look)
    if how == "failed":
        with pytest.raises(LimitReached):
            await session.append_turn("Go.", limits=Limits(rounds=1))
    else:
        await session.begin_turn("Go.")
        await session.cancel("enough")
    turn_id = await session.hand_over_turn(limits=Limits(rounds=9))
    await worked(memory, look, model=model)
    state = await session.state()
    assert state.turn is not None
    assert (state.turn.turn_id, state.turn.state) == (turn_id, "completed")
    assert [each.limits for each in await memory.all_of(session.id, TurnResumed)] == [Limits(rounds=9)]
    await check_log(memory, session.id)


async def test_what_workers_would_take_anyway_is_left_as_it_is(memory: World) -> None:
    session = await memory.session(["Done."])
    turn_id = await session.begin_turn("Go.")
    before = await memory.kinds(session.id)
    assert await session.hand_over_turn() == turn_id
    assert await memory.kinds(session.id) == before


async def test_what_waits_for_a_person_is_left_as_it_is(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act)
    await session.append_turn("Go.")
    before = await memory.kinds(session.id)
    await session.hand_over_turn()
    assert await memory.kinds(session.id) == before


async def test_a_turn_that_is_over_has_nothing_to_go_on_with(memory: World) -> None:
    session = await memory.session(["Done."])
    with pytest.raises(NothingToResume):
        await session.hand_over_turn()
    await session.append_turn("Go.")
    with pytest.raises(NothingToResume):
        await session.hand_over_turn()


async def test_a_session_that_somebody_runs_stays_theirs(shared_url: str, open_world: MakeWorld) -> None:
    there, session_id = await left_behind(shared_url, open_world, 0)
    session = await there.again(session_id, [])
    with pytest.raises(SessionBusy, match="last heard of"):
        await session.hand_over_turn()
    await session.cancel("enough")
    with pytest.raises(SessionBusy):
        await session.hand_over_turn()


async def test_a_worker_that_is_gone_counts_as_lost_where_its_turn_is_still_open(
    shared_url: str, open_world: MakeWorld
) -> None:
    there, session_id = await left_behind(shared_url, open_world, 31)
    session = await there.again(session_id, [])
    before = await there.kinds(session_id)
    await session.hand_over_turn()
    assert await there.kinds(session_id) == before


async def test_it_has_the_session_no_more_where_its_turn_ended_meanwhile(
    shared_url: str, open_world: MakeWorld
) -> None:
    there, session_id = await left_behind(shared_url, open_world, 31)
    session = await there.again(session_id, [])
    await session.cancel("enough")
    await session.hand_over_turn()
    state = await session.state()
    assert (state.lease, state.status) == (None, "active")


async def test_a_session_is_taken_from_a_worker_that_cannot_be_asked_where_one_says_so(world: World) -> None:
    wait, model = Paced(), ScriptedModel([asks("wait"), "Done."])
    session = await world.session(model, wait.tool)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    await session.hand_over_turn(take_over=True)
    with pytest.raises(SessionLost):
        await turn
    wait.go.set()
    await worked(world, wait.tool, model=model)
    assert (await session.metadata()).status == "idle"
    await check_log(world, session.id)


async def test_one_may_say_at_once_what_became_of_a_call(memory: World) -> None:
    post, model = Post(), ScriptedModel([asks("post"), "Done."])
    session, _ = await posting(memory, post=post, model=model)
    await session.hand_over_turn(unknown="did", reason="it arrived")
    await worked(memory, post, model=model)
    assert (post.sent, (await session.metadata()).status) == (1, "idle")
    assert [each.resolution for each in await memory.all_of(session.id, ToolOutcomeResolved)] == ["did"]


async def test_of_a_turn_that_failed_the_call_may_be_run_again(memory: World) -> None:
    post, model = Post(), ScriptedModel([asks("post"), "Done."])
    session, _ = await posting(memory, post=post, model=model)
    await session.cancel("enough")
    await session.hand_over_turn(unknown="retry")
    await worked(memory, post, model=model)
    assert (post.sent, (await session.metadata()).status) == (2, "idle")
    await check_log(memory, session.id)
