"""`delete_file`: one entry, or a tree that is asked for, is bounded, and is accounted for."""

import os
from pathlib import Path

import pytest

from turnlog.infrastructure import tools

from .calling import call, text
from .reaching import file_of, tree

delete_file = tools.delete_file

pytestmark = pytest.mark.usefixtures("each_way")


@pytest.fixture
def filled(workspace: Path) -> Path:
    """A workspace with files and directories."""
    (workspace / "dir" / "below").mkdir(parents=True)
    (workspace / "dir" / "below" / "x").write_text("x")
    (workspace / "dir" / "out").symlink_to("../../outside")
    (workspace / "empty").mkdir()
    (workspace / "a").write_text("one")
    (workspace / "link").symlink_to("a")
    (workspace / "out").symlink_to("../outside")
    return workspace


@pytest.mark.parametrize("recursive", [False, True])
async def test_a_file_is_deleted(filled: Path, recursive: bool) -> None:
    output = await call(delete_file, filled, path="a", recursive=recursive)
    assert text(output) == 'deleted "a" (3 bytes)'
    assert output.details == {"path": "a", "before": file_of("one"), "after": None}
    assert not (filled / "a").exists()


async def test_an_empty_directory_is_deleted(filled: Path) -> None:
    output = await call(delete_file, filled, path="empty")
    assert text(output) == 'deleted "empty" (an empty directory)'
    assert output.details == {"path": "empty", "before": {"directory": True}, "after": None}
    assert not (filled / "empty").exists()


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize(("link", "target"), [("link", "a"), ("out", "../outside")])
async def test_a_symlink_is_deleted_itself(filled: Path, link: str, target: str, recursive: bool) -> None:
    output = await call(delete_file, filled, path=link, recursive=recursive)
    assert text(output) == f'deleted "{link}" (a symlink)'
    assert output.details == {"path": link, "before": {"symlink": target}, "after": None}
    assert (filled / "a").read_text() == "one"
    assert tree(filled.parent / "outside") == {"secret.txt": "secret\n"}


async def test_a_directory_that_is_not_empty_stays_unless_it_is_said(filled: Path) -> None:
    output = await call(delete_file, filled, path="dir")
    assert output.is_error
    assert text(output) == '"dir" is a directory that is not empty; nothing was deleted: see `recursive`'
    assert (filled / "dir" / "below" / "x").exists()


async def test_a_tree_is_deleted_and_accounted_for(filled: Path) -> None:
    output = await call(delete_file, filled, path="dir", recursive=True)
    assert text(output).splitlines() == [
        'deleted "dir": 2 × a directory, 1 × a regular file, 1 × a symlink',
        "dir/below/x",
        "dir/below",
        "dir/out",
        "dir",
    ]
    assert output.details == {
        "changes": [
            {"path": "dir/below/x", "before": file_of("x"), "after": None},
            {"path": "dir/below", "before": {"directory": True}, "after": None},
            {"path": "dir/out", "before": {"symlink": "../../outside"}, "after": None},
            {"path": "dir", "before": {"directory": True}, "after": None},
        ]
    }
    assert not (filled / "dir").exists()
    assert tree(filled.parent / "outside") == {"secret.txt": "secret\n"}


@pytest.mark.parametrize(("depth", "width"), [(0, 500), (2, 250), (70, 1)])
async def test_a_tree_that_is_too_large_stays_whole(workspace: Path, depth: int, width: int) -> None:
    for number in range(width):
        below = workspace / "dir" / f"{number}" / "/".join(["x"] * depth)
        below.mkdir(parents=True)
    before = tree(workspace)
    output = await call(delete_file, workspace, path="dir", recursive=True)
    assert output.is_error
    assert "nothing was deleted" in text(output)
    assert tree(workspace) == before


async def test_the_largest_tree_is_deleted_and_shown_in_part(workspace: Path) -> None:
    (workspace / "dir").mkdir()
    for number in range(499):
        (workspace / "dir" / f"{number}").touch()
    output = await call(delete_file, workspace, path="dir", recursive=True)
    assert not output.is_error
    lines = text(output).splitlines()
    assert lines[0] == 'deleted "dir": 1 × a directory, 499 × a regular file'
    assert lines[-1] == "[and 450 more]"
    assert tree(workspace) == {}


@pytest.mark.parametrize("path", ["directory/fifo", "fifo", "socket", "directory"])
async def test_what_is_no_file_is_not_deleted(special: Path, path: str) -> None:
    os.mkfifo(special / "directory" / "fifo")
    before = tree(special)
    output = await call(delete_file, special, path=path, recursive=True)
    assert "only files, directories and symlinks can be deleted" in text(output)
    assert tree(special) == before


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        ".",
        "",
        "..",
        "../outside",
        "../outside/secret.txt",
        "/etc/hostname",
        "out/secret.txt",
        "out/",
        "dir/out/secret.txt",
        "no/such",
        "a/below",
        "a\0",
        "\ud800",
    ],
)
async def test_a_path_that_leads_nowhere_or_out_deletes_nothing(filled: Path, path: str, recursive: bool) -> None:
    before = tree(filled.parent)
    output = await call(delete_file, filled, path=path, recursive=recursive)
    assert output.is_error
    assert len(text(output).splitlines()) == 1
    assert tree(filled.parent) == before


async def test_a_deletion_that_breaks_off_says_what_is_gone(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rmdir = os.rmdir

    def stubborn(name: str, *, dir_fd: int) -> None:
        if name == "dir":
            raise OSError(16, "Device or resource busy")
        rmdir(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "rmdir", stubborn)
    output = await call(delete_file, filled, path="dir", recursive=True)
    assert output.is_error
    assert text(output).splitlines()[0].startswith("broke off (Device or resource busy) after deleting ")
    assert output.details["changes"] == [
        {"path": "dir/below/x", "before": file_of("x"), "after": None},
        {"path": "dir/below", "before": {"directory": True}, "after": None},
        {"path": "dir/out", "before": {"symlink": "../../outside"}, "after": None},
    ]


async def test_a_huge_file_is_deleted_without_being_read(workspace: Path) -> None:
    with (workspace / "a").open("wb") as stream:
        stream.truncate(50 * 1024**3)  # a hole
    output = await call(delete_file, workspace, path="a")
    assert output.details["before"] == {"bytes": 50 * 1024**3, "sha256": None}
