"""A script for a shell is asked about each time, unless a sandbox confines it or exactly this one was allowed."""

from pathlib import Path

import pytest

from turnlog.domain import Bounds, Evaluation, JudgedCall
from turnlog.infrastructure import permissions

from .judging import allow, deny, prompt

ANY = allow("shell_script", kind="any").model_copy(update={"id": "any"})
EXACT = allow("shell_script", digest="d1", shown="x").model_copy(update={"id": "exact"})
PREFIX = allow("shell_script", argv_prefix=["ls"], positionals="any").model_copy(update={"id": "prefix"})
SANDBOXED = Bounds(commands=True, sandbox="landlock")


def judged(
    workspace: Path, *rules: permissions.PermissionRule, bounds: Bounds | None = None, command: str = "ls"
) -> Evaluation:
    call = JudgedCall("shell_script", {"command": command}, workspace, "d1", bounds or Bounds(commands=True))
    return permissions.StructuredPermissions().judge(rules, call)


@pytest.mark.parametrize("rules", [(), (ANY,), (PREFIX,), (ANY, PREFIX)])
def test_without_a_sandbox_it_is_asked_about(workspace: Path, rules: tuple[permissions.PermissionRule, ...]) -> None:
    found = judged(workspace, *rules)
    assert (found.verdict, found.rules) == ("prompt", ("turnlog/script",))


@pytest.mark.parametrize("rules", [(EXACT,), (ANY, EXACT), (EXACT, PREFIX)])
def test_exactly_this_script_can_be_allowed(workspace: Path, rules: tuple[permissions.PermissionRule, ...]) -> None:
    found = judged(workspace, *rules)
    assert (found.verdict, found.rules) == ("allow", ("exact",))


def test_in_a_sandbox_rules_allow_it_as_any_other_call(workspace: Path) -> None:
    assert judged(workspace, ANY, bounds=SANDBOXED).verdict == "allow"
    assert judged(workspace, bounds=SANDBOXED).rules == ()


@pytest.mark.parametrize("bounds", [None, SANDBOXED])
def test_a_rule_that_denies_or_asks_is_cited_as_ever(workspace: Path, bounds: Bounds | None) -> None:
    no_rm = deny("shell_script", program="rm").model_copy(update={"id": "no-rm"})
    careful = prompt("shell_script", program="ls").model_copy(update={"id": "careful"})
    assert judged(workspace, ANY, no_rm, bounds=bounds, command="if x; then rm y; fi").rules == ("no-rm",)
    assert judged(workspace, ANY, EXACT, careful, bounds=bounds).rules == ("careful",)


def test_no_rule_is_proposed_that_would_not_count(workspace: Path) -> None:
    reader = permissions.StructuredPermissions()
    call = JudgedCall("shell_script", {"command": "ls"}, workspace)
    assert reader.proposals(call) == ()
    assert reader.proposals(JudgedCall("shell_script", {"command": "ls"}, workspace, "", SANDBOXED)) != ()


def test_the_same_text_is_no_script_to_the_shell(workspace: Path) -> None:
    rule = allow(kind="any").model_copy(update={"id": "any"})
    call = JudgedCall("shell", {"command": "ls"}, workspace)
    assert permissions.StructuredPermissions().judge([rule], call).verdict == "allow"
