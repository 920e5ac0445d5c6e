"""A turn from what a person says to the model's last word."""

import asyncio

import pytest

from turnlog.domain import (
    InvalidInput,
    ModelRequested,
    Recorded,
    ToolCallFinished,
    ToolCallStarted,
    ToolImage,
    TurnCompleted,
    TurnFailed,
    TurnFailure,
    every_call,
)
from turnlog.runtime import LiveDelta, LiveProgress, RuleDraft, Settings

from .conftest import MakeWorld
from .world import ScriptedModel, ScriptedReply, World, asks, check_log, last_results, tool

PNG = b"\x89PNG\r\n\x1a\n rest"


@tool(effect="pure")
def look(at: str = "") -> str:
    """Look at something."""
    return f"saw {at or 'nothing'}"


async def test_a_plain_answer_is_five_events_in_order(world: World) -> None:
    session = await world.session(["Hello."])
    reply = await session.append_turn("Hi.")
    assert (reply.text, reply.outcome) == ("Hello.", "answered")
    assert await world.kinds(session.id) == [
        "SessionStarted",
        "LeaseTaken",
        "TurnStarted",
        "ModelRequested",
        "ModelResponded",
        "TurnCompleted",
        "LeaseReleased",
    ]


async def test_a_long_answer_is_told_whole(world: World) -> None:
    answer = "word " * 10_000
    session = await world.session([answer])
    assert (await session.append_turn("Go on.")).text == answer


async def test_a_plain_answer_takes_two_appends(world: World) -> None:
    session = await world.session(["Hello."])
    world.log.written.clear()
    await session.append_turn("Hi.")
    assert len(world.log.written) == 2


async def test_a_round_of_tools_takes_two_appends_more(world: World) -> None:
    session = await world.session([asks("look", "look"), "Done."], look)
    world.log.written.clear()
    await session.append_turn("Look.")
    assert len(world.log.written) == 4
    await check_log(world, session.id)


async def test_the_effect_is_announced_in_the_log_before_it_happens(world: World) -> None:
    announced: list[list[str]] = []

    @tool(effect="pure")
    async def peek() -> str:
        """Look at the log from inside a call."""
        announced.append(await world.kinds(session.id))
        return "seen"

    session = await world.session([asks("peek"), "Done."], peek)
    await session.append_turn("Go.")
    assert announced[0][-1] == "ToolCallStarted"


async def test_the_result_is_in_the_log_before_the_model_sees_it(world: World) -> None:
    script = ScriptedModel([asks("look"), "Done."])
    session = await world.session(script, look)
    await session.append_turn("Look.")
    kinds = await world.kinds(session.id)
    second = [place for place, kind in enumerate(kinds) if kind == "ModelRequested"][1]
    assert kinds.index("ToolCallFinished") < second
    assert last_results(script) == ["saw nothing"]


async def test_calls_that_only_read_run_side_by_side(world: World) -> None:
    both = asyncio.Barrier(2)

    @tool(effect="pure")
    async def meet(name: str) -> str:
        """Return once the other call runs too."""
        await both.wait()
        return name

    script = ScriptedModel([asks(("meet", {"name": "a"}), ("meet", {"name": "b"})), "Done."])
    session = await world.session(script, meet)
    async with asyncio.timeout(10):
        await session.append_turn("Meet.")
    assert last_results(script) == ["a", "b"]


async def test_results_of_parallel_calls_are_recorded_in_call_order(memory: World) -> None:
    second_is_done = asyncio.Event()

    @tool(effect="pure")
    async def first() -> str:
        """End after the second."""
        await second_is_done.wait()
        return "first"

    @tool(effect="pure")
    async def second() -> str:
        """End at once."""
        second_is_done.set()
        return "second"

    session = await memory.session([asks("first", "second"), "Done."], first, second)
    await session.append_turn("Go.")
    started = await memory.all_of(session.id, ToolCallStarted)
    finished = await memory.all_of(session.id, ToolCallFinished)
    assert [event.call_id for event in finished] == [event.call_id for event in started]


async def test_calls_that_change_something_run_alone_and_in_order(world: World) -> None:
    running: list[str] = []
    trace: list[tuple[str, ...]] = []

    @tool
    async def change(name: str) -> str:
        """Note who else is running."""
        running.append(name)
        trace.append(tuple(running))
        await asyncio.sleep(0)
        running.remove(name)
        return name

    await world.turnlog.add_rule(RuleDraft(every_call("allow", "change")))
    session = await world.session([asks(*(("change", {"name": n}) for n in "abc")), "Done."], change)
    await session.append_turn("Go.")
    assert trace == [("a",), ("b",), ("c",)]


async def test_reading_before_and_after_a_change_keeps_its_place(memory: World) -> None:
    trace: list[str] = []

    @tool(effect="pure")
    def read(name: str) -> str:
        """Note it."""
        trace.append(name)
        return name

    @tool
    def write() -> str:
        """Note it."""
        trace.append("write")
        return "written"

    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "write")))
    reply = asks(("read", {"name": "a"}), "write", ("read", {"name": "b"}))
    session = await memory.session([reply, "Done."], read, write)
    await session.append_turn("Go.")
    assert trace == ["a", "write", "b"]


async def test_pieces_of_an_answer_reach_a_reader_before_its_event(world: World) -> None:
    session = await world.session([ScriptedReply(text="one two three", chunk=4)])
    seen: list[Recorded | LiveDelta | LiveProgress] = []
    listening = asyncio.Event()

    async def follow() -> None:
        async for item in session.subscribe():
            seen.append(item)
            listening.set()
            if isinstance(item, Recorded) and isinstance(item.event, TurnCompleted):
                return

    reader = asyncio.create_task(follow())
    await listening.wait()
    await session.append_turn("Count.")
    await reader
    kinds = [type(item.event).__name__ if isinstance(item, Recorded) else "piece" for item in seen]
    assert kinds[3:9] == ["ModelRequested", "piece", "piece", "piece", "piece", "ModelResponded"]
    assert "".join(item.delta.text for item in seen if isinstance(item, LiveDelta)) == "one two three"


async def test_pieces_are_not_stored(memory: World) -> None:
    session = await memory.session([ScriptedReply(text="x" * 1000, chunk=1)])
    await session.append_turn("Go.")
    assert len(await memory.events(session.id)) == 7


async def test_nothing_said_ends_the_turn_as_empty(world: World) -> None:
    session = await world.session([ScriptedReply()])
    reply = await session.append_turn("Say nothing.")
    assert (reply.outcome, reply.text) == ("empty", "")
    assert (await session.metadata()).status == "idle"


async def test_after_an_empty_turn_the_next_request_is_valid(memory: World) -> None:
    session = await memory.session([ScriptedReply()])
    await session.append_turn("Say nothing.")
    again = await memory.again(session.id, ["Now."])
    assert (await again.append_turn("And now?")).text == "Now."
    await check_log(memory, session.id)


async def test_a_model_that_never_ends_is_stopped_by_the_round_limit(memory: World, open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=Settings(max_rounds=3, poll_seconds=0.02))
    script = ScriptedModel([asks("look")] * 10)
    session = await world.session(script, look)
    with pytest.raises(TurnFailure, match="round_limit"):
        await session.append_turn("Look for ever.")
    assert len(script.requests) == 3
    assert [event.code for event in await world.all_of(session.id, TurnFailed)] == ["round_limit"]


@pytest.mark.parametrize("content", ["", " \n\t", [], [""]])
async def test_a_turn_without_anything_said_changes_nothing(memory: World, content: str | list[str]) -> None:
    session = await memory.session(["Hello."])
    with pytest.raises(InvalidInput):
        await session.append_turn(content)
    assert await memory.kinds(session.id) == ["SessionStarted"]


async def test_an_image_alone_is_a_turn(world: World) -> None:
    session = await world.session(["A picture."])
    assert (await session.append_turn([ToolImage(PNG, "image/png")])).text == "A picture."
    assert (await session.history())[0].blocks[0].type == "image"


async def test_each_request_is_one_event_that_names_its_digest(memory: World) -> None:
    session = await memory.session([asks("look"), "Done."], look)
    await session.append_turn("Look.")
    requests = await memory.all_of(session.id, ModelRequested)
    assert [(event.round, event.attempt) for event in requests] == [(1, 1), (2, 1)]
    assert len({event.digest for event in requests}) == 2
