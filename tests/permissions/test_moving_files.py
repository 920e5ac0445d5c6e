"""Calls that move or delete: every path in them is judged, and the name itself, not what a symlink leads to."""

from pathlib import Path

import pytest

from turnlog.domain import InvalidInput, JudgedCall
from turnlog.infrastructure import permissions

from .judging import allow, deny, make_workspace, on_call

MOVE = allow("move_file", op="write")
MOVE_LIB = allow("move_file", op="write", under="lib")
DELETE = allow("delete_file", op="write")
MOVE_ANY = allow("move_file", kind="any")
DELETE_ANY = allow("delete_file", kind="any")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace of one's own, for it is changed."""
    return make_workspace(tmp_path)


def test_a_file_may_be_moved_within_the_subtree_of_a_rule(workspace: Path) -> None:
    assert on_call(workspace, {"path": "lib/app.py", "to": "lib/deep/new.py"}, MOVE_LIB) == "allow"


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("lib/app.py", "app.py"),
        ("notes.md", "lib/notes.md"),
        ("lib/app.py", "../outside.py"),
        ("../outside.txt", "lib/x"),
        ("lib/app.py", "lib/to_etc/x"),
        ("lib/app.py", "lib/to_git/hooks/x"),
        ("lib/app.py", "lib/.env"),
        ("lib/to_env", "lib/x"),
        ("lib/app.py", "lib/deep"),
        ("lib/deep", "lib/deeper"),
        ("lib/second_name", "lib/x"),
    ],
)
def test_a_move_is_asked_about_when_either_path_is(workspace: Path, path: str, to: str) -> None:
    assert on_call(workspace, {"path": path, "to": to}, MOVE_LIB) == "prompt"


@pytest.mark.parametrize("arguments", [{"path": "notes.md"}, {"to": "notes.md"}, {"path": "notes.md", "to": 1}])
def test_a_move_without_both_paths_is_asked_about(workspace: Path, arguments: dict[str, object]) -> None:
    assert on_call(workspace, arguments, MOVE) == "prompt"


@pytest.mark.parametrize("tool", ["write_file", "delete_file"])
def test_another_tool_that_is_given_two_paths_is_asked_about(workspace: Path, tool: str) -> None:
    assert on_call(workspace, {"path": "notes.md", "to": "lib/x"}, allow(tool, op="write")) == "prompt"


@pytest.mark.parametrize("arguments", [{"path": "lib/app.py", "to": "x"}, {"path": "notes.md", "to": "lib/x"}])
def test_a_move_out_of_or_into_a_denied_subtree_is_denied(workspace: Path, arguments: dict[str, object]) -> None:
    assert on_call(workspace, arguments, MOVE_ANY, deny("move_file", op="write", under="lib")) == "deny"


@pytest.mark.parametrize("path", ["lib", ".", "LIB"])
def test_what_holds_a_denied_subtree_is_neither_moved_nor_deleted(workspace: Path, path: str) -> None:
    moved = {"path": path, "to": "elsewhere"}
    assert on_call(workspace, moved, MOVE_ANY, deny("move_file", op="write", under="lib/deep")) == "deny"
    deleted = {"path": path, "recursive": True}
    assert on_call(workspace, deleted, DELETE_ANY, deny("delete_file", op="write", under="lib/deep")) == "deny"


def test_a_move_elsewhere_is_not_denied(workspace: Path) -> None:
    rules = MOVE_ANY, deny("move_file", op="write", under="lib/deep")
    assert on_call(workspace, {"path": "notes.md", "to": "lib/notes.md"}, *rules) == "allow"


@pytest.mark.parametrize(("path", "verdict"), [("lib/app.py", "allow"), ("lib", "prompt"), (".env", "prompt")])
def test_a_plain_file_may_be_deleted(workspace: Path, path: str, verdict: str) -> None:
    assert on_call(workspace, {"path": path}, DELETE) == verdict


def test_a_symlink_is_no_file_that_a_rule_allows_to_delete(workspace: Path) -> None:
    assert on_call(workspace, {"path": "lib/to_app"}, DELETE) == "prompt"


def test_a_symlink_in_a_denied_subtree_is_found_through_another_one(workspace: Path) -> None:
    (workspace / "lib" / "deep" / "link").symlink_to(workspace / "notes.md")
    (workspace / "around").symlink_to("lib/deep")
    rules = DELETE_ANY, deny("delete_file", op="write", under="lib/deep")
    assert on_call(workspace, {"path": "around/link"}, *rules) == "deny"


@pytest.mark.parametrize("to", ["turnlog.db", "lib/x.rules.toml", ".turnlog/x", "TURNLOG.DB-wal"])
def test_nothing_is_moved_over_turnlogs_own_files_by_a_rule_for_every_call(workspace: Path, to: str) -> None:
    assert on_call(workspace, {"path": "notes.md", "to": to}, MOVE_ANY) == "prompt"


def test_where_everything_is_allowed_a_move_over_turnlogs_own_files_is_asked_about(workspace: Path) -> None:
    call = JudgedCall("move_file", {"path": "notes.md", "to": "turnlog.db"}, workspace)
    assert permissions.StructuredPermissions().judge([], call).rules == ("turnlog/own-files",)


@pytest.mark.parametrize("tool", ["move_file", "delete_file"])
def test_a_rule_that_lets_them_read_is_refused(tool: str) -> None:
    with pytest.raises(InvalidInput, match="does not read"):
        allow(tool, op="read")


def test_a_proposal_for_a_move_covers_both_paths(workspace: Path) -> None:
    call = JudgedCall("move_file", {"path": "lib/app.py", "to": "lib/new.py"}, workspace)
    shown = [each.shown for each in permissions.StructuredPermissions().proposals(call)]
    assert shown == [
        "move_file on what is in 'lib', but for protected files",
        "move_file anywhere in the workspace, but for protected files",
    ]
