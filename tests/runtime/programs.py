"""Programs for background tasks that a test holds in its hands, and tools that start and look after them."""

import asyncio
from collections.abc import Callable, Sequence

from turnlog.domain import (
    BackgroundTaskFinished,
    BackgroundTasks,
    Exit,
    Policy,
    Stream,
    StreamSoFar,
    TaskToStart,
    Tool,
    ToolContext,
)
from turnlog.runtime import SessionHandle, Settings

from .world import ModelOf, ScriptedModel, ScriptedReply, World, asks, tool, until

ALLOWED = Policy(otherwise="allow")


class Play:
    """A program that writes what a test writes, and ends when a test or turnlog ends it."""

    def __init__(self) -> None:
        self.texts: dict[Stream, str] = {"stdout": "", "stderr": ""}
        self.stopped = False
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

    def write(self, text: str, stream: Stream = "stdout") -> None:
        self.texts[stream] += text

    def end(self, status: int = 0) -> None:
        if not self._exit.done():
            self._exit.set_result(Exit(status))

    @property
    def written(self) -> int:
        return sum(len(text.encode()) for text in self.texts.values())

    def so_far(self, stream: Stream) -> StreamSoFar:
        return StreamSoFar(self.texts[stream], len(self.texts[stream].encode()))

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    async def stop(self) -> None:
        self.stopped = True
        if not self._exit.done():
            self._exit.set_result(Exit(signal=15))


class Stage:
    """Starts plays as background tasks, and keeps them for the test."""

    def __init__(self, seconds: float = 60, before: Callable[[], object] = lambda: None) -> None:
        self.plays: list[Play] = []
        self._seconds = seconds
        self._before = before

    @property
    def tools(self) -> Sequence[Tool]:
        return (self._begin(), *LOOKING_AFTER)

    async def _launch(self) -> Play:
        found = self._before()
        if asyncio.iscoroutine(found):
            await found
        self.plays.append(Play())
        return self.plays[-1]

    def _begin(self) -> Tool:
        @tool
        async def begin(context: ToolContext) -> str:
            """Begin a task."""
            return await context.of(BackgroundTasks).start(TaskToStart("begin", "play", self._seconds), self._launch)

        return begin


@tool(effect="pure")
async def wait(task_id: str, seconds: float, context: ToolContext) -> str:
    """Wait for a task."""
    return (await context.of(BackgroundTasks).wait(task_id, seconds)).state


@tool(effect="idempotent")
async def stop(task_id: str, context: ToolContext) -> str:
    """Stop a task."""
    return (await context.of(BackgroundTasks).stop(task_id)).state


@tool(effect="pure")
async def read(task_id: str, context: ToolContext) -> str:
    """Read what a task wrote."""
    return (await context.of(BackgroundTasks).output(task_id, "stdout")).text


LOOKING_AFTER: Sequence[Tool] = (wait, stop, read)


def begins(*more: ScriptedReply | str) -> list[ScriptedReply | str]:
    """A script whose first round begins a task, and whose first turn ends with the reply after that."""
    return [asks("begin"), *(more or ("Begun.",))]


def later(*replies: ScriptedReply | str) -> list[ScriptedReply | str]:
    """The script of such a session as another process goes on with it."""
    return [*begins(), *replies]


EAGER = Settings(poll_seconds=0.01, checkpoint_seconds=0.0)


async def on_stage(world: World, stage: Stage, script: object = None, policy: Policy = ALLOWED) -> SessionHandle:
    """A session that has begun a task and ended its turn."""
    model = script if isinstance(script, ScriptedModel | ModelOf) else ScriptedModel(begins())
    session = await world.session(model, *stage.tools, policy=policy)
    await session.append_turn("Begin.")
    return session


def ended(world: World, session_id: str) -> Callable[[], object]:
    """Whether the log has the end of a task."""

    async def is_there() -> bool:
        return bool(await world.all_of(session_id, BackgroundTaskFinished))

    return is_there


async def end_of(world: World, session_id: str) -> BackgroundTaskFinished:
    await until(ended(world, session_id))
    (found,) = await world.all_of(session_id, BackgroundTaskFinished)
    return found
