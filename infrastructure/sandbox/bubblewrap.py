"""bubblewrap: what a confinement means as options of `bwrap`. The launcher adds variables, filter and command.

A mount point cannot be renamed or removed, but a directory above one can, and takes it along. So every directory
between a writable root and a carve-out is mounted over itself; otherwise `.git` could be moved away and another made
in its place.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from .confinement import Network
from .places import Places, Readable, is_itself, is_within

_ALWAYS = ("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
_OWN = ("/dev", "/proc", "/tmp")
"""Mounted afresh, whatever can be read outside: devices, the processes of the sandbox, an empty directory."""


def find_bubblewrap() -> str | None:
    """The path of `bwrap`; None where there is none. That it is there says nothing: see `probing.py`."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    # A relative entry would let a file of the workspace pass for it.
    return shutil.which("bwrap", path=os.pathsep.join(entry for entry in entries if entry.startswith("/")))


def held(places: Places) -> tuple[str, ...]:
    """The carve-outs that a mount can hold: they are there, and no symlink leads to them."""
    return tuple(path for path in places.carve_outs if is_itself(path))


def bubblewrap_options(places: Places, network: Network, directory: str) -> list[str]:
    """The options for a confinement, outermost mounts first. Looks at which carve-outs are there."""
    readable = [root for root in places.readable if root.real not in {"/dev", "/proc"}]
    ours = [root for root in readable if any(is_within(root.real, own) for own in _OWN)]
    carved = held(places)
    writable = sorted({*places.writable, *_between(places.writable, carved)})
    return [
        *_ALWAYS,
        *(["--share-net"] if network == "all" else []),
        *_readable([root for root in readable if root not in ours]),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
        *_readable(ours),
        *(word for path in writable for word in ("--bind", path, path)),
        *(word for path in carved for word in ("--ro-bind", path, path)),
        *("--chdir", directory),
    ]


def _readable(roots: list[Readable]) -> Iterator[str]:
    """Mounts under the real names, and under the given ones (/lib for /usr/lib) where no other mount brings them."""
    for root in sorted(roots, key=lambda each: each.real):
        yield from ("--ro-bind", root.real, root.real)
    for root in sorted(roots, key=lambda each: each.given):
        if root.given != root.real and not any(is_within(root.given, other.real) for other in roots):
            yield from ("--ro-bind", root.real, root.given)


def _between(roots: Iterable[str], carved: Iterable[str]) -> Iterator[str]:
    outer = tuple(roots)
    for path in carved:
        for above in map(str, PurePosixPath(path).parents):
            if any(is_within(above, root) for root in outer):
                yield above
