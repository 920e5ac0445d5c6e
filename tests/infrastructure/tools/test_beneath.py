"""Opening beneath a directory: what the kernel refuses, our walk refuses too."""

import ctypes
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from turnlog.infrastructure import tools

BENEATH = "turnlog.infrastructure.tools.beneath"
STEP = (os.O_PATH if sys.platform == "linux" else os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW

Opening = Callable[[int, Sequence[str], int], int]


@pytest.fixture(params=["kernel", "walk"])
def opening(request: pytest.FixtureRequest) -> Opening:
    """Each way to open."""
    if request.param == "walk":
        return tools.open_by_walking
    if not tools.has_openat2():
        pytest.skip("this kernel has no openat2")
    return tools.open_by_kernel


@pytest.fixture
def root(workspace: Path) -> Iterator[int]:
    """A workspace, open, with symlinks of all sorts."""
    (workspace / "a" / "b").mkdir(parents=True)
    (workspace / "a" / "b" / "file").write_text("inside\n")
    (workspace / "out").symlink_to("../outside")
    (workspace / "absolute").symlink_to(workspace.parent / "outside")
    (workspace / "inside").symlink_to("a")
    (workspace / "a" / "link").symlink_to("b/file")
    (workspace / "magic").symlink_to("/proc/self/root")
    opened = os.open(workspace, STEP)
    yield opened
    os.close(opened)


def descriptors() -> set[str]:
    """The descriptors of this process, by what they lead to."""
    return {f"{each.name} {each.readlink()}" for each in Path("/proc/self/fd").iterdir() if each.is_symlink()}


def test_a_file_is_opened_through_directories(opening: Opening, root: int) -> None:
    opened = opening(root, ("a", "b", "file"), READ)
    with os.fdopen(opened) as stream:
        assert stream.read() == "inside\n"


@pytest.mark.parametrize("flags", [STEP, LIST])
@pytest.mark.parametrize("names", [(), ("a",), ("a", "b")])
def test_a_directory_is_opened(
    opening: Opening, root: int, workspace: Path, names: tuple[str, ...], flags: int
) -> None:
    opened = opening(root, names, flags)
    try:
        assert os.path.samestat(os.fstat(opened), Path(workspace, *names).stat())
    finally:
        os.close(opened)


@pytest.mark.parametrize(
    ("names", "flags", "problem"),
    [
        (("out", "secret.txt"), READ, {errno.ELOOP, errno.ENOTDIR}),
        (("absolute", "secret.txt"), READ, {errno.ELOOP, errno.ENOTDIR}),
        (("inside", "b", "file"), READ, {errno.ELOOP, errno.ENOTDIR}),
        (("magic", "etc"), LIST, {errno.ELOOP, errno.ENOTDIR}),
        (("a", "link"), READ, {errno.ELOOP}),
        (("inside",), STEP, {errno.ELOOP, errno.ENOTDIR}),
        (("out",), os.O_RDONLY, {errno.ELOOP}),
        (("..",), STEP, {errno.EXDEV}),
        (("a", "..", "..", "outside"), STEP, {errno.EXDEV}),
        (("no", "such"), READ, {errno.ENOENT}),
        (("a", "b", "file", "below"), READ, {errno.ENOTDIR}),
        (("a", "b", "file"), STEP, {errno.ENOTDIR}),
        (("n" * 300,), READ, {errno.ENAMETOOLONG}),
    ],
)
def test_anything_in_the_way_is_an_error(
    opening: Opening, root: int, names: tuple[str, ...], flags: int, problem: set[int]
) -> None:
    before = descriptors()
    with pytest.raises(OSError) as raised:  # noqa: PT011 -- its number is what counts
        os.close(opening(root, names, flags))
    assert raised.value.errno in problem
    assert descriptors() == before


def test_a_kernel_that_is_asked_in_vain_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_directory: int, _names: Sequence[str], _flags: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(f"{BENEATH}.open_by_kernel", refused)
    assert tools.has_openat2.__wrapped__() is False


def test_a_kernel_that_lets_a_path_leave_is_not_relied_on(monkeypatch: pytest.MonkeyPatch, workspace: Path) -> None:
    def careless(_directory: int, names: Sequence[str], flags: int) -> int:
        return os.open(Path(workspace, *names), flags)

    monkeypatch.setattr(f"{BENEATH}.open_by_kernel", careless)
    assert tools.has_openat2.__wrapped__() is False


@pytest.mark.parametrize("attempts", [1, 5])
def test_an_opening_that_was_disturbed_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, root: int, attempts: int
) -> None:
    left = [errno.EAGAIN] * attempts

    def disturbed(directory: int, _path: bytes, _how: object) -> int:
        if left:
            ctypes.set_errno(left.pop())
            return -1
        return os.dup(directory)

    monkeypatch.setattr(f"{BENEATH}._openat2", disturbed)
    os.close(tools.open_by_kernel(root, (), STEP))
    assert left == []
