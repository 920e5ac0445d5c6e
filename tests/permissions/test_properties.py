"""What holds of every set of rules and of any call."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnlog.infrastructure import permissions

from .judging import allow, deny, prompt

PROGRAMS = ("ls", "cat", "rm", "git", "env", "sh", "find")
WORDS = (
    "-l",
    "-rf",
    "--force",
    "push",
    "notes.md",
    "../outside.txt",
    ".env",
    "-c",
    "'rm -rf x'",
    "--",
    "$(rm x)",
    ">x",
)
RULES: tuple[permissions.PermissionRule, ...] = (
    *(allow(argv_prefix=[name], flags=["-l"], positionals="workspace") for name in PROGRAMS),
    *(allow(argv_prefix=[name], flags="any", positionals="any") for name in PROGRAMS),
    *(allow(exact=[name, "-l"]) for name in PROGRAMS),
    *(deny(program=name) for name in PROGRAMS),
    deny(program="rm", needs=[["-r"], ["-f", "--force"]]),
    deny(program="git", subcommand=["push"]),
    prompt(program="cat"),
    prompt(argv_prefix=["git", "push"]),
    allow("fetch", hosts=["a.test"]),
    deny("fetch", hosts=["b.test"]),
)
RULE_SETS = st.lists(st.sampled_from(RULES), max_size=8)
COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(PROGRAMS),
        st.lists(st.sampled_from(WORDS), max_size=3),
        st.sampled_from((" && ", " | ", "; ", " & ", "\n")),
    ).map(lambda parts: f"{parts[0]} {' '.join(parts[1])}{parts[2]}"),
    min_size=1,
    max_size=3,
).map(lambda parts: "".join(parts) + "ls")
SEVERITY = {"allow": 0, "prompt": 1, "deny": 2}
ENOUGH = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def severity(rules: list[permissions.PermissionRule], command: str, workspace: Path) -> int:
    call = permissions.call_of("shell", {"command": command})
    return SEVERITY[permissions.judge(rules, call, workspace).verdict]


@ENOUGH
@given(rules=RULE_SETS, command=COMMANDS, data=st.data())
def test_the_order_of_rules_never_changes_a_verdict(
    workspace: Path, rules: list[permissions.PermissionRule], command: str, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rules))
    assert severity(rules, command, workspace) == severity(shuffled, command, workspace)


@ENOUGH
@given(rules=RULE_SETS, command=COMMANDS, more=st.sampled_from([rule for rule in RULES if rule.effect != "allow"]))
def test_another_deny_or_prompt_rule_never_loosens_a_verdict(
    workspace: Path, rules: list[permissions.PermissionRule], command: str, more: permissions.PermissionRule
) -> None:
    assert severity([*rules, more], command, workspace) >= severity(rules, command, workspace)


@ENOUGH
@given(rules=RULE_SETS, command=COMMANDS, more=st.sampled_from([rule for rule in RULES if rule.effect == "allow"]))
def test_another_allow_rule_only_ever_turns_a_prompt_into_an_allow(
    workspace: Path, rules: list[permissions.PermissionRule], command: str, more: permissions.PermissionRule
) -> None:
    before, after = severity(rules, command, workspace), severity([*rules, more], command, workspace)
    assert before == after or (before, after) == (SEVERITY["prompt"], SEVERITY["allow"])


@ENOUGH
@given(rules=RULE_SETS, command=COMMANDS)
def test_an_allowed_command_has_a_rule_to_cite_for_each_of_its_parts(
    workspace: Path, rules: list[permissions.PermissionRule], command: str
) -> None:
    found = permissions.judge(rules, permissions.call_of("shell", {"command": command}), workspace)
    accounted = {finding.part for finding in found.trace.findings if not finding.refusal}
    assert found.verdict != "allow" or {f"`{' '.join(argv)}`" for argv in found.trace.commands} <= accounted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from((*PROGRAMS, *WORDS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = (permissions.ExactArgv, permissions.ArgvPrefix, permissions.Program, permissions.FileAccess, permissions.Hosts)
NAMES = {name for kind in (permissions.PermissionRule, *KINDS) for name in kind.model_fields}
CALL_NAMES = {"argv", "approved", "command", "execute", "input", "path", "raw", "rules", "url"}
FIELDS = st.sampled_from(sorted(NAMES | CALL_NAMES))
OBJECTS = st.recursive(JSON, lambda inner: st.dictionaries(FIELDS, inner | JSON, max_size=4), max_leaves=10)


@ENOUGH
@given(rule=OBJECTS, call=OBJECTS)
def test_any_json_gets_a_verdict_that_can_be_written(workspace: Path, rule: Any, call: Any) -> None:
    answer = permissions.judge_case(json.dumps({"id": "x", "rule": rule, "input": call}), workspace)
    assert answer.judgement.verdict in {"prompt", "deny"}
    assert json.dumps(answer.judgement.why)


@ENOUGH
@given(line=st.text(st.characters(exclude_categories=[])))
def test_any_text_gets_a_verdict(workspace: Path, line: str) -> None:
    assert permissions.judge_case(line, workspace).judgement.verdict == "prompt"


@ENOUGH
@given(arguments=st.dictionaries(FIELDS | st.text(max_size=5), JSON | st.text(), max_size=4))
def test_any_arguments_get_a_verdict(workspace: Path, arguments: dict[str, Any]) -> None:
    for tool in ("shell", "fetch"):
        assert permissions.judge(RULES, permissions.call_of(tool, arguments), workspace).verdict in SEVERITY
