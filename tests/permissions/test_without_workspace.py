"""Without a workspace nothing relative is allowed, and what is denied may be anywhere."""

from pathlib import Path
from typing import Any

import pytest

from turnlog.infrastructure import permissions

from .judging import allow, deny, prompt


def on(arguments: dict[str, Any], *rules: permissions.PermissionRule) -> str:
    return permissions.judge(rules, permissions.call_of(rules[0].tool, arguments), None).verdict


@pytest.mark.parametrize("path", ["notes.md", ".", "lib/../notes.md", "/tmp", "/tmp/x"])
def test_a_file_in_a_relative_root_is_asked_about(path: str) -> None:
    assert on({"path": path}, allow("read_file", op="read")) == "prompt"


def test_an_absolute_root_allows_absolute_paths_alone(workspace: Path) -> None:
    rule = allow("read_file", op="read", root=str(workspace))
    assert on({"path": str(workspace / "notes.md")}, rule) == "allow"
    assert on({"path": str(workspace / "lib/to_etc/hosts")}, rule) == "prompt"
    assert on({"path": "notes.md"}, rule) == "prompt"


@pytest.mark.parametrize("command", ["cat notes.md", "cat /etc/hosts", "cat ."])
def test_an_operand_in_the_workspace_is_asked_about(command: str) -> None:
    assert on({"command": command}, allow(argv_prefix=["cat"], positionals="workspace")) == "prompt"


def test_a_command_without_paths_is_allowed() -> None:
    assert on({"command": "cat"}, allow(argv_prefix=["cat"], positionals="workspace")) == "allow"
    assert on({"command": "echo a/b"}, allow(argv_prefix=["echo"], positionals="any")) == "allow"


@pytest.mark.parametrize(
    ("root", "path"),
    [(".", "lib/x"), (".", "other/x"), (".", "/srv/lib/x"), ("/srv", "lib/x"), ("/srv", "/srv/lib/x")],
)
def test_a_path_that_may_be_the_denied_one_is_denied(root: str, path: str) -> None:
    assert on({"path": path}, deny("write_file", op="write", root=root, under="lib")) == "deny"
    assert on(
        {"path": path}, prompt("write_file", op="write", root=root, under="lib"), allow("write_file", kind="any")
    ) == ("prompt")


def test_a_path_that_is_surely_another_is_not_denied() -> None:
    everything = allow("write_file", kind="any")
    assert on({"path": "/srv/other/x"}, everything, deny("write_file", op="write", root="/srv", under="lib")) == "allow"


def test_a_denied_program_is_found() -> None:
    assert on({"command": "env rm x"}, deny(program="rm")) == "deny"
