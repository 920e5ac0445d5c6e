"""The tape of a replay: the record, which goes by event by event as a fresh engine writes the same again.

What people, other processes and the machine contributed is put in where it stood; the engine takes it for what others
wrote meanwhile, and decides again on top of it. Nothing is ever written to the log that is read.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import TypeVar

from turnlog.domain import (
    Change,
    Event,
    LeaseTaken,
    ModelFailed,
    ModelResponded,
    Recorded,
    Session,
    StoreClosed,
    ToolCallFinished,
    ToolOutcomeUnknown,
    TurnCompleted,
    TurnFailed,
    TurnlogError,
    TurnStarted,
    TurnStopRequested,
    TurnSuspended,
    VersionConflict,
    evolve,
)

from ..worker import Worker
from .meaning import FieldDifference, as_recorded, differences, is_foreign, is_given, is_unchecked

T = TypeVar("T")
E = TypeVar("E", bound=Event)

_OUTCOMES = (ModelResponded, ModelFailed, ToolCallFinished, ToolOutcomeUnknown)


class Tape:
    """The record of one session. `shown` is what has gone by; `over` is set where the replay ends.

    `parted` is the recorded event and the one that would be written now (None: the record, or the engine, has no
    more), where they differ. `reproduced` counts the events that the engine wrote again; `unchecked` are those that
    code had decided on and that were put in all the same.
    """

    def __init__(self, session: Session, record: Sequence[Recorded]) -> None:
        self.record = record
        self.session = session
        self.shown: list[Recorded] = []
        self.reproduced = 0
        self.unchecked: list[Event] = []
        self.over = asyncio.Event()
        self.out_of_time = asyncio.Event()
        self.parted: tuple[Recorded | None, Event | None, tuple[FieldDifference, ...]] | None = None
        self.failure: TurnlogError | None = None
        self.worker: Worker | None = None
        self._appends = 0
        self._news = asyncio.Event()

    # Where it stands

    @property
    def stream(self) -> str:
        """The session."""
        return self.session.id

    @property
    def next(self) -> Recorded | None:
        """What the record has next."""
        return self.record[len(self.shown)] if len(self.shown) < len(self.record) else None

    def now(self) -> datetime:
        """When the engine wrote what it is about to write again."""
        version = len(self.shown) if self.worker is None else self.worker.session.version
        ahead = (record.event for record in self.record[version:] if not is_foreign(record.event, self._engine))
        return next(ahead, self.record[-1].event).at

    def ahead(self, wanted: Callable[[Event], bool], until: Callable[[Event], bool]) -> Recorded | None:
        """What is wanted of the record's rest, before what ends the looking, or another worker takes over."""
        for record in self.record[len(self.shown) :]:
            if wanted(record.event):
                return record
            if until(record.event) or isinstance(record.event, LeaseTaken):
                return None
        return None

    def all_ahead(self, kind: type[E]) -> list[E]:
        """The events of a kind in the record's rest, before another worker takes over."""
        rest = takewhile(lambda record: not isinstance(record.event, LeaseTaken), self.record[len(self.shown) :])
        return [record.event for record in rest if isinstance(record.event, kind)]

    # How it goes on

    def release(self, most: int = sys.maxsize) -> None:
        """Let go by what others wrote by now, at most so much; where a worker took the session, it is its turn."""
        end = len(self.shown) + most
        while (record := self.next) is not None and is_foreign(record.event, self._engine) and record.version <= end:
            self._put_in([record])
            if isinstance(record.event, LeaseTaken):
                self._begin_turn()
                return

    def _begin_turn(self) -> None:
        """A worker takes a session and begins a turn in one transaction."""
        record = self.next
        if record is not None and isinstance(record.event, TurnStarted):
            self._put_in([record])

    @property
    def _engine(self) -> str | None:
        return None if self.worker is None else self.worker.name

    def let_by(self) -> bool:
        """Let go by what was written while no engine ran; false where an engine wrote what is next."""
        record = self.next
        if record is None or not (is_given(record.event) or is_foreign(record.event, None)):
            return False
        self._put_in([record])
        return True

    async def meanwhile(self) -> None:
        """Let go by what others wrote during an effect, until the worker has heard of it, where it did."""
        self.release(self._noticed())
        await self._heard()

    async def _heard(self) -> None:
        worker = self.worker
        if worker is not None:
            await worker.until(lambda: worker.draft.base.version >= len(self.shown) or worker.lost)

    def _noticed(self) -> int:
        """How many events of others the engine heard of in time; a demand to stop may come too late for its step."""
        rest = [record.event for record in self.record[len(self.shown) :]]
        foreign = list(takewhile(lambda event: is_foreign(event, self._engine), rest))
        stop = next((place for place, event in enumerate(foreign) if isinstance(event, TurnStopRequested)), None)
        after = next((event for event in rest[len(foreign) :] if not isinstance(event, _OUTCOMES)), None)
        stopped = after is None or isinstance(after, TurnSuspended | TurnCompleted | TurnFailed)
        return len(foreign) if stop is None or stopped else stop

    async def never(self) -> None:
        """What nobody saw the end of, in this run: wait until the run is ended. The replay is over where nothing is."""
        self.release()
        await self._heard()
        while not self._is_lost() and (record := self.next) is not None and is_given(record.event):
            self._put_in([record])
            await self._heard()
        rest = self.record[len(self.shown) :]
        if not rest or all(isinstance(record.event, _OUTCOMES) for record in rest):
            self._put_in(rest)  # the record was cut in the middle of what ended together
            self.over.set()
        elif not self._is_lost():
            self.part(self.next, None, ())
        await asyncio.get_running_loop().create_future()

    def _is_lost(self) -> bool:
        return self.worker is None or self.worker.lost

    def part(self, recorded: Recorded | None, now: Event | None, found: tuple[FieldDifference, ...]) -> None:
        """This is where the replay differs from the record first."""
        self.parted = (recorded, now, found)
        self.over.set()

    def fail(self, error: TurnlogError) -> None:
        """The record cannot be replayed."""
        self.failure = error
        self.over.set()

    def _put_in(self, records: Sequence[Recorded]) -> None:
        """Let go by what the engine does not write again."""
        self._show(records)
        self.unchecked += [record.event for record in records if is_unchecked(record.event)]

    def _show(self, records: Sequence[Recorded]) -> None:
        for record in records:
            self.session = evolve(self.session, record.event)
            self.shown.append(record)
        self._appends += 1
        self._news.set()
        self._news = asyncio.Event()

    # What the engine writes

    def append(self, change: Change) -> Sequence[Recorded]:
        """Compare what is to be appended with what was. Raises VersionConflict, and StoreClosed where this is over."""
        if self.over.is_set():
            raise StoreClosed("the replay is over")
        if change.after != len(self.shown):
            raise VersionConflict(change.stream, change.after)
        same: list[Recorded] = []
        for event in change.events:
            place = len(self.shown) + len(same)
            recorded = self.record[place] if place < len(self.record) else None
            found = differences(recorded.event, event) if recorded is not None else ()
            if recorded is None or found:
                self._reproduced(same)
                raise self._otherwise(recorded, event, found)
            same.append(recorded._replace(event=as_recorded(recorded.event, event)))
        self._reproduced(same)
        return same

    def _reproduced(self, records: Sequence[Recorded]) -> None:
        if records:
            self._show(records)
            self.reproduced += len(records)

    def _otherwise(
        self, recorded: Recorded | None, event: Event, found: tuple[FieldDifference, ...]
    ) -> VersionConflict | StoreClosed:
        if recorded is not None and is_given(recorded.event):
            self._put_in([recorded])
            self.release()
            return VersionConflict(self.stream, recorded.version - 1)
        if recorded is None:
            self.over.set()
        else:
            self.part(recorded, event, found)
        return StoreClosed("the replay is over")

    @property
    def appends(self) -> int:
        """How often the record went on."""
        return self._appends

    async def wait(self, appends: int, seconds: float) -> None:
        """Return once the record went on more often than this, or after so many seconds."""
        if self._appends > appends:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
