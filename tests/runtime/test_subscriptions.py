"""Readers of a session: history first, then live, everything once and in order, whatever their speed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from turnlog.domain import (
    Change,
    ModelDelta,
    ModelReply,
    ModelRequested,
    Recorded,
    SessionRenamed,
    SessionTagged,
    TextBlock,
    kinds_of,
)
from turnlog.runtime import LiveDelta, SessionHandle

from .conftest import MakeWorld
from .world import ModelOf, Script, ScriptedReply, World, asks, tool, until

TWO_TURNS: Script = [asks("look", "look"), "One.", asks("look"), "Two."]
look = tool(name="look", effect="pure")(lambda: "seen")


async def read(session: SessionHandle, after: int, last: int) -> list[int]:
    """The versions a reader gets up to one of them."""
    seen: list[int] = []
    async with aclosing(_recorded(session, after)) as records:
        async for record in records:
            seen.append(record.version)
            if record.version >= last:
                break
    return seen


async def _recorded(session: SessionHandle, after: int) -> AsyncGenerator[Recorded, None]:
    async for item in session.subscribe(after):
        if isinstance(item, Recorded):
            yield item


async def two_turns(world: World) -> tuple[SessionHandle, int]:
    """A session with a past, and its version."""
    session = await world.session(TWO_TURNS, look)
    await session.append_turn("First.")
    await session.append_turn("Second.")
    return session, (await session.metadata()).version


async def test_a_reader_gets_exactly_what_comes_after_any_version(world: World) -> None:
    session, last = await two_turns(world)
    for after in range(last):
        assert await read(session, after, last) == list(range(after + 1, last + 1))


async def test_a_reader_of_some_kinds_gets_those_alone_from_any_version(world: World) -> None:
    session, last = await two_turns(world)
    everything = [record async for record in _until(session, last)]
    for after in range(last):
        expected = [one for one in everything[after:] if type(one.event) in kinds_of(["tool", "TurnCompleted"])]
        async with aclosing(session.subscribe(after, kinds=["tool", "TurnCompleted"])) as records:
            assert [await anext(records) for _ in expected] == expected


async def test_a_reader_of_a_kind_that_is_rare_in_a_long_session_gets_each_once(memory: World) -> None:
    session = await memory.session(["One."])
    await session.append_turn("First.")
    for page in range(3):
        names = [f"{page} {number}" for number in range(499)]
        after = (await session.metadata()).version
        events = tuple(SessionRenamed(at=memory.clock.now(), actor=memory.env.user, title=name) for name in names)
        await memory.log.append(Change(session.id, after, events))
        await session.tag(f"tag{page}")
    async with aclosing(session.subscribe(kinds="SessionTagged")) as records:
        found = [await anext(records) for _ in range(3)]
        last = asyncio.create_task(anext(records))
        await session.tag("last")
        assert [one.event for one in (*found, await last)] == await memory.all_of(session.id, SessionTagged)


async def test_a_reader_of_some_kinds_gets_what_happens_later_without_pieces(world: World) -> None:
    session = await world.session(TWO_TURNS, look)
    async with aclosing(session.subscribe(kinds="TurnCompleted")) as records:
        first = asyncio.create_task(anext(records))
        await session.append_turn("First.")
        assert type((await first).event).__name__ == "TurnCompleted"
        await session.append_turn("Second.")
        assert type((await anext(records)).event).__name__ == "TurnCompleted"


async def _until(session: SessionHandle, last: int) -> AsyncGenerator[Recorded, None]:
    async with aclosing(_recorded(session, 0)) as records:
        async for record in records:
            yield record
            if record.version >= last:
                return


async def test_a_reader_gets_history_and_then_what_happens(world: World) -> None:
    session = await world.session(TWO_TURNS, look)
    await session.append_turn("First.")
    middle = (await session.metadata()).version
    reader = asyncio.create_task(read(session, 0, middle + 10))
    await session.append_turn("Second.")
    assert await reader == list(range(1, middle + 11))


async def test_a_slow_reader_loses_no_event(world: World) -> None:
    session = await world.session([ScriptedReply(text="x" * 10_000, chunk=1)] + ["More."] * 5)
    seen: list[int] = []
    step = asyncio.Event()

    async def slowly() -> None:
        async for item in session.subscribe():
            await step.wait()
            if isinstance(item, Recorded):
                seen.append(item.version)
                if item.version == 37:
                    return

    reader = asyncio.create_task(slowly())
    for _ in range(6):
        await session.append_turn("Go on.")
    step.set()
    await reader
    assert seen == list(range(1, 38))


async def test_a_reader_that_lags_may_lose_pieces_but_not_the_answer(memory: World) -> None:
    session = await memory.session([ScriptedReply(text="x" * 10_000, chunk=1)])
    pieces, answers = 0, 0
    step = asyncio.Event()

    async def slowly() -> None:
        nonlocal pieces, answers
        async for item in session.subscribe():
            await step.wait()
            pieces += isinstance(item, LiveDelta)
            answers += isinstance(item, Recorded) and type(item.event).__name__ == "ModelResponded"
            if isinstance(item, Recorded) and item.version == 7:
                return

    reader = asyncio.create_task(slowly())
    await session.append_turn("Go.")
    step.set()
    await reader
    assert answers == 1
    assert pieces < 10_000


async def test_two_readers_get_the_same(world: World) -> None:
    session = await world.session(TWO_TURNS, look)
    readers = [asyncio.create_task(read(session, 0, 15)) for _ in range(2)]
    await session.append_turn("First.")
    await session.append_turn("Second.")
    assert await asyncio.gather(*readers) == [list(range(1, 16))] * 2


async def test_a_reader_gets_what_another_process_writes(shared_url: str, open_world: MakeWorld) -> None:
    here, there = open_world(shared_url), open_world(shared_url, worker="there")
    session = await here.session(TWO_TURNS, look)
    reader = asyncio.create_task(read(await there.again(session.id, ["x"]), 0, 12))
    await session.append_turn("First.")
    assert await reader == list(range(1, 13))


async def test_a_reader_may_begin_beyond_the_end(world: World) -> None:
    session = await world.session(TWO_TURNS, look)
    reader = asyncio.create_task(read(session, 3, 6))
    await session.append_turn("First.")
    assert await reader == [4, 5, 6]


async def test_pieces_reach_only_the_readers_of_their_session(memory: World) -> None:
    loud = await memory.session([ScriptedReply(text="abc", chunk=1)])
    quiet = await memory.session(["Hello."])
    heard: list[LiveDelta] = []

    async def follow() -> None:
        async for item in quiet.subscribe():
            if isinstance(item, LiveDelta):
                heard.append(item)
            elif item.version == 7:
                return

    reader = asyncio.create_task(follow())
    await loud.append_turn("Go.")
    await quiet.append_turn("Go.")
    await reader
    assert {piece.session_id for piece in heard} == {quiet.id}


PIECES = (
    ModelDelta("thinking", "Let me", part=0),
    ModelDelta("thinking", " see.", part=0),
    ModelDelta("text", "Looking.", part=1),
    ModelDelta("tool_call", '{"pa', part=2, tool="look"),
    ModelDelta("tool_call", "{}", part=3, tool="look"),
    ModelDelta("tool_call", 'th": 1}', part=2, tool="look"),
)


async def test_pieces_of_every_kind_reach_readers_with_the_request_they_answer(world: World) -> None:
    model = ModelOf(lambda request, number: [*PIECES, ModelReply((TextBlock(text="Seen."),))])
    session = await world.session(model)
    heard: list[LiveDelta] = []
    requests: list[tuple[int, str]] = []

    async def follow() -> None:
        async for item in session.subscribe():
            if isinstance(item, LiveDelta):
                heard.append(item)
            elif isinstance(item, Recorded) and isinstance(item.event, ModelRequested):
                requests.append((item.version, item.event.turn_id))
            elif item.version == 13:
                return

    reader = asyncio.create_task(follow())
    await session.append_turn("First.")
    await session.append_turn("Second.")
    await reader
    assert [piece.delta for piece in heard] == [*PIECES, *PIECES]
    assert [(piece.version, piece.turn_id) for piece in heard] == [place for place in requests for _ in PIECES]


async def test_a_reader_that_is_cancelled_ends_at_once(world: World) -> None:
    session, last = await two_turns(world)
    reader = asyncio.create_task(read(session, 0, last + 1))
    await asyncio.sleep(0)
    reader.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(reader, return_exceptions=True)
    assert reader.cancelled()


async def test_a_reader_that_stops_reading_leaves_nothing_behind(world: World) -> None:
    session, last = await two_turns(world)
    assert await read(session, 0, last) == list(range(1, last + 1))
    await until(lambda: len(asyncio.all_tasks()) == 1)
