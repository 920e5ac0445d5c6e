"""Nothing leads the file tools out of the workspace, and nothing but regular files is touched."""

import asyncio
import shutil
import time
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.infrastructure import tools

from .calling import call, contents, swapping, text

BUILTIN_TOOLS = tools.BUILTIN_TOOLS
edit_file = tools.edit_file
read_file = tools.read_file
write_file = tools.write_file

pytestmark = pytest.mark.usefixtures("each_way")

ARGUMENTS: dict[str, dict[str, JsonValue]] = {
    "read_file": {},
    "write_file": {"content": "written"},
    "edit_file": {"old": "secret", "new": "public"},
    "list_files": {},
    "search_files": {"pattern": "secret"},
}


def test_effects_say_what_repeating_a_call_does() -> None:
    effects = {name: BUILTIN_TOOLS[name].spec.effect for name in (*ARGUMENTS, "move_file", "delete_file")}
    assert effects == {
        "read_file": "pure",
        "list_files": "pure",
        "search_files": "pure",
        "write_file": "idempotent",
        "edit_file": "external",
        "move_file": "external",
        "delete_file": "external",
    }


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../outside/secret.txt",
        "../workspace-sibling/secret.txt",
        "a/../../outside/secret.txt",
        "/etc/passwd",
        "/",
        "/proc/self/root/etc/passwd",
        "file-link",
        "directory-link/secret.txt",
        "chain/secret.txt",
        "absolute-link",
        "dangling-link",
    ],
)
async def test_a_path_out_of_the_workspace_is_refused_by_every_tool(workspace: Path, name: str, path: str) -> None:
    outside = workspace.parent / "outside"
    (workspace / "a").mkdir()
    (workspace / "file-link").symlink_to("../outside/secret.txt")
    (workspace / "directory-link").symlink_to("../outside")
    (workspace / "chain").symlink_to("directory-link")
    (workspace / "absolute-link").symlink_to(outside)
    (workspace / "dangling-link").symlink_to("../outside/new.txt")
    output = await call(BUILTIN_TOOLS[name], workspace, path=path, **ARGUMENTS[name])
    assert output.is_error
    assert f'"{path}" is outside the workspace' in text(output)
    assert contents(outside) == {"secret.txt": "secret\n"}


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", "x" * 300, "loop", "plain/below"])
async def test_a_path_that_is_none_is_refused_by_every_tool(workspace: Path, name: str, path: str) -> None:
    (workspace / "loop").symlink_to("loop")
    (workspace / "plain").write_text("plain")
    output = await call(BUILTIN_TOOLS[name], workspace, path=path, **ARGUMENTS[name])
    assert output.is_error
    assert len(text(output).splitlines()) == 1
    assert "Errno" not in text(output)


@pytest.mark.parametrize("name", ARGUMENTS)
async def test_without_a_workspace_every_tool_says_so(name: str) -> None:
    output = await call(BUILTIN_TOOLS[name], None, path="a", **ARGUMENTS[name])
    assert output.is_error
    assert "no workspace" in text(output)


@pytest.mark.parametrize("name", ["read_file", "edit_file", "list_files", "search_files"])
async def test_what_does_not_exist_is_said_not_to(workspace: Path, name: str) -> None:
    output = await call(BUILTIN_TOOLS[name], workspace, path="no/such", **ARGUMENTS[name])
    assert output.is_error
    assert text(output) == '"no/such" does not exist'


async def test_symlinks_within_the_workspace_work_and_stay_symlinks(workspace: Path) -> None:
    (workspace / "real").mkdir()
    (workspace / "real" / "a.txt").write_text("one\n")
    (workspace / "link").symlink_to("real")
    (workspace / "a-link").symlink_to("link/a.txt")
    assert text(await call(read_file, workspace, path="a-link")) == "1\tone"
    assert not (await call(write_file, workspace, path="a-link", content="two\n")).is_error
    assert (workspace / "a-link").is_symlink()
    assert (workspace / "real" / "a.txt").read_text() == "two\n"


async def test_a_workspace_reached_through_a_symlink_works(workspace: Path) -> None:
    (workspace / "a.txt").write_text("one")
    link = workspace.parent / "link"
    link.symlink_to(workspace)
    assert text(await call(read_file, link, path="a.txt")) == "1\tone"
    assert text(await call(read_file, link, path=str(workspace / "a.txt"))) == "1\tone"


@pytest.mark.parametrize("what", ["directory", "file"])
async def test_a_racing_symlink_leads_nowhere(workspace: Path, what: str) -> None:
    outside = workspace.parent / "outside"
    (outside / "a.txt").write_text("outside")
    (workspace / "d").mkdir()
    (workspace / "d" / "a.txt").write_text("inside")
    target = workspace / "d" if what == "directory" else workspace / "d" / "a.txt"
    evil = workspace / "evil"
    evil.symlink_to(outside if what == "directory" else outside / "a.txt")
    parked = workspace / "parked"

    def swap() -> None:
        with suppress(OSError):  # the tools may come between any two steps
            target.rename(parked)
            evil.rename(target)
        if target.is_symlink():
            target.rename(evil)
        with suppress(OSError):
            parked.rename(target)
        shutil.rmtree(parked, ignore_errors=True)

    with swapping(swap) if what == "directory" else swapping(lambda: _swap_file(target, outside)):
        deadline = time.monotonic() + 10
        outcomes: list[bool] = []
        while (len(outcomes) < 100 or len(set(outcomes)) < 2) and time.monotonic() < deadline:
            written = await call(write_file, workspace, path="d/a.txt", content="inside")
            read = await call(read_file, workspace, path="d/a.txt")
            edited = await call(edit_file, workspace, path="d/a.txt", old="outside", new="edited")
            assert "outside" not in text(read).replace("outside the workspace", "")
            assert edited.is_error
            outcomes.append(written.is_error)
    assert len(set(outcomes)) == 2, "the race was not run"
    assert contents(outside) == {"a.txt": "outside", "secret.txt": "secret\n"}


def _swap_file(target: Path, outside: Path) -> None:
    """Put a symlink out of the workspace in the place of the file, then a file again."""
    temporary = target.parent / "temporary"
    temporary.symlink_to(outside / "a.txt")
    temporary.replace(target)
    temporary.write_text("inside")
    temporary.replace(target)


@pytest.mark.parametrize("name", ["read_file", "write_file", "edit_file"])
@pytest.mark.parametrize(
    ("path", "kind"), [("directory", "a directory"), ("fifo", "a FIFO"), ("socket", "a socket"), (".", "the workspace")]
)
async def test_what_is_no_regular_file_is_refused_without_hanging(
    special: Path, name: str, path: str, kind: str
) -> None:
    async with asyncio.timeout(2):
        output = await call(BUILTIN_TOOLS[name], special, path=path, **ARGUMENTS[name])
    assert output.is_error
    assert f'"{path}" is {kind}' in text(output)
    assert (special / path).exists()


@pytest.mark.skipif(not Path("/dev/zero").is_char_device(), reason="no /dev/zero")
async def test_a_device_is_refused() -> None:
    output = await call(read_file, Path("/dev"), path="zero")
    assert "is a character device, not a regular file" in text(output)
