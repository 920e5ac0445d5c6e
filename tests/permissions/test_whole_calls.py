"""Rules about whole calls: the one with a digest, and every call of a tool."""

from pathlib import Path
from typing import Any

import pytest

from turnlog.infrastructure import permissions

from .judging import allow, deny, prompt

THIS = {"digest": "d1", "shown": "as it was shown"}
ANY = {"kind": "any"}
UNREADABLE = {"command": "for f in *; do rm $f; done > out"}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("shell", {"command": "ls | wc"}),
    ("shell", UNREADABLE),
    ("shell", {"argv": ["python3", "-c", "x"], "stdin": "y"}),
    ("write_file", {"path": "../outside.txt", "content": ""}),
    ("note", {"text": {"deep": [1]}}),
    ("note", {}),
]


def on(workspace: Path, call: permissions.ToolCall, *rules: permissions.PermissionRule) -> str:
    return permissions.judge(rules, call, workspace).verdict


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
def test_the_exact_call_is_decided_whatever_is_in_it(workspace: Path, tool: str, arguments: dict[str, Any]) -> None:
    call = permissions.call_of(tool, arguments, exact="d1")
    assert on(workspace, call, allow(tool, **THIS)) == "allow"
    assert on(workspace, call, deny(tool, **THIS)) == "deny"


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
def test_every_call_of_a_tool_is_decided_whatever_is_in_it(
    workspace: Path, tool: str, arguments: dict[str, Any]
) -> None:
    call = permissions.call_of(tool, arguments)
    assert on(workspace, call, allow(tool, **ANY)) == "allow"
    assert on(workspace, call, deny(tool, **ANY)) == "deny"


@pytest.mark.parametrize("digest", ["", "d2", "D1", "d1 "])
def test_a_call_with_another_digest_is_not_the_exact_call(workspace: Path, digest: str) -> None:
    call = permissions.call_of("note", {"text": "x"}, exact=digest)
    assert on(workspace, call, allow("note", **THIS), deny("note", **THIS)) == "prompt"


def test_an_empty_digest_is_no_digest(workspace: Path) -> None:
    call = permissions.call_of("note", {"text": "x"})
    nothing = {"digest": "", "shown": ""}
    assert on(workspace, call, allow("note", **nothing)) == "prompt"
    assert on(workspace, call, allow("note", **ANY), deny("note", **nothing)) == "allow"


@pytest.mark.parametrize("matcher", [THIS, ANY])
def test_a_rule_about_whole_calls_is_about_one_tool(workspace: Path, matcher: dict[str, str]) -> None:
    call = permissions.call_of("Shell", {"command": "ls"}, exact="d1")
    assert on(workspace, call, allow("shell", **matcher), deny("shell", **matcher)) == "prompt"


@pytest.mark.parametrize("matcher", [THIS, ANY])
def test_arguments_in_doubt_are_never_allowed_whole_but_may_be_denied(workspace: Path, matcher: dict[str, str]) -> None:
    read = permissions.call_from_text("note", '{"text": "a", "text": "b"}')
    call = permissions.ToolCall(read.tool, read.arguments, read.given, read.doubt, exact="d1")
    assert on(workspace, call, allow("note", **matcher)) == "prompt"
    assert on(workspace, call, deny("note", **matcher)) == "deny"


@pytest.mark.parametrize("matcher", [THIS, ANY])
def test_a_prompt_rule_about_whole_calls_asks_and_is_cited(workspace: Path, matcher: dict[str, str]) -> None:
    call = permissions.call_of("shell", {"command": "ls"}, exact="d1")
    found = permissions.judge([allow(argv_prefix=["ls"]), prompt(**matcher)], call, workspace)
    assert (found.verdict, found.ids) == ("prompt", ("rule 2",))


def test_a_rule_about_a_part_still_denies_what_another_allows_whole(workspace: Path) -> None:
    call = permissions.call_of("shell", {"command": "ls; env rm x"}, exact="d1")
    assert on(workspace, call, allow(**THIS), allow(**ANY), deny(program="rm")) == "deny"
    assert on(workspace, call, allow(**THIS), allow(**ANY), prompt(program="rm")) == "prompt"


def test_commands_are_allowed_one_by_one_where_no_rule_covers_the_whole(workspace: Path) -> None:
    other = {"digest": "d2", "shown": ""}
    call = permissions.call_of("shell", {"command": "ls; pwd"}, exact="d1")
    rules = allow(**other), allow(argv_prefix=["ls"]), allow(exact=["pwd"])
    assert permissions.judge(rules, call, workspace).ids == ("rule 2", "rule 3")


def test_the_rules_that_decided_are_named_by_their_ids(workspace: Path) -> None:
    rule = permissions.PermissionRule(tool="note", effect="allow", matcher=permissions.AnyCall(), id="all notes")
    found = permissions.judge([deny("note", keys=["x"]), rule], permissions.call_of("note", {}), workspace)
    assert (found.ids, found.rules) == (("all notes",), ("rule all notes",))


def test_where_only_the_default_decides_no_rule_is_named(workspace: Path) -> None:
    found = permissions.judge([allow("note", keys=["x"])], permissions.call_of("note", {}), workspace)
    assert (found.verdict, found.ids, found.rules) == ("prompt", (), ())
