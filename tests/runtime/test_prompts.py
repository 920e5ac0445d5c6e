"""What a model saw can be built again from the log alone: later, elsewhere, without the tools and settings of then."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from turnlog.domain import (
    Change,
    InvalidInput,
    ModelReply,
    ModelRequested,
    ModelSettings,
    NotFound,
    Recorded,
    TextBlock,
    ThinkingBlock,
    ToolImage,
    TurnStarted,
    every_call,
)
from turnlog.runtime import RuleDraft, SessionHandle, history
from turnlog.runtime.turns.prompts import latest_prompt

from .conftest import MakeWorld
from .world import ModelOf, Script, ScriptedFailure, ScriptedModel, ScriptedReply, World, asks, tool

LONG = "Long ago, é. " * 2_000
BUSY = ScriptedFailure(failure="overloaded", retryable=True)
RICH: Script = [
    asks("look", "send", text="Looking."),
    ScriptedReply(text=LONG, thinking="hm", signature="sealed", failures=(BUSY,)),
    asks("look", "nobody"),
    "Done.",
]
SETTINGS = ModelSettings(temperature=0.7, max_tokens=1_000, stop=("END",))


@tool(effect="pure")
def look(depth: int = 2**63) -> ToolImage:
    """Look."""
    return ToolImage(b"\x89PNG\r\n\x1a\n", "image/png")


@tool(effect="pure")
def send() -> str:
    """Send."""
    return LONG


@tool(effect="pure")
def wait() -> str:
    """Wait."""
    return "waited"


async def rich(world: World) -> SessionHandle:
    """A session with long texts, images, thinking, a failure, settings and tools of its own."""
    session = await world.session(RICH, look, send, system=LONG, settings=SETTINGS)
    await session.append_turn([LONG, ToolImage(b"GIF89a", "image/gif")])
    await session.append_turn("Again.")
    return session


async def versions(world: World, session_id: str) -> list[int]:
    """Where the requests of a session are."""
    records = await world.log.read(session_id)
    return [record.version for record in records if isinstance(record.event, ModelRequested)]


async def check(world: World, session_id: str) -> None:
    """Every request of a session's own can be built again, to the letter."""
    session = await world.turnlog.open_session(session_id)
    for version in await versions(world, session_id):
        found = await session.prompt(version)
        assert (found.stream, found.version, found.agrees) == (session_id, version, True)


async def test_every_request_can_be_built_again(world: World) -> None:
    session = await rich(world)
    await check(world, session.id)


async def test_what_is_built_again_is_what_the_model_got(memory: World) -> None:
    model = ScriptedModel(RICH)
    session = await memory.session(model, look, send, system=LONG, settings=SETTINGS)
    await session.append_turn("Go.")
    places = await versions(memory, session.id)
    assert [(await session.prompt(at)).request for at in places] == model.requests


async def test_the_prompt_at_a_version_is_that_of_the_latest_request_until_then(memory: World) -> None:
    session = await rich(memory)
    places = [*await versions(memory, session.id), (await session.metadata()).version + 1]
    for place, following in pairwise(places):
        assert [(await session.prompt(at)).version for at in range(place, following)] == [place] * (following - place)


async def test_without_a_version_the_prompt_is_the_latest(memory: World) -> None:
    session = await rich(memory)
    assert (await session.prompt()).version == (await versions(memory, session.id))[-1]


async def test_before_the_first_request_there_is_no_prompt(memory: World) -> None:
    session = await rich(memory)
    with pytest.raises(NotFound, match="no model had been asked"):
        await session.prompt((await versions(memory, session.id))[0] - 1)


@pytest.mark.parametrize(("at", "error"), [(0, InvalidInput), (999, NotFound)])
async def test_there_is_no_prompt_where_there_is_no_version(memory: World, at: int, error: type[Exception]) -> None:
    session = await rich(memory)
    with pytest.raises(error):
        await session.prompt(at)


async def test_a_prompt_needs_neither_the_tools_nor_the_model_at_hand(shared_url: str, open_world: MakeWorld) -> None:
    session = await rich(open_world(shared_url))
    elsewhere = open_world(shared_url, worker="there")
    found = await (await elsewhere.turnlog.open_session(session.id)).prompt()
    assert found.agrees
    assert found.request.tools[:2] == (look.spec, send.spec)
    assert found.request.settings == SETTINGS


async def test_a_prompt_stays_what_it_was_when_everything_else_changes(world: World) -> None:
    session = await rich(world)
    await session.rename("Another")
    await session.configure(tools=["read_file"], system="Other.", settings=ModelSettings(seed=1))
    await world.turnlog.add_rule(RuleDraft(every_call("deny", "look"), session_id=session.id))
    other = await world.again(session.id, [*RICH, "Fine."])
    await other.append_turn("And now?")
    await check(world, session.id)
    latest = (await session.prompt()).request
    assert (latest.system, latest.settings) == ("Other.", ModelSettings(seed=1))


async def test_a_fork_has_the_prompts_of_its_parent_until_it_has_its_own(world: World) -> None:
    session = await rich(world)
    places = await versions(world, session.id)
    child = await session.fork(places[1])
    assert await child.prompt() == await session.prompt(places[1])
    other = await world.again(child.id, ModelOf(lambda request, number: [ModelReply((TextBlock(text="Fine."),))]))
    await other.append_turn("Then?")
    assert (await other.prompt()).stream == child.id
    await check(world, child.id)


async def test_a_request_that_the_log_no_longer_gives_is_seen_not_to_agree(memory: World) -> None:
    session = await rich(memory)
    records = await history(memory.log, session.id)
    said = next(place for place, record in enumerate(records) if isinstance(record.event, TurnStarted))
    forged = records[said].event.model_copy(update={"content": (TextBlock(text="Something else."),)})
    records[said] = Recorded(session.id, said + 1, forged)
    assert not (await latest_prompt(records, memory.env.bodies)).agrees


async def test_the_settings_of_a_request_are_those_recorded_with_it(memory: World) -> None:
    session = await rich(memory)
    records = await history(memory.log, session.id)
    records[0] = Recorded(session.id, 1, records[0].event.model_copy(update={"settings": None}))
    assert (await latest_prompt(records, memory.env.bodies)).agrees


async def test_the_proof_of_a_text_that_is_kept_apart_is_kept_with_it(memory: World) -> None:
    said = TextBlock(text=LONG, signature="proof")
    thought = ThinkingBlock(text=LONG, model="scripted:function", signature="sealed")
    session = await memory.session(ModelOf(lambda request, number: [ModelReply((thought, said))]))
    await session.append_turn("Go.")
    await session.append_turn("Go on.")
    assert (await session.prompt()).request.messages[1].blocks == (thought, said)


async def test_tools_are_kept_once_however_often_they_are_offered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, kept = world.store.blobs.put, list[str]()

    async def counted(body: bytes, media_type: str) -> Any:
        kept.append(media_type)
        return await put(body, media_type)

    monkeypatch.setattr(world.store.blobs, "put", counted)
    session = await world.session([asks("wait"), asks("wait"), "One.", "Two."], wait)
    await session.append_turn("Go.")
    await session.append_turn("Go on.")
    assert kept == ["application/json"]
    assert len({str(event.tools) for event in await world.all_of(session.id, ModelRequested)}) == 1


async def test_what_is_said_right_before_a_request_goes_into_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await world.session([asks("wait"), "Done."], wait)
    append, said = world.log.append, list[str]()

    async def meddled(*changes: Change) -> Sequence[Recorded]:
        if not said and isinstance(changes[0].events[-1], ModelRequested) and changes[0].after > 3:
            said.append("Be quick.")
            await session.steer(said[0])
        return await append(*changes)

    monkeypatch.setattr(world.log, "append", meddled)
    await session.append_turn("Go.")
    assert [event.attempt for event in await world.all_of(session.id, ModelRequested)] == [1, 1]
    assert (await session.prompt()).request.messages[-1].blocks[-1] == TextBlock(text="Be quick.")
    await check(world, session.id)
