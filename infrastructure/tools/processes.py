"""Running a program in a process group of its own, with its output bounded and nothing left behind."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from .capture import KEPT_BYTES, Capture, Drain
from .orphans import undertaker
from .threads import in_thread

TERM_GRACE: Final = 2.0
"""Seconds a group has between SIGTERM and SIGKILL."""

OUTPUT_GRACE: Final = 0.5
"""Seconds that what a program started may go on writing after the program itself has ended."""

_POLL = 0.01
_REAP = 2.0


@dataclass(frozen=True, slots=True)
class Command:
    """A program (a path), its argv, the directory it works in, its whole environment, and its seconds.

    `inherited` are the descriptors it gets besides its output; `kept` is how many bytes of each stream are kept.
    """

    program: str
    argv: Sequence[str]
    directory: str
    environment: Mapping[str, str]
    timeout: float
    inherited: Sequence[int] = ()
    kept: int = KEPT_BYTES


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. `status` is negative for a signal and None if it cannot even be killed."""

    status: int | None
    seconds: float
    timed_out: bool
    stdout: Capture
    stderr: Capture


async def run_group(command: Command) -> Ended:
    """Run a command to its end or its timeout. Nothing of its group is left, however this returns. Raises OSError."""
    began = time.monotonic()
    group = await _Group.start(command)
    try:
        timed_out = not await _within(command.timeout, group.program_ended())
        if not timed_out:
            await _within(OUTPUT_GRACE, group.output_ended())
    finally:
        await group.stop()
    seconds = time.monotonic() - began
    return Ended(group.status, seconds, timed_out, group.stdout.capture, group.stderr.capture)


class _Group:
    """A program and everything it started that has not left its process group."""

    def __init__(self, process: asyncio.subprocess.Process, stdout: Drain, stderr: Drain) -> None:
        self._process = process
        self.stdout = stdout
        self.stderr = stderr

    @classmethod
    async def start(cls, command: Command) -> "_Group":
        await in_thread(undertaker.start)
        with ExitStack() as opened:
            stdout = Drain(command.kept)
            opened.callback(stdout.close)
            stderr = Drain(command.kept)
            opened.callback(stderr.close)
            spawning = asyncio.ensure_future(_spawn(command, stdout.writer, stderr.writer))
            try:
                process = await asyncio.shield(spawning)
            except BaseException:
                await _abandon(spawning)
                raise
            opened.pop_all()
        stdout.close_writer()
        stderr.close_writer()
        undertaker.watch(process.pid)
        return cls(process, stdout, stderr)

    @property
    def status(self) -> int | None:
        return self._process.returncode

    async def program_ended(self) -> None:
        await self._process.wait()

    async def output_ended(self) -> None:
        await self.stdout.ended.wait()
        await self.stderr.ended.wait()

    async def stop(self) -> None:
        """End what is left: SIGTERM, a grace, SIGKILL. Cancelled meanwhile, SIGKILL at once."""
        try:
            if _signal(self._process.pid, signal.SIGTERM):
                await _within(TERM_GRACE, _gone(self._process.pid))
        finally:
            killed = _signal(self._process.pid, signal.SIGKILL)
            undertaker.forget(self._process.pid)
            try:
                if killed:
                    await _within(_REAP, _gone(self._process.pid))
                await _within(_REAP, self.program_ended())
                await _within(OUTPUT_GRACE, self.output_ended())
            finally:
                self.stdout.close()
                self.stderr.close()


async def _spawn(command: Command, stdout: int, stderr: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command.argv,
        executable=command.program,
        cwd=command.directory,
        env=dict(command.environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        pass_fds=tuple(command.inherited),
        start_new_session=True,
    )


async def _abandon(spawning: asyncio.Task[asyncio.subprocess.Process]) -> None:
    """Kill what is just being started, and wait until it is gone. Cancelled meanwhile, it is killed all the same."""
    spawning.add_done_callback(_kill_spawned)
    await asyncio.wait({spawning})
    if not spawning.cancelled() and spawning.exception() is None:
        await spawning.result().wait()
        await _within(_REAP, _gone(spawning.result().pid))


def _kill_spawned(spawning: asyncio.Task[asyncio.subprocess.Process]) -> None:
    if not spawning.cancelled() and spawning.exception() is None:
        _signal(spawning.result().pid, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Signal a group; false if there is nothing (or nothing of ours) in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


async def _gone(group: int) -> None:
    # Polled, since nobody is told when a group becomes empty.
    while _signal(group, 0) and not await in_thread(partial(_all_dead, group)):  # noqa: ASYNC110
        await asyncio.sleep(_POLL)


def _all_dead(group: int) -> bool:
    """Whether the group consists of zombies, which a container without an init may keep for ever."""
    if sys.platform != "linux":
        return False
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, member_of = process.read_text(errors="replace").rpartition(")")[2].split()[:3]
        except OSError:  # gone meanwhile
            continue
        if int(member_of) == group and state not in {"Z", "X"}:
            return False
    return True


async def _within(seconds: float, wait: Awaitable[None]) -> bool:
    """Whether the wait ended in time."""
    try:
        async with asyncio.timeout(seconds):
            await wait
    except TimeoutError:
        return False
    return True
