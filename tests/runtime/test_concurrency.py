"""Several hands on one session: one worker at a time, and people's commands in between."""

import asyncio
from pathlib import Path

import pytest

from turnlog.domain import (
    CommandRefused,
    Conflict,
    SessionLost,
    Tool,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnInterrupted,
    every_call,
)
from turnlog.runtime import RuleDraft, SessionHandle
from turnlog.runtime.histories import load
from turnlog.runtime.worker import Worker

from .conftest import MakeWorld
from .world import ScriptedReply, World, asks, check_log, model_of, tool, until


class Gate:
    """A tool that waits to be let through, and knows whether it was stopped."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.stopped = asyncio.Event()
        self.tool: Tool = tool(name="wait", effect="pure")(self._wait)

    async def _wait(self) -> str:
        """Wait at the gate."""
        self.entered.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        return "through"


async def at_the_gate(world: World, gate: Gate) -> tuple[SessionHandle, "asyncio.Task[object]"]:
    """A session whose turn is inside a tool."""
    session = await world.session([asks("wait"), "Done.", "Next."], gate.tool)
    turn: asyncio.Task[object] = asyncio.create_task(session.append_turn("Go."))
    await gate.entered.wait()
    return session, turn


async def test_two_looks_at_the_log_at_once_take_in_what_is_new_once(world: World) -> None:
    session = await world.session(["Done."])
    worker = Worker(world.env, session.id, model_of(["Done."]), {})
    await worker.open()
    await session.rename("Another title")
    await asyncio.gather(worker.refresh(), worker.refresh())
    assert worker.session == await load(world.env, session.id)


async def test_a_session_runs_one_turn_at_a_time(world: World) -> None:
    gate = Gate()
    session, turn = await at_the_gate(world, gate)
    with pytest.raises((Conflict, CommandRefused)):
        await session.append_turn("Me too.")
    gate.opened.set()
    await turn
    await check_log(world, session.id)


async def test_of_two_workers_that_begin_at_once_one_runs(shared_url: str, open_world: MakeWorld) -> None:
    one, other = open_world(shared_url), open_world(shared_url, worker="there")
    one.neighbours.answer = other.neighbours.answer = True
    session = await one.session(["Hello.", "Hello again."])
    same = await other.again(session.id, ["Hello.", "Hello again."])
    outcomes = await asyncio.gather(session.append_turn("a"), same.append_turn("b"), return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert all(isinstance(failure, Conflict) for failure in failures)
    completed = await one.all_of(session.id, TurnCompleted)
    assert len(completed) == 2 - len(failures) >= 1
    await check_log(one, session.id)


async def test_of_many_workers_that_resume_at_once_one_runs(shared_url: str, open_world: MakeWorld) -> None:
    worlds = [open_world(shared_url, worker=f"w{n}") for n in range(4)]
    session = await worlds[0].session([asks("send"), "Done."], tool(name="send")(lambda: "sent"))
    await session.append_turn("Send it.")
    await session.cancel()
    for world in worlds:
        world.neighbours.answer = True
    handles = [await world.again(session.id, [asks("send"), "Done."]) for world in worlds]
    outcomes = await asyncio.gather(*(handle.resume_turn() for handle in handles), return_exceptions=True)
    done = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(done) == len(await worlds[0].all_of(session.id, TurnCompleted)) == 1
    assert all(isinstance(each, Conflict | CommandRefused) for each in outcomes if each not in done)
    await check_log(worlds[0], session.id)


async def test_a_new_title_goes_through_while_a_turn_runs(world: World) -> None:
    gate = Gate()
    session, turn = await at_the_gate(world, gate)
    await session.rename("Another title")
    gate.opened.set()
    await turn
    metadata = await session.metadata()
    assert (metadata.title, metadata.status, metadata.turn_count) == ("Another title", "idle", 1)


async def test_a_rule_goes_through_while_a_turn_runs(world: World) -> None:
    gate = Gate()
    session, turn = await at_the_gate(world, gate)
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "x"), session_id=session.id))
    gate.opened.set()
    await turn
    assert len((await session.state()).rules) == 1


async def test_a_turn_completes_under_a_hail_of_commands(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    session = await here.session([asks("look")] * 5 + ["Done."], tool(name="look", effect="pure")(lambda: "seen"))
    same = await there.again(session.id, ["x"])
    turn = asyncio.create_task(session.append_turn("Go."))
    for number in range(10):
        await same.rename(f"Title {number}")
    assert (await turn).text == "Done."
    assert (await session.metadata()).title == "Title 9"
    await check_log(here, session.id)


async def test_cancelling_from_another_process_stops_the_tool(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    gate = Gate()
    session, turn = await at_the_gate(here, gate)
    await (await there.again(session.id, ["x"])).cancel("enough")
    async with asyncio.timeout(5):
        await gate.stopped.wait()
    with pytest.raises(TurnInterrupted):
        await turn
    assert [event.reason for event in await here.all_of(session.id, TurnCancelled)] == ["enough"]


async def test_a_call_that_was_cancelled_is_recorded_as_of_unknown_outcome(world: World) -> None:
    gate = Gate()
    session, turn = await at_the_gate(world, gate)
    await session.cancel()
    with pytest.raises(TurnInterrupted):
        await turn
    assert len(await world.all_of(session.id, ToolOutcomeUnknown)) == 1
    await check_log(world, session.id)


async def test_a_session_is_usable_after_a_cancelled_turn(world: World) -> None:
    gate = Gate()
    session, turn = await at_the_gate(world, gate)
    await session.cancel()
    with pytest.raises(TurnInterrupted):
        await turn
    again = await world.again(session.id, ["", "Next."])
    assert (await again.append_turn("Next?")).text == "Next."


async def test_cancelling_while_the_model_thinks_ends_the_turn(world: World, tmp_path: Path) -> None:
    session = await world.session([ScriptedReply(text="Never.", wait_for=tmp_path / "never")])
    turn = asyncio.create_task(session.append_turn("Go."))

    async def asked() -> bool:
        return "ModelRequested" in await world.kinds(session.id)

    await until(asked)
    await session.cancel()
    with pytest.raises(TurnInterrupted):
        await turn
    assert (await session.state()).lease is None


async def test_a_task_that_is_cancelled_inside_a_tool_is_recorded(world: World) -> None:
    gate = Gate()
    session, turn = await at_the_gate(world, gate)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    state = await session.state()
    assert state.turn is not None
    assert (state.turn.state, state.turn.open_calls, state.lease) == ("cancelled", (), None)
    await check_log(world, session.id)


async def test_a_task_that_is_cancelled_at_any_append_leaves_a_closed_turn(memory: World) -> None:
    look = tool(name="look", effect="pure")(lambda: "seen")
    for place in range(1, 6):
        session = await memory.session([asks("look"), "Done."], look)
        memory.log.written.clear()
        turn = asyncio.create_task(session.append_turn("Go."))

        def stop(changes: object, turn: "asyncio.Task[object]" = turn, place: int = place) -> None:
            if len(memory.log.written) == place:
                turn.cancel()

        memory.log.after = stop
        await asyncio.gather(turn, return_exceptions=True)
        memory.log.after = lambda changes: None
        assert (await session.metadata()).status == "idle", f"after append {place}"
        assert (await session.state()).lease is None
        await check_log(memory, session.id)


async def test_a_session_is_usable_after_its_task_was_cancelled(world: World) -> None:
    gate = Gate()
    session, turn = await at_the_gate(world, gate)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    again = await world.again(session.id, ["", "Next."])
    assert (await again.append_turn("Next?")).text == "Next."


async def test_a_worker_whose_session_was_taken_stops(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    gate, free = Gate(), Gate()
    free.opened.set()
    session, turn = await at_the_gate(here, gate)
    there.neighbours.answer = True
    again = await there.again(session.id, [asks("wait"), "Done."], free.tool)
    assert (await again.resume_turn(take_over=True)).text == "Done."
    with pytest.raises(SessionLost):
        await turn
    assert gate.stopped.is_set()
    await check_log(here, session.id)


async def test_a_worker_whose_session_was_taken_writes_nothing_more(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    gate, free = Gate(), Gate()
    free.opened.set()
    session, turn = await at_the_gate(here, gate)
    await (await there.again(session.id, [asks("wait"), "Done."], free.tool)).resume_turn(take_over=True)
    after = await here.kinds(session.id)
    await asyncio.gather(turn, return_exceptions=True)
    assert await here.kinds(session.id) == after


async def test_sessions_run_side_by_side(world: World) -> None:
    both = asyncio.Barrier(5)

    async def meet() -> str:
        """Meet the others."""
        await both.wait()
        return "met"

    meeting = tool(name="meet", effect="pure")(meet)
    sessions = [await world.session([asks("meet"), "Done."], meeting) for _ in range(5)]
    async with asyncio.timeout(10):
        replies = await asyncio.gather(*(session.append_turn("Go.") for session in sessions))
    assert [reply.text for reply in replies] == ["Done."] * 5


async def test_lists_that_are_read_at_once_count_every_turn_once(world: World) -> None:
    session = await world.session(["Hello.", "Hello again."])
    await session.append_turn("Hi.")
    await world.turnlog.list_sessions()
    await session.append_turn("Hi again.")
    await asyncio.gather(*(world.turnlog.list_sessions() for _ in range(5)))
    assert [metadata.turn_count for metadata in await world.turnlog.list_sessions()] == [2]
