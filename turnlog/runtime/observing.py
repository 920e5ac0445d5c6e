"""Telling observers what a worker appends: each in order and at its own pace, so that none keeps a turn waiting."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress

from turnlog.domain import Actor, Recorded, TurnlogError, commands

from .environment import Environment, Settings
from .hooks import HookFailed, Observer, answer_of
from .writing import command


class Audience:
    """The observers of one run of a turn."""

    def __init__(self, env: Environment, session_id: str, observers: Iterable[Observer]) -> None:
        self._env = env
        self._session_id = session_id
        self._listeners = [_Listener(observer, env.settings) for observer in observers]

    def tell(self, records: Sequence[Recorded]) -> None:
        """Tell everyone of events that are in the log."""
        for listener in self._listeners:
            listener.tell(records)

    async def dismiss(self) -> None:
        """Let everyone hear the rest, for as long as a hook may take, and record a notice of each that failed.

        The notices are appended beside the run, so that nobody is told of them who might fail again.
        """
        settings = self._env.settings
        tasks = [listener.task for listener in self._listeners if listener.task is not None]
        if not tasks:
            return
        try:
            await asyncio.wait(tasks, timeout=settings.hook_seconds)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.wait(tasks)
        for listener in self._listeners:
            if problem := listener.problem:
                await self._record(problem)

    async def _record(self, problem: str) -> None:
        by = self._env.stamp(Actor(kind="worker", id=self._env.worker))
        with suppress(TurnlogError):  # where it cannot be written down, the turn has its end all the same
            await command(self._env, self._session_id, lambda session: commands.sessions.notice(session, by, problem))


class _Listener:
    """One observer, what it has yet to hear, and the task that tells it while there is anything."""

    def __init__(self, observer: Observer, settings: Settings) -> None:
        self._observer = observer
        self._settings = settings
        self._unheard: deque[Recorded] = deque()
        self._failure: str | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def problem(self) -> str | None:
        """What people should know: the first thing that went wrong."""
        if self._failure is None and self._unheard:
            return f"the hook {self._observer.name} was too slow to be told of the last {len(self._unheard)} events"
        return self._failure

    def tell(self, records: Sequence[Recorded]) -> None:
        self._unheard.extend(records)
        if self._unheard and (self.task is None or self.task.done()):
            self.task = asyncio.create_task(self._hear())

    async def _hear(self) -> None:
        while self._unheard:
            await self._observe(self._unheard[0])
            self._unheard.popleft()

    async def _observe(self, recorded: Recorded) -> None:
        settings, observer = self._settings, self._observer
        try:
            await answer_of(lambda: observer.observe(recorded), settings.hook_seconds, settings.grace_seconds)
        except HookFailed as failed:
            if self._failure is None:
                what = f"{type(recorded.event).__name__} at version {recorded.version}"
                self._failure = f"the hook {observer.name} {failed} when it was told of {what}; the turn went on"
