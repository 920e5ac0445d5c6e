"""`run --detach` and `worker`: what a person types, and what they are told."""

import pytest

from .terminal import Terminal, call, one_line


def test_a_detached_turn_waits_for_a_worker_and_is_run_by_one(terminal: Terminal) -> None:
    model = terminal.script("done")
    told = terminal.ok("run", "hello", "--model", model, "--detach")
    session = told.out.strip()
    assert f"turnlog log -f {session}" in told.err
    assert terminal.types(session) == ["SessionStarted", "TurnStarted"]
    lines = terminal.ok("worker", "--once", "--json").lines
    assert [line["event"] for line in lines] == ["swept", "claimed", "finished", "idle"]
    assert {line["session"] for line in lines[1:3]} == {session}
    assert terminal.types(session)[-2:] == ["TurnCompleted", "LeaseReleased"]


def test_a_detached_turn_goes_on_in_a_session_there_is(terminal: Terminal) -> None:
    session = terminal.session("one", "two")
    told = terminal.ok("run", "again", "--session", session, "--detach", "--json").document
    assert told.keys() == {"session", "turn"}
    terminal.ok("worker", "--once")
    assert terminal.types(session).count("TurnCompleted") == 2


def test_people_are_told_in_lines(terminal: Terminal) -> None:
    model = terminal.script(call("write_file", path="a.txt", content="x"), "done")
    session = terminal.ok("run", "hello", "--model", model, "--detach").out.strip()
    told = terminal.ok("worker", "--once")
    assert told.out == ""
    assert f"{session}  suspended  permission: " in told.err
    assert "nothing to run" in told.err


def test_an_answer_from_the_command_line_is_what_a_worker_goes_on_with(terminal: Terminal) -> None:
    model = terminal.script(call("write_file", path="a.txt", content="x"), "done")
    session = terminal.ok("run", "hello", "--model", model, "--detach").out.strip()
    terminal.ok("worker", "--once")
    terminal.ok("approve", terminal.request())
    lines = terminal.ok("worker", "--once", "--json").lines
    assert [line["event"] for line in lines if line.get("session") == session] == ["claimed", "finished"]
    assert (terminal.root / "a.txt").read_text() == "x"


def test_nobody_is_there_to_be_asked_where_a_turn_is_left(terminal: Terminal) -> None:
    said = one_line(terminal.type("run", "x", "--model", terminal.script("y"), "--detach", "--approvals", "ask"), 2)
    assert "--detach" in said


def test_a_turn_that_was_cancelled_is_handed_to_a_worker(terminal: Terminal) -> None:
    session = terminal.ok("run", "hello", "--model", terminal.script("done"), "--detach").out.strip()
    terminal.ok("cancel", session)
    told = terminal.ok("resume", session, "--detach", "--json").document
    assert told.keys() == {"session", "turn"}
    lines = terminal.ok("worker", "--once", "--json").lines
    assert [line["event"] for line in lines if line.get("session") == session] == ["claimed", "finished"]


def test_one_that_waits_for_an_answer_says_so_when_it_is_handed_over(terminal: Terminal) -> None:
    model = terminal.script(call("write_file", path="a.txt", content="x"), "done")
    session = terminal.ok("run", "hello", "--model", model, "--detach").out.strip()
    terminal.ok("worker", "--once")
    told = terminal.type("resume", session, "--detach")
    assert told.code == 4
    assert "turnlog approve " in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--app", "nowhere:app"), "'nowhere:app' cannot be imported: ModuleNotFoundError"),
        (("--app", "falls_over:app"), "'falls_over:app' cannot be imported: ZeroDivisionError"),
        (("--tools", "datetime:datetime"), "'datetime:datetime' cannot be imported: TypeError"),
        (("--tools", "os:getcwd"), "it has no 'spec'"),
        (("--tools", "string:digits"), "'0' at 'string:digits'"),
        (("--app", "os:path"), "'os:path' has none of tools, models, hooks"),
    ],
)
def test_what_is_not_what_a_worker_needs_is_said(terminal: Terminal, words: tuple[str, ...], said: str) -> None:
    (terminal.root / "falls_over.py").write_text("1 / 0")
    assert said in one_line(terminal.type("worker", "--once", *words), 2)
