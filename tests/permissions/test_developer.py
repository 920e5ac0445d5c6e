"""The rule pack `developer` allows what its examples say, and nothing that writes or runs anything else."""

from pathlib import Path

import pytest

from turnlog.infrastructure import permissions

RULES = permissions.developer_rules()
NEVER = [example for rule in RULES for example in rule.not_match]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspace")
    (root / "src").mkdir()
    for name in ("a.txt", "b.txt", ".env", "src/main.py"):
        (root / name).write_text("x\n")
    return root


@pytest.mark.parametrize("rule", RULES, ids=[str(rule.id) for rule in RULES])
def test_a_rule_matches_its_examples_and_not_its_counterexamples(
    rule: permissions.PermissionRule, workspace: Path
) -> None:
    assert list(permissions.example_faults(rule, workspace)) == []


@pytest.mark.parametrize("rule", RULES, ids=[str(rule.id) for rule in RULES])
def test_a_rule_has_examples_of_both_kinds(rule: permissions.PermissionRule) -> None:
    assert rule.match
    assert len(rule.not_match) >= 2


def test_rules_have_names_of_their_own() -> None:
    names = [rule.id for rule in RULES]
    assert None not in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("command", NEVER)
def test_no_counterexample_of_a_rule_is_allowed_by_another(command: str, workspace: Path) -> None:
    assert permissions.judge(RULES, permissions.call_of("shell", {"command": command}), workspace).verdict == "prompt"


@pytest.mark.parametrize(
    "command",
    [
        "git log --oneline | head -n 5",
        "ls -la && git status -sb 2>/dev/null",
        "find . -name '*.py' | sort | uniq -c; pwd",
        "grep -n TODO src/main.py || echo none",
    ],
)
def test_what_is_put_together_of_allowed_commands_is_allowed(command: str, workspace: Path) -> None:
    assert permissions.judge(RULES, permissions.call_of("shell", {"command": command}), workspace).verdict == "allow"
