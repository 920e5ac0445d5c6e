"""Streams beside sessions as they stand: each is read on from where it was read last, and decided on like a session."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from turnlog.domain import Change, Event, EventLog

from .again import again


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


S = TypeVar("S", bound=_Versioned)

_MOST = 64


class Folds(Generic[S]):
    """The states of streams of one kind. A cache that never answers without looking at the log."""

    def __init__(self, log: EventLog, initial: S, after: Callable[[S, Iterable[Event]], S], attempts: int) -> None:
        self._log = log
        self._initial = initial
        self._after = after
        self._attempts = attempts
        self._known: OrderedDict[str, S] = OrderedDict()

    async def read(self, stream: str) -> S:
        """The state of a stream now. Raises StoreError, CorruptRecord."""
        known = self._known.get(stream, self._initial)
        records = await self._log.read(stream, after=known.version)
        return self._keep(stream, self._after(known, [record.event for record in records]) if records else known)

    async def read_at(self, stream: str, moment: datetime) -> S:
        """The state of a stream as it was. Raises StoreError, CorruptRecord."""
        records = await self._log.read(stream)
        return self._after(self._initial, [record.event for record in records if record.event.at <= moment])

    async def decide(self, stream: str, decision: Callable[[S], Sequence[Event]]) -> S:
        """Take a decision and append what it gives, again where somebody else was faster; the state after it.

        Raises what the decision raises, VersionConflict after many losses, StoreError.
        """
        return await again(self._attempts, lambda: self._attempt(stream, decision))

    async def _attempt(self, stream: str, decision: Callable[[S], Sequence[Event]]) -> S:
        found = await self.read(stream)
        events = tuple(decision(found))
        if not events:
            return found
        await self._log.append(Change(stream, found.version, events))
        return self._keep(stream, self._after(found, events))

    def _keep(self, stream: str, state: S) -> S:
        if state.version >= self._known.get(stream, self._initial).version:
            self._known[stream] = state
            self._known.move_to_end(stream)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return state
