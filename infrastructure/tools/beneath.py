"""Opening what is beneath a directory, with no symlink on the way: one primitive under all file tools.

Where the kernel has `openat2`, it walks the path itself. Elsewhere the path is walked here, a name at a time. Both
take names that were resolved before, so a symlink is never followed but always an error: whoever puts one in the way
meanwhile makes the opening fail, not leave.
"""

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Sequence
from functools import cache
from typing import Final

STEP: Final = (os.O_PATH if sys.platform == "linux" else os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a directory is opened to go on from it."""

READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
"""How a file is opened for reading: without waiting for a FIFO, and without becoming a terminal's own."""

LIST: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a directory is opened to be listed."""

_OPENAT2: Final = 437  # the same on every architecture that Linux came to later than 5.6, and on most of the others
_NO_MAGICLINKS: Final = 0x02
_NO_SYMLINKS: Final = 0x04
_BENEATH: Final = 0x08
_ATTEMPTS: Final = 32


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(directory: int, names: Sequence[str], flags: int) -> int:
    """A descriptor of what these names lead to from an open directory; of the directory itself without any.

    Raises OSError for whatever is in the way: ELOOP or ENOTDIR for a symlink, EXDEV for `..`.
    """
    return open_by_kernel(directory, names, flags) if has_openat2() else open_by_walking(directory, names, flags)


@cache
def has_openat2() -> bool:
    """Whether this kernel walks paths for us, and this process may ask it to: tried once, by opening a directory."""
    if sys.platform != "linux":
        return False
    here = os.open("/", STEP)
    try:
        os.close(open_by_kernel(here, (), STEP))
        return _refuses_to_leave(here)
    except OSError:
        return False
    finally:
        os.close(here)


def _refuses_to_leave(here: int) -> bool:
    try:
        os.close(open_by_kernel(here, ("..",), STEP))
    except OSError as error:
        return error.errno == errno.EXDEV
    return False


def open_by_kernel(directory: int, names: Sequence[str], flags: int) -> int:
    """`open_beneath` as one system call. Raises OSError, ENOSYS where there is no such call."""
    path = os.fsencode("/".join(names) or ".")
    how = _How(flags, 0, _BENEATH | _NO_MAGICLINKS | _NO_SYMLINKS)
    for _ in range(_ATTEMPTS):  # it gives up rather than decide while somebody renames directories
        opened = _openat2(directory, path, how)
        if opened >= 0:
            return opened
        if ctypes.get_errno() not in {errno.EAGAIN, errno.EINTR}:
            break
    problem = ctypes.get_errno()
    raise OSError(problem, os.strerror(problem), os.fsdecode(path))


def _openat2(directory: int, path: bytes, how: _How) -> int:
    arguments = (
        ctypes.c_long(_OPENAT2),
        ctypes.c_int(directory),
        ctypes.c_char_p(path),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    return int(libc().syscall(*arguments))


@cache
def libc() -> ctypes.CDLL:
    """The C library of this process, for system calls that Python does not have."""
    found = ctypes.CDLL(None, use_errno=True)
    found.syscall.restype = ctypes.c_long
    return found


def open_by_walking(directory: int, names: Sequence[str], flags: int) -> int:
    """`open_beneath` a name at a time. Raises OSError."""
    if ".." in names:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), "/".join(names))
    *above, last = names or (".",)
    here = os.dup(directory)
    try:
        for name in above:
            below = os.open(name, STEP, dir_fd=here)
            os.close(here)
            here = below
        return _no_symlink(os.open(last, flags | os.O_NOFOLLOW, dir_fd=here), last)
    finally:
        os.close(here)


def _no_symlink(opened: int, name: str) -> int:
    # O_NOFOLLOW opens a symlink itself where O_PATH asks for no more than the name.
    try:
        if not stat.S_ISLNK(os.fstat(opened).st_mode):
            return opened
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    except OSError:
        os.close(opened)
        raise
