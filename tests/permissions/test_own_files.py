"""The files that say what an agent may do are not the agent's to change."""

from pathlib import Path

import pytest

from turnlog.domain import JudgedCall, PermissionRule
from turnlog.infrastructure import permissions

from .judging import allow, on_call, on_command

READER = permissions.StructuredPermissions()
OWN = [
    ".turnlog/turnlog.db",
    ".turnlog",
    ".Turnlog/notes.md",
    "deep/.turnlog/x",
    "turnlog.db",
    "turnlog.db-wal",
    "turnlog.db-shm",
    "turnlog.db.bak",
    "TURNLOG.DB",
    "team.rules.toml",
    "lib/team.rules.json",
    "team.rules.jsonl.",
    "lib/../.turnlog/x",
]
# What a process gets its environment, its start-up code or its settings from.
SURROUNDINGS = [
    ".env",
    ".env.local",
    ".envrc",
    ".bashrc",
    ".config/pip/pip.conf",
    "sitecustomize.py",
    ".claude/settings.json",
]


@pytest.mark.parametrize("path", [*OWN, *SURROUNDINGS])
@pytest.mark.parametrize("tool", ["write_file", "edit_file"])
def test_no_rule_for_a_subtree_lets_them_be_written(workspace: Path, tool: str, path: str) -> None:
    rules = allow(tool, op="write"), allow(tool, op="write", root="/")
    assert on_call(workspace, {"path": path, "content": ""}, *rules) == "prompt"
    assert on_call(workspace, {"path": str(workspace / path), "content": ""}, *rules) == "prompt"


@pytest.mark.parametrize("path", [*OWN, *SURROUNDINGS])
@pytest.mark.parametrize("command", ["rm -f {}", "cp notes.md {}", "touch ./{}"])
def test_no_rule_for_a_program_lets_them_be_named(workspace: Path, command: str, path: str) -> None:
    rules = [allow(argv_prefix=[name], flags=["-f"], positionals="workspace") for name in ("rm", "cp", "touch")]
    assert on_command(workspace, command.format("notes.md"), *rules) == "allow"
    assert on_command(workspace, command.format(path), *rules) == "prompt"


@pytest.mark.parametrize("path", [*OWN, "/elsewhere/.turnlog/x", "..\\turnlog.db", "lib/rules"])
def test_a_rule_for_every_call_of_a_tool_does_not_cover_turnlogs_own(tmp_path: Path, path: str) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/rules").symlink_to(tmp_path / "team.rules.toml")
    assert on_call(tmp_path, {"path": path, "content": ""}, allow("write_file", kind="any")) == "prompt"


def test_a_workspace_inside_turnlogs_directory_is_no_file_of_turnlog(tmp_path: Path) -> None:
    workspace = tmp_path / ".turnlog/demo"
    workspace.mkdir(parents=True)
    for rule in (allow("write_file", kind="any"), allow("write_file", op="write")):
        assert on_call(workspace, {"path": "notes.md"}, rule) == "allow"
        assert on_call(workspace, {"path": str(workspace / "notes.md")}, rule) == "allow"


def test_an_exact_rule_was_made_by_somebody_who_saw_the_path(workspace: Path) -> None:
    call = permissions.call_of("write_file", {"path": "team.rules.toml", "content": ""}, exact="d1")
    assert permissions.judge([allow("write_file", digest="d1", shown="")], call, workspace).verdict == "allow"


@pytest.mark.parametrize("path", ["turnlog.md", "turnlog/db.py", "rules.py", "rules.toml/x", "turnlogs", "my.turnlog"])
def test_a_name_that_only_resembles_one_is_free(workspace: Path, path: str) -> None:
    assert on_call(workspace, {"path": path, "content": ""}, allow("write_file", op="write")) == "allow"
    assert on_call(workspace, {"path": path, "content": ""}, allow("write_file", kind="any")) == "allow"


EVERY_READ = allow("read_file", kind="any").model_copy(update={"id": "r1"})
SECRETS = [
    ".env",
    "app/.env.production",
    "prod.env",
    ".ssh/config",
    ".SSH/id_rsa",
    "tls/server.key",
    ".npmrc",
    ".aws/credentials",
]


@pytest.mark.parametrize("path", [*SECRETS, "lib/to_env"])
@pytest.mark.parametrize("rules", [(), (EVERY_READ,)], ids=["no rule", "a rule for every call"])
def test_reading_a_secret_is_asked_about_by_a_rule_that_is_always_there(
    workspace: Path, path: str, rules: tuple[PermissionRule, ...]
) -> None:
    found = READER.judge(rules, JudgedCall("read_file", {"path": path}, workspace))
    assert (found.verdict, found.rules) == ("prompt", ("turnlog/secrets",))


def test_an_exact_rule_lets_a_secret_be_read(workspace: Path) -> None:
    call = JudgedCall("read_file", {"path": ".env"}, workspace, "d1")
    assert READER.judge([allow("read_file", digest="d1", shown="")], call).verdict == "allow"


def test_a_template_holds_no_secret(workspace: Path) -> None:
    call = JudgedCall("read_file", {"path": "docs/.env.example"}, workspace)
    assert READER.judge([EVERY_READ], call).verdict == "allow"
