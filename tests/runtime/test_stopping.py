"""A graceful stop: the step under way is finished and recorded, nothing more begins, and the turn can go on later."""

import asyncio

import pytest

from turnlog.domain import (
    CommandRefused,
    ModelRequested,
    TextBlock,
    ToolCallFinished,
    ToolCallStarted,
    TurnCompleted,
    TurnStopRequested,
    TurnSuspended,
)
from turnlog.runtime import PermissionDecision, PermissionRequest, Reply, SessionHandle, allow

from .conftest import MakeWorld
from .paced import Paced, PacedModel, under_way
from .test_failing_models import BUSY
from .test_recovery import die_after
from .world import Crash, ScriptedModel, ScriptedReply, World, act, asks, check_log, look, until

STOPPED = ("suspended", "stopped", ())


def how(reply: Reply) -> tuple[object, ...]:
    return reply.outcome, reply.reason, reply.waiting_for


async def is_free(session: SessionHandle) -> bool:
    return (await session.state()).lease is None


async def test_a_turn_that_is_stopped_finishes_its_batch_of_tools(world: World) -> None:
    wait, model = Paced(), ScriptedModel([asks("wait", "look"), "Done."])
    session = await world.session(model, wait.tool, look)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    await session.stop("lunch")
    wait.go.set()
    assert how(await turn) == STOPPED
    assert len(await world.all_of(session.id, ToolCallFinished)) == 2
    assert len(model.requests) == 1
    assert await is_free(session)
    await check_log(world, session.id)


async def test_a_turn_that_is_stopped_takes_in_the_answer_under_way(world: World) -> None:
    model = PacedModel([asks("look"), "Done."])
    session, turn = await under_way(world, model, look)
    await session.stop()
    model.go.set()
    assert how(await turn) == STOPPED
    assert await world.all_of(session.id, ToolCallStarted) == []
    assert (await world.kinds(session.id))[-2:] == ["TurnSuspended", "LeaseReleased"]


async def test_a_stopped_turn_goes_on_and_does_nothing_twice(world: World) -> None:
    wait, model = Paced(), ScriptedModel([asks("wait"), "Done."])
    session = await world.session(model, wait.tool)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    await session.stop()
    wait.go.set()
    await turn
    assert (await session.resume_turn()).text == "Done."
    assert (wait.runs, len(model.requests)) == (1, 2)
    await check_log(world, session.id)


async def test_a_turn_with_nothing_left_to_do_ends_instead(world: World) -> None:
    model = PacedModel(["Done."])
    session, turn = await under_way(world, model)
    await session.stop()
    model.go.set()
    assert (await turn).outcome == "answered"
    assert len(await world.all_of(session.id, TurnCompleted)) == 1


async def test_a_turn_is_stopped_from_another_process(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    model = PacedModel([asks("look"), "Done."])
    session, turn = await under_way(here, model, look)
    await (await there.again(session.id, [])).stop("lunch")
    model.go.set()
    assert how(await turn) == STOPPED
    other = await there.again(session.id, [asks("look"), "Done."], look)
    assert (await other.resume_turn()).text == "Done."


async def test_a_turn_that_waits_for_an_answer_is_stopped(world: World) -> None:
    session = await world.session([asks("act"), "Done."], act)
    turn = asyncio.create_task(session.append_turn("Go.", approvals="wait"))
    await until(world.turnlog.approvals)
    await session.stop()
    assert how(await turn) == STOPPED
    assert await is_free(session)


async def test_a_turn_whose_approver_is_thinking_is_stopped(world: World) -> None:
    asked = asyncio.Event()

    async def approver(request: PermissionRequest) -> PermissionDecision:
        asked.set()
        await asyncio.Event().wait()
        return allow()

    session = await world.session([asks("act"), "Done."], act)
    turn = asyncio.create_task(session.append_turn("Go.", approvals=approver))
    await asked.wait()
    await session.stop()
    assert how(await turn) == STOPPED


async def test_a_question_stays_open_over_a_stop(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act)
    turn = asyncio.create_task(session.append_turn("Go.", approvals="wait"))
    await until(memory.turnlog.approvals)
    await session.stop()
    await turn
    (question,) = await memory.turnlog.approvals()
    await session.resolve_permission(question.request_id, allow())
    assert (await session.resume_turn()).text == "Done."


async def test_a_stop_between_two_attempts_ends_the_attempts(memory: World) -> None:
    napping, wake = asyncio.Event(), asyncio.Event()

    async def nap(seconds: float) -> None:
        napping.set()
        await wake.wait()

    memory.clock.sleep = nap  # type: ignore[method-assign]
    session = await memory.session([ScriptedReply(text="Done.", failures=(BUSY,))])
    turn = asyncio.create_task(session.append_turn("Go."))
    await napping.wait()
    await session.stop()
    assert how(await turn) == STOPPED
    assert len(await memory.all_of(session.id, ModelRequested)) == 1


async def test_what_was_said_before_the_stop_is_not_lost(memory: World) -> None:
    model = PacedModel(["First.", "Second."])
    session, turn = await under_way(memory, model)
    await session.steer("And?")
    await session.stop()
    model.go.set()
    assert how(await turn) == STOPPED
    assert (await session.resume_turn()).text == "Second."


async def test_who_stopped_it_and_why_is_in_the_log(memory: World) -> None:
    model = PacedModel([asks("look"), "Done."])
    session, turn = await under_way(memory, model, look)
    await session.stop("lunch")
    model.go.set()
    await turn
    (requested,) = await memory.all_of(session.id, TurnStopRequested)
    (suspended,) = await memory.all_of(session.id, TurnSuspended)
    assert (requested.actor.id, requested.reason) == ("ada", "lunch")
    assert suspended.waiting_for == ()


async def test_there_is_nothing_to_stop_where_nothing_runs(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act)
    with pytest.raises(CommandRefused, match="no turn in progress"):
        await session.stop()
    await session.append_turn("Go.")
    with pytest.raises(CommandRefused, match="nothing to stop"):
        await session.stop()


async def test_a_stop_of_a_turn_whose_worker_died_does_not_keep_it_from_going_on(memory: World) -> None:
    session = await memory.session(["Done."])
    memory.log.after = die_after(ModelRequested)
    with pytest.raises(Crash):
        await session.append_turn("Go.")
    memory.log.after = lambda changes: None
    await session.stop()
    reply = await session.resume_turn()
    assert reply.blocks == (TextBlock(text="Done."),)
