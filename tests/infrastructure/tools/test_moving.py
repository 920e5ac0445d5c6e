"""`move_file`: a name changes, nothing is replaced unless it is meant to be."""

import errno
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.infrastructure import tools

from .calling import call, text
from .reaching import file_of, tree

move_file = tools.move_file

pytestmark = pytest.mark.usefixtures("each_way")


@pytest.fixture
def filled(workspace: Path) -> Path:
    """A workspace with files and directories."""
    (workspace / "dir" / "below").mkdir(parents=True)
    (workspace / "dir" / "below" / "x").write_text("x")
    (workspace / "a").write_text("one")
    (workspace / "b").write_text("two")
    (workspace / "link").symlink_to("a")
    (workspace / "out").symlink_to("../outside/secret.txt")
    return workspace


async def test_a_file_is_moved_to_a_directory_that_is_made(filled: Path) -> None:
    output = await call(move_file, filled, path="a", to="new/deep/c")
    assert text(output) == 'moved "a" to "new/deep/c"'
    assert (filled / "new/deep/c").read_text() == "one"
    assert not (filled / "a").exists()
    assert output.details == {
        "changes": [
            {"path": "a", "before": file_of("one"), "after": None},
            {"path": "new/deep/c", "before": None, "after": file_of("one")},
        ]
    }


async def test_a_file_is_replaced_only_when_it_is_said(filled: Path) -> None:
    refused = await call(move_file, filled, path="a", to="b")
    assert text(refused) == '"b" exists; nothing was moved: give a path that is free, or overwrite if it is a file'
    assert (filled / "b").read_text() == "two"
    output = await call(move_file, filled, path="a", to="b", overwrite=True)
    assert text(output) == 'replaced a file by moving "a" to "b"'
    assert (filled / "b").read_text() == "one"
    assert output.details["changes"] == [
        {"path": "a", "before": file_of("one"), "after": None},
        {"path": "b", "before": file_of("two"), "after": file_of("one")},
    ]


async def test_a_directory_is_moved_with_what_is_in_it(filled: Path) -> None:
    output = await call(move_file, filled, path="dir", to="moved")
    assert (filled / "moved" / "below" / "x").read_text() == "x"
    assert output.details["changes"] == [
        {"path": "dir", "before": {"directory": True}, "after": None},
        {"path": "moved", "before": None, "after": {"directory": True}},
    ]


@pytest.mark.parametrize("link", ["link", "out"])
async def test_a_symlink_is_moved_itself(filled: Path, link: str) -> None:
    target = (filled / link).readlink()
    before = tree(filled.parent / "outside")
    output = await call(move_file, filled, path=link, to="moved")
    assert not output.is_error
    assert (filled / "moved").readlink() == target
    assert (filled / "a").read_text() == "one"
    assert tree(filled.parent / "outside") == before


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("a", "dir"),
        ("dir", "b"),
        ("dir", "dir/below/dir"),
        ("dir", "dir"),
        ("a", "./a"),
        ("a", "."),
        (".", "new"),
        ("no/such", "new"),
        ("a", "b/below"),
        ("a", "../a"),
        ("a", "../outside/secret.txt"),
        ("../outside/secret.txt", "stolen"),
        ("a", "/etc/new"),
        ("a", "out/below"),
        ("link", "dir"),
        ("a", "a\nb"),
        ("a", "new\x1bdir/a"),
        ("a", ""),
        ("a", "n" * 300),
        ("a", "\ud800"),
    ],
)
async def test_a_move_that_does_not_fit_changes_nothing(filled: Path, path: str, to: str, overwrite: bool) -> None:
    before = tree(filled.parent)
    output = await call(move_file, filled, path=path, to=to, overwrite=overwrite)
    assert output.is_error
    assert len(text(output).splitlines()) == 1
    assert "Errno" not in text(output)
    assert tree(filled.parent) == before


async def test_a_symlink_at_the_new_path_is_not_followed(filled: Path) -> None:
    output = await call(move_file, filled, path="a", to="out", overwrite=True)
    assert text(output) == '"out" is a symlink, not a regular file'
    assert (filled.parent / "outside" / "secret.txt").read_text() == "secret\n"


async def test_a_file_with_a_second_name_is_not_replaced(filled: Path) -> None:
    (filled / "c").hardlink_to(filled / "b")
    output = await call(move_file, filled, path="a", to="c", overwrite=True)
    assert "has 2 names (hard links)" in text(output)
    assert (filled / "c").read_text() == "two"


@pytest.mark.parametrize("path", ["fifo", "socket"])
async def test_what_is_no_file_is_not_moved(special: Path, path: str) -> None:
    output = await call(move_file, special, path=path, to="new")
    assert "only files, directories and symlinks can be moved" in text(output)
    assert (special / path).exists()


@pytest.mark.parametrize("arguments", [{"path": "a"}, {"path": "a", "to": 1}, {"path": "a", "to": "c", "force": True}])
async def test_other_arguments_are_refused(filled: Path, arguments: dict[str, JsonValue]) -> None:
    assert (await call(move_file, filled, **arguments)).is_error
    assert (filled / "a").exists()


@pytest.mark.parametrize("problem", [errno.ENOSYS, errno.EINVAL])
async def test_where_the_kernel_cannot_refuse_to_replace_it_is_looked_at_before(
    filled: Path, monkeypatch: pytest.MonkeyPatch, problem: int
) -> None:
    def cannot(_source: tuple[int, str], _target: tuple[int, str]) -> int:
        return problem

    monkeypatch.setattr("turnlog.infrastructure.tools.renaming._renamed", cannot)
    assert "exists; nothing was moved" in text(await call(move_file, filled, path="a", to="b"))
    assert not (await call(move_file, filled, path="a", to="c")).is_error
    assert (filled / "c").read_text() == "one"


async def test_another_file_system_is_said_to_be_one(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(_source: tuple[int, str], _target: tuple[int, str]) -> int:
        return errno.EXDEV

    monkeypatch.setattr("turnlog.infrastructure.tools.renaming._renamed", elsewhere)
    output = await call(move_file, filled, path="a", to="c")
    assert text(output) == '"c" is on another file system; write it there and delete it here'
    assert (filled / "a").read_text() == "one"
