"""Folded states, the latest of each stream: a cache, so its rows may be replaced, removed, or never written."""

import hashlib
import logging
from functools import partial

from .backend import Backend, SnapshotRow
from .threads import Threads

SELECT_SNAPSHOT = "SELECT version, digest, data FROM snapshots WHERE stream = ?"
UPSERT_SNAPSHOT = (
    "INSERT INTO snapshots (stream, version, digest, data) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (stream) DO UPDATE SET version = excluded.version, digest = excluded.digest, data = excluded.data"
)

_LOGGER = logging.getLogger(__name__)


class StoredSnapshots:
    """The `Snapshots` of a backend. A row that was cut, swapped, moved or mended by hand counts as none."""

    def __init__(self, backend: Backend, threads: Threads) -> None:
        self._backend = backend
        self._threads = threads

    async def get(self, stream: str) -> bytes | None:
        """What was put for this stream last, or None where that is not there or not intact. Raises StoreError."""
        return await self._threads.run(partial(self._get, stream))

    async def put(self, stream: str, version: int, data: bytes) -> None:
        """Keep the state of a stream at a version in place of any other. Raises StoreError."""
        await self._threads.run_to_the_end(partial(self._put, stream, version, data))

    def _get(self, stream: str) -> bytes | None:
        with self._backend.clear_errors():
            row = self._backend.get_snapshot(stream)
        if row is None:
            return None
        if row.digest != _digest(stream, row.version, row.data):
            _LOGGER.debug("the snapshot of %s at version %d is damaged", stream, row.version)
            return None
        return row.data

    def _put(self, stream: str, version: int, data: bytes) -> None:
        row = SnapshotRow(version, _digest(stream, version, data), data)
        with self._backend.clear_errors():
            self._backend.put_snapshot(stream, row)


def _digest(stream: str, version: int, data: bytes) -> bytes:
    """Covers all of a row; each part is told from the next by its length or by its form."""
    name = stream.encode()
    return hashlib.sha256(b"turnlog snapshot %d %d %s" % (version, len(name), name) + data).digest()
