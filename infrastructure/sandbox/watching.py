"""Carve-outs that nothing holds: what they were before a program ran, and which of them are not that afterwards."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def fingerprints(paths: Iterable[str]) -> dict[str, str]:
    """SHA-256, in hex, of all that is at each path: names, modes, contents, targets of symlinks; "" for nothing.

    Blocks. Raises OSError for what cannot be read.
    """
    return {path: _fingerprint(path) for path in paths}


def changed(before: Mapping[str, str]) -> tuple[str, ...]:
    """The paths that are no longer what they were. Blocks. Raises OSError for what cannot be read."""
    return tuple(path for path, was in before.items() if _fingerprint(path) != was)


def _fingerprint(path: str) -> str:
    if not os.path.lexists(path):
        return ""
    # A symlink on the way decides what is at the path as much as what it leads to.
    digest = hashlib.sha256(os.fsencode(os.path.realpath(Path(path).parent)) + b"\0")
    for part in _parts(Path(path)):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _parts(path: Path) -> Iterator[bytes]:
    found = path.lstat()
    yield os.fsencode(path.name)
    yield b"%o" % found.st_mode
    if stat.S_ISLNK(found.st_mode):
        yield os.fsencode(path.readlink())
    elif stat.S_ISREG(found.st_mode):
        with path.open("rb") as file:
            yield hashlib.file_digest(file, "sha256").digest()
    elif stat.S_ISDIR(found.st_mode):
        for entry in sorted(path.iterdir()):
            yield from _parts(entry)
        yield b""
