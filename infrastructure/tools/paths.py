"""Paths inside the workspace, opened so that no symlink leads out of it, not even one that appears meanwhile.

First every symlink is resolved and the result compared with the workspace. Then the resolved path is opened beneath
the workspace, following no symlink at all: whoever swaps a part of the path for a symlink between the two makes the
opening fail, not leave. So a symlink that stays inside is followed, an absolute one too, and what was compared is
what is opened.
"""

import errno
import os
import stat
import sys
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from turnlog.domain import InvalidInput, NotFound
from turnlog.projections import quoted

from .beneath import LIST, READ, STEP, open_beneath

NO_WORKSPACE: Final = "this session has no workspace, so there are no files to use; give it one when creating it"
_MOST_PATH: Final = 4096  # bytes; PATH_MAX of Linux
_CHANGED: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})


@dataclass(frozen=True, slots=True)
class Place:
    """A path below a root: that root, the parts below it without symlinks or dots, and how it was asked for.

    `prefix` is what stands before the parts when it is named: nothing in the workspace, elsewhere the root.
    """

    root: str
    parts: tuple[str, ...]
    asked: str
    prefix: str = ""

    @property
    def relative(self) -> str:
        """The path from the workspace, `.` for the workspace itself; absolute where it is elsewhere."""
        return str(PurePath(self.prefix, *self.parts))

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
        raise InvalidInput(NO_WORKSPACE)
    check_text(path)
    root = os.path.realpath(workspace)
    real = os.path.realpath(Path(root) / path)
    if not PurePath(real).is_relative_to(root):
        raise InvalidInput(f"{quoted(path)} is outside the workspace; use a path inside it")
    return Place(root, PurePath(real).relative_to(root).parts, path)


def check_text(path: str) -> None:
    """Raises InvalidInput for a text that is no path."""
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
def root_of(where: Place) -> Generator[int]:
    """A descriptor of the root that the place is below. Raises NotFound, InvalidInput."""
    with explained(where):
        opened = os.open(where.root, STEP)
        try:
            yield opened
        finally:
            os.close(opened)


@contextmanager
def directory(where: Place) -> Generator[int]:
    """A descriptor of the directory, good for `dir_fd` and scandir. Raises NotFound, InvalidInput."""
    with root_of(where) as root:
        opened = open_beneath(root, where.parts, LIST)
        try:
            yield opened
        finally:
            os.close(opened)


@contextmanager
def parent(where: Place, *, create: bool = False) -> Generator[tuple[int, str]]:
    """A descriptor of the directory that holds the file, and the file's name in it. Raises NotFound, InvalidInput."""
    if not where.parts:
        raise InvalidInput(f"{where.shown} is {_root_itself(where)}, not a file")
    with root_of(where) as root:
        step = _created(root, where) if create else open_beneath(root, where.parts[:-1], STEP)
        try:
            yield step, where.parts[-1]
        finally:
            os.close(step)


def _root_itself(where: Place) -> str:
    return "a directory that a session may use" if where.prefix else "the workspace itself"


@contextmanager
def regular_file(where: Place) -> Generator[tuple[int, os.stat_result]]:
    """A descriptor of a regular file for reading, and its state; anything else is refused without waiting on it."""
    with parent(where) as (holder, name):
        require_regular(os.stat(name, dir_fd=holder, follow_symlinks=False), where)
        opened = open_beneath(holder, (name,), READ)
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


def _created(root: int, where: Place) -> int:
    """The directory that is to hold a file, with those that are missing made."""
    try:
        return open_beneath(root, where.parts[:-1], STEP)
    except FileNotFoundError:
        pass
    check_new(where)
    here = open_beneath(root, (), STEP)
    for part in where.parts[:-1]:
        try:
            below = _entered(here, part)
        finally:
            os.close(here)
        here = below
    return here


def _entered(here: int, part: str) -> int:
    with suppress(FileExistsError):
        os.mkdir(part, dir_fd=here)
    return open_beneath(here, (part,), STEP)


def check_new(where: Place) -> None:
    """Raises InvalidInput for names that nobody is to be given: those with control characters."""
    odd = next((char for part in where.parts for char in part if unicodedata.category(char) == "Cc"), None)
    if odd is not None:
        raise InvalidInput(f"{where.shown} is no name for something new: it has the character U+{ord(odd):04X}")


def synced(step: int) -> None:
    """Have the names in a directory survive a power cut, where the directory can be opened for it."""
    with suppress(OSError):
        opened = open_beneath(step, (), LIST)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
