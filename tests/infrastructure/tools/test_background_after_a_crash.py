"""A process that dies with background tasks: they die with it, and whoever comes next is told."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from turnlog.domain import BackgroundTaskLost, BackgroundTaskOutput, Bounds, Event, Policy
from turnlog.front import Turnlog
from turnlog.infrastructure import models
from turnlog.runtime import SessionHandle

from .calling import linux_only, running, until

ALLOWED = Policy(otherwise="allow", bounds=Bounds(commands=True))
WORKER = """
    import asyncio
    import sys

    from turnlog.domain import Bounds, Policy
    from turnlog.front import Turnlog
    from turnlog.infrastructure import models
    from turnlog.runtime import Settings

    async def main(url, workspace, marker):
        policy = Policy(otherwise="allow", bounds=Bounds(commands=True))
        script = "echo so far; sh -c 'sleep 600; :' $1 & wait"
        call = models.ScriptedCall(name="background_run", arguments={"argv": ["sh", "-c", script, "sh", marker]})
        model = models.ScriptedModel([models.ScriptedReply(calls=(call,)), models.ScriptedReply(text="Begun.")])
        settings = Settings(poll_seconds=0.02, checkpoint_seconds=0.02)
        async with Turnlog.open(url, settings=settings) as log:
            tools = ["background_run", "background_output"]
            session = await log.create_session("Work", model=model, tools=tools, workspace=workspace, policy=policy)
            await session.append_turn("Go.")
            print(session.id, flush=True)
            await asyncio.sleep(600)

    asyncio.run(main(*sys.argv[1:]))
"""


class Worker:
    """A process with a session that has a background task."""

    def __init__(self, process: asyncio.subprocess.Process, session_id: str) -> None:
        self.process = process
        self.session_id = session_id

    async def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        os.kill(self.process.pid, number)
        await self.process.wait()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A file for the log."""
    return f"sqlite:///{tmp_path / 'log.db'}"


@pytest.fixture
async def worker(url: str, workspace: Path, marker: str) -> AsyncIterator[Worker]:
    """The process, once its task has begun."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(WORKER), url, str(workspace), marker, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    session_id = (await process.stdout.readline()).decode().strip()
    yield Worker(process, session_id)
    if process.returncode is None:
        process.kill()
        await process.wait()


async def events(log: Turnlog, session_id: str) -> list[Event]:
    return [record.event for record in (await log.show(session_id)).history]


async def until_kept(log: Turnlog, session_id: str) -> None:
    """Return once the log has what the task wrote."""
    async with asyncio.timeout(20):
        while not any(  # noqa: ASYNC110 -- the other process tells nobody
            isinstance(event, BackgroundTaskOutput) for event in await events(log, session_id)
        ):
            await asyncio.sleep(0.02)


async def goes_on(log: Turnlog, session_id: str) -> SessionHandle:
    """The session, in whose next turn the model reads what the lost task wrote."""
    reads = models.ScriptedCall(name="background_output", arguments={"task_id": "bg-1"})
    replies = [models.ScriptedReply(text="(before)")] * 2
    replies += [models.ScriptedReply(calls=(reads,)), models.ScriptedReply(text="I see.")]
    session = await log.open_session(session_id, model=models.ScriptedModel(replies))
    await session.append_turn("How is it going?")
    return session


@linux_only
async def test_nothing_of_a_task_outlives_a_worker_that_is_killed(worker: Worker, marker: str) -> None:
    await until(lambda: len(running(marker)) > 1)
    await worker.end(signal.SIGKILL)
    await until(lambda: not running(marker), seconds=2)


@linux_only
async def test_a_task_whose_worker_was_killed_is_recorded_as_lost(url: str, worker: Worker) -> None:
    async with Turnlog.open(url) as log:
        await until_kept(log, worker.session_id)
        await worker.end(signal.SIGKILL)
        await goes_on(log, worker.session_id)
        lost = [event for event in await events(log, worker.session_id) if isinstance(event, BackgroundTaskLost)]
    assert [event.task_id for event in lost] == ["bg-1"]


@linux_only
async def test_the_model_is_told_and_reads_what_there_is(url: str, worker: Worker) -> None:
    async with Turnlog.open(url) as log:
        await until_kept(log, worker.session_id)
        await worker.end(signal.SIGKILL)
        session = await goes_on(log, worker.session_id)
        said = str(await session.history())
    assert "lost: the process that ran it ended" in said
    assert "so far" in said


@linux_only
async def test_a_worker_that_is_interrupted_leaves_nothing_behind(worker: Worker, marker: str) -> None:
    await until(lambda: len(running(marker)) > 1)
    await worker.end(signal.SIGINT)
    assert running(marker) == []
