"""prompt, from a person's side: what the model saw, and whether that is certain."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from turnlog.runtime import history

from .terminal import Terminal, call, one_line

READS = call("list_files", path="src")


@pytest.fixture
def session(terminal: Terminal) -> str:
    """A session whose model called a tool, and has spoken."""
    return terminal.session({**READS, "thinking": "Where is it?"}, "Not there.", options=["--system", "Be brief."])


def asked(terminal: Terminal, session: str) -> list[int]:
    """Where the model was asked."""
    return [place for place, kind in enumerate(terminal.types(session), start=1) if kind == "ModelRequested"]


def test_a_prompt_is_shown_as_people_read_it(terminal: Terminal, session: str) -> None:
    shown = terminal.ok("prompt", session).out
    parts = [
        "saw",
        "system",
        "Be brief.",
        "tool read_file",
        "hello",
        "Where is it?",
        "call list_files",
        "result list_files",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    assert "Not there." not in shown


def test_nothing_in_a_prompt_reaches_the_terminal_unseen(terminal: Terminal) -> None:
    session = terminal.session("Hello.", options=["--system", "Be\x1b[2J brief."])
    shown = terminal.ok("prompt", session).out
    assert "\x1b" not in shown
    assert "Be\\u001b[2J brief." in shown


def test_a_prompt_is_shown_as_of_a_version(terminal: Terminal, session: str) -> None:
    first, second = asked(terminal, session)
    assert "list_files" not in terminal.ok("prompt", f"{session}@{second - 1}").out.partition("1  user")[2]
    assert [terminal.ok("prompt", f"{session}@{at}", "--json").document["version"] for at in (first, second - 1)] == [
        first,
        first,
    ]


def test_a_prompt_is_one_json_document(terminal: Terminal, session: str) -> None:
    document = terminal.ok("prompt", session, "--json").document
    assert document["session"] == session
    assert document["digest"]["agrees"] is True
    assert document["digest"]["recorded"] == document["digest"]["rebuilt"]
    assert [message["role"] for message in document["request"]["messages"]] == ["user", "assistant", "user"]
    assert document["request"]["tools"][-1]["name"] == "read_tool_result"


def test_a_prompt_needs_no_model(terminal: Terminal, session: str) -> None:
    (terminal.root / "s.json").unlink()
    terminal.ok("prompt", session)


def test_a_fork_shows_the_prompt_of_its_parent(terminal: Terminal, session: str) -> None:
    child = terminal.ok("fork", f"{session}@{{turn:1}}", "--json").document["session"]
    assert terminal.ok("prompt", child, "--json").document["session"] == session


def test_before_the_first_request_there_is_nothing_to_show(terminal: Terminal, session: str) -> None:
    assert "no model had been asked" in one_line(terminal.type("prompt", f"{session}@2"), 3)
    one_line(terminal.type("prompt", f"{session}@1..2"), 2)


@pytest.fixture
def forged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that says of every request that it was another one."""

    async def forge(log: Any, session_id: str, at: int | None = None) -> Sequence[Any]:
        return [
            record._replace(event=record.event.model_copy(update={"digest": "0" * 64}))
            if hasattr(record.event, "digest")
            else record
            for record in await history(log, session_id, at)
        ]

    monkeypatch.setattr("turnlog.runtime.session.history", forge)


@pytest.mark.usefixtures("forged")
def test_a_prompt_that_is_not_what_was_sent_is_said_to_be_so_loudly(terminal: Terminal, session: str) -> None:
    result = terminal.type("prompt", session)
    assert result.code == 6
    assert "Be brief." in result.out
    assert result.err.startswith("turnlog: THIS IS NOT WHAT THE MODEL SAW at")


@pytest.mark.usefixtures("forged")
def test_a_program_is_told_too_that_a_prompt_is_not_what_was_sent(terminal: Terminal, session: str) -> None:
    result = terminal.type("prompt", session, "--json")
    assert result.code == 6
    assert result.document["digest"]["agrees"] is False
    assert json.loads(result.err)["error"]["code"] == "verification_failed"
