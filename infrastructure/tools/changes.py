"""What a tool changed on disk, as its details say it: for each path what was there before, and what is after.

A file is its size and SHA-256, a symlink its target, a directory says so, and nothing is null.
"""

import hashlib
import os
import stat
from typing import Final

from pydantic import JsonValue

from .beneath import READ, open_beneath

MOST_DIGESTED: Final = 64 * 1024 * 1024
"""Bytes of a file that are read for its digest; of a larger one only the size is told."""

_CHUNK: Final = 256 * 1024


def change(path: str, before: JsonValue, after: JsonValue) -> dict[str, JsonValue]:
    """One change: a path from the workspace, absolute elsewhere."""
    return {"path": path, "before": before, "after": after}


def contents_of(data: bytes) -> JsonValue:
    """What details say of a file with this content."""
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def described(holder: int, name: str, state: os.stat_result) -> JsonValue:
    """What details say of what is in a directory under a name. Reads files. Raises OSError."""
    if stat.S_ISDIR(state.st_mode):
        return {"directory": True}
    if stat.S_ISLNK(state.st_mode):
        return {"symlink": os.fsencode(os.readlink(name, dir_fd=holder)).decode(errors="replace")}
    return undigested(state) if state.st_size > MOST_DIGESTED else {**_size(state), "sha256": _digest(holder, name)}


def undigested(state: os.stat_result) -> JsonValue:
    """What details say of a file that nobody reads for this."""
    return {**_size(state), "sha256": None}


def _size(state: os.stat_result) -> dict[str, JsonValue]:
    return {"bytes": state.st_size}


def _digest(holder: int, name: str) -> str | None:
    try:
        opened = open_beneath(holder, (name,), READ)
    except PermissionError:  # it can be replaced or removed all the same
        return None
    digest, left = hashlib.sha256(), MOST_DIGESTED
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return None
        while chunk := os.read(opened, _CHUNK):
            left -= len(chunk)
            if left < 0:
                return None
            digest.update(chunk)
    finally:
        os.close(opened)
    return digest.hexdigest()
