"""rules whatif, from a person's side: past calls under other rules."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from .terminal import Result, Terminal, call, one_line

ALLOW_ECHO = {"tool": "shell", "effect": "allow", "matcher": {"argv_prefix": ["echo"], "positionals": "any"}}
DENY_SHELL = {"tool": "shell", "effect": "deny", "matcher": {"kind": "any"}, "id": "no-shell"}


def tried(terminal: Terminal, *rules: object, options: tuple[str, ...] = ()) -> Result:
    (terminal.root / "rules.json").write_text(json.dumps(rules), "utf-8")
    return terminal.type("rules", "whatif", "rules.json", *options)


@pytest.fixture
def asked(terminal: Terminal) -> str:
    """A session whose one call a person was asked about."""
    return terminal.session(call("shell", argv=["echo", "hi\x1b[2K"]), "done")


def test_what_would_be_decided_otherwise_is_shown_in_a_table(terminal: Terminal, asked: str) -> None:
    result = tried(terminal, ALLOW_ECHO, DENY_SHELL)
    heading, row = result.out.splitlines()
    assert heading.split() == ["WAS", "NOW", "AT", "TOOL", "CALL", "WHY"]
    assert row.startswith(f"prompt by person  deny  {asked}@")
    assert "\\u001b" in row
    assert "no-shell" in row
    assert "1 call, 1 newly denied, 0 newly allowed, 0 newly asked about, 0 never judged, 0 unreadable" in result.err
    assert result.code == 0


def test_without_a_difference_there_is_only_the_summary(terminal: Terminal, asked: str) -> None:
    result = tried(terminal, {**ALLOW_ECHO, "tool": "other"})
    assert (result.code, result.out) == (0, "")
    assert "1 call, 0 newly denied" in result.err


def test_json_has_a_difference_a_line_and_the_summary_last(terminal: Terminal, asked: str) -> None:
    result = tried(terminal, ALLOW_ECHO, DENY_SHELL, options=("--json",))
    difference, end = result.lines
    assert difference["session_id"] == asked
    assert (difference["recorded"], difference["by"], difference["now"]) == ("prompt", "person", "deny")
    assert difference["rules"] == ["no-shell"]
    assert end == {"summary": {"judged": 1, "denied": 1, "allowed": 0, "prompted": 0, "skipped": 0, "unreadable": 0}}
    assert result.err == ""


def test_the_rules_of_books_are_tried_too_where_that_is_wanted(terminal: Terminal, asked: str) -> None:
    terminal.ok("rules", "add", "deny", "shell")
    nothing = {**ALLOW_ECHO, "tool": "other"}
    assert tried(terminal, nothing, options=("--json",)).lines[-1]["summary"]["denied"] == 0
    assert tried(terminal, nothing, options=("--json", "--keep")).lines[-1]["summary"]["denied"] == 1


@pytest.mark.parametrize(("ago", "judged"), [(timedelta(days=1), 1), (timedelta(days=-1), 0)])
def test_only_calls_since_a_moment_count(terminal: Terminal, asked: str, ago: timedelta, judged: int) -> None:
    date = f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M}"
    result = tried(terminal, DENY_SHELL, options=("--json", "--since", date))
    assert result.lines[-1]["summary"]["judged"] == judged


def test_a_moment_may_be_so_long_ago(terminal: Terminal, asked: str) -> None:
    result = tried(terminal, DENY_SHELL, options=("--json", "--since", "2h"))
    assert result.lines[-1]["summary"]["judged"] == 1


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "", "999999w"])
def test_what_is_no_moment_is_a_usage_error(terminal: Terminal, asked: str, since: str) -> None:
    assert "2026-11-01" in one_line(tried(terminal, DENY_SHELL, options=("--since", since)), 2)


def test_a_rule_that_is_not_valid_is_a_usage_error_that_names_it(terminal: Terminal, asked: str) -> None:
    said = one_line(tried(terminal, ALLOW_ECHO, {"tool": "shell"}), 2)
    assert "rules.json: rule 2 is not valid" in said


def test_a_look_makes_no_database(terminal: Terminal) -> None:
    assert "does not exist" in one_line(tried(terminal, DENY_SHELL), 1)
    assert not (terminal.root / ".turnlog").exists()
