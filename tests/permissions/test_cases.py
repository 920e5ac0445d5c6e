"""Cases as JSON: rules and a call on one line, and always an answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from turnlog.infrastructure import permissions

LS = {"tool": "shell", "effect": "allow", "matcher": {"argv_prefix": ["ls"], "positionals": "workspace"}}
NO_RM = {"tool": "shell", "effect": "deny", "matcher": {"program": "rm"}}
BROKEN = {"tool": "shell", "effect": "deny", "matcher": {"programme": "rm"}}
ENVELOPE: dict[str, Any] = {
    **dict.fromkeys(("tool", "cwd", "cwd_real", "program_real", "policy", "session", "call", "approver"), "x"),
    "input": {},
    "env": {},
    "files": {},
    "attempt": 1,
    "expires": 9,
    "now": 1,
}


def answer(workspace: Path, **case: Any) -> permissions.Answer:
    return permissions.judge_case(json.dumps(case), workspace)


def verdict(workspace: Path, **case: Any) -> str:
    return answer(workspace, **case).judgement.verdict


def test_a_case_has_one_rule_or_several_inside_or_beside(workspace: Path) -> None:
    call = {"command": "ls"}
    assert verdict(workspace, rule=LS, input=call) == "allow"
    assert verdict(workspace, rule={"tool": "shell", "rules": [NO_RM, LS]}, input=call) == "allow"
    assert verdict(workspace, rule=[NO_RM, LS], input=call) == "allow"
    assert verdict(workspace, rules=[NO_RM, LS], input=call) == "allow"
    assert verdict(workspace, rule=LS, rules=[NO_RM], input={"command": "rm x"}) == "deny"


def test_the_tool_of_several_rules_may_stand_outside(workspace: Path) -> None:
    bare = {key: value for key, value in LS.items() if key != "tool"}
    assert verdict(workspace, rule={"tool": "shell", "rules": [bare]}, input={"command": "ls"}) == "allow"


def test_the_call_may_name_its_tool_and_may_be_json_text(workspace: Path) -> None:
    assert verdict(workspace, rule=LS, input={"tool": "shell", "input": {"command": "ls"}}) == "allow"
    assert verdict(workspace, rule=LS, input={"tool": "shell", "raw": '{"command": "ls"}'}) == "allow"
    assert verdict(workspace, rule=LS, input={"tool": "bash", "input": {"command": "ls"}}) == "prompt"


def test_ws_stands_for_the_workspace(workspace: Path) -> None:
    rule = {"tool": "read_file", "effect": "allow", "matcher": {"op": "read", "root": "$WS", "under": ""}}
    assert verdict(workspace, rule=rule, input={"path": "$WS/notes.md"}) == "allow"
    assert verdict(workspace, rule=rule, input={"path": "$WS-other/x"}) == "prompt"


def test_the_id_comes_back_as_it_was(workspace: Path) -> None:
    assert [answer(workspace, id=each).id for each in ("a", 7, None, ["x"])] == ["a", 7, None, ["x"]]


def test_a_malformed_rule_allows_nothing_and_keeps_no_other_from_denying(workspace: Path) -> None:
    found = answer(workspace, rules=[LS, BROKEN], input={"command": "ls"}).judgement
    assert (found.verdict, found.why[:20]) == ("prompt", "rule 2 is not valid:")
    assert verdict(workspace, rules=[BROKEN, NO_RM], input={"command": "rm x"}) == "deny"


def test_a_rule_whose_example_fails_allows_nothing(workspace: Path) -> None:
    found = answer(workspace, rule={**LS, "match": ["ls -l"]}, input={"command": "ls"}).judgement
    assert (found.verdict, found.why) == ("prompt", "rule 1 is not sound: it does not match its example 'ls -l'")


def test_the_answer_names_the_rule_and_the_part_of_the_command(workspace: Path) -> None:
    named = {**NO_RM, "id": "no-rm"}
    assert answer(workspace, rule=named, input={"command": "ls; env rm x"}).judgement.why == (
        "rule no-rm denies `rm x` (run by env)"
    )
    assert answer(workspace, rules=[NO_RM, LS], input={"command": "ls lib; ls -l"}).judgement.why == (
        "`ls -l` is not allowed by rule 2: the option '-l' is not in the rule"
    )


def test_a_case_with_a_key_given_twice_is_asked_about(workspace: Path) -> None:
    line = json.dumps({"rule": LS, "input": {"command": "ls"}})
    assert permissions.judge_case(line, workspace).judgement.verdict == "allow"
    twice = line.replace('"command": "ls"', '"command": "touch x", "command": "ls"')
    assert permissions.judge_case(twice, workspace).judgement.verdict == "prompt"


def test_an_approval_is_allowed_or_refused(workspace: Path) -> None:
    rule = {"tool": "approval", "effect": "allow", "approved": ENVELOPE}
    assert verdict(workspace, rule=rule, input={"execute": ENVELOPE}) == "allow"
    assert verdict(workspace, rule=rule, input={"execute": {**ENVELOPE, "call": "d"}}) == "deny"
    for nonsense in ("{}", '{"execute": 1}', "null", "3", '{"execute": {}}'):
        assert verdict(workspace, rule=rule, input=json.loads(nonsense)) == "deny"
    assert verdict(workspace, rule={"tool": "approval"}, input={"execute": ENVELOPE}) == "deny"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "7",
        "null",
        "[]",
        "{}",
        '{"id": 1, "rule": 3, "input": {"command": "ls"}}',
        '{"id": 1, "rule": [[]], "input": {"command": "ls"}}',
        '{"id": 1, "rule": {"tool": 3}, "input": {"command": "ls"}}',
        '{"id": 1, "rule": {"tool": "shell", "rules": 3}, "input": {"command": "ls"}}',
        '{"id": 1, "rules": {"a": 1}, "input": []}',
        '{"id": 1, "input": {"tool": [], "input": {}}}',
        '{"id": 1, "input": {"tool": "shell", "raw": {}}}',
        '{"id": 1, "id": 2, "input": {"command": "ls"}}',
        '{"id": ' + "[" * 50_000,
        '{"id": ' + "1" * 5_000 + "}",
        '{"id": "\ud800", "input": "\udcff"}',
        '{"rule": ' + '{"rules":' * 400 + "1" + "}" * 400 + "}",
        '{"input": ' + '{"command":' * 400 + "1" + "}" * 400 + "}",
        "NaN",
    ],
)
def test_a_line_that_makes_no_sense_is_asked_about(workspace: Path, line: str) -> None:
    found = permissions.judge_case(line, workspace).judgement
    assert found.verdict == "prompt"
    assert found.why
