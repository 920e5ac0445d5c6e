"""A worker's hold on a session: what it has decided, what it has appended, and whether it still may.

Other people's commands (an approval, a new title) move the stream on under a running turn. Then the worker's decisions
are taken again on the new state; each names the worker's epoch, so a worker that has lost the session is refused and
stops. That keeps rule 9 of the design without making an approval look like a takeover.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from turnlog.domain import (
    Actor,
    Body,
    Call,
    Change,
    Decision,
    Delegation,
    Draft,
    Model,
    NotFound,
    Recorded,
    Session,
    SessionLost,
    Stamp,
    StoreError,
    Tool,
    TurnlogError,
    VersionConflict,
    deadline,
    fold,
)
from turnlog.projections import TRANSCRIPT, ToolUsed, Transcript, project

from .delegation.tree import Tree
from .efforts import end_all, first_over
from .environment import Environment
from .histories import history
from .hooks import Gate, Hook, Observer
from .observing import Audience
from .rerun.recorded_results import RecordedResults, results_for

T = TypeVar("T")


class OutOfTime(Exception):
    """The turn's deadline passed during an effect, which was stopped."""


class SubagentPaused(Exception):
    """A subagent was put aside, and so is the call that waits for it."""


class SubagentLost(Exception):
    """A subagent is not run here any more, and so is not the session that it works for: `error` says why.

    The database failed it, or whoever runs the session is to leave it to others.
    """

    def __init__(self, error: TurnlogError) -> None:
        super().__init__(error.message)
        self.error = error


class Worker:
    """Runs one turn of one session. `name` is unique to this run; `epoch` is that of its lease."""

    def __init__(
        self, env: Environment, session_id: str, model: Model, tools: Mapping[str, Tool], hooks: Sequence[Hook] = ()
    ) -> None:
        self.env = env
        self.model = model
        self.tools = tools
        self.hooks = tuple(hooks)
        self.gates = [hook for hook in hooks if isinstance(hook, Gate)]
        self.audience = Audience(env, session_id, [hook for hook in hooks if isinstance(hook, Observer)])
        self.name = f"{env.worker}/{env.ids.new('run')}"
        self.draft = Draft(Session(session_id))
        self.transcript: Transcript = TRANSCRIPT.initial()
        self.tree = Tree(env, session_id)
        self.delegates: Callable[[Call], Delegation] | None = None
        self.recorded: RecordedResults | None = None
        self._inherited = 0
        self.told_of_skew = False
        self._refreshed = asyncio.Event()
        self._reading = asyncio.Lock()

    @property
    def folded(self) -> int:
        """How many events led to the session: its own, and its parents' up to the fork."""
        return self._inherited + self.session.version

    @property
    def session(self) -> Session:
        """The session as it will be once the draft is appended."""
        return self.draft.session

    @property
    def epoch(self) -> int:
        """The epoch of this worker's lease; 0 before it has one."""
        lease = self.session.lease
        return lease.epoch if lease is not None and lease.worker == self.name else 0

    def stamp(self) -> Stamp:
        """Now, by this worker."""
        return self.env.stamp(Actor(kind="worker", id=self.name))

    async def open(self) -> None:
        """Read the session. Raises NotFound, StoreError."""
        records = await history(self.env.log, self.session.id)
        self.draft = Draft(fold(Session(self.session.id), records))
        self.transcript = project(TRANSCRIPT, records)
        self._inherited = len(records) - records[-1].version
        self.recorded = await results_for(self.env.log, self.session, records)

    def decide(self, decision: Decision) -> None:
        """Take a decision; the transcript shows at once what it will lead to. Raises what the decision raises."""
        known = len(self.draft.events)
        self.draft.decide(decision)
        self._show(known)

    def arguments(self, call_id: str) -> Body:
        """The arguments of a call: the model's, or what a hook made of them."""
        for item in reversed(self.transcript.items):
            if isinstance(item, ToolUsed) and item.call_id == call_id:
                return item.arguments
        raise NotFound(f"there is no call {call_id} in session {self.session.id}")

    async def flush(self) -> bool:
        """Append what was decided. False where others had written, so that the story has to be read again.

        Raises SessionLost where the session is no longer this worker's, StoreError.
        """
        undisturbed = not await self._look_up()
        while self.draft.events:
            change = Change(self.session.id, self.draft.base.version, self.draft.events)
            try:
                appended = await self.env.log.append(change)
            except VersionConflict:
                undisturbed = False
                await self.refresh()
            else:
                self._appended(appended)
        return undisturbed

    async def flush_with(self, beside: Sequence[Change]) -> None:
        """Append what was decided together with changes of other streams; where any of them was overtaken, forget it.

        Raises SessionLost, StoreError.
        """
        if await self._look_up():
            await self.discard()
            return
        change = Change(self.session.id, self.draft.base.version, self.draft.events)
        try:
            appended = await self.env.log.append(change, *beside)
        except VersionConflict:
            await self.discard()
        else:
            self._appended([record for record in appended if record.stream == self.session.id])

    def _appended(self, records: Sequence[Recorded]) -> None:
        self.draft.appended([record.event for record in records])
        self.audience.tell(records)

    async def refresh(self) -> bool:
        """Take in what is in the log and not known here; false where there was nothing from others.

        An append whose caller was cancelled may have been made: then its events are there, and are not decided again.
        Raises SessionLost, StoreError, and what a decision raises that is refused because the session was lost.
        """
        async with self._reading:  # an approver's answer is read beside what every effect reads all along
            return await self._take_in()

    async def _take_in(self) -> bool:
        log, known = self.env.log, self.draft.base.version
        if not await log.read(self.session.id, after=known, until=known + 1):
            return False
        everything = await history(log, self.session.id)
        records = [record for record in everything if record.stream == self.session.id and record.version > known]
        mine = self.draft.events
        if mine and tuple(record.event for record in records[: len(mine)]) == mine:
            self.draft.appended()
            self.audience.tell(records[: len(mine)])
            records = records[len(mine) :]
        refused = self.draft.rebase(fold(self.draft.base, records))
        self.transcript = project(TRANSCRIPT, everything)
        self._show(0)
        self._refreshed.set()
        self._refreshed = asyncio.Event()
        if refused is not None and self.lost:
            raise refused
        return bool(records)

    async def discard(self) -> None:
        """Forget what was decided and not appended. Raises StoreError."""
        await self.open()

    def _show(self, known: int) -> None:
        """Fold the drafted events from this one on into the transcript, in the places they will have."""
        for place, event in enumerate(self.draft.events[known:], start=self.draft.base.version + known + 1):
            self.transcript = TRANSCRIPT.fold(self.transcript, Recorded(self.session.id, place, event))

    @property
    def lost(self) -> bool:
        """Whether the session is no longer this worker's, or what it does in it no longer under way."""
        turn, compaction = self.session.turn, self.session.context.under_way
        between_turns = compaction is not None and compaction.turn_id is None
        return self.epoch == 0 or not (between_turns or (turn is not None and turn.state == "open"))

    async def during(self, effect: Coroutine[None, None, T]) -> T:
        """Run an effect; stop it at once where the session is lost meanwhile, or the time is up.

        Raises SessionLost, OutOfTime, StoreError, what it raises.
        """
        try:
            await self._look_up()
            if self.lost:
                raise self._loss()
        except BaseException:
            effect.close()
            raise
        task = asyncio.ensure_future(effect)
        lost, late = asyncio.create_task(self._until_lost()), asyncio.create_task(self._until_late())
        try:
            await asyncio.wait({task, lost, late}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if lost.done():
                raise self._loss()
            raise OutOfTime
        finally:
            await end_all((task, lost, late), self.env.settings.grace_seconds)

    async def _look_up(self) -> bool:
        """Where this worker was silent for so long that another may have the session: read it. True where it moved on.

        Telling that we are there comes first: whoever asks after that leaves us the session, whoever came before it is
        in what we read. Raises SessionLost, StoreError.
        """
        pulse, moved = self.env.pulse, False
        while pulse.is_silent(self.name):
            await pulse.beat()
            with pulse.reading(self.name):
                moved = await self.refresh() or moved
        return moved

    def _loss(self) -> SessionLost:
        return SessionLost(f"session {self.session.id} was cancelled or taken over; this worker stops")

    async def until(self, fact: Callable[[], bool]) -> None:
        """Return once something holds, of the session or the clock; an effect, for `during` keeps the session fresh."""
        while not fact():
            with suppress(TimeoutError):
                async with asyncio.timeout(self.env.settings.poll_seconds):
                    await self._refreshed.wait()

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until somebody asks the turn to stop. Raises SessionLost, OutOfTime."""
        await self.during(first_over(self.env.clock.sleep(seconds), self.until(self._is_stopping)))

    def _is_stopping(self) -> bool:
        return self.session.turn is not None and self.session.turn.stopping

    async def _until_late(self) -> None:
        """Return once the deadline is past; never where there is none."""
        end = deadline(self.session, self.tree.accounts)
        if end is None:
            await asyncio.get_running_loop().create_future()
        else:
            await self.env.until(end)

    async def _until_lost(self) -> None:
        """Return once the turn was ended, or the session taken, by somebody else."""
        while not self.lost:
            appends = self.env.log.appends
            try:
                await self.refresh()
            except StoreError:
                pass  # a database that is away for a moment is no reason to stop a tool
            except SessionLost:
                return
            if not self.lost:
                await self.env.news(appends)
