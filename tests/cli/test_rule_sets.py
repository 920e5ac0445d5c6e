"""run --rules: what holds in a session before anybody is asked."""

import json
from pathlib import Path

import pytest

from .terminal import Terminal, call, one_line

ECHO = call("shell", argv=["echo", "hi"])
LIST = call("list_files")
WRITE = call("write_file", path="new.txt", content="new")
DEVELOPER = call("shell", argv=["git", "status"])
NO_ECHO = {"tool": "shell", "effect": "deny", "matcher": {"program": "echo"}, "reason": "too loud"}


@pytest.mark.parametrize(
    ("rules", "reply", "code"),
    [
        ("standard", LIST, 0),
        ("standard", WRITE, 4),
        ("developer", DEVELOPER, 0),
        ("developer", ECHO, 0),
        ("strict", LIST, 4),
        ("permissive", call("shell", argv=["touch", "new"]), 0),
    ],
)
def test_a_set_of_rules_goes_by_its_name(terminal: Terminal, rules: str, reply: dict[str, object], code: int) -> None:
    model = terminal.script(reply, "done")
    assert terminal.type("run", "hello", "--model", model, "--rules", rules).code == code


def test_a_file_of_rules_holds_in_the_session(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps([NO_ECHO]))
    session = terminal.session(ECHO, "I see.", options=["--rules", "mine.json"])
    assert "ToolCallDenied" in terminal.types(session)
    (tmp_path / "mine.json").unlink()  # the session keeps what was in it
    (denied,) = [each for each in terminal.ok("log", session, "--json").lines if each["type"] == "ToolCallDenied"]
    assert denied["source"] == "mine/1"
    assert "too loud" in denied["reason"]


def test_a_session_may_get_other_rules_for_the_turns_to_come(terminal: Terminal) -> None:
    session = terminal.session(LIST, "done", LIST, "never", options=["--rules", "standard"])
    again = terminal.type("run", "again", "--session", session, "--rules", "strict", "--json")
    assert again.code == 4
    assert "SessionConfigured" in [line.get("type") for line in again.lines]


def test_rules_are_not_changed_under_a_turn_in_progress(terminal: Terminal) -> None:
    session = terminal.session(ECHO, "done")
    said = terminal.type("run", "again", "--session", session, "--rules", "permissive")
    assert said.code == 1
    assert "has a turn in progress" in said.err
    assert "SessionConfigured" not in terminal.types(session)


@pytest.mark.parametrize(
    ("rules", "says"),
    [("nowhere.toml", "standard, developer, strict, permissive"), ("relaxed", "no file"), ("bad.json", "rule 1")],
)
def test_rules_that_cannot_be_are_refused_before_a_session_begins(
    terminal: Terminal, tmp_path: Path, rules: str, says: str
) -> None:
    (tmp_path / "bad.json").write_text('[{"tool": "shell"}]')
    said = one_line(terminal.type("run", "hello", "--model", terminal.script("x"), "--rules", rules), 2)
    assert says in said
    assert terminal.ok("sessions", "--json").out == ""
