"""Databases that lose bodies, or give others in their place."""

import hashlib
from collections import Counter
from importlib import import_module
from typing import Any

import pytest

from turnlog.domain import BlobRef

BACKENDS = ("memory.MemoryBackend", "sqlite.SQLiteBackend", "postgres.PostgresBackend")


class Loss:
    """Takes bodies from the database, or gives others in their place."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._instead: dict[str, bytes | None] = {}
        self._spared = Counter[str]()
        for place in BACKENDS:
            self._take_over(f"turnlog.infrastructure.store.{place}.get_blob", patch)

    def _take_over(self, target: str, patch: pytest.MonkeyPatch) -> None:
        module, kind, _ = target.rsplit(".", 2)
        found = import_module(module)
        get_blob = getattr(found, kind).get_blob

        def get(backend: Any, sha256: str) -> bytes | None:
            given: bytes | None = get_blob(backend, sha256)
            self._spared[sha256] -= 1
            return given if self._spared[sha256] >= 0 else self._instead.get(sha256, given)

        patch.setattr(target, get)

    def of(self, ref: BlobRef, instead: bytes | None = None, *, spared: int = 0) -> None:
        """From now on, or after it was read so many times more."""
        self._instead[ref.sha256] = instead
        self._spared[ref.sha256] = spared

    def is_made_good(self) -> None:
        """Somebody restored the database."""
        self._instead.clear()


def reference(text: str) -> BlobRef:
    """What an event says of a text."""
    return BlobRef(sha256=hashlib.sha256(text.encode()).hexdigest(), size=len(text), media_type="text/plain")
