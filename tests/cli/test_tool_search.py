"""A provider's search of deferred tools, from a person's side."""

import asyncio

import pytest

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, ScriptedSearch, Turnlog, tool
from turnlog.cli.options import DEFAULT_DATABASE

from .terminal import Terminal


@tool(effect="pure")
def look() -> str:
    """Look."""
    return "seen"


@tool(effect="pure")
def listen() -> str:
    """Listen."""
    return "heard"


@pytest.fixture
def session(terminal: Terminal) -> str:
    """A session whose provider found a tool, with an escape sequence in what was searched for."""
    searches = (ScriptedSearch(query="eyes\x1b[2J", found=("look",)),)
    replies: list[ScriptedReply | str] = [
        ScriptedReply(text="Hm.", searches=searches, calls=(ScriptedCall(name="look"),)),
        "Seen.",
    ]

    async def turn() -> str:
        async with Turnlog.open(DEFAULT_DATABASE) as log:
            model = ScriptedModel(replies, searches_tools=True)
            handle = await log.create_session(
                "Look", model=model, tools=[look, listen], deferred=["look", "listen"], tool_search="provider"
            )
            await handle.append_turn("What is there?")
            return handle.id

    return asyncio.run(turn())


def test_the_log_says_what_was_searched_for_and_found(terminal: Terminal, session: str) -> None:
    shown = terminal.ok("log", session).out
    assert "deferred tools found by  the provider's search, where it has one" in shown
    assert "tools searched for eyes" in shown
    assert "tools found  look" in shown


def test_the_prompt_says_which_tools_were_held_back(terminal: Terminal, session: str) -> None:
    shown = terminal.ok("prompt", session).out
    assert "tool look  pure  held back until the provider finds it" in shown
    assert "tools searched for eyes\\u001b[2J: look" in shown


def test_the_conversation_has_the_search_in_its_place(terminal: Terminal, session: str) -> None:
    shown = terminal.ok("show", session).out
    places = [shown.index(part) for part in ("Hm.", "tools searched for eyes\\u001b[2J: look", "look finished")]
    assert places == sorted(places)


def test_a_difference_names_the_search(terminal: Terminal, session: str) -> None:
    answered = terminal.types(session).index("ModelResponded") + 1
    shown = terminal.ok("diff", session, f"{answered - 1}..{answered}").out
    assert "[tools searched for eyes" in shown
