"""Renaming that replaces nothing unless it is meant to."""

import ctypes
import errno
import os
import sys
from typing import Final

from .beneath import libc

_NOREPLACE: Final = 1


def rename_to_new(source: tuple[int, str], target: tuple[int, str]) -> None:
    """Rename where nothing is yet; names are within open directories.

    Raises FileExistsError, OSError. Where neither kernel nor file system can refuse, it is looked at before.
    """
    problem = _renamed(source, target)
    if problem in {errno.ENOSYS, errno.EINVAL, errno.EPERM}:
        _look_and_rename(source, target)
    elif problem:
        raise OSError(problem, os.strerror(problem), target[1])


def _renamed(source: tuple[int, str], target: tuple[int, str]) -> int:
    """0, or what was in the way; ENOSYS without a `renameat2`."""
    if sys.platform != "linux" or not hasattr(libc(), "renameat2"):
        return errno.ENOSYS
    names = (source[0], os.fsencode(source[1]), target[0], os.fsencode(target[1]))
    return 0 if int(libc().renameat2(*names, ctypes.c_uint(_NOREPLACE))) == 0 else ctypes.get_errno()


def _look_and_rename(source: tuple[int, str], target: tuple[int, str]) -> None:
    try:
        os.stat(target[1], dir_fd=target[0], follow_symlinks=False)
    except FileNotFoundError:
        os.rename(source[1], target[1], src_dir_fd=source[0], dst_dir_fd=target[0])
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target[1])
