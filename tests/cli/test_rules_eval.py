"""rules eval, from the outside: lines in, lines out."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from .terminal import Result, Terminal, one_line

RULE = {"tool": "shell", "effect": "allow", "matcher": {"argv_prefix": ["cat"], "positionals": "workspace"}}
CASES = [
    {"id": "inside", "rule": RULE, "input": {"command": "cat $WS/notes.md"}},
    {"id": "outside", "rule": RULE, "input": {"command": "cat ../secret"}},
    {"id": "none", "input": {"command": "ls"}},
]


class Piped:
    """A terminal with bytes on its standard input."""

    def __init__(self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        self._terminal = terminal
        self._monkeypatch = monkeypatch

    def type(self, piped: bytes, *words: str) -> Result:
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(piped), "utf-8"))
        return self._terminal.type("rules", "eval", *words)


@pytest.fixture
def piped(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Piped:
    return Piped(terminal, monkeypatch)


def lines(*cases: Any) -> bytes:
    return b"".join(json.dumps(case).encode() + b"\n" for case in cases)


def test_each_line_gets_a_verdict_and_a_reason(piped: Piped, tmp_path: Path) -> None:
    result = piped.type(lines(*CASES), "--json", "--workspace", str(tmp_path))
    assert result.code == 0, result
    assert [(each["id"], each["verdict"]) for each in result.lines] == [
        ("inside", "allow"),
        ("outside", "prompt"),
        ("none", "prompt"),
    ]
    assert all(set(each) == {"id", "verdict", "why"} and each["why"] for each in result.lines)


def test_no_database_is_made_or_opened(piped: Piped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNLOG_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert piped.type(lines(CASES[0]), "--json").code == 0
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_makes_no_sense_gets_a_verdict_too(piped: Piped) -> None:
    nonsense = b'\n{\n\xff\xfe\n{"id": 4, "input": {"command": "\xff"}}\n' + b"[" * 50_000 + b"\n \n" + lines(CASES[2])
    result = piped.type(nonsense, "--json")
    assert (result.code, result.err) == (0, "")
    assert [each["id"] for each in result.lines] == [None, None, 4, None, "none"]
    assert {each["verdict"] for each in result.lines} == {"prompt"}


def test_without_json_a_person_reads_a_table(piped: Piped) -> None:
    shown = piped.type(lines({**CASES[1], "id": "esc\x1b[2K"})).out
    heading, row = shown.splitlines()
    assert heading.split() == ["ID", "VERDICT", "WHY"]
    assert row.split()[:2] == ["esc\\u001b[2K", "prompt"]
    assert "'../secret' leads to" in row


def test_a_workspace_that_is_not_there_is_a_usage_error(piped: Piped) -> None:
    one_line(piped.type(b"", "--workspace", "missing"), 2)


def case(expected: str | None, command: str = "cat notes.md") -> dict[str, Any]:
    return {"id": command, "rule": RULE, "input": {"command": command}, "expected": expected}


def checked(terminal: Terminal, tmp_path: Path, *cases: Any, options: tuple[str, ...] = ()) -> Result:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(lines(*cases))
    return terminal.type("rules", "test", str(file), "--workspace", str(tmp_path), *options)


def test_a_table_whose_verdicts_are_all_as_expected_passes(terminal: Terminal, tmp_path: Path) -> None:
    result = checked(terminal, tmp_path, case("allow"), case("prompt", "cat ../secret"))
    assert (result.code, result.out) == (0, "")
    assert "2 cases, 0 of them not as expected" in result.err


@pytest.mark.parametrize("expected", ["deny", None, "ALLOW"])
def test_a_verdict_that_differs_is_shown_and_fails(terminal: Terminal, tmp_path: Path, expected: str | None) -> None:
    result = checked(terminal, tmp_path, case("allow"), case(expected, "cat other.md"))
    assert result.code == 1
    assert "cat other.md" in result.out
    assert "cat notes.md" not in result.out
    assert "2 cases, 1 of them not as expected" in result.err


def test_every_case_of_a_table_is_told_as_json(terminal: Terminal, tmp_path: Path) -> None:
    result = checked(terminal, tmp_path, case("allow"), case("deny", "cat b"), options=("--json",))
    assert [(each["id"], each["expected"], each["verdict"]) for each in result.lines] == [
        ("cat notes.md", "allow", "allow"),
        ("cat b", "deny", "allow"),
    ]
    assert result.code == 1


def test_a_table_without_cases_proves_nothing(terminal: Terminal, tmp_path: Path) -> None:
    assert checked(terminal, tmp_path).code == 1
