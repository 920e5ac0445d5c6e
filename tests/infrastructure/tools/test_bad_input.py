"""File tools given what nobody should give them: one clear error, bounded memory, and the workspace as it was."""

import asyncio
import os
import resource
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.infrastructure import tools

from .calling import call, text
from .reaching import tree

pytestmark = pytest.mark.usefixtures("each_way")

BUILTIN_TOOLS = tools.BUILTIN_TOOLS
EVERY: dict[str, dict[str, JsonValue]] = {
    "read_file": {},
    "list_files": {},
    "search_files": {"pattern": "x"},
    "write_file": {"content": "x"},
    "edit_file": {"old": "root", "new": "x"},
    "move_file": {"to": "new"},
    "delete_file": {"recursive": True},
}
ODD_PATHS: tuple[JsonValue, ...] = (None, 1, True, ["a"], {"path": "a"}, "", "\0", "a\0b", "\ud800", "a" * 5000)


def too_few_or_wrong() -> list[tuple[str, dict[str, JsonValue]]]:
    """Calls whose arguments are missing, of the wrong type, or out of range."""
    return [
        ("read_file", {}),
        ("read_file", {"path": "a", "offset": 0}),
        ("read_file", {"path": "a", "limit": "many"}),
        ("write_file", {"path": "a"}),
        ("write_file", {"path": "a", "content": 1}),
        ("write_file", {"path": "a", "content": None}),
        ("write_file", {"path": "a", "content": "x", "mode": "append"}),
        ("edit_file", {"path": "a", "old": 1, "new": "x"}),
        ("move_file", {"path": "a", "to": "b", "overwrite": "perhaps"}),
        ("delete_file", {"path": "a", "recursive": []}),
        ("delete_file", {"path": "a", "to": "b"}),
        ("list_files", {"depth": 1000}),
        ("search_files", {}),
        ("search_files", {"pattern": ""}),
        ("search_files", {"pattern": "x", "context_lines": -1}),
        ("search_files", {"pattern": "x", "limit": 10**9}),
    ]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("path", ODD_PATHS, ids=lambda path: repr(path)[:20])
async def test_what_is_no_path_is_refused(workspace: Path, name: str, path: JsonValue) -> None:
    (workspace / "a").write_text("root\n")
    output = await call(BUILTIN_TOOLS[name], workspace, **{**EVERY[name], "path": path})
    assert output.is_error
    assert len(text(output)) < 1000
    assert tree(workspace) == {"a": "root\n"}


@pytest.mark.parametrize(("name", "arguments"), too_few_or_wrong())
async def test_arguments_that_do_not_fit_are_refused(
    workspace: Path, name: str, arguments: dict[str, JsonValue]
) -> None:
    (workspace / "a").write_text("root\n")
    output = await call(BUILTIN_TOOLS[name], workspace, **arguments)
    assert output.is_error
    assert text(output).startswith(f"the arguments for {name} are not valid; correct them and call again\n- ")
    assert tree(workspace) == {"a": "root\n"}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    "path",
    [
        "/proc/self/environ",
        "/proc/self/root/etc/passwd",
        "/proc/self/cwd/pyproject.toml",
        "/proc/self/fd/0",
        "/dev/stdin",
        "/dev/zero",
        "/sys/kernel/uevent_seqnum",
        "link/self/environ",
    ],
)
async def test_nothing_of_the_kernels_own_is_opened(workspace: Path, name: str, path: str) -> None:
    (workspace / "link").symlink_to("/proc")
    async with asyncio.timeout(10):
        output = await call(BUILTIN_TOOLS[name], workspace, path=path, **EVERY[name])
    assert output.is_error
    assert "is outside the workspace" in text(output)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("path", ["/proc/self/environ", "/proc/self/task", "/sys/kernel"])
async def test_not_even_where_the_workspace_is_everything(name: str, path: str) -> None:
    output = await call(BUILTIN_TOOLS[name], Path("/"), path=path, **EVERY[name])
    assert output.is_error
    assert "is no plain file" in text(output)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("path", ["fifo", "socket"])
async def test_what_is_no_file_is_refused_at_once(special: Path, name: str, path: str) -> None:
    before = tree(special)
    async with asyncio.timeout(10):
        output = await call(BUILTIN_TOOLS[name], special, path=path, **EVERY[name])
    assert output.is_error
    assert tree(special) == before


@pytest.mark.parametrize("name", ["read_file", "write_file", "edit_file"])
async def test_a_directory_is_no_file(special: Path, name: str) -> None:
    output = await call(BUILTIN_TOOLS[name], special, path="directory", **EVERY[name])
    assert text(output) == '"directory" is a directory, not a regular file'


async def test_a_file_is_no_directory(workspace: Path) -> None:
    (workspace / "a").write_text("root\n")
    output = await call(tools.list_files, workspace, path="a")
    assert text(output) == '"a" cannot be used: a part of it is not a directory, or became a symlink meanwhile'


async def test_a_name_with_a_line_feed_can_be_used_but_not_made(workspace: Path) -> None:
    (workspace / "a\nb").write_text("one\n")
    assert text(await call(tools.read_file, workspace, path="a\nb")) == "1\tone"
    assert not (await call(tools.write_file, workspace, path="a\nb", content="two\n")).is_error
    made = await call(tools.write_file, workspace, path="c\nd", content="x")
    assert text(made) == '"c\\nd" is no name for something new: it has the character U+000A'
    assert "U+001B" in text(await call(tools.write_file, workspace, path="\x1b[31m/x", content="x"))
    assert tree(workspace) == {"a\nb": "two\n"}
    assert not (await call(tools.delete_file, workspace, path="a\nb")).is_error


async def test_invalid_utf_8_is_read_with_a_note_and_kept_by_an_edit(workspace: Path) -> None:
    (workspace / "a").write_bytes(b"\xff\xfe one\n")
    assert "not UTF-8" in text(await call(tools.read_file, workspace, path="a"))
    await call(tools.edit_file, workspace, path="a", old="one", new="two")
    assert (workspace / "a").read_bytes() == b"\xff\xfe two\n"


@pytest.mark.parametrize("name", ["read_file", "edit_file", "search_files", "move_file", "delete_file", "write_file"])
async def test_a_huge_file_takes_little_memory(workspace: Path, name: str) -> None:
    with (workspace / "huge").open("wb") as stream:
        stream.write(b"root\n")
        stream.truncate(8 * 1024**3)  # a hole
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with asyncio.timeout(60):
        await call(BUILTIN_TOOLS[name], workspace, path="huge", **EVERY[name])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024  # KiB


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do anything")
@pytest.mark.parametrize("name", EVERY)
async def test_what_may_not_be_entered_is_said_so(workspace: Path, name: str) -> None:
    (workspace / "closed").mkdir(mode=0)
    output = await call(BUILTIN_TOOLS[name], workspace, path="closed/x", **EVERY[name])
    (workspace / "closed").chmod(0o700)
    assert text(output) == '"closed/x" cannot be used: Permission denied'
