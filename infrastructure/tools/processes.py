"""Running a program in a process group of its own, with its output bounded and nothing left behind."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from .capture import Capture, Drain
from .children import Child, Command, Usage, start_child
from .waiting import within

__all__ = ["OUTPUT_GRACE", "Command", "Ended", "Group", "Listener", "Stream", "run_group", "start_group"]

OUTPUT_GRACE: Final = 0.5
"""Seconds that what a program started may go on writing after the program itself has ended."""

Stream = Literal["stdout", "stderr"]
Listener = Callable[[Stream, bytes], None]
"""Told of every piece of output as it comes, on the event loop. Must be quick and raise nothing."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. `status` is negative for a signal and None if it cannot even be killed."""

    status: int | None
    seconds: float
    timed_out: bool
    stdout: Capture
    stderr: Capture
    usage: Usage | None = None


def nobody(stream: Stream, chunk: bytes) -> None:
    """A listener who does not listen."""


class Group:
    """A running program with what it has written so far, and everything it started. Stop it always."""

    def __init__(self, child: Child, stdout: Drain, stderr: Drain) -> None:
        self._child = child
        self._stdout = stdout
        self._stderr = stderr
        self._began = time.monotonic()

    @property
    def pid(self) -> int:
        """The process id of the program, and of its process group."""
        return self._child.pid

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._child.status

    @property
    def running(self) -> bool:
        """Whether the program itself has not ended yet."""
        return self._child.running

    @property
    def stdout(self) -> Capture:
        """Its standard output so far."""
        return self._stdout.capture

    @property
    def stderr(self) -> Capture:
        """Its standard error so far."""
        return self._stderr.capture

    async def wait(self) -> None:
        """Return once the program has ended and so has its output, or the grace for that is over."""
        await self._child.wait()
        await within(OUTPUT_GRACE, self._output_ended())

    async def stop(self) -> None:
        """End what is left: SIGTERM, a grace, SIGKILL. Cancelled meanwhile, SIGKILL at once."""
        try:
            await self._child.stop()
            await within(OUTPUT_GRACE, self._output_ended())
        finally:
            self._stdout.close()
            self._stderr.close()

    def ended(self, *, timed_out: bool) -> Ended:
        """How it ended, up to now."""
        seconds = time.monotonic() - self._began
        return Ended(self.status, seconds, timed_out, self.stdout, self.stderr, self._child.usage)

    async def _output_ended(self) -> None:
        await self._stdout.ended.wait()
        await self._stderr.ended.wait()


async def start_group(command: Command, listen: Listener = nobody) -> Group:
    """Start a command; its `timeout` is the caller's to keep. Standard input is empty. Raises OSError."""
    with ExitStack() as opened:
        stdout = Drain(command.kept, partial(listen, "stdout"))
        opened.callback(stdout.close)
        stderr = Drain(command.kept, partial(listen, "stderr"))
        opened.callback(stderr.close)
        stdin = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            child = await start_child(command, stdin, stdout.writer, stderr.writer)
        finally:
            os.close(stdin)
        opened.pop_all()
    stdout.close_writer()
    stderr.close_writer()
    return Group(child, stdout, stderr)


async def run_group(command: Command, listen: Listener = nobody) -> Ended:
    """Run a command to its end or its timeout. Nothing of its group is left, however this returns. Raises OSError."""
    group = await start_group(command, listen)
    try:
        timed_out = not await within(command.timeout, group.wait())
        timed_out = timed_out and group.running
    finally:
        await group.stop()
    return group.ended(timed_out=timed_out)
