"""Calls whose outcome nobody knows, as a person at a terminal finds them and settles them."""

import asyncio
import json
from collections.abc import Mapping

import pytest
from pydantic import JsonValue

from turnlog import RuleDraft, Turnlog, every_call
from turnlog.cli.options import DEFAULT_DATABASE
from turnlog.domain import OutcomeUnknown, ToolContext, ToolOutput, ToolSpec

from .terminal import Terminal, call, one_line


class Post:
    """A tool that never gets a receipt."""

    spec = ToolSpec(name="post", description="Post.", parameters={"type": "object"})

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        return "post"

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        raise OutcomeUnknown("no receipt came")


@pytest.fixture
def session(terminal: Terminal) -> str:
    """A session that waits for somebody to say what became of its call."""
    model = terminal.script(call("post", to="Ann\u202e"), "done")

    async def create() -> str:
        async with Turnlog.open(DEFAULT_DATABASE, user="ada") as log:
            await log.add_rule(RuleDraft(every_call("allow", "post")))
            handle = await log.create_session("of a post", model=model, tools=[Post()])
            await handle.append_turn("Post it.")
            return handle.id

    return asyncio.run(create())


def in_doubt(terminal: Terminal) -> str:
    """The one call in doubt."""
    found: str = terminal.ok("unknown", "--json").document["call"]
    return found


def test_calls_in_doubt_are_listed_for_people(terminal: Terminal, session: str) -> None:
    text = terminal.ok("unknown").out
    assert text.startswith(f"{in_doubt(terminal)}  post  session {session}\n")
    assert "no receipt came" in text
    assert "\u202e" not in text


def test_calls_in_doubt_are_listed_as_json(terminal: Terminal, session: str) -> None:
    (found,) = terminal.ok("unknown", "--json").lines
    assert (found["session"], found["tool"], found["effect"], found["attempt"]) == (session, "post", "external", 1)
    assert (found["reason"], found["turn_is_over"]) == ("no receipt came", False)
    assert json.loads(found["arguments"]) == {"to": "Ann\u202e"}
    assert found["idempotency_key"].endswith(found["call"])


def test_there_may_be_none(terminal: Terminal) -> None:
    terminal.session("done")
    assert "the outcome of every call is known" in terminal.ok("unknown").err


def test_the_session_is_listed_as_one_that_waits(terminal: Terminal, session: str) -> None:
    (found,) = terminal.ok("sessions", "--json").lines
    assert (found["id"], found["status"]) == (session, "suspended")


@pytest.mark.parametrize(("said", "recorded"), [("did", "did"), ("did-not", "did_not"), ("retry", "retry")])
def test_a_person_settles_it_by_the_beginnings_of_the_ids(
    terminal: Terminal, session: str, said: str, recorded: str
) -> None:
    call_id = in_doubt(terminal)
    found = terminal.ok("resolve", session[:30], call_id[:10], said, "--reason", "I looked", "--json").document
    assert found == {"session": session, "call": call_id, "tool": "post", "resolution": recorded}
    assert terminal.ok("unknown", "--json").lines == []


def test_a_person_is_told_how_to_go_on(terminal: Terminal, session: str) -> None:
    said = terminal.ok("resolve", session, in_doubt(terminal), "did").err
    assert "it did happen post" in said
    assert f"turnlog resume {session}" in said


async def test_a_person_is_told_to_resume_the_session_that_waits_for_its_subagent(terminal: Terminal) -> None:
    order = {"name": "task", "arguments": {"name": "poster", "prompt": "Post it.", "tools": ["post"]}}
    model = terminal.script({"calls": [order]}, call("post", to="Ann"), "done")
    async with Turnlog.open(DEFAULT_DATABASE) as log:
        await log.add_rule(RuleDraft(every_call("allow", "post")))
        parent = await log.create_session("of a post", model=model, tools=["task", Post()])
        await parent.append_turn("Have it posted.")
        (found,) = await log.unknown_calls()
    assert found.session_id != parent.id
    said = await asyncio.to_thread(terminal.ok, "resolve", found.session_id, found.call_id, "did")
    assert f"turnlog resume {parent.id}\n" in said.err


def test_the_result_is_what_the_model_is_told(terminal: Terminal, session: str) -> None:
    terminal.ok("resolve", session, in_doubt(terminal), "did", "--result", "receipt No. 7")
    assert "receipt No. 7" in terminal.ok("show", session, "--json").out


def test_the_second_word_is_refused_and_says_whose_the_first_was(terminal: Terminal, session: str) -> None:
    call_id = in_doubt(terminal)
    terminal.ok("resolve", session, call_id, "did")
    said = one_line(terminal.type("resolve", session, call_id, "did-not"), 1)
    assert "said that it took effect" in said
    assert said.endswith("nothing was changed")


def test_only_what_did_has_a_result(terminal: Terminal, session: str) -> None:
    one_line(terminal.type("resolve", session, in_doubt(terminal), "did-not", "--result", "x"), 2)


def test_a_call_that_is_not_there_is_not_found(terminal: Terminal, session: str) -> None:
    assert "turnlog unknown" in one_line(terminal.type("resolve", session, "call_none", "did"), 3)
    one_line(terminal.type("resolve", "none", "call_none", "did"), 3)


def test_a_word_that_says_nothing_is_refused(terminal: Terminal, session: str) -> None:
    assert terminal.type("resolve", session, in_doubt(terminal), "perhaps").code == 2


def test_why_explains_it(terminal: Terminal, session: str) -> None:
    call_id = in_doubt(terminal)
    assert "nobody has said what became of it" in terminal.ok("why", session, call_id).out
    terminal.ok("resolve", session, call_id, "did-not", "--reason", "nothing arrived")
    text = terminal.ok("why", session, call_id).out
    assert "says: it did not happen" in text
    assert "because: nothing arrived" in text
