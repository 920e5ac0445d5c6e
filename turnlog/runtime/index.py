"""What holds over all sessions, by following the global order: the sessions, and what waits for people."""

import asyncio
from typing import Generic, TypeVar

from turnlog.domain import EventLog, Wanted
from turnlog.projections import APPROVALS, SESSIONS, UNKNOWN_CALLS, Approval, Metadata, Projection, UnknownCall

S = TypeVar("S")
_PAGE = 1_000


class Index:
    """Three projections of the whole log, each folded as far as somebody asked for it."""

    def __init__(self, log: EventLog) -> None:
        self._sessions = _Followed(log, SESSIONS)
        self._approvals = _Followed(log, APPROVALS)
        self._unknown = _Followed(log, UNKNOWN_CALLS)

    async def sessions(self) -> list[Metadata]:
        """All sessions, the latest changed first. Raises StoreError, CorruptRecord."""
        found = await self._sessions.now()
        return sorted(found.values(), key=lambda each: (each.updated_at, each.id), reverse=True)

    async def approvals(self) -> list[Approval]:
        """All questions nobody has answered, oldest first. Raises StoreError, CorruptRecord."""
        found = await self._approvals.now()
        return sorted(found.values(), key=lambda each: (each.asked_at, each.request_id))

    async def unknown_calls(self) -> list[UnknownCall]:
        """All calls whose outcome nobody knows, oldest first. Raises StoreError, CorruptRecord."""
        found = await self._unknown.now()
        return sorted(found.calls.values(), key=lambda each: (each.since, each.call_id))


class _Followed(Generic[S]):
    """A projection of the whole log and the position up to which it is folded; other kinds are never read."""

    def __init__(self, log: EventLog, projection: Projection[S]) -> None:
        self._log = log
        self._projection = projection
        self._one_at_a_time = asyncio.Lock()
        self._position = 0
        self._state = projection.initial()

    async def now(self) -> S:
        """What the log says by now. Raises StoreError, CorruptRecord."""
        wanted = Wanted(kinds=self._projection.kinds)
        async with self._one_at_a_time:
            while (found := await self._log.select(wanted, self._position, _PAGE)).position > self._position:
                for record in found.records:
                    self._state = self._projection.fold(self._state, record)
                self._position = found.position
            return self._state
