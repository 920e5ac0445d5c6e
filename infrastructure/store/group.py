"""Group commit: appends that arrive while one transaction is under way share the next one.

One thread writes. It takes whatever waits, commits it in one transaction, and goes on; nothing lingers, so a lone
append goes at once. Appends stand or fall alone: the outcome of each is its positions or its own error. Appends to
the same stream never share a transaction, and keep their order.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic

from eventsourcing.persistence import StoredEvent

from turnlog.domain import StoreClosed

BATCH = 256
"""Appends that share a transaction at most."""


@dataclass(frozen=True, slots=True)
class Append:
    """Events to be written together or not at all; `expected` is the version each stream named there must be at.

    `since` is when it was asked for, in seconds of the monotonic clock: waiting in the line counts.
    """

    events: Sequence[StoredEvent]
    expected: Mapping[str, int] = field(default_factory=dict[str, int])
    since: float = field(default_factory=monotonic, compare=False)

    def streams(self) -> set[str]:
        """The streams it writes to or depends on."""
        return {str(event.originator_id) for event in self.events} | set(self.expected)


Outcome = Sequence[int] | Exception
"""The positions of an append's events, in order, or why nothing of it was written."""

Commit = Callable[[Sequence[Append]], Sequence[Outcome]]
"""Writes appends to distinct streams in one transaction; an outcome each. What it raises is the outcome of all."""


@dataclass(slots=True)
class _Waiting:
    """An append in the line, and the task that waits for it; `settled` is the loop's, `outcome` set there as well."""

    append: Append
    loop: asyncio.AbstractEventLoop
    settled: asyncio.Future[None]
    outcome: Outcome | None = None

    def settle(self, outcome: Outcome) -> None:
        self.outcome = outcome
        if not self.settled.done():  # it is when its task was just cancelled
            self.settled.set_result(None)


@dataclass(frozen=True, slots=True)
class _Blocked:
    """An append in the line, and the thread that waits for it."""

    append: Append
    future: Future[Outcome] = field(default_factory=Future[Outcome])


class GroupCommit:
    """The writing thread of one log, and the line before it. Safe to use from any thread and any event loop."""

    def __init__(self, name: str, commit: Commit) -> None:
        self._commit = commit
        self._arrived: SimpleQueue[_Waiting | _Blocked | None] = SimpleQueue()
        self._entry = Lock()
        self._closed = False
        self._ended = False
        self._thread = Thread(target=self._write, name=name, daemon=True)
        self._thread.start()

    def append_blocking(self, append: Append) -> Sequence[int]:
        """Append from a thread; the positions. Raises what the commit gives as its outcome, StoreClosed."""
        blocked = _Blocked(append)
        self._enter(blocked)
        return _positions(blocked.future.result())

    async def append(self, append: Append) -> Sequence[int]:
        """Append from an event loop; the positions. A cancelled caller is let go only once it is done or refused."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(append, loop, loop.create_future())
        self._enter(waiting)
        cancellation: asyncio.CancelledError | None = None
        while waiting.outcome is None:
            try:
                await waiting.settled
            except asyncio.CancelledError as error:
                cancellation = error
                waiting.settled = loop.create_future()
        if cancellation is not None:
            raise cancellation
        return _positions(waiting.outcome)

    def close(self) -> None:
        """Write what waits and end the thread; a second call does nothing."""
        with self._entry:
            if not self._closed:
                self._closed = True
                self._arrived.put(None)
        self._thread.join()

    def _enter(self, waiting: _Waiting | _Blocked) -> None:
        with self._entry:
            if self._closed:
                raise StoreClosed("the store was closed; open it again")
            self._arrived.put(waiting)

    def _write(self) -> None:
        line: deque[_Waiting | _Blocked] = deque()
        while self._take(line):
            batch = _next_batch(line)
            try:
                outcomes = self._commit([waiting.append for waiting in batch])
            except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
                outcomes = [error] * len(batch)
            _deliver(batch, outcomes)

    def _take(self, line: deque[_Waiting | _Blocked]) -> bool:
        """Put what has arrived into the line, and wait only for the first; False once closed and written."""
        with suppress(Empty):
            while not self._ended:
                arrived = self._arrived.get(block=not line)
                if arrived is None:
                    self._ended = True
                else:
                    line.append(arrived)
        return bool(line)


def _next_batch(line: deque[_Waiting | _Blocked]) -> list[_Waiting | _Blocked]:
    """The next appends with no stream in common, in their order; the others stay in the line."""
    batch: list[_Waiting | _Blocked] = []
    left: list[_Waiting | _Blocked] = []
    taken: set[str] = set()
    while line and len(batch) < BATCH:
        waiting = line.popleft()
        streams = waiting.append.streams()
        (batch if taken.isdisjoint(streams) else left).append(waiting)
        taken |= streams
    line.extendleft(reversed(left))
    return batch


def _deliver(batch: Sequence[_Waiting | _Blocked], outcomes: Sequence[Outcome]) -> None:
    """Tell everybody, with one wake-up for each event loop."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Outcome]]] = defaultdict(list)
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if isinstance(waiting, _Blocked):
            waiting.future.set_result(outcome)
        else:
            by_loop[waiting.loop].append((waiting, outcome))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed, so nobody there waits any more
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: Sequence[tuple[_Waiting, Outcome]]) -> None:
    for waiting, outcome in settled:
        waiting.settle(outcome)


def _positions(outcome: Outcome) -> Sequence[int]:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
