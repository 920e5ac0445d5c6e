"""The event log over the recorder of a backend, for every backend alike."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TypeVar

from eventsourcing.persistence import IntegrityError

from turnlog.domain import (
    READ_WHOLE,
    Change,
    Event,
    InvalidInput,
    Kinds,
    Recorded,
    Selection,
    StoreClosed,
    StoreError,
    Unread,
    VersionConflict,
    Wanted,
)

from .backend import ANY_TOPIC, Backend, PlacedRow, Row, Topics
from .batches import Append, Outcome
from .group import GroupCommit
from .mapper import EventMapper, decode, to_stored, topics_of
from .readers import WHOLE, Readers, leaving_out
from .threads import Threads
from .wakeups import Wakeups

T = TypeVar("T")
MAX_VERSION = 2**63 - 1


class StoredEventLog:
    """The `EventLog` of a backend. Nothing here blocks the event loop."""

    def __init__(self, backend: Backend, threads: Threads) -> None:
        self._backend = backend
        self._threads = threads
        self._mapper = EventMapper()
        self._wakeups = Wakeups()
        self._group = GroupCommit("turnlog-writer", self._commit, backend.begin)
        self._closed = False
        backend.watch(self._wakeups.ring)

    def close(self) -> None:
        """Write what waits, end the writing thread and send readers away; blocks."""
        self._group.close()
        self._closed = True
        self._wakeups.ring()

    async def append(self, *changes: Change) -> Sequence[Recorded]:
        """Append all changes in one transaction; each comes back with its position.

        A cancelled append runs to its end before the cancellation goes on, so a later read tells
        whether it happened. Raises VersionConflict, StoreError, and InvalidInput for an event no
        database can hold; nothing is written then.
        """
        expected, places = _in_order(changes)
        positions = await self.write(Append([to_stored(*place) for place in places], expected))
        return [Recorded(*place, position) for place, position in zip(places, positions, strict=True)]

    async def write(self, append: Append) -> Sequence[int]:
        """Write events as they are to be stored; their positions. Raises VersionConflict, InvalidInput, StoreError."""
        if not append.events and not append.expected:
            return ()
        try:
            return await self._group.append(append)
        except IntegrityError as error:
            raise await self._run(partial(self._refusal, append.expected, error)) from error

    async def stored(self, stream: str, after: int = 0, until: int | None = None) -> Sequence[Row]:
        """Events of a stream as they are stored, with after < version <= until. Raises StoreError."""
        _check_stream(stream)
        upper = MAX_VERSION if until is None else _bounded(until)
        return await self._run(partial(self._stored, stream, _bounded(after), upper))

    async def read(
        self, stream: str, after: int = 0, until: int | None = None, kinds: Kinds | None = None
    ) -> Sequence[Recorded]:
        """Events of a stream with after < version <= until, in order; of these kinds, without decoding any other.

        Raises StoreError.
        """
        _check_stream(stream)
        upper = MAX_VERSION if until is None else _bounded(until)
        topics = ANY_TOPIC if kinds is None else Topics(only=topics_of(kinds))
        return await self._run(partial(self._read, stream, _bounded(after), upper, topics))

    async def fold(
        self,
        stream: str,
        step: Callable[[T, Iterable[Recorded]], T],
        state: T,
        after: int = 0,
        until: int | None = None,
        unread: Unread = READ_WHOLE,
    ) -> T:
        """What `step` makes of a state and the events of a stream, read and decoded page by page, in a thread.

        An event that is let go before the next is decoded costs a third of one that is kept: Python's garbage
        collector looks at all that are kept, again and again. What is `unread` is not decoded, nor found damaged.
        Raises StoreError, CorruptRecord, what `step` raises.
        """
        _check_stream(stream)
        upper = MAX_VERSION if until is None else _bounded(until)
        topics = Topics(but=topics_of(unread.kinds)) if unread.kinds else ANY_TOPIC

        def work() -> T:
            with closing(self._backend.read(stream, _bounded(after), upper, topics)) as pages:
                return step(state, _decoded(stream, pages, leaving_out(unread)))

        return await self._run(work)

    async def latest(self, stream: str, kinds: Kinds, until: int | None = None) -> int:
        """The version of the last event of these kinds with version <= until; 0 for none. Raises StoreError."""
        _check_stream(stream)
        upper = MAX_VERSION if until is None else _bounded(until)
        return await self._run(partial(self._backend.latest, stream, upper, topics_of(kinds)))

    async def read_all(self, after: int = 0, limit: int = 500, unread: Unread = READ_WHOLE) -> Sequence[Recorded]:
        """Events of all streams with position > after, in order, without what is `unread`. Raises StoreError."""
        return await self._run(partial(self._read_all, _bounded(after), _bounded(limit), leaving_out(unread)))

    async def select(self, wanted: Wanted, after: int = 0, limit: int = 500) -> Selection:
        """Events with position > after that are wanted, and how far was read. Raises InvalidInput, StoreError."""
        for stream in wanted.streams or ():
            _check_stream(stream)
        return await self._run(partial(self._select, wanted, _bounded(after), _bounded(limit)))

    async def streams(self, prefix: str = "", limit: int = 50) -> Sequence[str]:
        """Names of streams that begin with `prefix`, by code point. Raises StoreError."""
        if prefix:
            _check_stream(prefix)
        return await self._run(partial(self._backend.streams, prefix, _bounded(limit)))

    @property
    def appends(self) -> int:
        """How many appends were heard of so far: all that go through this log, and others' where something tells."""
        return self._wakeups.appends

    async def wait(self, appends: int, seconds: float) -> None:
        """Return once more appends than this went through this log, or after so many seconds."""
        await self._wakeups.wait(appends, seconds)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise StoreClosed("the store was closed; open it again")
        return await self._threads.run(partial(self._clearly, work))

    def _clearly(self, work: Callable[[], T]) -> T:
        with self._backend.clear_errors():
            return work()

    def _commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        with self._backend.clear_errors():
            outcomes = self._backend.commit(appends)
        if any(outcome and not isinstance(outcome, Exception) for outcome in outcomes):
            self._wakeups.ring()
        return outcomes

    def _refusal(self, expected: Mapping[str, int], error: IntegrityError) -> VersionConflict | StoreError:
        """Which stream somebody wrote to who did not wait for his turn, as other software may.

        Where nobody did, to read the stream again would be of no help.
        """
        for stream, version in expected.items():
            if self._backend.recorder.select_events(stream, gt=version, limit=1):
                return VersionConflict(stream, version)
        said = str(error).partition("\n")[0]
        return StoreError(
            f"the database refused the append, though nobody wrote to its streams ({said}); where it was restored,"
            " its sequence of positions has to be restored, too"
        )

    def _stored(self, stream: str, after: int, until: int) -> Sequence[Row]:
        with closing(self._backend.read(stream, after, until)) as pages:
            return [row for page in pages for row in page]

    def _read(self, stream: str, after: int, until: int, topics: Topics) -> Sequence[Recorded]:
        with closing(self._backend.read(stream, after, until, topics)) as pages:
            return list(_decoded(stream, pages, WHOLE))

    def _read_all(self, after: int, limit: int, by: Readers) -> Sequence[Recorded]:
        return _placed(self._backend.read_all(after, limit), by)

    def _select(self, wanted: Wanted, after: int, limit: int) -> Selection:
        if wanted.is_everything:
            records = self._read_all(after, limit, WHOLE)
            return Selection(records, records[-1].position or after if records else after)
        topics = None if wanted.kinds is None else topics_of(wanted.kinds)
        streams = None if wanted.streams is None else sorted(wanted.streams)
        stored, reached = self._backend.select(topics, streams, after, limit)
        records = _placed(stored, WHOLE)
        if len(records) < limit:
            return Selection(records, reached)
        return Selection(records, stored[-1][0] if stored else after)


def _placed(rows: Sequence[PlacedRow], by: Readers) -> list[Recorded]:
    return [
        Recorded(stream, version, decode(stream, version, topic, state, by), position)
        for position, stream, version, topic, state in rows
    ]


def _decoded(stream: str, pages: Iterable[Sequence[Row]], by: Readers) -> Iterator[Recorded]:
    for page in pages:
        for version, topic, state in page:
            yield Recorded(stream, version, decode(stream, version, topic, state, by))


def _in_order(changes: Sequence[Change]) -> tuple[dict[str, int], list[tuple[str, int, Event]]]:
    """Where each stream must be, and the events with their places; a stream's second change goes on from its first."""
    expected: dict[str, int] = {}
    reached: dict[str, int] = {}
    places: list[tuple[str, int, Event]] = []
    for change in changes:
        stream, version = change.stream, change.after
        _check_stream(stream)
        if version < 0:
            raise InvalidInput(f"stream {stream} cannot be at version {version}")
        expected.setdefault(stream, version)
        if reached.get(stream, version) != version:
            raise VersionConflict(stream, version)
        for event in change.events:
            version += 1
            places.append((stream, version, event))
        reached[stream] = version
    return expected, places


def _check_stream(name: str) -> None:
    """Every backend takes the same names."""
    if not name or "\0" in name or not _encodable(name):
        raise InvalidInput(f"{name!r} cannot name a stream: empty, or with NUL or a lone surrogate")


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _bounded(number: int) -> int:
    """What no log will reach stays within what a database can compare."""
    return max(0, min(number, MAX_VERSION))
