"""What holds over all sessions, by following the global order: the sessions, and what waits for people."""

import asyncio

from turnlog.domain import EventLog
from turnlog.projections import APPROVALS, SESSIONS, UNKNOWN_CALLS, Approval, Metadata, UnknownCall

_PAGE = 1_000


class Index:
    """Three projections of the whole log and the position up to which they are folded."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._one_at_a_time = asyncio.Lock()
        self._position = 0
        self._sessions = SESSIONS.initial()
        self._approvals = APPROVALS.initial()
        self._unknown = UNKNOWN_CALLS.initial()

    async def sessions(self) -> list[Metadata]:
        """All sessions, the latest changed first. Raises StoreError, CorruptRecord."""
        await self._follow()
        return sorted(self._sessions.values(), key=lambda found: (found.updated_at, found.id), reverse=True)

    async def approvals(self) -> list[Approval]:
        """All questions nobody has answered, oldest first. Raises StoreError, CorruptRecord."""
        await self._follow()
        return sorted(self._approvals.values(), key=lambda found: (found.asked_at, found.request_id))

    async def unknown_calls(self) -> list[UnknownCall]:
        """All calls whose outcome nobody knows, oldest first. Raises StoreError, CorruptRecord."""
        await self._follow()
        return sorted(self._unknown.calls.values(), key=lambda found: (found.since, found.call_id))

    async def _follow(self) -> None:
        async with self._one_at_a_time:
            while records := await self._log.read_all(after=self._position, limit=_PAGE):
                for record in records:
                    self._sessions = SESSIONS.fold(self._sessions, record)
                    self._approvals = APPROVALS.fold(self._approvals, record)
                    self._unknown = UNKNOWN_CALLS.fold(self._unknown, record)
                self._position = records[-1].position or self._position
