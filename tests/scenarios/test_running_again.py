"""A recorded turn run again through the front door, with no provider to ask and no effect to fear."""

from pathlib import Path

import pytest

from turnlog import Prompt, ReplayModel, ScriptedModel, Turnlog, tool
from turnlog.domain import TurnFailure

from ..runtime.world import ScriptedCall, ScriptedReply

ASKS = ScriptedReply(text="Let me count.", calls=(ScriptedCall(name="count", arguments={"what": "files"}),))


@tool(effect="pure")
def count(what: str) -> str:
    """Count."""
    return f"3 {what}"


@tool(name="count", effect="pure")
def count_wrong(what: str) -> str:
    """Count."""
    return f"4 {what}"


async def test_a_turn_runs_again_to_the_same_words(log: Turnlog) -> None:
    session = await log.create_session("Then", model=ScriptedModel([ASKS, "There are 3."]), tools=[count])
    then = await session.append_turn("How many files?")
    model: ReplayModel = await log.replay_model(session.id)
    again = await log.create_session("Now", model=model, tools=[count])
    now = await again.append_turn("How many files?")
    assert now.text == then.text == "There are 3."


async def test_a_turn_that_goes_another_way_stops_there(log: Turnlog) -> None:
    session = await log.create_session("Then", model=ScriptedModel([ASKS, "There are 3."]), tools=[count])
    await session.append_turn("How many files?")
    again = await log.create_session("Now", model=await log.replay_model(session.id), tools=[count_wrong])
    with pytest.raises(TurnFailure, match='text was "3 files" and is "4 files"'):
        await again.append_turn("How many files?")


async def test_what_the_model_saw_is_known_after_everything_else_is_gone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with Turnlog.open(url) as log:
        model = ScriptedModel([ASKS, "There are 3."])
        session = await log.create_session("Then", model=model, tools=[count], system="Be brief.")
        await session.append_turn("How many files?")
    async with Turnlog.open(url) as log:
        found: Prompt = await (await log.open_session(session.id)).prompt()
    assert found.agrees
    assert found.request == model.requests[-1]
