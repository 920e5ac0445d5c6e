"""Paths inside the workspace, opened so that no symlink leads out of it, not even one that appears meanwhile.

First every symlink is resolved and the result compared with the workspace. Then the resolved path is walked from
the workspace down, one directory at a time, following no symlink at all: whoever swaps a part of the path for a
symlink between the two makes the walk fail, not leave.
"""

import errno
import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from turnlog.domain import InvalidInput, NotFound
from turnlog.projections import quoted

_STEP: Final = (os.O_PATH if sys.platform == "linux" else os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
_MOST_PATH: Final = 4096  # bytes; PATH_MAX of Linux
_CHANGED: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})


@dataclass(frozen=True, slots=True)
class Place:
    """A path in the workspace: its real root, the parts below it without symlinks or dots, and how it was asked for."""

    root: str
    parts: tuple[str, ...]
    asked: str

    @property
    def relative(self) -> str:
        """The path from the workspace, `.` for the workspace itself."""
        return "/".join(self.parts) or "."

    @property
    def real(self) -> Path:
        """The absolute path, without symlinks."""
        return Path(self.root, *self.parts)

    @property
    def shown(self) -> str:
        """The path as it was asked for, quoted for a message."""
        return quoted(self.asked)


def place(workspace: Path | None, path: str) -> Place:
    """Where a path is, symlinks resolved; it need not exist. Raises InvalidInput if it is not in the workspace."""
    if workspace is None:
        raise InvalidInput("this session has no workspace, so there are no files to use; give it one when creating it")
    _check_text(path)
    root = os.path.realpath(workspace)
    real = os.path.realpath(Path(root) / path)
    if not PurePath(real).is_relative_to(root):
        raise InvalidInput(f"{quoted(path)} is outside the workspace; use a path inside it")
    return Place(root, PurePath(real).relative_to(root).parts, path)


def _check_text(path: str) -> None:
    if not path or "\0" in path:
        raise InvalidInput(f"{quoted(path)} is not a path; it must not be empty or contain U+0000")
    try:
        size = len(path.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{quoted(path)} is not a path; it contains a lone surrogate") from error
    if size > _MOST_PATH:  # nor is time spent on following one
        raise InvalidInput(f"a text of {size:,} bytes is not a path; it has at most {_MOST_PATH:,}")


@contextmanager
def explained(where: Place) -> Generator[None]:
    """Turn an OSError into one line about the path that was asked for."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"{where.shown} does not exist") from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in _CHANGED:
            reason = "a part of it is not a directory, or became a symlink meanwhile"
        raise InvalidInput(f"{where.shown} cannot be used: {reason}") from error


@contextmanager
def directory(where: Place) -> Generator[int]:
    """A descriptor of the directory, good for `dir_fd` and scandir. Raises NotFound, InvalidInput."""
    with explained(where):
        step = _walk(where.root, where.parts, create=False)
        try:
            opened = _readable(step)
        finally:
            os.close(step)
        try:
            yield opened
        finally:
            os.close(opened)


@contextmanager
def parent(where: Place, *, create: bool = False) -> Generator[tuple[int, str]]:
    """A descriptor of the directory that holds the file, and the file's name in it. Raises NotFound, InvalidInput."""
    if not where.parts:
        raise InvalidInput(f"{where.shown} is the workspace itself, not a file")
    with explained(where):
        step = _walk(where.root, where.parts[:-1], create=create)
        try:
            yield step, where.parts[-1]
        finally:
            os.close(step)


@contextmanager
def regular_file(where: Place) -> Generator[tuple[int, os.stat_result]]:
    """A descriptor of a regular file for reading, and its state; anything else is refused without waiting on it."""
    with parent(where) as (holder, name):
        require_regular(os.stat(name, dir_fd=holder, follow_symlinks=False), where)
        opened = os.open(name, _READ, dir_fd=holder)
        try:
            state = os.fstat(opened)
            require_regular(state, where)
            yield opened, state
        finally:
            os.close(opened)


@contextmanager
def working_directory(where: Place) -> Generator[str]:
    """A path at which a child process finds exactly the directory that was checked. Raises NotFound, InvalidInput."""
    with directory(where) as opened:
        yield f"/proc/self/fd/{opened}" if sys.platform == "linux" else str(where.real)


def require_regular(state: os.stat_result, where: Place) -> None:
    """Raises InvalidInput for directories, symlinks, devices, FIFOs and sockets."""
    if not stat.S_ISREG(state.st_mode):
        raise InvalidInput(f"{where.shown} is {kind(state.st_mode)}, not a regular file")


def kind(mode: int) -> str:
    """What a file mode says a thing is."""
    kinds = {
        stat.S_IFREG: "a regular file",
        stat.S_IFDIR: "a directory",
        stat.S_IFLNK: "a symlink",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a character device",
        stat.S_IFBLK: "a block device",
    }
    return kinds.get(stat.S_IFMT(mode), "something unknown")


def _walk(root: str, parts: tuple[str, ...], *, create: bool) -> int:
    here = os.open(root, _STEP)
    for part in parts:
        try:
            below = _enter(here, part, create=create)
        finally:
            os.close(here)
        here = below
    return here


def _enter(here: int, part: str, *, create: bool) -> int:
    try:
        return os.open(part, _STEP, dir_fd=here)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):
        os.mkdir(part, dir_fd=here)
    return os.open(part, _STEP, dir_fd=here)


def _readable(step: int) -> int:
    return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=step)


def synced(step: int) -> None:
    """Have the names in a directory survive a power cut, where the directory can be opened for it."""
    with suppress(OSError):
        opened = _readable(step)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
