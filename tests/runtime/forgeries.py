"""Snapshots that are not what they seem, and a cache that does not work."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from turnlog.domain import StoreError, from_snapshot, to_snapshot


class NoSnapshots:
    """A cache that may be neither read nor written."""

    def __init__(self, *, readable: bool = False) -> None:
        self._readable = readable

    async def get(self, stream: str) -> bytes | None:
        if self._readable:
            return None
        raise StoreError("permission denied for table snapshots")

    async def put(self, stream: str, version: int, data: bytes) -> None:
        raise StoreError("permission denied for table snapshots")


Forge = Callable[[bytes], bytes]


def header(**changed: Any) -> Forge:
    """Changes the header and nothing else."""

    def forge(data: bytes) -> bytes:
        first, _, state = data.partition(b"\n")
        return json.dumps(json.loads(first) | changed).encode() + b"\n" + state

    return forge


def state(**changed: Any) -> Forge:
    """Changes the state and nothing else."""

    def forge(data: bytes) -> bytes:
        first, _, found = data.partition(b"\n")
        return first + b"\n" + to_snapshot(replace(from_snapshot(found), **changed))

    return forge


FORGERIES: dict[str, Forge] = {
    "another format": header(format=2),
    "another fold": header(code="0" * 64),
    "another stream": header(stream="other"),
    "a version before": header(version=5),
    "a version to come": header(version=10**6),
    "version 0": header(version=0),
    "version -1": header(version=-1),
    "a version of another type": header(version="8"),
    "another event": header(event="0" * 64),
    "one field more": header(more=1),
    "the state of another session": state(id="other"),
    "the state of another version": state(version=3),
    "the state of version 0": state(version=0),
    "nothing": lambda data: b"",
    "no state": lambda data: data.partition(b"\n")[0],
    "half of it": lambda data: data[: len(data) // 2],
    "no text": lambda data: b"\xff\xfe\0" + data,
    "other JSON": lambda data: b"[]\n{}",
    "deep JSON": lambda data: b"[" * 100_000,
}
