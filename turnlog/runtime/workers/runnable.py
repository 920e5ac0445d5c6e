"""The sessions that could be run now, kept up to date by following the log."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from turnlog.domain import Conflict, CorruptRecord, EventLog, NotFound, Recorded, Wanted
from turnlog.projections import RUNNABLE, UNSETTLED, Unfinished

from ..delegation.reporting import report
from ..environment import Environment
from ..histories import load
from ..read_models import Projections
from .silences import gone_among

_PAGE = 1_000


class RunnableSessions:
    """One projection of the whole log, begun with the table beside it where there is one.

    Every `roll_call_seconds` at most it is asked which of the workers that hold sessions are gone.
    """

    def __init__(self, env: Environment, projections: Projections, roll_call_seconds: float) -> None:
        self._env = env
        self._projections = projections
        self._log: EventLog = env.log
        self._roll_call_seconds = roll_call_seconds
        self._asked: float | None = None
        self._gone: set[str] = set()
        self._position: int | None = None
        self._sessions = RUNNABLE.initial()

    async def now(self) -> list[Unfinished]:
        """Those that a worker may take and would get further, oldest first. Raises StoreError, CorruptRecord."""
        await self._follow()
        if untold := self._untold():
            await self._tell(untold)
            await self._follow()
        await self._call_the_roll()
        at = self._env.clock.now()
        found = [each for each in self._sessions.values() if each.is_runnable(at, self._gone.__contains__)]
        return sorted(found, key=lambda each: (each.since, each.session.id))

    async def told(self, at_most: int) -> list[Unfinished] | None:
        """At most so many that workers were told of, and that are ready; None where nobody tells. Raises StoreError.

        What was told is forgotten: a session that is not ready, or that another worker has, needs no hint.
        """
        hints, found = self._env.hints, list[Unfinished]()
        if hints is None or (told := await hints.take(at_most)) is None:
            return None
        while told:
            looked_at = [await self._looked_at(session_id) for session_id in told]
            found += [each for each in looked_at if each is not None and each.standing == "ready"]
            told = await hints.take(at_most - len(found)) if len(found) < at_most else None
        return found

    async def _looked_at(self, session_id: str) -> Unfinished | None:
        """A session as it is now. One that cannot be read is left to whoever looks at all of them."""
        try:
            session = await load(self._env, session_id)
        except (NotFound, CorruptRecord):
            return None
        return None if session.closed else Unfinished(session, self._env.clock.now())

    def _untold(self) -> list[str]:
        """Subagents that are done though the session that waits for them does not know: their workers died before."""
        waited_for = [child for each in self._sessions.values() for child in _subagents(each)]
        over = {each.session.id for each in self._sessions.values() if each.standing == "over"}
        return [child for child in waited_for if child in over or child not in self._sessions]

    async def _tell(self, subagents: list[str]) -> None:
        for child in subagents:
            with suppress(NotFound, Conflict):  # somebody else tells it
                await report(self._env, child)

    async def _call_the_roll(self) -> None:
        """Find out which holders are gone. Of others it takes a question to the database, and few leave that often."""
        now = asyncio.get_running_loop().time()
        holders = {each.worker for each in self._sessions.values() if each.worker is not None}
        if self._asked is None or now - self._asked >= self._roll_call_seconds:
            self._gone = await gone_among(self._env, holders)
            self._asked = now
        self._gone |= set(filter(self._env.has_ended, holders))

    async def _follow(self) -> None:
        if self._position is None:
            position, rows = await self._projections.unfinished()
            self._sessions = {each.session.id: each for each in rows}
            self._position = position or await self._begin()
        wanted = Wanted(kinds=RUNNABLE.kinds)
        while (found := await self._log.select(wanted, self._position, _PAGE)).position > self._position:
            self._take_in(found.records)
            self._position = found.position

    async def _begin(self) -> int:
        """Without a table, read the sessions that are not settled and only those; up to which position that holds."""
        wanted, position, unsettled = Wanted(kinds=UNSETTLED.kinds), 0, UNSETTLED.initial()
        while (found := await self._log.select(wanted, position, _PAGE)).position > position:
            for record in found.records:
                unsettled = UNSETTLED.fold(unsettled, record)
            position = found.position
        for stream in unsettled:
            self._take_in(await self._log.read(stream))
        return position

    def _take_in(self, records: Sequence[Recorded]) -> None:
        for record in records:
            self._sessions = RUNNABLE.fold(self._sessions, record)


def _subagents(waiting: Unfinished) -> tuple[str, ...]:
    """Those that a turn was put aside for."""
    turn = waiting.session.turn
    return turn.subagents if turn is not None and waiting.standing == "waiting" else ()
