"""The bounds of a session: where its file tools go beside the workspace, and what stays as it is inside."""

import os
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import Bounds
from turnlog.infrastructure import tools

from .calling import call, text
from .reaching import call_within, file_of, tree

BUILTIN_TOOLS = tools.BUILTIN_TOOLS

pytestmark = pytest.mark.usefixtures("each_way")

READING: dict[str, dict[str, JsonValue]] = {
    "read_file": {},
    "list_files": {},
    "search_files": {"pattern": "secret"},
}


@pytest.fixture
def outside(workspace: Path) -> Path:
    """A directory beside the workspace."""
    return workspace.parent / "outside"


@pytest.mark.parametrize("name", ["read_file", "search_files"])
async def test_a_file_below_a_readable_root_can_be_read(workspace: Path, outside: Path, name: str) -> None:
    bounds = Bounds(read_roots=(str(outside),))
    path = str(outside / "secret.txt")
    output = await call_within(bounds, BUILTIN_TOOLS[name], workspace, path=path, **READING[name])
    assert "secret" in text(output)
    assert not output.is_error


async def test_a_file_below_a_readable_root_is_named_in_full(workspace: Path, outside: Path) -> None:
    bounds = Bounds(read_roots=(str(outside),))
    output = await call_within(bounds, tools.search_files, workspace, pattern="secret", path=str(outside))
    assert text(output) == f"{outside}/secret.txt:1: secret"


@pytest.mark.parametrize("path", ["../outside/secret.txt", "link/secret.txt"])
async def test_any_path_that_ends_below_a_readable_root_can_be_read(workspace: Path, outside: Path, path: str) -> None:
    (workspace / "link").symlink_to(outside)
    output = await call_within(Bounds(read_roots=(str(outside),)), tools.read_file, workspace, path=path)
    assert text(output) == "1\tsecret"


async def test_without_a_workspace_only_roots_are_reached(outside: Path) -> None:
    bounds = Bounds(read_roots=(str(outside),))
    assert text(await call_within(bounds, tools.read_file, None, path=str(outside / "secret.txt"))) == "1\tsecret"
    assert (await call_within(bounds, tools.read_file, None, path="/etc/passwd")).is_error
    assert "no workspace" in text(await call_within(bounds, tools.read_file, None, path="secret.txt"))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("write_file", {"content": "x"}),
        ("edit_file", {"old": "secret", "new": "public"}),
        ("delete_file", {}),
        ("move_file", {"to": "taken"}),
    ],
)
async def test_what_can_only_be_read_is_not_changed(
    workspace: Path, outside: Path, name: str, arguments: dict[str, JsonValue]
) -> None:
    bounds = Bounds(read_roots=(str(outside),))
    path = str(outside / "secret.txt")
    output = await call_within(bounds, BUILTIN_TOOLS[name], workspace, path=path, **arguments)
    assert "can be read but not changed" in text(output)
    assert tree(outside) == {"secret.txt": "secret\n"}


async def test_a_writable_root_is_written_below_and_named_in_full(workspace: Path, outside: Path) -> None:
    bounds = Bounds(write_roots=(str(outside),))
    path = str(outside / "new" / "a.txt")
    output = await call_within(bounds, tools.write_file, workspace, path=path, content="one")
    assert output.details == {"path": path, "before": None, "after": file_of("one"), "created": True}
    assert text(await call_within(bounds, tools.read_file, workspace, path=path)) == "1\tone"


async def test_a_file_is_moved_from_one_root_to_another(workspace: Path, outside: Path) -> None:
    (workspace / "a").write_text("one")
    bounds = Bounds(write_roots=(str(outside),))
    output = await call_within(bounds, tools.move_file, workspace, path="a", to=str(outside / "a"))
    assert not output.is_error
    assert tree(outside) == {"a": "one", "secret.txt": "secret\n"}


@pytest.mark.parametrize("root", ["link", "link/.", "deeper/link"])
async def test_a_root_inside_the_workspace_adds_nothing_so_swapping_it_is_in_vain(
    workspace: Path, outside: Path, root: str
) -> None:
    (workspace / "deeper").mkdir()
    (workspace / "link").symlink_to(outside)
    (workspace / "deeper" / "link").symlink_to(outside)
    given = os.path.join(workspace, root)  # noqa: PTH118 -- with the dot
    bounds = Bounds(write_roots=(given,), read_roots=(given,))
    path = f"{root}/secret.txt"
    assert (await call_within(bounds, tools.read_file, workspace, path=path)).is_error
    assert (await call_within(bounds, tools.write_file, workspace, path=path, content="x")).is_error
    assert tree(outside) == {"secret.txt": "secret\n"}


KEPT = Bounds(read_only=(".git/config", ".git/hooks", "lib/fixed.txt", ".vscode", ".envrc"))


@pytest.fixture
def guarded(workspace: Path) -> Path:
    """A workspace with files that are to stay as they are."""
    for path in (".git/config", ".git/hooks/pre-commit", ".git/other", "lib/fixed.txt", "lib/free.txt", "settings/x"):
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text("kept\n")
    (workspace / "link").symlink_to(".git/hooks")
    (workspace / "file-link").symlink_to("lib/fixed.txt")
    (workspace / ".vscode").symlink_to("settings")
    return workspace


CHANGES: dict[str, dict[str, JsonValue]] = {
    "write_file": {"content": "x"},
    "edit_file": {"old": "kept", "new": "changed"},
    "delete_file": {"recursive": True},
    "move_file": {"to": "elsewhere"},
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".git/hooks/pre-commit",
        ".git/hooks/new",
        "./lib/../lib/fixed.txt",
        ".GIT/config",
        ".Git/HOOKS/x",
        "LIB/FIXED.TXT",
        ".git/config.",
        ".g\u200cit/config",
        "link/pre-commit",
        "settings/x",
        ".vscode/x",
        ".envrc",
    ],
)
async def test_what_is_read_only_stays_as_it_is_in_any_spelling(guarded: Path, name: str, path: str) -> None:
    before = tree(guarded)
    output = await call_within(KEPT, BUILTIN_TOOLS[name], guarded, path=path, **CHANGES[name])
    assert output.is_error
    assert "must stay as it is" in text(output)
    assert tree(guarded) == before


@pytest.mark.parametrize("name", ["write_file", "edit_file"])
async def test_what_is_read_only_is_not_written_through_a_symlink_to_it(guarded: Path, name: str) -> None:
    output = await call_within(KEPT, BUILTIN_TOOLS[name], guarded, path="file-link", **CHANGES[name])
    assert "must stay as it is" in text(output)
    assert (guarded / "lib/fixed.txt").read_text() == "kept\n"


@pytest.mark.parametrize("name", ["delete_file", "move_file"])
@pytest.mark.parametrize("path", [".git", "lib", "LIB", ".git/hooks", "settings", ".vscode"])
async def test_a_directory_around_what_is_read_only_is_neither_moved_nor_deleted(
    guarded: Path, name: str, path: str
) -> None:
    before = tree(guarded)
    output = await call_within(KEPT, BUILTIN_TOOLS[name], guarded, path=path, **CHANGES[name])
    assert output.is_error
    assert tree(guarded) == before


@pytest.mark.parametrize("to", [".git", ".git/config", ".git/hooks/x", ".envrc", "lib/fixed.txt", "link/x"])
async def test_nothing_is_moved_to_where_it_would_be_or_hold_what_is_read_only(guarded: Path, to: str) -> None:
    (guarded / "new").mkdir()
    (guarded / "new" / "config").write_text("evil")
    before = tree(guarded)
    output = await call_within(KEPT, tools.move_file, guarded, path="new", to=to, overwrite=True)
    assert "must stay as it is" in text(output)
    assert tree(guarded) == before


async def test_a_read_only_path_counts_below_every_writable_root(workspace: Path, outside: Path) -> None:
    bounds = Bounds(write_roots=(str(outside),))
    path = str(outside / ".git" / "hooks" / "post-checkout")
    output = await call_within(bounds, tools.write_file, workspace, path=path, content="x")
    assert "must stay as it is" in text(output)
    assert tree(outside) == {"secret.txt": "secret\n"}


@pytest.mark.parametrize("path", [".git/other", "lib/free.txt", "lib/new.txt", ".gitignore"])
async def test_what_is_beside_it_may_be_written(guarded: Path, path: str) -> None:
    output = await call_within(KEPT, tools.write_file, guarded, path=path, content="x")
    assert not output.is_error


async def test_what_is_read_only_can_be_read(guarded: Path) -> None:
    assert text(await call_within(KEPT, tools.read_file, guarded, path=".git/config")) == "1\tkept"


async def test_by_default_git_hooks_and_turnlogs_own_files_are_read_only(workspace: Path) -> None:
    for path in (".git/hooks/pre-commit", ".turnlog/x", "turnlog.db", ".envrc"):
        assert "must stay as it is" in text(await call(tools.write_file, workspace, path=path, content="x"))
    assert tree(workspace) == {}


@pytest.mark.parametrize(("name", "arguments"), [("read_file", {}), ("search_files", {"pattern": "x"})])
async def test_no_more_is_returned_than_the_bounds_say(
    workspace: Path, name: str, arguments: dict[str, JsonValue]
) -> None:
    (workspace / "a").write_text(f"{'x' * 90}\n" * 1000)
    output = await call_within(Bounds(output_bytes=1024), BUILTIN_TOOLS[name], workspace, path="a", **arguments)
    assert not output.is_error
    assert len(text(output)) < 1500
    assert "there is more" in text(output)


async def test_a_file_grows_no_further_than_the_bounds(workspace: Path) -> None:
    bounds = Bounds(file_bytes=10)
    assert not (await call_within(bounds, tools.write_file, workspace, path="a", content="x" * 10)).is_error
    written = await call_within(bounds, tools.write_file, workspace, path="a", content="y" * 11)
    assert text(written) == '"a" would have 11 bytes, and files of this session have at most 10'
    edited = await call_within(
        bounds, tools.edit_file, workspace, path="a", old="x", new="yy", expected_replacements=10
    )
    assert "would have 20 bytes" in text(edited)
    assert tree(workspace) == {"a": "x" * 10}
