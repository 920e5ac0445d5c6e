"""The log as bytes: what export and import read and write, so that a copy is the same to the last byte."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from .events import Event


class StoredRow(NamedTuple):
    """An event as it is stored: its place, its topic, and the very bytes that its hash chain is over."""

    stream: str
    version: int
    topic: str
    state: bytes


class Archive(Protocol):
    """A log whose rows can be read and written as they are stored."""

    async def check(self, streams: Sequence[str]) -> None:
        """Make sure that these streams are what was recorded. Raises VerificationFailed, StoreError."""
        ...

    async def rows(self, stream: str, after: int = 0, until: int | None = None) -> Sequence[StoredRow]:
        """Rows of a stream with after < version <= until, in order. Raises StoreError."""
        ...

    def read(self, row: StoredRow) -> Event:
        """The event of a row, all of which this turnlog knows. Raises CorruptRecord."""
        ...

    def chain(self, before: bytes, row: StoredRow) -> bytes:
        """The chain value of a row after that of the row before it; none (`b""`) before a stream's first."""
        ...

    async def append(self, rows: Sequence[StoredRow]) -> None:
        """Append rows, each the next of its stream, in one transaction. Raises VersionConflict, StoreError."""
        ...
