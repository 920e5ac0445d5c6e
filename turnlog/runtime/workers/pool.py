"""A pool of workers in one process: it finds runnable sessions, runs some of them at a time, and goes on.

Which session runs where is decided by the log alone: a worker takes the lease, and of two that try one is refused. So
any number of pools on any number of machines share the work; hints and sweeps only say when to look.
"""

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any

from turnlog.domain import (
    Conflict,
    NothingToResume,
    StoreError,
    TurnlogError,
    clean,
)
from turnlog.projections import Standing, Unfinished

from ..environment import Environment
from ..turns.ending import GivenBack
from ..turns.engine import Oversight
from ..turns.replies import Reply
from ..worker import Worker
from .claiming import PoolMeans, prepared, run_session
from .runnable import RunnableSessions
from .work_reports import TellWork, WorkEvent, WorkReport, silent


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How a pool works.

    So many sessions run at a time. The log is swept for runnable sessions every `sweep_seconds`, and at every append
    where nobody tells which sessions those are; the pool looks no more often than every `breath_seconds`. A session
    that failed is tried again after `retry_seconds`, then twice as long, up to `retry_ceiling`. With `until_idle` the
    pool ends once nothing is left to run.
    """

    concurrency: int = 10
    sweep_seconds: float = 5.0
    breath_seconds: float = 0.05
    retry_seconds: float = 1.0
    retry_ceiling: float = 300.0
    until_idle: bool = False


@dataclass(slots=True)
class _Pause:
    """How often a session failed here, and until when (on the loop's clock) it is left alone."""

    failures: int
    until: float


class Pool:
    """The workers of one process. `run` runs them until it is cancelled, or idle."""

    def __init__(
        self,
        env: Environment,
        sessions: RunnableSessions,
        means: PoolMeans,
        settings: PoolSettings,
        tell: TellWork = silent,
    ) -> None:
        self._env = env
        self._sessions = sessions
        self._means = means
        self._settings = settings
        self._tell = tell
        self._running: set[str] = set()
        self._pauses: dict[str, _Pause] = {}
        self._told_again = False
        self._swept_at = -inf
        self._stirred = asyncio.Event()
        self._draining = False
        self._idle = False
        self._broken: Exception | None = None
        self._unreadable: StoreError | None = None

    async def run(self) -> None:
        """Run sessions for ever, or until nothing is left.

        Cancelled once, it takes up nothing more, lets each session end the step it is at, and gives it back. Cancelled
        again, it breaks the steps off; what is known of them is recorded. Raises what telling raised, StoreError.
        """
        work = asyncio.create_task(self._work(), name="turnlog-pool")
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self._draining = True
            self._say(self._of("draining"))
            self._stirred.set()
            try:
                await asyncio.shield(work)
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
            raise

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            while not self._draining:
                appends = self._env.log.appends
                self._stirred.clear()
                at_rest = not self._running  # whoever ends during the look may leave what it has not seen
                failure = await self._look(group)
                if at_rest and not self._running and failure is None and not self._idle:
                    self._idle = True
                    self._say(self._of("idle"))
                if self._idle and self._settings.until_idle:
                    return
                await self._news(appends)
        for error in (self._broken, self._unreadable):
            if error is not None:
                raise error

    async def _look(self, group: asyncio.TaskGroup) -> StoreError | None:
        """Begin to run what is runnable, as far as there is room; what kept it from looking."""
        if self._room < 1:
            return None
        try:
            found = await self._found()
        except StoreError as error:
            if self._settings.until_idle:  # the sessions under way end their steps first
                self._unreadable, self._draining = error, True
                return error
            self._swept_at = _seconds()
            report = replace(self._of("failed"), code=error.code, message=error.message)
            self._say(replace(report, retry_seconds=self._settings.sweep_seconds))
            return error
        ready = [each for each in found if self._may_run(each.session.id)]
        if ready:
            self._idle = False
            self._say(replace(self._of("swept"), found=len(ready)))
        for each in ready:
            if self._room and each.session.id not in self._running:  # it may have been told of twice
                self._running.add(each.session.id)
                group.create_task(self._run(each))
        return None

    async def _found(self) -> list[Unfinished]:
        """What somebody told of; from time to time, and where nobody tells, all that is runnable. Raises StoreError."""
        looked_at = _seconds()
        told = None if self._settings.until_idle else await self._sessions.told(self._room)
        if told is not None and _seconds() < self._next_sweep:
            self._told_again |= any(each.session.id in self._running for each in told)
            return told
        at_rest = self._pauses.keys() - self._running
        found = await self._sessions.now()
        self._swept_at = looked_at
        for session_id in at_rest - {each.session.id for each in found}:  # somebody ran it, or it ended
            self._pauses.pop(session_id, None)
        return found

    @property
    def _next_sweep(self) -> float:
        """When all sessions are to be looked at again, whatever was told."""
        pauses = [pause.until for session_id, pause in self._pauses.items() if session_id not in self._running]
        return min([self._swept_at + self._settings.sweep_seconds, *pauses])

    @property
    def _room(self) -> int:
        """How many more sessions may run."""
        return 0 if self._draining else self._settings.concurrency - len(self._running)

    def _may_run(self, session_id: str) -> bool:
        pause = self._pauses.get(session_id)
        return session_id not in self._running and (pause is None or pause.until <= _seconds())

    async def _news(self, appends: int) -> None:
        """Return when there may be something to do: an append, a free place, a word from outside, or after a while."""
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._stirred.wait())]
        if self._room:
            waits.append(asyncio.ensure_future(self._env.log.wait(appends, self._settings.sweep_seconds)))
        try:
            await asyncio.wait(waits, timeout=self._patience(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if not self._draining:
            await asyncio.sleep(self._settings.breath_seconds)

    def _patience(self) -> float:
        """Seconds until the next sweep, sooner where a session is to be tried again."""
        seconds = self._next_sweep - _seconds() if self._room else inf
        return max(0.0, min(self._settings.sweep_seconds, seconds))

    async def _run(self, found: Unfinished) -> None:
        session_id = found.session.id
        try:
            await self._run_told(found)
        finally:
            self._running.discard(session_id)
            if self._told_again:  # of one that was still running, and this may be it
                self._told_again, self._swept_at = False, -inf
            self._stirred.set()

    async def _run_told(self, found: Unfinished) -> None:
        """Run a session and tell what came of it. One that fails keeps nobody from anything."""
        about = _About(found.session.id)
        try:
            about.worker = await prepared(self._env, about.session_id, self._means)
            taken = partial(self._claimed, about, found.standing)
            reply = await run_session(about.worker, self._means, Oversight(taken, lambda: self._draining))
        except GivenBack:
            self._say(self._of("released", about))
        except asyncio.CancelledError:
            if about.claimed:
                self._say(self._of("released", about))
            raise
        except (Conflict, NothingToResume) as error:
            self._beaten(error, about)
        except Exception as error:  # noqa: BLE001 - whatever one session does, the others go on
            self._failed(error, about)
        else:
            self._ended(reply, about)

    def _say(self, report: WorkReport) -> None:
        """Tell of something. Where that cannot be told, the pool ends, and no turn suffers for it."""
        if self._broken is None:
            try:
                self._tell(report)
            except Exception as error:  # noqa: BLE001 - it is raised where the pool ends
                self._broken = error
                self._draining = True
                self._stirred.set()

    def _claimed(self, about: "_About", standing: Standing) -> None:
        about.claimed = True
        self._say(replace(self._of("claimed", about), standing=standing))

    def _ended(self, reply: Reply | None, about: "_About") -> None:
        if reply is None:
            self._pause(about.session_id)
            return
        self._pauses.pop(about.session_id, None)
        if reply.outcome == "suspended":
            report = self._of("suspended", about)
            self._say(replace(report, reason=reply.reason, waiting_for=reply.waiting_for))
        else:
            self._say(replace(self._of("finished", about), outcome=reply.outcome))

    def _beaten(self, error: TurnlogError, about: "_About") -> None:
        """Somebody else has the session, or ended its turn. Where that came before we had it, it is no news."""
        seconds = self._pause(about.session_id)
        if about.claimed:
            report = replace(self._of("failed", about), code=error.code, message=error.message)
            self._say(replace(report, retry_seconds=seconds))

    def _failed(self, error: Exception, about: "_About") -> None:
        """A turn that has ended is not tried again; anything else is, later."""
        code = error.code if isinstance(error, TurnlogError) else "unexpected"
        message = error.message if isinstance(error, TurnlogError) else clean(f"{type(error).__name__}: {error}")
        turn = None if about.worker is None else about.worker.session.turn
        is_over = turn is not None and turn.state not in ("open", "suspended")
        report = replace(self._of("failed", about), code=code, message=message)
        self._say(report if is_over else replace(report, retry_seconds=self._pause(about.session_id)))

    def _pause(self, session_id: str) -> float:
        """Leave a session alone for a while; for how long."""
        failures = (self._pauses[session_id].failures if session_id in self._pauses else 0) + 1
        seconds = min(self._settings.retry_seconds * 2.0 ** min(failures - 1, 30), self._settings.retry_ceiling)
        self._pauses[session_id] = _Pause(failures, _seconds() + seconds)
        return seconds

    def _of(self, event: WorkEvent, about: "_About | None" = None) -> WorkReport:
        report = WorkReport(event, self._env.clock.now(), self._env.worker)
        if about is None:
            return report
        turn = None if about.worker is None else about.worker.session.turn
        return replace(report, session=about.session_id, turn=None if turn is None else turn.turn_id)


@dataclass(slots=True)
class _About:
    """A session that is being run here, and by which worker; `claimed` once it is that worker's."""

    session_id: str
    worker: Worker | None = None
    claimed: bool = False


def _seconds() -> float:
    return asyncio.get_running_loop().time()
