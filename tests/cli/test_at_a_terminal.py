"""What only happens where a person sits at a terminal: answers as they form, colours, questions asked on the spot."""

import re

import pytest

from .person import Person, Sits
from .terminal import WITH_SHELL, Terminal, call

ECHO = call("shell", argv=["echo", "hi"])


@pytest.fixture
def asked(terminal: Terminal, sits: Sits) -> Person:
    """A person who is asked for permission."""
    model = terminal.script(ECHO, "done", ECHO, "done again")
    person = sits("run", "hello", *WITH_SHELL, "--model", model)
    return person.reads('argv: ["echo", "hi"]').reads("[n] no: ")


def session_of(terminal: Terminal) -> str:
    found: str = terminal.ok("sessions", "--json").lines[0]["id"]
    return found


def test_yes_allows_once(terminal: Terminal, asked: Person) -> None:
    assert "done" in asked.types("y\n").leaves()
    assert asked.code == 0
    assert terminal.type("run", "again", "--session", session_of(terminal)).code == 4


def test_yes_may_be_remembered(terminal: Terminal, asked: Person) -> None:
    asked.types("s\n").leaves()
    assert terminal.ok("run", "again", "--session", session_of(terminal)).out.endswith("done again\n")


def test_no_is_asked_for_a_reason(terminal: Terminal, asked: Person) -> None:
    asked.types("n\n").reads("why not?").types("too loud\n").leaves()
    assert asked.code == 0
    assert "too loud" in terminal.ok("show", session_of(terminal)).out


def test_what_is_no_answer_is_asked_again(asked: Person) -> None:
    asked.types("perhaps\n").reads("allow?").types("\n").reads("allow?").types("yes\n").leaves()
    assert asked.code == 0


def test_the_project_is_no_choice_without_one(terminal: Terminal, asked: Person) -> None:
    asked.types("p\n").reads("allow?").types("n\n\n").leaves()
    assert terminal.ok("rules", "list", "--json").out == ""


def test_the_end_of_input_is_no(terminal: Terminal, asked: Person) -> None:
    asked.types("\x04").leaves()
    assert "ToolCallDenied" in terminal.types(session_of(terminal))


def test_ctrl_c_cancels(terminal: Terminal, asked: Person) -> None:
    assert "turnlog resume" in asked.types("\x03").leaves()
    assert asked.code == 130
    assert "TurnCancelled" in terminal.types(session_of(terminal))


def test_an_answer_from_elsewhere_is_as_good(terminal: Terminal, asked: Person) -> None:
    terminal.ok("approve", terminal.request())
    assert "done" in asked.leaves()
    assert asked.code == 0


def test_an_answer_is_shown_as_it_forms_and_only_once(terminal: Terminal, sits: Sits) -> None:
    text = "word after word\nand \x1b[2J a line"
    shown = sits("run", "hello", "--model", terminal.script({"text": text, "chunk": 3})).leaves()
    assert shown.count("word after word\r\nand \\u001b[2J a line\r\n") == 1


def test_a_failed_attempt_does_not_run_into_the_next(terminal: Terminal, sits: Sits) -> None:
    failure = {"failure": "overloaded", "message": "busy", "retryable": True, "retry_after": 0.01, "after": 2}
    reply = {"text": "the whole answer", "chunk": 4, "failures": [failure]}
    shown = sits("run", "hello", "--model", terminal.script(reply)).leaves()
    assert "the whol\r\n" in shown
    assert "\nthe whole answer\r\n" in shown


def test_there_are_colours_unless_they_are_not_wanted(terminal: Terminal, sits: Sits) -> None:
    session = terminal.session("x")
    assert re.search("\x1b\\[[0-9;]*m", sits("log", session).leaves())
    assert "WAITING" in sits("sessions").leaves()
