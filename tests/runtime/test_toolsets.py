"""Tools are registered once; which of them a model is shown, and may call, is a recorded choice."""

from pathlib import Path

import pytest

from turnlog.domain import InvalidInput, ToolCallDenied, ToolProfileChosen, ToolsFound

from .world import ScriptedModel, ScriptedReply, World, act, asks, look


def shown(model: ScriptedModel, request: int = -1) -> list[str]:
    return [tool.name for tool in model.requests[request].tools]


async def test_a_model_is_shown_the_tools_of_the_profile_in_force(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    model = ScriptedModel(["One.", "Two.", "Three."])
    session = await world.session(model, look, act, profiles={"review": ["look"], "build": ["act"]}, profile="review")
    await session.append_turn("1")
    await session.use_profile("build")
    await session.append_turn("2")
    await session.use_profile(None)
    await session.append_turn("3")
    assert [shown(model, place) for place in range(3)] == [
        ["look", "read_tool_result"],
        ["act", "read_tool_result"],
        ["look", "act", "read_tool_result"],
    ]
    assert [event.profile for event in await world.all_of(session.id, ToolProfileChosen)] == ["build", None]
    assert (await session.prompt()).agrees
    await world.close()


async def test_a_call_of_a_tool_outside_the_profile_is_denied(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    session = await world.session([asks("act"), "Done."], look, act, profiles={"review": ["look"]}, profile="review")
    await session.append_turn("1")
    (denied,) = await world.all_of(session.id, ToolCallDenied)
    assert denied.by == "invalid"
    assert "there is no tool 'act'" in denied.reason
    await world.close()


async def test_a_deferred_tool_is_shown_once_it_was_found_and_stays_so(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    script: list[ScriptedReply | str] = [
        asks(("find_tools", {"query": "look around"})),
        asks("look"),
        "Done.",
        "Again.",
    ]
    model = ScriptedModel(script)
    session = await world.session(model, look, act, deferred=["look"])
    await session.append_turn("1")
    assert shown(model, 0) == ["act", "find_tools", "read_tool_result"]
    assert shown(model, 1) == ["act", "find_tools", "read_tool_result", "look"]
    assert [event.names for event in await world.all_of(session.id, ToolsFound)] == [("look",)]
    other = ScriptedModel(script)
    await (await world.again(session.id, other, look, act)).append_turn("2")
    assert shown(other) == ["act", "find_tools", "read_tool_result", "look"]
    assert (await session.prompt()).agrees
    await world.close()


async def test_a_profile_nobody_defined_cannot_be_used(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'log.db'}")
    session = await world.session(["One."], look)
    with pytest.raises(InvalidInput, match="no tool profile 'review'"):
        await session.use_profile("review")
    with pytest.raises(InvalidInput, match="no tool 'shell'"):
        await world.session(["One."], look, profiles={"review": ["shell"]})
    await world.close()


async def test_a_session_whose_model_found_its_tools_can_be_replayed() -> None:
    world = World("memory:")
    script: list[ScriptedReply | str] = [asks(("find_tools", {"query": "look"})), asks("look"), "Done."]
    session = await world.session(script, look, act, deferred=["look"])
    await session.append_turn("1")
    replayed = await world.turnlog.replay_session(session.id, tools=[look, act])
    assert (replayed.divergence, replayed.requests) == (None, 3)
    await world.close()
