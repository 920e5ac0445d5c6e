"""A turn cancelled, wherever it was: it is recorded, nothing is left running, and the next turn starts clean."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from turnlog.domain import (
    Change,
    Limits,
    ModelDelta,
    ModelReply,
    ModelRequest,
    ModelRequested,
    StoreError,
    TextBlock,
    ToolCallFinished,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnInterrupted,
    every_call,
)
from turnlog.runtime import RuleDraft, SessionHandle, Settings

from .conftest import MakeWorld
from .paced import Paced, PacedModel, seen, under_way
from .test_failing_models import BUSY
from .world import PROGRAMS, ModelOf, Script, ScriptedModel, ScriptedReply, World, asks, check_log, raw, tool, until

GRACE = Settings(poll_seconds=0.02, grace_seconds=0.05)


async def cancelled(turn: "asyncio.Task[Any]") -> None:
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn


class Recipe:
    """A turn with everything in it that can be waited for, and what became of its effects."""

    def __init__(self) -> None:
        self.done = Counter[str]()

        @tool
        async def act(name: str) -> str:
            """Act."""
            await asyncio.sleep(0)
            self.done[name] += 1
            await asyncio.sleep(0)
            return f"acted {name}"

        @tool(effect="pure")
        async def look() -> str:
            """Look."""
            await asyncio.sleep(0)
            return "seen"

        self.tools = (act, look)
        self.script: Sequence[ScriptedReply | str] = [
            asks("look", "look", raw("look", "{"), ("act", {"name": "a"})),
            ScriptedReply(
                text="On.", chunk=1, failures=(BUSY,), calls=asks(("act", {"name": "b"}), "look").calls, thinking="hm"
            ),
            "Done.",
        ]


async def given_up_after(steps: int, turn: "asyncio.Task[Any]") -> bool:
    """Let a turn run for so many steps of the loop and cancel it; false where it was over before."""
    for _ in range(steps):
        if turn.done():
            return False
        await asyncio.sleep(0)
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    return turn.cancelled()


async def one_answer_each(session: SessionHandle) -> None:
    """Every call in the conversation has exactly one result."""
    blocks = [block for message in await session.history() for block in message.blocks]
    calls = [block.call_id for block in blocks if block.type == "tool_call"]
    results = [block.call_id for block in blocks if block.type == "tool_result"]
    assert calls == results


@pytest.mark.parametrize("stride", range(8))
async def test_a_turn_may_be_cancelled_at_any_step(memory: World, stride: int) -> None:
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    steps, over = stride, False
    while not over:
        recipe = Recipe()
        session = await memory.session(recipe.script, *recipe.tools)
        over = not await given_up_after(steps, asyncio.create_task(session.append_turn("Go.")))
        await check_log(memory, session.id)
        await one_answer_each(session)
        story = await session.state()
        assert story.lease is None
        kinds = Counter(await memory.kinds(session.id))
        assert kinds["TurnStarted"] == kinds["TurnCancelled"] + kinds["TurnCompleted"]
        model = ModelOf(lambda request, number: [ModelReply((TextBlock(text="Clean."),))])
        assert (await (await memory.again(session.id, model, *recipe.tools)).append_turn("And?")).text == "Clean."
        assert seen(model.requests[0])[-1] == "And?"
        assert set(recipe.done.values()) <= {1}
        steps += 8


@pytest.mark.parametrize("stride", range(4))
async def test_a_cancelled_turn_resumes_and_does_nothing_twice(memory: World, stride: int) -> None:
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    steps, over = stride, False
    while not over:
        recipe = Recipe()
        session = await memory.session(recipe.script, *recipe.tools)
        over = not await given_up_after(steps, asyncio.create_task(session.append_turn("Go.")))
        if not over and await memory.all_of(session.id, TurnCancelled):
            await session.resume_turn()
            await check_log(memory, session.id)
            assert set(recipe.done.values()) <= {1}
        steps += 4


async def test_a_turn_that_ends_as_it_is_cancelled_has_one_end(memory: World) -> None:
    session = await memory.session(["Done."])
    turn = asyncio.create_task(session.append_turn("Go."))

    def stop(changes: tuple[Change, ...]) -> None:
        if any(isinstance(event, TurnCompleted) for change in changes for event in change.events):
            turn.cancel()

    memory.log.before = stop
    await asyncio.gather(turn, return_exceptions=True)
    kinds = await memory.kinds(session.id)
    assert (kinds.count("TurnCompleted"), kinds.count("TurnCancelled")) == (1, 0)
    assert kinds[-1] == "LeaseReleased"


async def test_who_cancels_while_the_log_is_away_is_not_kept_waiting(memory: World) -> None:
    model = PacedModel(["Never."])
    session, turn = await under_way(memory, model)

    def away(changes: tuple[Change, ...]) -> None:
        raise StoreError("the database is away")

    memory.log.before = away
    await cancelled(turn)
    memory.log.before = lambda changes: None
    assert (await (await memory.again(session.id, ["Done."])).resume_turn()).text == "Done."


# Tools


async def test_a_tool_is_cancelled_with_its_turn(world: World) -> None:
    wait = Paced()
    session = await world.session([asks("wait"), "Done."], wait.tool)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    await cancelled(turn)
    assert wait.cancelled.is_set()
    (finished,) = await world.all_of(session.id, ToolCallFinished)
    assert finished.is_error
    await check_log(world, session.id)


async def test_siblings_that_had_ended_keep_their_results(world: World) -> None:
    looked = 0

    @tool(effect="pure")
    async def look() -> str:
        """Look."""
        nonlocal looked
        looked += 1
        return "seen"

    wait = Paced()
    session = await world.session([asks("look", "wait", "look"), "Done."], look, wait.tool)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    await until(lambda: looked == 2)
    await cancelled(turn)
    model = ScriptedModel(["", "Now."])
    await (await world.again(session.id, model, look, wait.tool)).append_turn("And?")
    results = [b for m in model.requests[0].messages for b in m.blocks if b.type == "tool_result"]
    texts = ["".join(str(part.text) for part in b.content if part.type == "text") for b in results]
    assert texts == ["seen", "cancelled while it was running; what it had done by then stays done", "seen"]


async def test_a_tool_that_ends_well_when_it_is_told_to_has_its_result_recorded(memory: World) -> None:
    began = asyncio.Event()

    @tool
    async def save() -> str:
        """Save, come what may."""
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "saved in time"
        return "never"

    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "save")))
    session = await memory.session([asks("save"), "Done."], save)
    turn = asyncio.create_task(session.append_turn("Go."))
    await began.wait()
    await cancelled(turn)
    (finished,) = await memory.all_of(session.id, ToolCallFinished)
    assert not finished.is_error


async def test_a_tool_that_does_not_listen_is_given_up(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=GRACE)
    wait = Paced(deaf=True)
    session = await world.session([asks("wait"), "Done."], wait.tool)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    await cancelled(turn)
    asyncio.get_running_loop().call_later(0.2, wait.go.set)
    (unknown,) = await world.all_of(session.id, ToolOutcomeUnknown)
    assert unknown.reason == "cancelled while it was running, and it did not end within 0.05 s"
    model = ScriptedModel(["", "Now."])
    assert (await (await world.again(session.id, model, wait.tool)).append_turn("And?")).text == "Now."
    await check_log(world, session.id)


async def test_a_model_that_does_not_listen_is_given_up(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=GRACE)
    asked, go = asyncio.Event(), asyncio.Event()

    class Deaf:
        name = "scripted:deaf"

        async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
            asked.set()
            while not go.is_set():
                with suppress(asyncio.CancelledError):
                    await go.wait()
            yield ModelReply((TextBlock(text="Done."),))

    session = await world.session(Deaf())
    turn = asyncio.create_task(session.append_turn("Go."))
    await asked.wait()
    await cancelled(turn)
    go.set()
    assert (await world.kinds(session.id))[-2:] == ["TurnCancelled", "LeaseReleased"]


async def test_who_cancels_twice_does_not_wait_for_the_tool(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=Settings(poll_seconds=0.02, grace_seconds=3600))
    wait = Paced(deaf=True)
    session = await world.session([asks("wait"), "Done."], wait.tool)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    turn.cancel()
    await wait.cancelled.wait()
    await cancelled(turn)
    await until(lambda: _is_cancelled(world, session))
    wait.go.set()
    await check_log(world, session.id)


async def _is_cancelled(world: World, session: SessionHandle) -> bool:
    return bool(await world.all_of(session.id, TurnCancelled))


async def test_a_turn_cancelled_from_elsewhere_stops_its_tool_and_is_given_back(world: World) -> None:
    wait = Paced()
    session = await world.session([asks("wait"), "Done."], wait.tool)
    turn = asyncio.create_task(session.append_turn("Go."))
    await wait.began.wait()
    await session.cancel("enough")
    with pytest.raises(TurnInterrupted):
        await turn
    assert wait.cancelled.is_set()
    assert (await session.state()).lease is None
    assert len(await world.all_of(session.id, ToolOutcomeUnknown)) == 1


async def test_a_turn_cancelled_as_it_fails_is_given_back(memory: World) -> None:
    session = await memory.session([])
    append = memory.log.append
    done: list[bool] = []

    async def late_append(*changes: Change) -> Any:
        fails = any(isinstance(event, TurnFailed) for change in changes for event in change.events)
        if fails and not done:
            done.append(True)
            await session.cancel("enough")
        return await append(*changes)

    memory.log.append = late_append  # type: ignore[method-assign]
    with pytest.raises(TurnInterrupted):
        await session.append_turn("Go.")
    assert (await session.state()).lease is None
    assert await memory.all_of(session.id, TurnFailed) == []


async def test_a_turn_cancelled_as_its_deadline_passes_is_given_back(memory: World) -> None:
    session = await memory.session(PacedModel(["Never."]))
    append = memory.log.append
    done: list[bool] = []

    async def late_append(*changes: Change) -> Any:
        if any(isinstance(event, TurnFailed) for change in changes for event in change.events) and not done:
            done.append(True)
            await session.cancel("enough")
        return await append(*changes)

    memory.log.append = late_append  # type: ignore[method-assign]
    with pytest.raises(TurnInterrupted):
        await session.append_turn("Go.", limits=Limits(deadline=memory.clock.now() + timedelta(milliseconds=50)))
    assert (await session.state()).lease is None


@pytest.mark.parametrize("stubborn", [False, True])
async def test_what_the_shell_started_is_gone_after_a_cancel(memory: World, tmp_path: Path, stubborn: bool) -> None:
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN);" if stubborn else ""
    program = (
        f"import os, signal, time; {ignore} pid = os.fork();open(f'{{os.getpid()}}.pid', 'w').close(); time.sleep(3600)"
    )
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "shell")))
    script: Script = [asks(("shell", {"argv": [sys.executable, "-c", program]})), "Done."]
    session = await memory.turnlog.create_session(
        "s", model=ScriptedModel(script), tools=["shell"], workspace=tmp_path, policy=PROGRAMS
    )
    turn = asyncio.create_task(session.append_turn("Go."))

    def files() -> list[Path]:
        return list(tmp_path.glob("*.pid"))

    await until(lambda: len(files()) == 2)
    await cancelled(turn)
    pids = [int(found.stem) for found in files()]
    await until(lambda: not any(map(_runs, pids)))
    (finished,) = await memory.all_of(session.id, ToolCallFinished)
    assert finished.is_error


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_a_turn_cancelled_as_its_request_is_written_is_given_back(memory: World) -> None:
    session = await memory.session(["Done."])
    append = memory.log.append
    requests = 0

    async def late_append(*changes: Change) -> Any:
        nonlocal requests
        if any(isinstance(event, ModelRequested) for change in changes for event in change.events):
            requests += 1
            if requests == 1:
                await append(Change(changes[0].stream, changes[0].after, changes[0].events[:2]))
                await session.cancel("enough")
        return await append(*changes)

    memory.log.append = late_append  # type: ignore[method-assign]
    with pytest.raises(TurnInterrupted):
        await session.append_turn("Go.")
    assert (await session.state()).lease is None
    assert (await memory.kinds(session.id))[1:] == ["LeaseTaken", "TurnStarted", "TurnCancelled", "LeaseReleased"]
