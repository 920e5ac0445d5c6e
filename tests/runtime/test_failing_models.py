"""Models that fail for a while, or for good, and what the log and the next turn make of it."""

import asyncio
from collections.abc import Callable

import pytest

from turnlog.domain import (
    ModelDelta,
    ModelFailed,
    ModelReply,
    ModelRequest,
    ModelRequested,
    TextBlock,
    TurnFailed,
    TurnFailure,
)
from turnlog.projections import conversation_problems
from turnlog.runtime import Settings

from .conftest import MakeWorld
from .world import ModelOf, ScriptedFailure, ScriptedModel, ScriptedReply, World, asks, check_log, tool

Answer = Callable[[ModelRequest, int], list[ModelDelta | ModelReply]]

BUSY = ScriptedFailure(failure="overloaded", message="busy", retryable=True)
REFUSED = ScriptedFailure(failure="authentication", message="no such key")


@tool(effect="pure")
def look() -> str:
    """Look."""
    return "seen"


async def test_a_model_that_is_busy_for_a_while_is_asked_again(world: World) -> None:
    session = await world.session([ScriptedReply(text="At last.", failures=(BUSY, BUSY))])
    assert (await session.append_turn("Go.")).text == "At last."


async def test_every_attempt_is_a_request_and_a_failure_in_the_log(world: World) -> None:
    session = await world.session([ScriptedReply(text="At last.", failures=(BUSY, BUSY))])
    await session.append_turn("Go.")
    assert [event.attempt for event in await world.all_of(session.id, ModelRequested)] == [1, 2, 3]
    failed = await world.all_of(session.id, ModelFailed)
    assert [(event.attempt, event.failure, event.message) for event in failed] == [
        (1, "overloaded", "busy"),
        (2, "overloaded", "busy"),
    ]


async def test_the_wait_doubles_from_attempt_to_attempt(memory: World) -> None:
    session = await memory.session([ScriptedReply(text="At last.", failures=(BUSY, BUSY, BUSY))])
    await session.append_turn("Go.")
    assert memory.clock.slept == [0.5, 1.0, 2.0]


async def test_the_wait_is_in_the_log(memory: World) -> None:
    session = await memory.session([ScriptedReply(text="At last.", failures=(BUSY, BUSY))])
    await session.append_turn("Go.")
    assert [event.retry_delay for event in await memory.all_of(session.id, ModelFailed)] == [0.5, 1.0]


@pytest.mark.parametrize(("asked", "slept"), [(7.5, 7.5), (0.0, 0.0), (3600.0, 30.0)])
async def test_the_wait_the_provider_asks_for_is_kept_up_to_the_ceiling(
    memory: World, asked: float, slept: float
) -> None:
    busy = BUSY.model_copy(update={"retry_after": asked})
    session = await memory.session([ScriptedReply(text="At last.", failures=(busy,))])
    await session.append_turn("Go.")
    assert memory.clock.slept == [slept]


async def test_attempts_are_counted_anew_for_every_round(memory: World) -> None:
    three = (BUSY, BUSY, BUSY)
    look_first = asks("look").model_copy(update={"failures": three})
    session = await memory.session([look_first, ScriptedReply(text="Done.", failures=three)], look)
    assert (await session.append_turn("Go.")).text == "Done."


async def test_a_model_that_stays_busy_fails_the_turn_after_the_last_attempt(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=Settings(model_attempts=2, poll_seconds=0.02))
    session = await world.session([ScriptedReply(text="Never.", failure=BUSY)])
    with pytest.raises(TurnFailure, match=r"model_overloaded\): busy"):
        await session.append_turn("Go.")
    assert [event.retry_delay for event in await world.all_of(session.id, ModelFailed)] == [0.5, None]


async def test_an_error_that_will_not_pass_fails_the_turn_at_once(world: World) -> None:
    session = await world.session([ScriptedReply(text="Never.", failure=REFUSED)])
    with pytest.raises(TurnFailure, match="no such key"):
        await session.append_turn("Go.")
    (failed,) = await world.all_of(session.id, TurnFailed)
    assert (failed.code, failed.retryable) == ("model_authentication", False)
    assert world.clock.slept == []


async def test_a_failed_turn_leaves_the_session_failed_and_not_counted(world: World) -> None:
    session = await world.session([ScriptedReply(text="Never.", failure=REFUSED)])
    with pytest.raises(TurnFailure):
        await session.append_turn("Go.")
    metadata = await session.metadata()
    assert (metadata.status, metadata.turn_count) == ("failed", 0)


async def test_after_a_failed_turn_the_next_one_works(world: World) -> None:
    session = await world.session([ScriptedReply(text="Never.", failure=REFUSED)])
    with pytest.raises(TurnFailure):
        await session.append_turn("First.")
    again = await world.again(session.id, ["Now."])
    await again.append_turn("Second.")
    metadata = await again.metadata()
    assert (metadata.status, metadata.turn_count) == ("idle", 1)
    await check_log(world, session.id)


async def test_after_a_failed_turn_the_model_sees_what_was_said_and_done(memory: World) -> None:
    session = await memory.session([asks("look"), ScriptedReply(failure=REFUSED)], look)
    with pytest.raises(TurnFailure):
        await session.append_turn("First.")
    script = ScriptedModel(["", "Now."])
    await (await memory.again(session.id, script, look)).append_turn("Second.")
    conversation = script.requests[0].messages
    assert conversation_problems(conversation) == []
    said = [getattr(block, "text", block.type) for message in conversation for block in message.blocks]
    assert said == ["First.", "tool_call", "tool_result", "Second."]


async def test_a_failed_turn_can_be_resumed_without_doing_anything_twice(world: World) -> None:
    done: list[str] = []

    @tool(effect="pure")
    def note() -> str:
        """Note that it ran."""
        done.append("ran")
        return "noted"

    session = await world.session([asks("note"), ScriptedReply(text="Done.", failures=(REFUSED,))], note)
    with pytest.raises(TurnFailure):
        await session.append_turn("Go.")
    assert (await session.resume_turn()).text == "Done."
    assert done == ["ran"]


def _raises(request: ModelRequest, number: int) -> list[ModelDelta | ModelReply]:
    raise ZeroDivisionError("by zero")


def _only_pieces(request: ModelRequest, number: int) -> list[ModelDelta | ModelReply]:
    return [ModelDelta("text", "Hel")]


@pytest.mark.parametrize(
    ("answer", "code"), [(_raises, "model_unexpected"), (_only_pieces, "model_malformed")], ids=["raises", "breaks off"]
)
async def test_a_model_that_breaks_its_promises_fails_the_turn(world: World, answer: Answer, code: str) -> None:
    session = await world.session(ModelOf(answer))
    with pytest.raises(TurnFailure):
        await session.append_turn("Go.")
    assert [event.code for event in await world.all_of(session.id, TurnFailed)] == [code]


@pytest.mark.parametrize("text", ["", " \n"])
async def test_an_answer_of_blanks_leaves_a_valid_conversation(memory: World, text: str) -> None:
    session = await memory.session(ModelOf(lambda request, number: [ModelReply((TextBlock(text=text),))]))
    await session.append_turn("Go.")
    await session.append_turn("Go on.")
    await check_log(memory, session.id)


async def test_a_turn_can_be_cancelled_while_it_waits_for_the_next_attempt(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=Settings(retry_seconds=600, poll_seconds=0.02))
    napping = asyncio.Event()

    async def nap(seconds: float) -> None:
        napping.set()
        await asyncio.Event().wait()

    world.clock.sleep = nap  # type: ignore[method-assign]
    session = await world.session([ScriptedReply(text="Never.", failures=(BUSY,))])
    turn = asyncio.create_task(session.append_turn("Go."))
    await napping.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert (await session.metadata()).status == "idle"
