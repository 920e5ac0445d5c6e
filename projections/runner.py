"""Bringing tables up to the end of the log, in batches, each event once, whoever else is at it.

A batch and the position it reaches are one transaction, which begins by making sure that the build still stands where
the batch goes on. So a runner that dies has done a batch or not, and of two runners one does it. Projections at the
same position share what is read. One that refuses an event stops there, and says so; the others go on.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from turnlog.domain import (
    READ_WHOLE,
    BlobDamaged,
    BlobMissing,
    BlobRef,
    Clock,
    CorruptRecord,
    EventLog,
    ProjectionStopped,
    Recorded,
    StoreError,
    TurnlogError,
    Unread,
    unread_by_all,
)

from .read_models import Build, Gone, ReadTables, Refused, Stopped, Texts, long_bodies
from .tables import LeavesUnread, TableProjection

BATCH = 1_000
"""Events of one transaction."""

MOST_BODIES = 32 * 1024 * 1024
"""Bytes of the long bodies that are loaded for one transaction of several events."""

Tell = Callable[[Build], None]
"""Is told of a build each time it has come further."""


@dataclass(slots=True)
class Target:
    """A projection, and the build of it that is to be brought up to date."""

    projection: TableProjection
    build: Build


@dataclass(frozen=True, slots=True)
class Runner:
    """What catching up takes: the log, the bodies it speaks of, the tables, and a clock."""

    log: EventLog
    texts: Texts
    tables: ReadTables
    clock: Clock
    batch: int = BATCH
    most_bodies: int = MOST_BODIES

    async def run(self, targets: Sequence[Target], tell: Tell = lambda build: None) -> list[ProjectionStopped]:
        """Apply what is new; the projections that stopped. Builds that reached the end of the log serve from then on.

        Raises StoreError where the database is away.
        """
        failures: list[ProjectionStopped] = []
        unread = unread_by_all(*map(_unread, targets)) if targets else READ_WHOLE
        running: list[Target] = [target for target in targets if await self._goes_on(target, failures)]
        ahead: asyncio.Task[Sequence[Recorded]] | None = None
        try:
            while running:
                low = min(target.build.position for target in running)
                group = [target for target in running if target.build.position == low]
                reading, ahead = ahead or self._page(low, unread), None
                try:
                    page = self._fitting(await reading, low, running)
                except CorruptRecord as error:
                    failures += [await self._stop(target, None, error) for target in group]
                    running = [target for target in running if target not in group]
                    continue
                if page and len(group) == len(running) and len(page) == self.batch:
                    ahead = asyncio.ensure_future(self._page(_position(page[-1]), unread))
                for target in group:
                    if not await self._advanced(target, page, failures, tell):
                        running.remove(target)
                if ahead is not None and {each.build.position for each in running} != {_position(page[-1])}:
                    await _given_up(ahead)
                    ahead = None
        finally:
            await _given_up(ahead)
        return failures

    async def _page(self, after: int, unread: Unread) -> Sequence[Recorded]:
        """The next events; where one of them cannot be read, those before it. Raises CorruptRecord, StoreError."""
        limit = self.batch
        while True:
            try:
                return await self.log.read_all(after, limit, unread)
            except CorruptRecord:
                if limit == 1:
                    raise
                limit = max(1, limit // 4)

    def _fitting(self, page: Sequence[Recorded], low: int, running: Sequence[Target]) -> Sequence[Recorded]:
        """No further than to where the next projection stands: from there on they share what is read."""
        beyond = [target.build.position for target in running if target.build.position > low]
        return [each for each in page if _position(each) <= min(beyond)] if beyond else page

    async def _goes_on(self, target: Target, failures: list[ProjectionStopped]) -> bool:
        """Whether the log is the one that the tables were made from."""
        build = target.build
        if build.last is None:
            return True
        try:
            here = [(each.stream, each.version) for each in await self.log.read_all(build.position - 1, 1)]
        except CorruptRecord as error:
            failures.append(await self._stop(target, None, error))
            return False
        if here == [build.last]:
            return True
        failures.append(
            ProjectionStopped(
                build.name,
                f"the tables of {build.name} were made from another log: it has no {build.last[0]}@{build.last[1]} at"
                f" position {build.position}; run: turnlog projections rebuild {build.name}",
            )
        )
        return False

    async def _advanced(
        self, target: Target, page: Sequence[Recorded], failures: list[ProjectionStopped], tell: Tell
    ) -> bool:
        """Whether a projection is to be gone on with, once the page is applied to it."""
        try:
            if not page:
                await self._at_the_end(target)
                tell(target.build)
                return False
            await self._apply(target, page)
        except _Poison as poison:
            failures.append(await self._stop(target, poison.record, poison.error))
            return False
        except Gone:
            return False
        tell(target.build)
        return True

    async def _at_the_end(self, target: Target) -> None:
        if target.build.state == "building":
            await self.tables.serve(target.build)
            target.build = replace(target.build, state="serving")

    async def _apply(self, target: Target, page: Sequence[Recorded]) -> None:
        """Apply a page at once, or in halves where its bodies are too much, or, where it is refused, one by one."""
        wanted = long_bodies(target.projection, page)
        if len(page) > 1 and sum(ref.size for ref in wanted) > self.most_bodies:
            return await self._piecewise(target, page, (len(page) + 1) // 2)
        try:
            await self._commit(target, page, wanted)
        except Refused as refused:
            if len(page) == 1:
                raise _Poison(page[0], refused.__cause__ or refused) from refused
            await self._piecewise(target, page, 1)

    async def _piecewise(self, target: Target, page: Sequence[Recorded], most: int) -> None:
        """Apply a page so many events at a time, each time from where the tables stand: somebody else may be at it."""
        begin, end = target.build.position, _position(page[-1])
        while begin <= target.build.position < end:
            first = bisect_right(page, target.build.position, key=_position)
            await self._apply(target, page[first : first + most])

    async def _commit(self, target: Target, events: Sequence[Recorded], wanted: Sequence[BlobRef]) -> None:
        bodies = {ref.sha256: text for ref in wanted if (text := await self._text(ref.sha256)) is not None}
        reached = await self.tables.apply(target.build, target.projection, events, bodies)
        last, ours = events[-1], _position(events[-1])
        done = len(events) if reached == ours else 0
        target.build = replace(
            target.build,
            position=reached,
            events=target.build.events + done,
            last=(last.stream, last.version) if done else target.build.last,
            stopped=None,
        )

    async def _text(self, sha256: str) -> str | None:
        """The whole of a body; None where it is lost or damaged, which is no reason to stop."""
        try:
            return (await self.texts.get(sha256)).decode(errors="replace")
        except (BlobMissing, BlobDamaged):
            return None

    async def _stop(self, target: Target, record: Recorded | None, error: BaseException) -> ProjectionStopped:
        build = target.build
        said = _said(error)
        if record is None:
            place, stopped = "", Stopped(build.position, "", 0, said, self.clock.now())
        else:
            place = f" at {record.stream}@{record.version} (position {_position(record)})"
            stopped = Stopped(_position(record), record.stream, record.version, said, self.clock.now())
        await self.tables.stop(build, stopped)
        return ProjectionStopped(
            build.name, f"the projection {build.name} version {build.version} stopped{place}: {said}"
        )


class _Poison(Exception):
    """An event that a projection does not take."""

    def __init__(self, record: Recorded, error: BaseException) -> None:
        super().__init__(record)
        self.record = record
        self.error = error


def _unread(target: Target) -> Unread:
    return target.projection.unread if isinstance(target.projection, LeavesUnread) else READ_WHOLE


def _said(error: BaseException) -> str:
    text = error.message if isinstance(error, TurnlogError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:500]


def _position(record: Recorded) -> int:
    if record.position is None:
        raise StoreError(f"{record.stream}@{record.version} was read without its position")
    return record.position


async def _given_up(task: "asyncio.Task[Sequence[Recorded]] | None") -> None:
    """End a reading nobody needs."""
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
