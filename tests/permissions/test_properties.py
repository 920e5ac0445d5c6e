"""What holds of every set of rules and of any call."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

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
    *(rule(digest=digest, shown="") for rule in (allow, deny, prompt) for digest in ("d1", "d2")),
    *(rule(kind="any") for rule in (allow, deny, prompt)),
    allow("fetch", hosts=["a.test"]),
    deny("fetch", hosts=["b.test"]),
    *(rule("write_file", op="write", under=under) for rule in (allow, deny, prompt) for under in ("", "lib", ".env")),
    *(allow("write_file", op="write", root=root, under="lib") for root in ("/", "/srv")),
    *(rule("write_file", kind="any") for rule in (allow, deny, prompt)),
)
EXACT = tuple(allow(tool, digest=digest, shown="") for tool in ("shell", "write_file") for digest in ("d1", "d2", ""))
ABOUT_PARTS = [rule for rule in RULES if not isinstance(rule.matcher, permissions.ExactCall | permissions.AnyCall)]
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
PATHS = ("lib/app.py", "lib/../notes.md", ".env", "../outside.txt", "/srv/lib/x", "lib/to_env", ".turnlog/x", "")


def _call(tool: str, arguments: dict[str, JsonValue], exact: str) -> permissions.ToolCall:
    return permissions.call_of(tool, arguments, exact)


def _command(text: str) -> dict[str, JsonValue]:
    return {"command": text}


def _file(path: str) -> dict[str, JsonValue]:
    return {"path": path, "content": ""}


DIGESTS = st.sampled_from(("", "d1", "d3"))
CALLS = st.builds(_call, st.just("shell"), COMMANDS.map(_command), DIGESTS) | st.builds(
    _call, st.just("write_file"), st.sampled_from(PATHS).map(_file), DIGESTS
)
SEVERITY = {"allow": 0, "prompt": 1, "deny": 2}
ENOUGH = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def severity(rules: Sequence[permissions.PermissionRule], call: permissions.ToolCall, workspace: Path | None) -> int:
    return SEVERITY[permissions.judge(rules, call, workspace).verdict]


@pytest.fixture(params=["workspace", "none"], scope="module")
def place(request: pytest.FixtureRequest, workspace: Path) -> Path | None:
    """Where calls are made: in a workspace, or nowhere."""
    return workspace if request.param == "workspace" else None


@ENOUGH
@given(rules=RULE_SETS, call=CALLS, data=st.data())
def test_neither_order_nor_repetition_of_rules_changes_a_verdict(
    place: Path | None, rules: list[permissions.PermissionRule], call: permissions.ToolCall, data: st.DataObject
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(rules), max_size=4)) if rules else []
    shuffled = data.draw(st.permutations([*rules, *repeated]))
    assert severity(rules, call, place) == severity(shuffled, call, place)


@ENOUGH
@given(rules=RULE_SETS, call=CALLS, more=st.sampled_from([rule for rule in RULES if rule.effect != "allow"]))
def test_another_deny_or_prompt_rule_never_loosens_a_verdict(
    place: Path | None,
    rules: list[permissions.PermissionRule],
    call: permissions.ToolCall,
    more: permissions.PermissionRule,
) -> None:
    assert severity([*rules, more], call, place) >= severity(rules, call, place)


@ENOUGH
@given(rules=RULE_SETS, call=CALLS, more=st.sampled_from([rule for rule in RULES if rule.effect == "allow"]))
def test_another_allow_rule_only_ever_turns_a_prompt_into_an_allow(
    place: Path | None,
    rules: list[permissions.PermissionRule],
    call: permissions.ToolCall,
    more: permissions.PermissionRule,
) -> None:
    before, after = severity(rules, call, place), severity([*rules, more], call, place)
    assert before == after or (before, after) == (SEVERITY["prompt"], SEVERITY["allow"])


@ENOUGH
@given(rules=RULE_SETS, call=CALLS, exact=st.sampled_from(EXACT))
def test_allowing_the_exact_call_overrides_no_rule_that_denies_or_asks(
    place: Path | None,
    rules: list[permissions.PermissionRule],
    call: permissions.ToolCall,
    exact: permissions.PermissionRule,
) -> None:
    before = permissions.judge(rules, call, place)
    after = permissions.judge([exact, *rules], call, place)
    assert after.verdict == before.verdict if before.ids else SEVERITY[after.verdict] <= SEVERITY[before.verdict]


@ENOUGH
@given(rules=RULE_SETS, call=CALLS)
def test_nothing_is_looser_without_a_workspace(
    workspace: Path, rules: list[permissions.PermissionRule], call: permissions.ToolCall
) -> None:
    assert severity(rules, call, None) >= severity(rules, call, workspace)


@ENOUGH
@given(rules=RULE_SETS, call=CALLS)
def test_the_rules_named_are_those_that_suffice_for_the_verdict(
    place: Path | None, rules: list[permissions.PermissionRule], call: permissions.ToolCall
) -> None:
    named = [rule.model_copy(update={"id": f"r{number}"}) for number, rule in enumerate(rules)]
    found = permissions.judge(named, call, place)
    deciding = [rule for rule in named if rule.id in found.ids]
    assert len(deciding) == len(found.ids)
    assert permissions.judge(deciding, call, place).verdict == found.verdict
    assert all(rule.effect == found.verdict for rule in deciding)


@ENOUGH
@given(rules=st.lists(st.sampled_from(ABOUT_PARTS), max_size=8), command=COMMANDS)
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
