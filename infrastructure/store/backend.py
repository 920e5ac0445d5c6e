"""What a database has to offer to carry a store."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from eventsourcing.persistence import ApplicationRecorder

from turnlog.domain import VersionConflict

SCHEMA_VERSION = 1
"""The schema this turnlog writes and reads."""

BUSY_SECONDS = 10
"""How long a statement may wait for another writer, or run at all."""


class Backend(Protocol):
    """One database. Every method blocks, and may be called from any thread."""

    @property
    def recorder(self) -> ApplicationRecorder:
        """Inserts and selects stored events.

        `insert_events` takes `expected`, the version each stream must be at, checks it in the
        inserting transaction, and raises VersionConflict having written nothing.
        """
        ...

    def streams(self, prefix: str, limit: int) -> Sequence[str]:
        """Names of streams that begin with `prefix`, by code point."""
        ...

    def put_blob(self, sha256: str, media_type: str, body: bytes) -> None:
        """Keep a body, unless it is kept already, in a transaction of its own."""
        ...

    def get_blob(self, sha256: str) -> bytes | None:
        """The body, or None."""
        ...

    def clear_errors(self) -> AbstractContextManager[None]:
        """Turns the database's own errors into StoreError with one line that says what to do."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


def check_versions(actual: Mapping[str, int], expected: Mapping[str, int]) -> None:
    """Raises VersionConflict for the first stream that is not at the version expected of it."""
    for stream, version in expected.items():
        if actual.get(stream, 0) != version:
            raise VersionConflict(stream, version)
