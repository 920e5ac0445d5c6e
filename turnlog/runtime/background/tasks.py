"""The background tasks of a session: those that run here, those that run elsewhere, and what became of the others."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

from turnlog.domain import (
    Actor,
    BackgroundTask,
    BackgroundTasks,
    CommandRefused,
    NotFound,
    Session,
    Stream,
    StreamSoFar,
    TaskToStart,
    commands,
)
from turnlog.projections import BACKGROUND, project

from ..environment import Environment
from ..histories import history, load
from ..workers.silences import gone_among
from ..writing import command
from .records import Place
from .running import Launch, start_task


def background_tasks(env: Environment, place: Place) -> BackgroundTasks:
    """What a call may do with the tasks of its session."""
    tasks = _Tasks(env, place)
    return BackgroundTasks(tasks.start, tasks.all, tasks.wait, tasks.stop, tasks.output)


async def note_lost(env: Environment, session: Session) -> bool:
    """Record as lost the tasks whose workers are gone; false where there were none. Raises StoreError."""
    gone = frozenset(await gone_among(env, {task.worker for task in session.background.running}))
    if not gone:
        return False
    await _lose(env, session.id, gone, "the process that ran it ended, or was not heard of for too long")
    return True


async def _lose(env: Environment, session_id: str, gone: frozenset[str], reason: str) -> None:
    by = env.stamp(Actor(kind="system", id=env.worker))
    await command(env, session_id, lambda session: commands.background.lose(session, by, gone, reason))


@dataclass(frozen=True, slots=True)
class _Tasks:
    env: Environment
    place: Place

    async def start(self, wanted: TaskToStart, launch: Launch) -> str:
        return await start_task(self.env, self.place, wanted, launch)

    async def all(self) -> tuple[BackgroundTask, ...]:
        rows = project(BACKGROUND, await history(self.env.log, self.place.session_id)).rows
        return tuple(rows.values())

    async def wait(self, task_id: str, seconds: float) -> BackgroundTask:
        end = time.monotonic() + seconds
        while True:
            task = await self._task(task_id)
            left = end - time.monotonic()
            if task.state != "running" or left <= 0:
                return task
            await self._news(task_id, left)

    async def stop(self, task_id: str) -> BackgroundTask:
        by, reason = self.env.stamp(Actor(kind="worker", id=self.env.worker)), f"call {self.place.call_id}"
        session_id = self.place.session_id
        if (await self._task(task_id)).state == "running":
            with suppress(CommandRefused):  # it ended meanwhile
                await command(
                    self.env, session_id, lambda session: commands.background.request_stop(session, by, task_id, reason)
                )
            if (live := self.env.background.find(session_id, task_id)) is not None:
                live.stop(reason)
        task = await self.wait(task_id, self.env.settings.grace_seconds)
        if task.state == "running" and self.env.workers.alive(task.worker) is None:
            await _lose(
                self.env, session_id, frozenset({task.worker}), "its worker cannot be asked and did not stop it"
            )
        return await self._task(task_id)

    async def output(self, task_id: str, stream: Stream) -> StreamSoFar:
        live = self.env.background.find(self.place.session_id, task_id)
        if live is not None:
            return live.so_far(stream)
        task = await self._task(task_id)
        if task.output is None:
            return StreamSoFar("", 0)
        kept = task.output.stdout if stream == "stdout" else task.output.stderr
        return StreamSoFar(await self.env.bodies.text(kept.text), kept.size, kept.cut)

    async def _task(self, task_id: str) -> BackgroundTask:
        found = await self.all()
        for task in found:
            if task.task_id == task_id:
                return task
        there_are = ", ".join(task.task_id for task in found[-20:]) or "none"
        raise NotFound(f"there is no background task {task_id!a} in this session; there are: {there_are}")

    async def _news(self, task_id: str, seconds: float) -> None:
        """Return when the task may have ended, at the latest after so many seconds."""
        live = self.env.background.find(self.place.session_id, task_id)
        if live is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await live.over()
        elif not await note_lost(self.env, await load(self.env, self.place.session_id)):
            await asyncio.sleep(min(seconds, self.env.settings.poll_seconds))
