"""The roots and carve-outs of a confinement as they are on this machine, with no symlink left in them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from turnlog.domain import InvalidInput

from .confinement import Confinement


@dataclass(frozen=True, slots=True)
class Readable:
    """A readable root by the name it was given, and where that leads."""

    given: str
    real: str


@dataclass(frozen=True, slots=True)
class Places:
    """Real paths. `carve_outs` may be missing on disk, or lead through a symlink; then both ends of it are listed."""

    readable: tuple[Readable, ...]
    writable: tuple[str, ...]
    carve_outs: tuple[str, ...]


def places(confinement: Confinement) -> Places:
    """Where a confinement is on this machine. Looks at files. Readable roots that are missing are left out.

    Raises InvalidInput for a writable root that is missing, or that a carve-out covers.
    """
    roots = {root: _existing(root) for root in confinement.writable}
    writable = tuple(sorted(set(roots.values())))
    named = {name for path in confinement.carve_outs for name in _names(path, roots)}
    carved = tuple(sorted(name for name in named if any(is_within(name, root) for root in writable)))
    for root in writable:
        for path in carved:
            if is_within(root, path):
                raise InvalidInput(f"writable root {root!a} is within carve-out {path!a}; it can be but one")
    return Places(tuple(_readable(confinement.readable)), writable, carved)


def is_within(path: str, directory: str) -> bool:
    """Whether a path is a directory or below it, by name."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def is_itself(path: str) -> bool:
    """Whether something is there under exactly this name, with no symlink on the way."""
    return os.path.lexists(path) and os.path.realpath(path) == path


def _existing(root: str) -> str:
    real = os.path.realpath(root)
    if not Path(real).exists():
        raise InvalidInput(f"writable root {root!a} does not exist; create it before it is confined to")
    return real


def _readable(roots: Iterable[str]) -> Iterator[Readable]:
    for root in dict.fromkeys(roots):
        real = os.path.realpath(root)
        if Path(real).exists():
            yield Readable(root, real)


def _names(path: str, roots: Mapping[str, str]) -> Iterator[str]:
    """Where a carve-out leads, and its own name below each root around it: a symlink in that could be replaced."""
    yield os.path.realpath(path)
    for given, real in roots.items():
        if path != given and is_within(path, given):
            yield f"{real.rstrip('/')}/{path.removeprefix(given).lstrip('/')}"
