"""rerun, from a person's side: what it will do and cost, what it did, and where to look next."""

from pathlib import Path

import pytest

from .person import Sits
from .terminal import Terminal, call, one_line

WRITE = call("write_file", path="notes.txt", content="one\n")
READ = call("read_file", path="there.txt")


@pytest.fixture
def session(terminal: Terminal) -> str:
    """A session in which a file was read."""
    (terminal.root / "there.txt").write_text("as it was\n", "utf-8")
    found = terminal.session(READ, "done", options=["--tools", "read_file,write_file"])
    (terminal.root / "there.txt").write_text("as it is\n", "utf-8")
    return found


def fork_of(terminal: Terminal, session: str) -> str:
    (found,) = {each["id"] for each in terminal.ok("sessions", "--json").lines} - {session}
    return str(found)


def begun(terminal: Terminal, session: str) -> str:
    return f"{session}@{terminal.types(session).index('TurnStarted') + 1}"


def test_it_says_what_it_will_do_and_what_it_did(terminal: Terminal, session: str) -> None:
    model = terminal.script(READ, "done otherwise", name="other.json")
    shown = terminal.ok("rerun", session, "--model", model)
    fork = fork_of(terminal, session)
    assert shown.out.endswith("done otherwise\n")
    assert f"again  the turn in progress after {begun(terminal, session)}, with {model}" in shown.err
    assert "calls  1 recorded result to use; other calls are judged and run" in shown.err
    assert "cost   not known: 2 requests" in shown.err
    assert "1 recorded result used, 0 calls run, 0 not asked for" in shown.err
    assert f"turnlog compare {session}@{len(terminal.types(session))} {fork}" in shown.err
    assert "as it was" in terminal.ok("show", fork).out


def test_the_log_says_which_result_was_used(terminal: Terminal, session: str) -> None:
    terminal.ok("rerun", session, "--model", terminal.script(READ, "done", name="other.json"))
    shown = terminal.ok("log", fork_of(terminal, session)).out
    place = terminal.types(session).index("ToolCallFinished") + 1
    assert f"the result of {session}@{place} is used" in shown
    assert f"from {session}@{place}" in shown


def test_as_json_there_is_the_plan_every_event_and_the_end(terminal: Terminal, session: str) -> None:
    lines = terminal.ok("rerun", session, "--json").lines
    plan, end = lines[0]["plan"], lines[-1]["rerun"]
    assert (plan["start"], plan["results"], plan["resumes"]) == (begun(terminal, session), 1, True)
    assert (plan["estimate"]["requests"], plan["estimate"]["cost"]) == (2, None)
    assert end["session"] == fork_of(terminal, session)
    assert (end["reused"], end["ran"], end["unused"]) == (1, 0, 0)
    assert [line["type"] for line in lines if "type" in line].count("ToolCallFinished") == 1


def test_with_recorded_results_only_nothing_is_done(terminal: Terminal, session: str) -> None:
    model = terminal.script(READ, WRITE, "done", name="other.json")
    terminal.ok("rerun", session, "--model", model, "--recorded-only")
    assert not (terminal.root / "notes.txt").exists()
    assert "ToolCallDenied" in terminal.types(fork_of(terminal, session))


def test_a_question_stops_it_and_it_goes_on_when_that_is_answered(terminal: Terminal, session: str) -> None:
    model = terminal.script(READ, WRITE, "done", name="other.json")
    stopped = terminal.type("rerun", session, "--model", model)
    fork = fork_of(terminal, session)
    assert stopped.code == 4
    assert f"turnlog rerun {fork} --continue" in stopped.err
    terminal.ok("approve", terminal.request())
    assert terminal.ok("rerun", fork, "--continue").out.endswith("done\n")
    assert (terminal.root / "notes.txt").exists()
    one_line(terminal.type("rerun", fork, "--continue"), 1)


def test_at_a_terminal_it_is_asked_for_first(terminal: Terminal, sits: Sits, session: str) -> None:
    person = sits("rerun", session)
    person.reads("go on?").types("n\n").leaves()
    assert person.code == 1
    assert [each["id"] for each in terminal.ok("sessions", "--json").lines] == [session]


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("{session}@99",), 3, "has no version 99"),
        (("{session}@{{turn:1}}",), 2, "nothing was said"),
        (("{session}", "--model", "x"), 2, "there is no provider"),
        (("{session}", "--continue"), 1, "does nothing again"),
        (("{session}", "--continue", "--recorded-only"), 2, "leave the other options out"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    terminal: Terminal, session: str, words: tuple[str, ...], code: int, hint: str
) -> None:
    result = terminal.type("rerun", *(word.format(session=session) for word in words))
    assert hint in one_line(result, code)
    assert len(terminal.ok("sessions", "--json").lines) == 1


def test_a_log_that_is_not_there_is_not_made(terminal: Terminal) -> None:
    one_line(terminal.type("rerun", "x"), 1)
    assert not Path(terminal.root / ".turnlog").exists()
