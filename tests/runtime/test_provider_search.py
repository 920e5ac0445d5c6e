"""Where a model's provider searches deferred tools by itself, the log holds what it was sent and what it found."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from pydantic import BaseModel

from turnlog import ScriptedSearch
from turnlog.domain import (
    OUTPUT_TOOL,
    InvalidInput,
    ModelDelta,
    ModelError,
    ModelReply,
    ModelRequest,
    ModelRequested,
    ModelResponded,
    Session,
    TextBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolSearchBlock,
    ToolSearchChosen,
    ToolsFound,
    TurnFailure,
    fold,
    names_found,
)
from turnlog.projections import TRANSCRIPT, messages, project
from turnlog.runtime import SessionHandle

from .conftest import MakeWorld
from .exported import document, exported, taken_in
from .world import (
    ModelOf,
    Script,
    ScriptedFailure,
    ScriptedModel,
    ScriptedReply,
    World,
    act,
    asks,
    check_log,
    look,
    tool,
)

OTHER = "scripted:other"


@tool(effect="pure")
def listen() -> str:
    """Listen."""
    return "heard"


def searching(*found: str, calls: str = "") -> ScriptedReply:
    """An answer in whose middle the provider searches; it calls what was found."""
    reply = asks(calls, text="Let me see.") if calls else ScriptedReply(text="Let me see.")
    return reply.model_copy(update={"searches": (ScriptedSearch(query="senses", found=found),)})


def provider(script: Script, name: str = "scripted:demo") -> ScriptedModel:
    """A model whose provider searches."""
    return ScriptedModel(script, name, searches_tools=True)


async def opened(world: World, model: ScriptedModel) -> SessionHandle:
    """A session with one tool to be seen and two to be found."""
    return await world.session(model, look, act, listen, deferred=["look", "listen"], tool_search="provider")


def shown(request: ModelRequest) -> dict[str, bool]:
    """The tools of a request in order, and whether each is held back."""
    return {spec.name: spec.deferred for spec in request.tools}


def searches(request: ModelRequest) -> list[tuple[str, ...]]:
    """What the searches found that a request repeats."""
    blocks = [block for message in request.messages for block in message.blocks]
    return [block.found for block in blocks if isinstance(block, ToolSearchBlock)]


async def check_prompts(session: SessionHandle, world: World) -> None:
    """Every request can be built again from the log, to the letter."""
    for record in await world.log.read(session.id):
        if isinstance(record.event, ModelRequested):
            assert (await session.prompt(record.version)).agrees
    await check_log(world, session.id)


class Seen(BaseModel):
    """What a turn is to end in."""

    seen: str


HELD_BACK = {"act": False, "read_tool_result": False, "look": True, "listen": True}
SEARCHED: Script = [searching("look", calls="look"), "Done.", "Again."]


async def test_deferred_tools_are_sent_held_back_in_place_of_find_tools(memory: World) -> None:
    model = provider(["Hello."])
    await (await opened(memory, model)).append_turn("1")
    assert shown(model.requests[0]) == HELD_BACK


async def test_what_the_provider_found_can_be_called_in_the_same_answer(world: World) -> None:
    session = await opened(world, provider(SEARCHED))
    await session.append_turn("1")
    together = [[type(event).__name__ for event in changes[0].events] for changes in world.log.written]
    assert next(kinds for kinds in together if "ToolsFound" in kinds)[:2] == ["ToolsFound", "ModelResponded"]
    assert [event.names for event in await world.all_of(session.id, ToolsFound)] == [("look",)]
    assert [event.is_error for event in await world.all_of(session.id, ToolCallFinished)] == [False]
    await check_prompts(session, world)


async def test_what_was_found_stays_where_it_was_in_later_requests_and_turns(memory: World) -> None:
    model = provider(SEARCHED)
    session = await opened(memory, model)
    await session.append_turn("1")
    await session.append_turn("2")
    assert [shown(request) for request in model.requests] == [HELD_BACK] * 3
    assert [searches(request) for request in model.requests] == [[], [("look",)], [("look",)]]


async def test_a_tool_that_is_sent_and_was_not_found_cannot_be_called(memory: World) -> None:
    session = await opened(memory, provider([searching("look", calls="listen"), "Done."]))
    await session.append_turn("1")
    (denied,) = await memory.all_of(session.id, ToolCallDenied)
    assert "there is no tool 'listen'" in denied.reason


async def test_what_a_turn_is_to_end_in_is_never_held_back(memory: World) -> None:
    model = provider([asks((OUTPUT_TOOL, {"seen": "all"}))])
    session = await opened(memory, model)
    assert (await session.append_turn("1", output=Seen)).output == Seen(seen="all")
    assert shown(model.requests[0]) == HELD_BACK | {OUTPUT_TOOL: False}


class Shy:
    """A tool whose maker says that it is deferred."""

    spec = look.spec.model_copy(update={"deferred": True})
    show, run = look.show, look.run


async def test_a_tool_is_held_back_by_its_session_and_not_by_its_maker(memory: World) -> None:
    model = provider(["Hello."])
    await (await memory.session(model, Shy())).append_turn("1")
    assert shown(model.requests[0]) == {"look": False, "read_tool_result": False}


async def test_a_search_that_finds_nothing_finds_nothing(memory: World) -> None:
    session = await opened(memory, provider([searching(), "Done."]))
    await session.append_turn("1")
    assert await memory.all_of(session.id, ToolsFound) == []
    assert [type(block) for block in (await memory.all_of(session.id, ModelResponded))[0].blocks][1] is ToolSearchBlock


async def test_an_answer_of_a_search_alone_is_no_word(memory: World) -> None:
    alone = ScriptedReply(searches=(ScriptedSearch(query="senses"),))
    session = await opened(memory, provider([alone]))
    assert (await session.append_turn("1")).outcome == "empty"


async def test_what_another_profile_leaves_out_is_not_found(memory: World) -> None:
    model = provider(["Hello."])
    tools = {"deferred": ["look", "listen"], "profiles": {"ears": ["listen"]}, "profile": "ears"}
    session = await memory.session(model, look, listen, tool_search="provider", **tools)
    await session.append_turn("1")
    assert shown(model.requests[0]) == {"read_tool_result": False, "listen": True}


async def test_what_was_found_while_the_profile_changed_may_be_called_when_it_is_back(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = provider([searching("look"), "Two.", asks("look"), "Three."])
    profiles = {"all": ["look", "act"], "few": ["act"]}
    session = await memory.session(
        model, look, act, deferred=["look"], profiles=profiles, profile="all", tool_search="provider"
    )
    responds, changed = model.respond, list[str]()

    async def meddled(request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        if not changed:
            changed.append("few")
            await session.use_profile("few")
        async for item in responds(request):
            yield item

    monkeypatch.setattr(model, "respond", meddled)
    await session.append_turn("1")
    await session.append_turn("2")
    await session.use_profile("all")
    await session.append_turn("3")
    assert [list(shown(request)) for request in model.requests[1:3]] == [
        ["act", "read_tool_result"],
        ["act", "read_tool_result", "look"],
    ]
    assert await memory.all_of(session.id, ToolCallDenied) == []


async def test_a_model_without_a_search_of_its_own_has_find_tools(memory: World) -> None:
    model = ScriptedModel([asks(("find_tools", {"query": "look"})), asks("look"), "Done."])
    session = await opened(memory, model)
    await session.append_turn("1")
    plain = {"act": False, "find_tools": False, "read_tool_result": False}
    assert [shown(request) for request in model.requests] == [plain, plain | {"look": False}, plain | {"look": False}]


async def test_without_the_setting_the_provider_is_sent_nothing_of_deferred_tools(memory: World) -> None:
    model = provider(["Hello."])
    session = await memory.session(model, look, act, deferred=["look"])
    await session.append_turn("1")
    assert shown(model.requests[0]) == {"act": False, "find_tools": False, "read_tool_result": False}
    assert await memory.all_of(session.id, ToolSearchChosen) == []


async def test_after_a_change_to_a_model_that_cannot_search_what_was_found_is_shown(world: World) -> None:
    session = await opened(world, provider(SEARCHED))
    await session.append_turn("1")
    plain = ScriptedModel(["", "", asks(("find_tools", {"query": "listen"})), asks("listen"), "Done."], OTHER)
    fork = await session.fork(model=plain)
    handle = await world.again(fork.id, plain, look, act, listen)
    await handle.append_turn("2")
    there = {"act": False, "find_tools": False, "read_tool_result": False, "look": False}
    assert shown(plain.requests[0]) == there
    assert shown(plain.requests[1]) == there | {"listen": False}
    assert searches(plain.requests[0]) == []
    await check_prompts(handle, world)


async def test_a_model_that_searches_is_shown_what_find_tools_had_found(memory: World) -> None:
    first = ScriptedModel([asks(("find_tools", {"query": "look"})), "Done."])
    session = await opened(memory, first)
    await session.append_turn("1")
    other = provider(["", "", "Hello."], OTHER)
    fork = await session.fork(model=other)
    await (await memory.again(fork.id, other, look, act, listen)).append_turn("2")
    assert shown(other.requests[0]) == {"act": False, "read_tool_result": False, "look": False, "listen": True}


async def test_back_at_the_model_that_searched_its_search_stands_again(memory: World) -> None:
    session = await opened(memory, provider(SEARCHED))
    await session.append_turn("1")
    other = ScriptedModel(["", "", "There."], OTHER)
    away = await session.fork(model=other)
    await (await memory.again(away.id, other, look, act, listen)).append_turn("2")
    home = provider(["", "", "", "Here."])
    back = await away.fork(model=home)
    handle = await memory.again(back.id, home, look, act, listen)
    await handle.append_turn("3")
    assert (shown(home.requests[0]), searches(home.requests[0])) == (HELD_BACK, [("look",)])
    await check_prompts(handle, memory)


async def test_a_fork_from_before_the_search_has_found_nothing(memory: World) -> None:
    session = await opened(memory, provider(SEARCHED))
    await session.append_turn("1")
    asked = next(r for r in await memory.log.read(session.id) if isinstance(r.event, ModelRequested))
    model = provider([asks("look"), "Done."])
    handle = await memory.again((await session.fork(asked.version)).id, model, look, act, listen)
    await handle.resume_turn()
    (denied,) = await memory.all_of(handle.id, ToolCallDenied)
    assert denied.by == "invalid"


async def test_whatever_part_of_the_log_has_the_search_has_what_it_found(memory: World) -> None:
    session = await opened(memory, provider(SEARCHED))
    await session.append_turn("1")
    records = await memory.log.read(session.id)
    parts = [records[:end] for end in range(1, len(records) + 1)]
    seen = [names_found(messages(project(TRANSCRIPT, part)), "scripted:demo") for part in parts]
    had = [set(fold(Session(session.id), part).toolset.found) for part in parts]
    assert seen[-1] == {"look"}
    assert all(some <= all_ for some, all_ in zip(seen, had, strict=True))


async def test_what_was_found_in_a_summary_is_shown_as_any_tool(world: World) -> None:
    model = provider([*SEARCHED, "More.", "Last."])
    session = await opened(world, model)
    for words in ("1", "2", "3"):
        await session.append_turn(words)
    assert (await session.compact()).outcome == "compacted"
    await session.append_turn("4")
    after = {"act": False, "read_tool_result": False, "look": False, "listen": True}
    assert (shown(model.requests[-1]), searches(model.requests[-1])) == (after, [])
    await session.undo_compaction()
    await check_prompts(session, world)


async def test_the_choice_can_be_changed_at_any_time(memory: World) -> None:
    model = provider([*SEARCHED, "Last."])
    session = await opened(memory, model)
    await session.append_turn("1")
    await session.use_tool_search("find_tools")
    await session.append_turn("2")
    await session.use_tool_search("find_tools")
    await session.use_tool_search("provider")
    await session.append_turn("3")
    plain = {"act": False, "find_tools": False, "read_tool_result": False, "look": False}
    assert [shown(request) for request in model.requests[2:]] == [plain, HELD_BACK]
    chosen = [event.search for event in await memory.all_of(session.id, ToolSearchChosen)]
    assert chosen == ["provider", "find_tools", "provider"]
    await check_prompts(session, memory)


async def test_there_is_no_other_way_to_search(memory: World) -> None:
    session = await opened(memory, provider(["Hello."]))
    other: Any = "somebody"
    with pytest.raises(InvalidInput, match="say one of find_tools, provider"):
        await session.use_tool_search(other)


async def test_an_imported_session_goes_on_where_it_was(memory: World, open_world: MakeWorld) -> None:
    session = await opened(memory, provider(SEARCHED))
    await session.append_turn("1")
    there, model = open_world("memory:"), provider(SEARCHED)
    await taken_in(there.turnlog, await exported(memory.turnlog, session.id))
    handle = await there.again(session.id, model, look, act, listen)
    assert (await handle.append_turn("2")).text == "Again."
    assert (shown(model.requests[0]), searches(model.requests[0])) == (HELD_BACK, [("look",)])
    await check_prompts(handle, there)


async def test_people_and_other_tools_read_what_was_searched_for(memory: World) -> None:
    session = await opened(memory, provider(SEARCHED))
    await session.append_turn("1")
    assert "tools searched for senses: look" in (await exported(memory.turnlog, session.id, format="markdown")).decode()
    chat = await document(memory.turnlog, session.id, "openai")
    assert [each["function"]["name"] for each in chat["tools"]] == ["act", "read_tool_result", "look"]


async def test_recorded_answers_stand_in_for_a_provider_that_searched(memory: World) -> None:
    session = await opened(memory, provider(SEARCHED))
    await session.append_turn("1")
    recorded = await memory.turnlog.replay_model(session.id)
    again = await memory.session(recorded, look, act, listen, deferred=["look", "listen"], tool_search="provider")
    assert (await again.append_turn("1")).text == "Done."
    assert recorded.left == 0


async def test_recorded_answers_stand_in_where_there_was_nothing_left_to_search(memory: World) -> None:
    arranged: Any = {"deferred": ["look"], "profiles": {"few": ["act"]}, "profile": "few", "tool_search": "provider"}
    model = provider(["Hello."])
    session = await memory.session(model, look, act, **arranged)
    await session.append_turn("1")
    assert shown(model.requests[0]) == {"act": False, "read_tool_result": False}
    again = await memory.session(await memory.turnlog.replay_model(session.id), look, act, **arranged)
    assert (await again.append_turn("1")).text == "Hello."
    assert (await memory.turnlog.replay_session(session.id, tools=[look, act])).identical


async def test_a_session_whose_provider_searched_can_be_replayed(memory: World) -> None:
    session = await opened(memory, provider(SEARCHED))
    await session.append_turn("1")
    await session.append_turn("2")
    replayed = await memory.turnlog.replay_session(session.id, tools=[look, act, listen])
    assert (replayed.divergence, replayed.requests) == (None, 3)


async def test_a_provider_cannot_find_what_is_not_to_be_found(memory: World) -> None:
    found = ToolSearchBlock(search_id="s", queries=("any",), found=("act", "shell", "look"), model=ModelOf.name)
    model = ModelOf(lambda request, number: [ModelReply((found, TextBlock(text="Done.")))])
    session = await memory.session(model, look, act, deferred=["look"], tool_search="provider")
    await session.append_turn("1")
    assert [event.names for event in await memory.all_of(session.id, ToolsFound)] == [("look",)]


class Absent(ScriptedModel):
    """A model that cannot be had."""

    async def searches_tools(self) -> bool:
        raise ModelError("authentication", "there is no key")


async def test_where_the_model_cannot_be_had_it_is_asked_as_any_other(memory: World) -> None:
    model = Absent([ScriptedReply(failure=ScriptedFailure(failure="authentication", message="there is no key"))])
    session = await opened(memory, model)
    with pytest.raises(TurnFailure, match="there is no key"):
        await session.append_turn("1")
    assert list(shown(model.requests[0])) == ["act", "find_tools", "read_tool_result"]
