"""Running one background task: announced before it begins, looked after while it runs, recorded when it is over.

It lives in a task of the event loop of its own, so that neither the end of the call nor that of the turn touches it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from turnlog.domain import Exit, RunningProgram, Stream, StreamSoFar, TaskEnd, TaskToStart, clean, commands

from ..efforts import look_away
from ..environment import RUNNING, Environment
from .records import Place, TaskRecord

Launch = Callable[[], Awaitable[RunningProgram]]

_LOGGER = logging.getLogger(__name__)


async def start_task(env: Environment, place: Place, wanted: TaskToStart, launch: Launch) -> str:
    """Announce a task and have its program started; the task's id. What is begun goes on if the caller is cancelled.

    Raises NotFound, SessionLost, CommandRefused, StoreError, and what `launch` raises.
    """
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    started.add_done_callback(look_away)  # its caller may have gone
    env.background.keep(asyncio.ensure_future(_live(env, place, wanted, launch, started)))
    return await asyncio.shield(started)


async def _live(
    env: Environment, place: Place, wanted: TaskToStart, launch: Launch, started: asyncio.Future[str]
) -> None:
    worker = f"{env.worker}/{env.ids.new('run')}"
    record = TaskRecord(env, place.session_id, worker)
    task = _Task(record, env.settings.poll_seconds)
    RUNNING.add(worker)
    try:
        with env.background.room():
            await env.pulse.begin(worker)  # before the log names it
            await record.announce(place, wanted)
            with env.background.listed(place.session_id, record.task_id, task):
                await task.run(launch, wanted.seconds, started)
    except Exception as error:
        if started.done():
            _LOGGER.exception("background task %s of %s could not be recorded", record.task_id, place.session_id)
        else:
            started.set_exception(error)
    finally:
        started.cancel()
        env.pulse.end(worker, holds=False)
        RUNNING.discard(worker)  # from here on a task whose end could not be recorded counts as lost
        task.ended.set()


@dataclass(frozen=True, slots=True)
class _Over:
    status: TaskEnd
    exit: Exit
    reason: str = ""


class _Task:
    """A task of this process, as others in it see it, and its life."""

    def __init__(self, record: TaskRecord, poll_seconds: float) -> None:
        self.ended = asyncio.Event()
        self._record = record
        self._poll_seconds = poll_seconds
        self._news = asyncio.Event()
        self._reason: str | None = None
        self._program: RunningProgram | None = None

    def so_far(self, stream: Stream) -> StreamSoFar:
        """What it has written, as it may be shown."""
        return StreamSoFar("", 0) if self._program is None else self._record.so_far(self._program, stream)

    def stop(self, reason: str) -> None:
        """Have it ended. Returns at once."""
        self._reason = reason if self._reason is None else self._reason
        self._news.set()

    async def over(self) -> None:
        """Return once its end is in the log, or could not be told."""
        await self.ended.wait()

    async def run(self, launch: Launch, seconds: float, started: asyncio.Future[str]) -> None:
        """Start the program, see it through, record its end. Raises StoreError; what `launch` raises."""
        began = time.monotonic()
        try:
            program = await launch()
        except Exception as error:
            reason = clean(f"{type(error).__name__}: {error}")
            await self._record.conclude(commands.background.Ending("failed", reason=reason))
            raise
        self._program = program
        if not started.done():
            started.set_result(self._record.task_id)
        try:
            over = await self._until_over(program, began + seconds)
        finally:
            await program.stop()  # where the loop itself ends, nothing is left behind either
        ending = commands.background.Ending(
            over.status,
            over.exit.exit_status,
            over.exit.signal,
            clean("; ".join(filter(None, (over.reason, over.exit.note)))),
            round((time.monotonic() - began) * 1000),
            await self._record.output(program),
        )
        await self._record.conclude(ending)

    async def _until_over(self, program: RunningProgram, end: float) -> _Over:
        exited = asyncio.ensure_future(program.wait())
        exited.add_done_callback(lambda exited: self._news.set())
        try:
            while True:
                left = end - time.monotonic()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(self._poll_seconds, left)):
                        await self._news.wait()
                if exited.done():
                    return _Over("exited", exited.result())
                if (reason := await self._told_to_stop()) is not None:
                    return await _stopped(program, "stopped", reason)
                if left <= 0:
                    return await _stopped(program, "timed_out", "")
                await self._record.checkpoint(program)
        finally:
            exited.cancel()

    async def _told_to_stop(self) -> str | None:
        return await self._record.told_to_stop() if self._reason is None else self._reason


async def _stopped(program: RunningProgram, how: TaskEnd, reason: str) -> _Over:
    await program.stop()
    return _Over(how, await program.wait(), reason)
