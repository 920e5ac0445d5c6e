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
from threading import Condition, Thread

from eventsourcing.persistence import StoredEvent

from turnlog.domain import StoreClosed

BATCH = 256
"""Appends that share a transaction at most."""


@dataclass(frozen=True, slots=True)
class Append:
    """Events to be written together or not at all; `expected` is the version each stream named there must be at."""

    events: Sequence[StoredEvent]
    expected: Mapping[str, int] = field(default_factory=dict[str, int])

    def streams(self) -> set[str]:
        """The streams it writes to or depends on."""
        return {str(event.originator_id) for event in self.events} | set(self.expected)


Outcome = Sequence[int] | Exception
"""The positions of an append's events, in order, or why nothing of it was written."""

Commit = Callable[[Sequence[Append]], Sequence[Outcome]]
"""Writes appends to distinct streams in one transaction; an outcome each. What it raises is the outcome of all."""

Delivery = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    append: Append
    deliver: Delivery
    loop: asyncio.AbstractEventLoop | None


class GroupCommit:
    """The writing thread of one log, and the line before it. Safe to use from any thread and any event loop."""

    def __init__(self, name: str, commit: Commit) -> None:
        self._commit = commit
        self._line: deque[_Waiting] = deque()
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._write, name=name, daemon=True)
        self._thread.start()

    def append_blocking(self, append: Append) -> Sequence[int]:
        """Append from a thread; the positions. Raises what the commit gives as its outcome, StoreClosed."""
        future: Future[Sequence[int]] = Future()
        self._enter(_Waiting(append, lambda outcome: _settle_blocking(future, outcome), None))
        return future.result()

    async def append(self, append: Append) -> Sequence[int]:
        """Append from an event loop; the positions. A cancelled caller is let go only once it is done or refused."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sequence[int]] = loop.create_future()
        self._enter(_Waiting(append, lambda outcome: _settle(future, outcome), loop))
        cancellation: asyncio.CancelledError | None = None
        while not future.done():
            try:
                await asyncio.wait({future}) if cancellation else await asyncio.shield(future)
            except asyncio.CancelledError as error:
                cancellation = error
            except Exception:  # noqa: BLE001 - the outcome, which `result` raises below
                break
        if cancellation is not None:
            future.exception()  # seen, so that asyncio has nothing to complain about
            raise cancellation
        return future.result()

    def close(self) -> None:
        """Write what waits and end the thread; a second call does nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _enter(self, waiting: _Waiting) -> None:
        with self._changed:
            if self._closed:
                raise StoreClosed("the store was closed; open it again")
            self._line.append(waiting)
            self._changed.notify()

    def _write(self) -> None:
        while batch := self._next_batch():
            try:
                outcomes = self._commit([waiting.append for waiting in batch])
            except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
                outcomes = [error] * len(batch)
            _deliver(batch, outcomes)

    def _next_batch(self) -> list[_Waiting]:
        """The next appends with no stream in common, in their order; empty once closed and written."""
        with self._changed:
            while not self._line and not self._closed:
                self._changed.wait()
            batch: list[_Waiting] = []
            left: deque[_Waiting] = deque()
            taken: set[str] = set()
            while self._line and len(batch) < BATCH:
                waiting = self._line.popleft()
                streams = waiting.append.streams()
                (batch if taken.isdisjoint(streams) else left).append(waiting)
                taken |= streams
            left.extend(self._line)
            self._line = left
            return batch


def _deliver(batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    """Tell everybody, with one wake-up for each event loop."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[Delivery, Outcome]]] = defaultdict(list)
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if waiting.loop is None:
            waiting.deliver(outcome)
        else:
            by_loop[waiting.loop].append((waiting.deliver, outcome))
    for loop, deliveries in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed, so nobody there waits any more
            loop.call_soon_threadsafe(_deliver_here, deliveries)


def _deliver_here(deliveries: Sequence[tuple[Delivery, Outcome]]) -> None:
    for deliver, outcome in deliveries:
        deliver(outcome)


def _settle(future: asyncio.Future[Sequence[int]], outcome: Outcome) -> None:
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _settle_blocking(future: Future[Sequence[int]], outcome: Outcome) -> None:
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
