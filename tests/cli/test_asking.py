"""What may be answered at a terminal beside yes and no: remembered rules, other arguments; and whose answer counts."""

import json
from pathlib import Path

import pytest

from turnlog import Policy

from .person import Sits
from .terminal import WITH_SHELL, Terminal, call, session_with

GIT_LOG = call("shell", argv=["git", "log", "--oneline"])
GIT_LOG_TWICE = call("shell", argv=["git", "log", "--oneline", "--oneline"])
WRITE = call("write_file", path="a.txt", content="first")
FIND_LAST = "[n] no: "


def rules_of(terminal: Terminal) -> list[str]:
    (session,) = terminal.ok("sessions", "--json").lines
    return [rule["scope"] for rule in terminal.ok("rules", "list", "--session", session["id"], "--json").lines]


def test_the_person_is_told_why_and_what_may_be_remembered(terminal: Terminal, sits: Sits) -> None:
    person = sits("run", "hello", *WITH_SHELL, "--model", terminal.script(GIT_LOG, "done"))
    person.reads('argv: ["git", "log", "--oneline"]').reads("why: no rule allows shell")
    person.reads("  1  ").reads("git log --oneline").reads("allow? [y] once").reads(FIND_LAST)
    person.types("y\n").leaves()
    assert rules_of(terminal) == []


def test_a_numbered_rule_is_remembered_in_place_of_the_exact_call(terminal: Terminal, sits: Sits) -> None:
    person = sits("run", "hello", *WITH_SHELL, "--model", terminal.script(GIT_LOG, GIT_LOG_TWICE, "done"))
    person.reads(FIND_LAST).types("s2\n")
    assert "done" in person.leaves()
    assert person.code == 0
    assert rules_of(terminal) == ["session"]


def test_a_rule_that_was_not_offered_is_asked_about_again(terminal: Terminal, sits: Sits) -> None:
    person = sits("run", "hello", *WITH_SHELL, "--model", terminal.script(GIT_LOG, "done"))
    person.reads(FIND_LAST).types("s9\n").reads("there is no rule 9").reads(FIND_LAST).types("n\n\n").leaves()
    assert rules_of(terminal) == []


def test_what_is_remembered_for_this_run_ends_with_it(terminal: Terminal, sits: Sits) -> None:
    person = sits("run", "hello", *WITH_SHELL, "--model", terminal.script(GIT_LOG, GIT_LOG, "done", GIT_LOG, "never"))
    person.reads("[r] for this run").reads(FIND_LAST).types("r\n")
    assert "done" in person.leaves()
    (session,) = terminal.ok("sessions", "--json").lines
    assert terminal.type("run", "again", "--session", session["id"]).code == 4


def test_what_another_run_asked_is_not_remembered_for_this_one(terminal: Terminal, sits: Sits) -> None:
    session = terminal.session(GIT_LOG, "done")
    person = sits("resume", session)
    person.reads("allow? [y] once  [s] for this session").reads(FIND_LAST).types("y\n")
    assert "done" in person.leaves()


def test_the_arguments_may_be_typed_anew(terminal: Terminal, sits: Sits) -> None:
    person = sits("run", "hello", "--model", terminal.script(WRITE, "done"))
    person.reads(FIND_LAST).types("e\n").reads('{"path": "a.txt", "content": "first"}').reads("as JSON")
    person.types('{"path": "a.txt", "content": "second"}\n').leaves()
    assert person.code == 0
    assert (terminal.root / "a.txt").read_text() == "second"


@pytest.mark.parametrize(
    ("typed", "told"),
    [("", "stay as they are"), ("{nonsense", "not valid JSON"), ('{"path": 3}', "cannot be made with these arguments")],
)
def test_arguments_that_cannot_be_are_asked_for_again(terminal: Terminal, sits: Sits, typed: str, told: str) -> None:
    person = sits("run", "hello", "--model", terminal.script(WRITE, "done"))
    person.reads(FIND_LAST).types("e\n").reads("as JSON").types(f"{typed}\n").reads(told)
    person.reads(FIND_LAST).types("n\n\n").leaves()
    assert person.code == 0
    assert not (terminal.root / "a.txt").exists()


def test_a_yes_of_which_nobody_knows_enough_is_for_once(terminal: Terminal, sits: Sits) -> None:
    unbound = call("shell", argv=["python3", "-m", "http.server"])
    person = sits("run", "hello", *WITH_SHELL, "--model", terminal.script(unbound, "done"))
    person.reads("allow? [y] once  [e] edit  [n] no: ").types("n\n\n").leaves()


def test_an_editor_that_is_set_has_the_terminal_to_itself(
    terminal: Terminal, sits: Sits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", editor(terminal.root))
    person = sits("run", "hello", "--model", terminal.script(WRITE, "done"))
    person.reads(FIND_LAST).types("e\n").reads("the editor asks: ").types("from the editor\n")
    assert "done" in person.leaves()
    assert (terminal.root / "a.txt").read_text() == "from the editor"


def test_an_editor_goes_when_somebody_else_answers(
    terminal: Terminal, sits: Sits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", script(terminal.root, "echo the editor is open; exec sleep 300"))
    person = sits("run", "hello", "--model", terminal.script(WRITE, "done"))
    person.reads(FIND_LAST).types("e\n").reads("the editor is open")
    terminal.ok("approve", terminal.request())
    assert "done" in person.leaves()
    assert person.code == 0


@pytest.mark.parametrize(
    ("command", "told"),
    [("false", "status 1"), ("/no/such/editor", "cannot be run"), ("vi 'unclosed", "cannot be read as a command")],
)
def test_an_editor_that_fails_changes_nothing(
    terminal: Terminal, sits: Sits, monkeypatch: pytest.MonkeyPatch, command: str, told: str
) -> None:
    monkeypatch.setenv("EDITOR", command)
    person = sits("run", "hello", "--model", terminal.script(WRITE, "done"))
    person.reads(FIND_LAST).types("e\n").reads(told).reads(FIND_LAST).types("y\n").leaves()
    assert (terminal.root / "a.txt").read_text() == "first"


def test_identical_calls_are_asked_about_once(terminal: Terminal, sits: Sits) -> None:
    two = {"text": "twice", "calls": [*GIT_LOG["calls"], *GIT_LOG["calls"]]}
    person = sits("run", "hello", *WITH_SHELL, "--model", terminal.script(two, "done"))
    person.reads("the answer is for 2 identical calls").reads(FIND_LAST).types("y\n")
    assert "done" in person.leaves()
    assert terminal.types(terminal.ok("sessions", "--json").lines[0]["id"]).count("PermissionRequested") == 1


def test_one_yes_of_two_waits_for_the_other_person(
    terminal: Terminal, sits: Sits, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = terminal.script(GIT_LOG, "done")
    session = session_with(Policy(two_persons=("shell",)), model)
    person = sits("run", "hello", "--session", session)
    person.reads("two persons have to agree").reads("allow? [y] once  [n] no: ").types("y\n").reads("one yes of two")
    monkeypatch.setenv("LOGNAME", "bob")
    terminal.ok("approve", terminal.request())
    assert "done" in person.leaves()
    assert person.code == 0


def test_whoever_may_not_answer_is_told_and_somebody_else_does(
    terminal: Terminal, sits: Sits, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = terminal.script(GIT_LOG, "done")
    session = session_with(Policy(self_approval=False), model)
    person = sits("run", "hello", "--session", session)
    person.reads("began this turn and cannot answer").reads(FIND_LAST).types("y\n").reads("somebody else has to")
    person.reads(FIND_LAST)
    monkeypatch.setenv("LOGNAME", "bob")
    terminal.ok("approve", terminal.request())
    assert "done" in person.leaves()


def test_lines_from_a_pipe_answer_one_question_after_the_other(terminal: Terminal) -> None:
    model = terminal.script(GIT_LOG, WRITE, "done")
    answers = terminal.elsewhere("run", "hello", "--model", model, "--approvals", "ask", typed="y\ny\n")
    assert answers.code == 0, answers
    assert (terminal.root / "a.txt").read_text() == "first"


def editor(root: Path) -> str:
    """An editor that asks on the terminal what the content is to be."""
    program = (
        "import json, sys; text = input('the editor asks: '); file = sys.argv[1]; "
        "json.dump({**json.load(open(file)), 'content': text}, open(file, 'w'))"
    )
    return script(root, f'exec python3 -c {json.dumps(program)} "$1"')


def script(root: Path, program: str) -> str:
    file = root / "editor.sh"
    file.write_text(f"#!/bin/sh\n{program}\n")
    file.chmod(0o755)
    return str(file)
