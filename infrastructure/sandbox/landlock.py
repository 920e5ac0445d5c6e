"""Landlock: what a confinement means in its rights. The system calls that apply it are in `launcher.py`.

A right that is granted on a directory holds for everything below it, and nothing takes it away again. So a writable
root is split around its carve-outs: each entry that leads to none is granted by itself, and the directories on the way
only for reading. What is there at the start can be written, except for the carve-outs; directly in a directory on the
way nothing can be made, removed or renamed, because the right to do so would reach into the carve-out.
"""

import ctypes
import sys
from typing import Final

from .confinement import Network
from .places import Places
from .plans import LandlockPlan

_CREATE_RULESET: Final = 444
_VERSION: Final = 1

EXECUTE: Final = 1 << 0
WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
MAKE_CHAR: Final = 1 << 6
MAKE_BLOCK: Final = 1 << 11
REFER: Final = 1 << 13
TRUNCATE: Final = 1 << 14
IOCTL_DEV: Final = 1 << 15

_READING: Final = EXECUTE | READ_FILE | READ_DIR
_ON_FILES: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
_FIRST_RIGHTS: Final = (1 << 13) - 1
_TCP: Final = 0b11
"""Binding and connecting."""
_SCOPES: Final = 0b11
"""Abstract Unix sockets and signals."""

_DEVICES: Final = ("/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero")


def abi() -> int:
    """The version of Landlock that this kernel has and allows; 0 for none. A number is no proof: see `probing.py`."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    arguments = (ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))
    return max(0, int(libc.syscall(*arguments)))


def handled(version: int) -> int:
    """All file rights that a version knows, as a mask: what is handled and not granted is refused."""
    mask = _FIRST_RIGHTS
    for right, since in ((REFER, 2), (TRUNCATE, 3), (IOCTL_DEV, 5)):
        if version >= since:
            mask |= right
    return mask


def landlock_plan(places: Places, network: Network, version: int) -> LandlockPlan:
    """The rights of a confinement under a version of Landlock. Device nodes can be made nowhere."""
    known = handled(version)
    writing = known & ~(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV)
    return LandlockPlan(
        fs=known,
        net=_TCP if network == "none" and version >= 4 else 0,
        scope=_SCOPES if version >= 6 else 0,
        reading=_READING,
        on_files=_ON_FILES & known,
        rules=[
            *((root.real, _READING) for root in places.readable),
            *((device, known & _ON_FILES & ~EXECUTE) for device in _DEVICES),
            *((root, writing) for root in places.writable),
        ],
        carve_outs=list(places.carve_outs),
    )
