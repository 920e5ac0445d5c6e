"""What the log is told of one background task, by whoever runs it."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from turnlog.domain import (
    Actor,
    BackgroundTaskEvent,
    BackgroundTaskLost,
    BackgroundTaskStopRequested,
    CommandRefused,
    Decision,
    NotFound,
    Redaction,
    RunningProgram,
    SessionClosed,
    Stamp,
    StoreClosed,
    StoreError,
    Stream,
    StreamKept,
    StreamSoFar,
    TaskOutput,
    TaskToStart,
    VersionConflict,
    clean,
    commands,
)

from ..environment import Environment
from ..writing import command

T = TypeVar("T")

_MANY_BYTES: Final = 1024 * 1024
"""Output that is kept sooner than the settings say, though not more than six times as often."""


@dataclass(frozen=True, slots=True)
class Place:
    """The call that starts a task, and how many tasks its session may run."""

    session_id: str
    call_id: str
    epoch: int
    most: int


class TaskRecord:
    """A task as the log has it. `worker` is who runs it."""

    def __init__(self, env: Environment, session_id: str, worker: str) -> None:
        self.session_id = session_id
        self.task_id = ""
        self._env = env
        self._worker = worker
        self._seen = 0
        self._kept_at = time.monotonic()
        self._kept_bytes = 0
        self._running = True

    async def announce(self, place: Place, wanted: TaskToStart) -> None:
        """Record that the task begins. Raises NotFound, SessionLost, CommandRefused, StoreError."""
        by = self._stamp()
        beginning = commands.background.Beginning(
            call_id=place.call_id,
            tool=wanted.tool,
            command=await self._env.bodies.keep(wanted.command),
            worker=self._worker,
            seconds=wanted.seconds,
            most=place.most,
            sandbox=wanted.sandbox,
        )
        (record,) = await command(
            self._env, self.session_id, lambda session: commands.background.start(session, by, place.epoch, beginning)
        )
        self._seen = record.version
        if isinstance(record.event, BackgroundTaskEvent):
            self.task_id = record.event.task_id

    async def told_to_stop(self) -> str | None:
        """Why the task is to stop, where somebody said so through the log. Where the log is away nobody did."""
        try:
            records = await self._env.log.read(self.session_id, after=self._seen)
        except StoreError:  # a database that is away for a moment is no reason to stop anything
            return None
        for record in records:
            self._seen = record.version
            match record.event:
                case BackgroundTaskStopRequested() as event if event.task_id == self.task_id:
                    return event.reason
                case BackgroundTaskLost() as event if event.task_id == self.task_id:
                    return "nobody heard of its worker for too long, and it was recorded as lost"
                case SessionClosed():
                    return "the session was closed"
                case _:
                    pass
        return None

    async def checkpoint(self, program: RunningProgram) -> None:
        """Keep what the program wrote, now and then, in case this process dies."""
        size = program.written
        grown, since = size - self._kept_bytes, time.monotonic() - self._kept_at
        every = self._env.settings.checkpoint_seconds
        if not grown or since < (every if grown < _MANY_BYTES else every / 6):
            return
        try:
            output = await self._kept(program)
            await self._append(lambda by: lambda s: commands.background.keep_output(s, by, self.task_id, output))
        except (StoreError, VersionConflict):
            return  # the next one will do
        self._kept_at, self._kept_bytes = time.monotonic(), size

    async def output(self, program: RunningProgram) -> TaskOutput:
        """Keep what the program wrote, now that it has ended. Raises StoreError."""
        self._running = False
        return await self._patiently(lambda: self._kept(program))

    async def conclude(self, ending: commands.background.Ending) -> None:
        """Record that the task is over. Raises StoreError."""

        async def attempt() -> None:
            await self._append(lambda by: lambda s: commands.background.finish(s, by, self.task_id, ending))

        await self._patiently(attempt)

    def _stamp(self) -> Stamp:
        return self._env.stamp(Actor(kind="worker", id=self._worker))

    async def _kept(self, program: RunningProgram) -> TaskOutput:
        secrets = Counter[str]()
        return TaskOutput(
            stdout=await self._kept_stream(self.so_far(program, "stdout", secrets)),
            stderr=await self._kept_stream(self.so_far(program, "stderr", secrets)),
            redactions=tuple(Redaction(secret=name, count=count) for name, count in sorted(secrets.items())) or None,
        )

    def so_far(self, program: RunningProgram, stream: Stream, secrets: Counter[str] | None = None) -> StreamSoFar:
        """What the program wrote, without secrets. What may be the beginning of one is held back while it runs."""
        found, redactor = program.so_far(stream), self._env.redactor
        whole = len(found.text) - (redactor.begun(found.text) if self._running else 0)
        return replace(found, text=clean(redactor.text(found.text[:whole], secrets)))

    async def _kept_stream(self, stream: StreamSoFar) -> StreamKept:
        return StreamKept(text=await self._env.bodies.keep(stream.text), size=stream.size, cut=stream.cut)

    async def _append(self, decision: Callable[[Stamp], Decision]) -> None:
        """Append what is decided, but where the task is over for others. Raises StoreError, VersionConflict."""
        try:
            await command(self._env, self.session_id, decision(self._stamp()))
        except (CommandRefused, NotFound):
            return

    async def _patiently(self, effort: Callable[[], Awaitable[T]]) -> T:
        """Try as long as the settings bear with a database that is away. Raises StoreError, VersionConflict."""
        settings = self._env.settings
        end = time.monotonic() + settings.away_seconds
        while True:
            try:
                return await effort()
            except (StoreError, VersionConflict) as error:
                if isinstance(error, StoreClosed) or time.monotonic() >= end:
                    raise
            await asyncio.sleep(settings.poll_seconds)
