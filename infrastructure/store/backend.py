"""What a database has to offer to carry a store."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from eventsourcing.persistence import ApplicationRecorder, RecordConflictError

from turnlog.domain import TurnlogError, VersionConflict

from .batches import Append, Begin, Outcome

Row = tuple[Any, ...]
"""An event of a stream as it is stored: version, topic, state, of the right types unless somebody tampered with it."""

PlacedRow = tuple[Any, ...]
"""An event of any stream as it is stored: position, stream, version, topic, state."""

PAGE = 500
"""Events read and decoded at a time, some 3 ms of work: few enough to stay in a processor's cache."""


class Topics(NamedTuple):
    """Which events of a stream to read: those of these topics (None: of any), and not of those."""

    only: Sequence[str] | None = None
    but: Sequence[str] = ()


ANY_TOPIC = Topics()

Selected = tuple[Sequence[PlacedRow], int]
"""Events with their positions, and the position of the last event looked at for them."""

LOOK = 20_000
"""Events one statement looks through for those of some topics: a few milliseconds where all are in memory."""

BUSY_SECONDS = 10
"""How long a statement may wait for another writer, or run at all."""


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """A stream's folded state at a version, and the digest that tells whether all of that is as it was written."""

    version: int
    digest: bytes
    data: bytes


class Backend(Protocol):
    """One database. Every method blocks, and may be called from any thread."""

    @property
    def recorder(self) -> ApplicationRecorder:
        """Inserts and selects stored events.

        `insert_events` takes `expected`, the version each stream must be at, checks it in the
        inserting transaction, and raises VersionConflict having written nothing.
        """
        ...

    def commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        """Write appends to distinct streams in one transaction, each with its own outcome: positions, or its error.

        What it raises is the outcome of all of them, and then nothing was written.
        """
        ...

    @property
    def begin(self) -> Begin | None:
        """How an event loop writes without a thread, and whoever watches is told all the same; None where it cannot."""
        ...

    def read(self, stream: str, after: int, until: int, topics: Topics = ANY_TOPIC) -> Generator[Sequence[Row]]:
        """Events of a stream with after < version <= until, of these topics, in order and in pages."""
        ...

    def latest(self, stream: str, until: int, topics: Sequence[str]) -> int:
        """The version of the last event of a stream with version <= until and of these topics; 0 for none."""
        ...

    def read_all(self, after: int, limit: int) -> Sequence[PlacedRow]:
        """Events with position > after, in order, no further than nothing can still appear."""
        ...

    def select(self, topics: Sequence[str] | None, streams: Sequence[str] | None, after: int, limit: int) -> Selected:
        """Events after a position, of these topics (None: of any) and streams, at most `limit`, in order.

        It looks no further than nothing can still appear, and through `LOOK` events at most.
        """
        ...

    def watch(self, ring: Callable[[], None]) -> None:
        """Call `ring` soon after anybody appended, in this process or another, until the backend is closed.

        Calls are coalesced, may come from any thread, and may be missing where nothing tells: readers poll as well.
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

    def get_snapshot(self, stream: str) -> SnapshotRow | None:
        """The row of this stream, as it stands, or None."""
        ...

    def put_snapshot(self, stream: str, row: SnapshotRow) -> None:
        """Keep a row in place of the stream's row, if there is one."""
        ...

    def beat(self, alive: Sequence[str], ended: Sequence[str]) -> datetime | None:
        """Note that these workers are there, and forget those. The time by the database's own clock, if it has one."""
        ...

    def silences(self, workers: Sequence[str]) -> Mapping[str, float]:
        """Seconds since each was heard of, at least 0; one never heard of counts from now."""
        ...

    def take_hints(self, at_most: int) -> Sequence[str] | None:
        """At most so many sessions that may be ready, each told to one taker only; None where nobody tells."""
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


def one_by_one(insert: Callable[[Append], Sequence[int]], appends: Sequence[Append]) -> list[Outcome]:
    """The outcome of each append, inserted in a transaction of its own."""
    outcomes: list[Outcome] = []
    for append in appends:
        try:
            outcomes.append(insert(append))
        except (TurnlogError, RecordConflictError) as error:
            outcomes.append(error)
    return outcomes
