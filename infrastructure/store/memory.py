"""A store in memory: the same rules, gone with the process."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from time import monotonic
from typing import Any

from eventsourcing.persistence import ApplicationRecorder, StoredEvent, Subscription
from eventsourcing.popo import POPOApplicationRecorder

from .backend import ANY_TOPIC, LOOK, PAGE, PlacedRow, Row, Selected, SnapshotRow, Topics, check_versions, one_by_one
from .batches import Append, Outcome


class MemoryRecorder(POPOApplicationRecorder):
    """The stock recorder, which also checks the versions expected."""

    def select_streams(self, prefix: str, limit: int) -> Sequence[str]:
        """Names of streams that begin with `prefix`, by code point."""
        with self._database_lock:
            names = [name for name, index in self._stored_events_index.items() if index]
        return sorted(name for name in names if name.startswith(prefix))[:limit]

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """The stock subscription, which would miss what is inserted between its first look and its first wait."""
        subscription = super().subscribe(gt, topics)
        self._notify_listeners()
        return subscription

    def _notify_listeners(self) -> None:
        """Wake whoever listens; others may begin and end to meanwhile."""
        for listener in tuple(self._listeners):
            listener.set()

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

    begin = None

    def __init__(self) -> None:
        self.recorder = MemoryRecorder()
        self._blobs: dict[str, bytes] = {}
        self._snapshots: dict[str, SnapshotRow] = {}
        self._beats: dict[str, float] = {}

    def commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        """Write appends, each with its own outcome."""
        return one_by_one(self._insert, appends)

    def _insert(self, append: Append) -> Sequence[int]:
        with self.clear_errors():
            return self.recorder.insert_events(append.events, expected=append.expected) or ()

    def read(self, stream: str, after: int, until: int, topics: Topics = ANY_TOPIC) -> Generator[Sequence[Row]]:
        """Events of a stream with after < version <= until, of these topics, in order and in pages."""
        found = self.recorder.select_events(stream, gt=after, lte=until)
        only, but = topics
        stored = [one for one in found if (only is None or one.topic in only) and one.topic not in but]
        for begin in range(0, len(stored), PAGE):
            yield [(one.originator_version, one.topic, one.state) for one in stored[begin : begin + PAGE]]

    def latest(self, stream: str, until: int, topics: Sequence[str]) -> int:
        """The version of the last event of a stream with version <= until and of these topics; 0 for none."""
        found = self.recorder.select_events(stream, lte=until)
        return max((one.originator_version for one in found if one.topic in topics), default=0)

    def read_all(self, after: int, limit: int) -> Sequence[PlacedRow]:
        """Events with position > after, in order."""
        found = self.recorder.select_notifications(after, limit, inclusive_of_start=False)
        return [(one.id, one.originator_id, one.originator_version, one.topic, one.state) for one in found]

    def select(self, topics: Sequence[str] | None, streams: Sequence[str] | None, after: int, limit: int) -> Selected:
        """Events after a position, of these topics and streams, and the position of the last one looked at."""
        looked_at = self.read_all(after, LOOK)
        wanted = (
            row for row in looked_at if (topics is None or row[3] in topics) and (streams is None or row[1] in streams)
        )
        return list(islice(wanted, limit)), looked_at[-1][0] if looked_at else after

    def watch(self, ring: Callable[[], None]) -> None:
        """There are no other processes, and the log tells of its own appends."""

    def streams(self, prefix: str, limit: int) -> Sequence[str]:
        """Names of streams that begin with `prefix`, by code point."""
        return self.recorder.select_streams(prefix, limit)

    def put_blob(self, sha256: str, media_type: str, body: bytes) -> None:
        """Keep a body, unless it is kept already."""
        self._blobs.setdefault(sha256, body)

    def get_blob(self, sha256: str) -> bytes | None:
        """The body, or None."""
        return self._blobs.get(sha256)

    def get_snapshot(self, stream: str) -> SnapshotRow | None:
        """The row of this stream, or None."""
        return self._snapshots.get(stream)

    def put_snapshot(self, stream: str, row: SnapshotRow) -> None:
        """Keep a row in place of the stream's row, if there is one."""
        self._snapshots[stream] = row

    def beat(self, alive: Sequence[str], ended: Sequence[str]) -> None:
        """Note that these workers are there, and forget those. Memory's clock is that of the process."""
        for worker in ended:
            self._beats.pop(worker, None)
        self._beats.update(dict.fromkeys(alive, monotonic()))

    def silences(self, workers: Sequence[str]) -> Mapping[str, float]:
        """Seconds since each was heard of; one never heard of counts from now."""
        now = monotonic()
        return {worker: now - self._beats.setdefault(worker, now) for worker in workers}

    def take_hints(self, at_most: int) -> None:
        """Nobody tells: workers look for themselves."""

    @contextmanager
    def clear_errors(self) -> Generator[None]:
        """Memory has no errors of its own."""
        yield

    def close(self) -> None:
        """Nothing to close."""
