"""The port `Permissions`, as rules are read by their structure."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnlog.domain import Evaluation, Finding, InvalidInput, JudgedCall, Permissions
from turnlog.infrastructure import permissions

from .judging import allow, deny, prompt

READER: Permissions = permissions.StructuredPermissions()
NO_RM = deny(program="rm").model_copy(update={"id": "no-rm"})
LS = allow(argv_prefix=["ls"], positionals="workspace").model_copy(update={"id": "ls"})


def evaluation(
    workspace: Path | None, arguments: dict[str, Any], *rules: permissions.PermissionRule, exact: str = ""
) -> Evaluation:
    return READER.judge(rules, JudgedCall(rules[0].tool, arguments, workspace, exact))


def test_an_allowed_call_says_by_which_rules_and_for_which_commands(workspace: Path) -> None:
    pwd = allow(exact=["pwd"])
    assert evaluation(workspace, {"command": "ls lib; pwd && ls 'a b'"}, LS, NO_RM, pwd) == Evaluation(
        verdict="allow",
        why="`ls lib`, `pwd`, `ls a b`: allowed by rule ls, rule 3",
        rules=("ls", "rule 3"),
        commands=(("ls", "lib"), ("pwd",), ("ls", "a b")),
        findings=(
            Finding(rule="ls", part="`ls lib`"),
            Finding(rule="rule 3", part="`pwd`"),
            Finding(rule="ls", part="`ls a b`"),
        ),
    )


def test_a_denied_call_says_by_which_rule_and_for_which_part(workspace: Path) -> None:
    found = evaluation(workspace, {"command": "ls; env rm x"}, LS, NO_RM)
    assert (found.verdict, found.rules, found.why) == ("deny", ("no-rm",), "rule no-rm denies `rm x` (run by env)")
    assert found.findings == (Finding(rule="no-rm", part="`rm x` (run by env)"),)


def test_a_rule_that_asks_is_cited_and_the_default_is_not(workspace: Path) -> None:
    asks = prompt(program="ls").model_copy(update={"id": "careful"})
    assert evaluation(workspace, {"command": "ls"}, LS, asks).rules == ("careful",)
    assert evaluation(workspace, {"command": "ls -R"}, LS).rules == ()


def test_a_rule_that_came_close_is_shown_with_what_is_missing(workspace: Path) -> None:
    found = evaluation(workspace, {"command": "ls -R"}, allow(exact=["ls", "-a"]), LS)
    assert found.findings == (Finding(rule="ls", part="`ls -R`", refusal="the option '-R' is not in the rule"),)


def test_the_exact_call_is_known_by_its_digest(workspace: Path) -> None:
    rule = allow("note", digest="d1", shown="x")
    assert evaluation(workspace, {"n": 1}, rule, exact="d1").verdict == "allow"
    assert evaluation(workspace, {"n": 1}, rule).verdict == "prompt"


def test_a_session_without_workspace_is_judged(workspace: Path) -> None:
    assert evaluation(None, {"command": "ls"}, LS).verdict == "allow"
    assert evaluation(None, {"command": "ls notes.md"}, LS).verdict == "prompt"


def test_an_evaluation_has_bounds_whatever_the_call(workspace: Path) -> None:
    many = "; ".join(["ls " + "a " * 5] * 300)
    wide = allow(argv_prefix=["ls"], positionals="any")
    for command in (many, "ls " + "a " * 2000, "ls " + "b" * 4000, "ls " + "$x" * 100_000):
        found = evaluation(workspace, {"command": command}, wide)
        assert len(found.why) <= 300
        assert "\n" not in found.why
        assert len(found.commands or ()) <= 50
        assert all(len(words) <= 100 for words in found.commands or ())
        assert len(found.findings or ()) <= 20
        assert len(found.model_dump_json()) < 20_000


def test_of_many_findings_those_that_match_are_kept(workspace: Path) -> None:
    refusing = [allow("write_file", op="write", under=f"x{n}") for n in range(60)]
    found = evaluation(workspace, {"path": "lib/x"}, *refusing, allow("write_file", op="write"))
    assert found.findings is not None
    assert (len(found.findings), found.findings[0].refusal, found.findings[0].rule) == (20, None, "rule 61")


@given(
    arguments=st.dictionaries(
        st.sampled_from(("command", "argv", "path", "url", "x")),
        st.text(st.characters(exclude_categories=[])) | st.lists(st.text(st.characters(exclude_categories=[]))),
        max_size=3,
    ),
    name=st.text(st.characters(exclude_categories=[]), min_size=1, max_size=5),
)
def test_whatever_the_call_and_the_names_there_is_an_evaluation_that_can_be_stored(
    arguments: dict[str, Any], name: str
) -> None:
    rules = [
        rule.model_copy(update={"id": name, "tool": name})
        for rule in (allow(kind="any"), NO_RM, prompt(op="write"), deny(hosts=["a.test"]))
    ]
    for some in (rules, rules[:2], rules[1:2], rules[2:3]):
        found = READER.judge(some, JudgedCall(name, arguments))
        assert Evaluation.model_validate(json.loads(found.model_dump_json().encode())) == found


def test_what_cannot_be_judged_is_asked_about() -> None:
    broken: Any = [None]
    found = READER.judge(broken, JudgedCall("note", {}))
    assert (found.verdict, found.rules) == ("prompt", ())
    assert "could not be judged" in found.why


def test_what_judging_needs_is_loaded_only_when_a_call_is_judged() -> None:
    code = (
        "import sys; from turnlog.infrastructure import permissions; from turnlog.domain import JudgedCall;"
        "reader = permissions.StructuredPermissions(); name = 'turnlog.infrastructure.permissions.evaluation';"
        "assert name not in sys.modules; reader.judge((), JudgedCall('note', {})); assert name in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_pack_is_known_by_its_name() -> None:
    assert READER.pack("developer") == permissions.developer_rules()
    with pytest.raises(InvalidInput, match=r"no rule pack 'developers'; there is developer"):
        READER.pack("developers")


def test_a_rule_is_held_against_its_examples_with_a_workspace_or_without(workspace: Path) -> None:
    wrong = LS.model_copy(update={"match": ("ls src", "ls -R"), "not_match": ("ls ../x", "ls")})
    faults = ("it does not match its example 'ls -R'", "it matches 'ls', which it must not")
    assert READER.faults(wrong, workspace) == faults
    assert READER.faults(wrong, None) == faults
    assert READER.faults(LS, None) == ()


class _Tool:
    """A tool of which nothing is known but its name."""

    spec: Any = None

    def show(self, arguments: Any) -> str:
        raise NotImplementedError

    async def run(self, arguments: Any, context: Any) -> Any:
        raise NotImplementedError


def test_surroundings_and_proposals_are_looked_up(workspace: Path) -> None:
    call = JudgedCall("shell", {"command": "ls"}, workspace)
    assert READER.surroundings(_Tool(), call).cwd_real == str(workspace.resolve())
    assert [proposal.matcher for proposal in READER.proposals(call)]


@pytest.mark.parametrize("path", [".turnlog/turnlog.db", "team.rules.toml"])
def test_turnlogs_own_files_are_asked_about_by_a_rule_that_is_always_there(workspace: Path, path: str) -> None:
    call = JudgedCall("write_file", {"path": path, "content": ""}, workspace)
    found = permissions.StructuredPermissions().judge((), call)
    assert (found.verdict, found.rules) == ("prompt", ("turnlog/own-files",))


def test_a_command_that_cannot_be_read_is_asked_about_where_a_rule_might_deny_it(workspace: Path) -> None:
    rules = [deny(program="rm"), allow(kind="any").model_copy(update={"id": "all"})]
    call = JudgedCall("shell", {"command": "$X -rf /"}, workspace)
    found = permissions.StructuredPermissions().judge(rules, call)
    assert (found.verdict, found.rules) == ("prompt", ("turnlog/unreadable",))


def test_a_command_that_cannot_be_read_is_allowed_where_no_rule_could_deny_it(workspace: Path) -> None:
    rules = [allow(kind="any").model_copy(update={"id": "all"})]
    call = JudgedCall("shell", {"command": "$X -rf /"}, workspace)
    assert permissions.StructuredPermissions().judge(rules, call).verdict == "allow"
