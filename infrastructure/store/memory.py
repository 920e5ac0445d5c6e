"""A store in memory: the same rules, gone with the process."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from eventsourcing.persistence import StoredEvent
from eventsourcing.popo import POPOApplicationRecorder

from .backend import check_versions, one_by_one
from .group import Append, Outcome


class MemoryRecorder(POPOApplicationRecorder):
    """The stock recorder, which also checks the versions expected."""

    def select_streams(self, prefix: str, limit: int) -> Sequence[str]:
        """Names of streams that begin with `prefix`, by code point."""
        with self._database_lock:
            names = [name for name, index in self._stored_events_index.items() if index]
        return sorted(name for name in names if name.startswith(prefix))[:limit]

    def _assert_uniqueness(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        expected: Mapping[str, int] | None = None,
        **_: Any,
    ) -> None:
        check_versions({name: self._head(name) for name in expected or {}}, expected or {})
        super()._assert_uniqueness(stored_events)

    def _head(self, stream: str) -> int:
        return next(reversed(self._stored_events_index[stream]), 0)


class MemoryBackend:
    """Events and bodies in this process."""

    def __init__(self) -> None:
        self.recorder = MemoryRecorder()
        self._blobs: dict[str, bytes] = {}

    def commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        """Write appends, each with its own outcome."""
        return one_by_one(self._insert, appends)

    def _insert(self, append: Append) -> Sequence[int]:
        with self.clear_errors():
            return self.recorder.insert_events(append.events, expected=append.expected) or ()

    def watch(self, ring: Callable[[], None]) -> None:
        """Nothing tells of other processes yet."""

    def streams(self, prefix: str, limit: int) -> Sequence[str]:
        """Names of streams that begin with `prefix`, by code point."""
        return self.recorder.select_streams(prefix, limit)

    def put_blob(self, sha256: str, media_type: str, body: bytes) -> None:
        """Keep a body, unless it is kept already."""
        self._blobs.setdefault(sha256, body)

    def get_blob(self, sha256: str) -> bytes | None:
        """The body, or None."""
        return self._blobs.get(sha256)

    @contextmanager
    def clear_errors(self) -> Generator[None]:
        """Memory has no errors of its own."""
        yield

    def close(self) -> None:
        """Nothing to close."""
