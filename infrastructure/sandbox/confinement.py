"""What a program may touch: one value, with no look at the machine it is for."""

import posixpath
from dataclasses import dataclass
from typing import Final, Literal

from turnlog.domain import InvalidInput

SYSTEM_ROOTS: Final = (
    "/bin",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/opt",
    "/proc",
    "/sbin",
    "/usr",
)
"""Where programs, libraries and their settings usually are: readable roots under which most programs start."""

Carving = Literal["hold", "watch"]
Network = Literal["none", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """The hard limits of a program, whatever was approved. All paths are absolute; what can be written can be read.

    `carve_outs` are paths within writable roots that stay as they are. With `carving` "hold" the level keeps them, and
    under Landlock nothing can then be made or removed directly in a directory that leads to one. With "watch" they are
    left to whoever compares before and after (`watching.py`).

    `most_processes` are those the user may have beyond the ones at the start (not for root); `most_memory` is bytes of
    address space of one process, `most_file` bytes of one file. Raises InvalidInput.
    """

    readable: tuple[str, ...]
    writable: tuple[str, ...] = ()
    carve_outs: tuple[str, ...] = ()
    carving: Carving = "hold"
    network: Network = "none"
    most_processes: int | None = None
    most_memory: int | None = None
    most_file: int | None = None

    def __post_init__(self) -> None:
        for path in (*self.readable, *self.writable, *self.carve_outs):
            if not path.startswith("/") or path.startswith("//") or posixpath.normpath(path) != path or "\0" in path:
                raise InvalidInput(f"path {path!a} of a confinement is not absolute and plain; resolve it first")
        for limit in (self.most_processes, self.most_memory, self.most_file):
            if limit is not None and limit < 1:
                raise InvalidInput(f"limit {limit} of a confinement is below 1; leave it out for no limit")
