"""`write_file` and `edit_file`: whole or not at all."""

import os
import stat
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.infrastructure import tools

from .calling import call, contents, swapping, text

BUILTIN_TOOLS = tools.BUILTIN_TOOLS
edit_file = tools.edit_file
write_file = tools.write_file
MEBIBYTE = 1024 * 1024

pytestmark = pytest.mark.usefixtures("each_way")


@pytest.mark.parametrize("content", ["", "one\n", "no end", "grüße \U0001f600 \u202e \0", "a\r\nb\r\n"])
async def test_writing_creates_or_replaces_exactly(workspace: Path, content: str) -> None:
    output = await call(write_file, workspace, path="new/below/a.txt", content=content)
    size = len(content.encode())
    assert text(output) == f'created "new/below/a.txt" ({size:,} bytes)'
    again = await call(write_file, workspace, path="new/below/a.txt", content=content)
    assert text(again) == f'replaced "new/below/a.txt" ({size:,} bytes)'
    assert (workspace / "new/below/a.txt").read_bytes() == content.encode()
    assert os.listdir(workspace / "new/below") == ["a.txt"]  # noqa: PTH208 -- names are all there is
    assert output.details["path"] == "new/below/a.txt"


async def test_a_lone_surrogate_is_refused_and_nothing_is_written(workspace: Path) -> None:
    output = await call(write_file, workspace, path="a", content="ab\ud800")
    assert output.is_error
    assert "content contains a lone surrogate at 2" in text(output)
    assert contents(workspace) == {}


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o4750])
async def test_writing_and_editing_keep_the_mode(workspace: Path, mode: int) -> None:
    (workspace / "a").write_text("one")
    (workspace / "a").chmod(mode)
    await call(write_file, workspace, path="a", content="two")
    await call(edit_file, workspace, path="a", old="two", new="three")
    assert (workspace / "a").read_text() == "three"
    assert stat.S_IMODE((workspace / "a").stat().st_mode) == mode


@pytest.mark.parametrize(
    ("name", "arguments"), [("write_file", {"content": "written"}), ("edit_file", {"old": "secret", "new": "public"})]
)
async def test_a_file_with_a_second_name_is_not_changed(
    workspace: Path, name: str, arguments: dict[str, JsonValue]
) -> None:
    (workspace / "a").hardlink_to(workspace.parent / "outside" / "secret.txt")
    output = await call(BUILTIN_TOOLS[name], workspace, path="a", **arguments)
    assert output.is_error
    assert '"a" has 2 names (hard links)' in text(output)
    assert (workspace / "a").samefile(workspace.parent / "outside" / "secret.txt")
    assert contents(workspace.parent / "outside") == {"secret.txt": "secret\n"}


async def test_readers_see_the_old_content_or_the_new_never_a_part(workspace: Path) -> None:
    bodies = {"a" * 200_000, "b" * 200_000}
    target = workspace / "a"
    target.write_text("a" * 200_000)
    seen: set[str] = set()
    with swapping(lambda: seen.add(target.read_text())):
        for _ in range(20):
            for body in sorted(bodies):
                await call(write_file, workspace, path="a", content=body)
    assert seen <= bodies


async def test_a_failed_write_leaves_nothing_behind(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "a").write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    output = await call(write_file, workspace, path="a", content="new")
    assert text(output) == '"a" cannot be used: No space left on device'
    assert contents(workspace) == {"a": "old"}


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"one two", "two", "three", b"one three"),
        (b"a\nb\nc\n", "b\nc\n", "", b"a\n"),
        (b"a\r\nb\r\n", "a\nb", "c\nd", b"c\r\nd\r\n"),
        (b"\xff one", "one", "two", b"\xff two"),
        ("grüße".encode(), "ü", "\U0001f600", "gr\U0001f600ße".encode()),
        (b"a.*b", ".*", "\\1", b"a\\1b"),
    ],
)
async def test_editing_replaces_exactly(workspace: Path, before: bytes, old: str, new: str, after: bytes) -> None:
    (workspace / "a").write_bytes(before)
    output = await call(edit_file, workspace, path="a", old=old, new=new)
    assert text(output) == 'edited "a": replaced once'
    assert (workspace / "a").read_bytes() == after
    assert output.details["before"] != output.details["after"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"old": "x", "new": "y"}, "contains `old` 0 times, not 1; nothing was changed"),
        ({"old": "a", "new": "b"}, "contains `old` 3 times, not 1; nothing was changed"),
        ({"old": "a", "new": "b", "expected_replacements": 2}, "contains `old` 3 times, not 2"),
        ({"old": "a", "new": "a"}, "nothing to change"),
        ({"old": "", "new": "a"}, "old: String should have at least 1 character"),
        ({"old": "a", "new": "\ud800", "expected_replacements": 3}, "new contains a lone surrogate"),
        ({"old": "a", "new": "b", "expected_replacements": 0}, "expected_replacements: "),
    ],
)
async def test_an_edit_that_does_not_fit_changes_nothing(
    workspace: Path, arguments: dict[str, JsonValue], problem: str
) -> None:
    (workspace / "a").write_text("a a a")
    output = await call(edit_file, workspace, path="a", **arguments)
    assert output.is_error
    assert problem in text(output)
    assert contents(workspace) == {"a": "a a a"}


async def test_several_places_are_edited_when_their_number_is_right(workspace: Path) -> None:
    (workspace / "a").write_text("a a a")
    output = await call(edit_file, workspace, path="a", old="a", new="aa", expected_replacements=3)
    assert text(output) == 'edited "a": replaced 3 times'
    assert contents(workspace) == {"a": "aa aa aa"}


@pytest.mark.parametrize(
    ("data", "problem"), [(b"a" * (10 * MEBIBYTE + 1), "can be edited"), (b"a\0", "is binary (2 bytes)")]
)
async def test_binary_and_huge_files_are_not_edited(workspace: Path, data: bytes, problem: str) -> None:
    (workspace / "a").write_bytes(data)
    output = await call(edit_file, workspace, path="a", old="a", new="b")
    assert output.is_error
    assert problem in text(output)
    assert (workspace / "a").read_bytes() == data
