"""compact, from a person's side: the summary is shown, the log keeps everything, and it can be undone."""

import json

import pytest

from .terminal import Terminal, one_line


@pytest.fixture
def session(terminal: Terminal) -> str:
    """A session of two turns."""
    first = terminal.session("One.", "Two.", "Three.")
    terminal.ok("run", "--session", first, "And then?")
    return first


def test_the_summary_is_shown_and_the_log_says_what_it_stands_for(terminal: Terminal, session: str) -> None:
    run = terminal.ok("compact", session, "--instructions", "keep the numbers")
    assert run.out.strip() == "A summary."
    assert terminal.types(session)[-5:] == [
        "CompactionRequested",
        "LeaseTaken",
        "CompactionStarted",
        "CompactionCompleted",
        "LeaseReleased",
    ]


def test_the_request_for_the_summary_can_be_looked_at(terminal: Terminal, session: str) -> None:
    terminal.ok("compact", session, "--instructions", "keep the numbers")
    asked = json.loads(terminal.ok("prompt", session, "--json").out)
    assert asked["digest"]["agrees"]
    assert "keep the numbers" in asked["request"]["messages"][0]["blocks"][0]["text"]


def test_undoing_it_brings_the_conversation_back(terminal: Terminal, session: str) -> None:
    before = json.loads(terminal.ok("show", session, "--json").out)["messages"]
    terminal.ok("compact", session)
    assert json.loads(terminal.ok("show", session, "--json").out)["messages"] != before
    terminal.ok("compact", session, "--undo")
    assert json.loads(terminal.ok("show", session, "--json").out)["messages"] == before


def test_what_came_of_it_is_one_document(terminal: Terminal, session: str) -> None:
    done = json.loads(terminal.ok("compact", session, "--json").out)
    assert (done["outcome"], done["summary"]) == ("compacted", "A summary.")


def test_where_there_is_nothing_to_undo_that_is_said(terminal: Terminal, session: str) -> None:
    run = terminal.type("compact", session, "--undo")
    assert run.code == 1
    assert "no compaction to undo" in run.err


@pytest.mark.parametrize("words", [("--undo", "--instructions", "keep the names"), ("--reason", "too long")])
def test_what_would_be_heeded_by_nobody_is_refused(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert words[-2] in one_line(terminal.type("compact", "019b", *words), 2)
    assert list(terminal.root.iterdir()) == []
