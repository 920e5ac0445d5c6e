"""Running a line: every command a process group of its own, connected by our own pipes, with no shell in between."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from turnlog.domain import InvalidInput, NotFound
from turnlog.projections import quoted

from .capture import Drain
from .census import until_crowded
from .children import Child, Command, Usage, start_child
from .pipelines import Condition, Line, Pipeline, Simple
from .processes import OUTPUT_GRACE, Ended, Listener
from .threads import in_thread
from .waiting import within

_COUNTED_EVERY: Final = 0.1  # seconds
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127

Prepare = Callable[[Simple], Command]
"""The command for a simple command. Blocks. Raises NotFound, InvalidInput, CommandRefused."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for all of it, bytes kept of each stream, and processes at a time (None where the kernel counts them)."""

    seconds: float
    kept: int
    processes: int | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """How a line ended; `crowded` when it was killed because it had started too many processes."""

    ended: Ended
    crowded: bool


async def run_line(line: Line, prepare: Prepare, limits: Limits, listen: Listener) -> Finished:
    """Run a line to its end or its timeout. Nothing of it is left, however this returns.

    Where it is but one command, what keeps that from being started is raised: NotFound, InvalidInput. In a longer line
    it is said on standard error, with status 126 or 127, as a shell does.
    """
    running = _Running(prepare, alone=len(line.commands) == 1)
    began = time.monotonic()
    with ExitStack() as opened:
        stdout = Drain(limits.kept, partial(listen, "stdout"))
        opened.callback(stdout.close)
        stderr = Drain(limits.kept, partial(listen, "stderr"))
        opened.callback(stderr.close)
        streams = _Streams(stdout.writer, stderr.writer)
        counting = asyncio.ensure_future(running.count(limits.processes))
        try:
            in_time = await within(limits.seconds, running.run(line, streams))
            stdout.close_writer()
            stderr.close_writer()
            if in_time:
                await within(OUTPUT_GRACE, _output_ended(stdout, stderr))
        finally:
            counting.cancel()
            await running.stop()
        stdout.close_writer()
        stderr.close_writer()
        await within(OUTPUT_GRACE, _output_ended(stdout, stderr))
    seconds = time.monotonic() - began
    ended = Ended(running.status, seconds, not in_time, stdout.capture, stderr.capture, running.usage)
    return Finished(ended, running.crowded)


async def _output_ended(stdout: Drain, stderr: Drain) -> None:
    await stdout.ended.wait()
    await stderr.ended.wait()


@dataclass(frozen=True, slots=True)
class _Streams:
    """Descriptors for what a command writes."""

    stdout: int
    stderr: int

    def redirected(self, command: Simple, null: int) -> "_Streams":
        """After the redirections of a command, one after the other."""
        now = {1: self.stdout, 2: self.stderr}
        for each in command.redirections:
            target = {"null": null, "stdout": now[1], "stderr": now[2]}[each.target]
            now.update(dict.fromkeys(each.streams, target))
        return _Streams(now[1], now[2])


@dataclass(slots=True)
class _Running:
    """What was started for a line, and how far it is."""

    prepare: Prepare
    alone: bool
    status: int | None = None
    crowded: bool = False
    _children: list[Child] = field(default_factory=list[Child])

    @property
    def usage(self) -> Usage | None:
        """What all of it used together, as far as it is known."""
        known = [child.usage for child in self._children if child.usage is not None]
        return sum(known[1:], known[0]) if known else None

    async def run(self, line: Line, streams: _Streams) -> None:
        status: int | None = 0
        for pipeline in line.pipelines:
            if _holds(pipeline.condition, status) and not self.crowded:
                self.status = None
                self.status = status = await self._pipeline(pipeline, streams)

    async def count(self, most: int | None) -> None:
        """Kill all of it once there are more processes than so many."""
        while most is not None:
            await until_crowded(lambda: [child.pid for child in self._children], most, _COUNTED_EVERY)
            self.crowded = True
            for child in self._children:
                child.kill()

    async def stop(self) -> None:
        """End whatever is left of all commands."""
        await _all(child.stop() for child in self._children)
        if self.status is None and self._children:
            self.status = self._children[-1].status

    async def _pipeline(self, pipeline: Pipeline, streams: _Streams) -> int | None:
        started: list[Child | int] = []
        with ExitStack() as ours:
            null = _opened(ours, os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
            reader = null
            for command in pipeline.commands[:-1]:
                following, writer = os.pipe()
                _opened(ours, following)
                with ExitStack() as theirs:  # or the next would never see the end of its input
                    _opened(theirs, writer)
                    here = _Streams(writer, streams.stderr).redirected(command, null)
                    started.append(await self._start(command, reader, here))
                reader = following
            last = pipeline.commands[-1]
            started.append(await self._start(last, reader, streams.redirected(last, null)))
        children = [each for each in started if isinstance(each, Child)]
        await _all(child.wait() for child in children)
        end = started[-1]
        return end.status if isinstance(end, Child) else end

    async def _start(self, command: Simple, stdin: int, streams: _Streams) -> Child | int:
        """Start a command; the status where that cannot be done, which is said on its standard error."""
        try:
            child = await self._child(command, stdin, streams)
        except (NotFound, InvalidInput) as error:
            if self.alone:
                raise
            missing = isinstance(error, NotFound)
            return await _refused(error.message, _NOT_FOUND if missing else _NOT_EXECUTABLE, streams.stderr)
        self._children.append(child)
        return child

    async def _child(self, command: Simple, stdin: int, streams: _Streams) -> Child:
        prepared = await in_thread(partial(self.prepare, command))
        try:
            return await start_child(prepared, stdin, streams.stdout, streams.stderr)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise InvalidInput(f"{quoted(command.argv[0])} could not be started: {reason}") from error


def _holds(condition: Condition, status: int | None) -> bool:
    return condition == "always" or (status == 0) == (condition == "success")


def _opened(stack: ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor


async def _refused(message: str, status: int, stderr: int) -> int:
    # In a thread, since a pipe may be full, and it is this loop that empties it.
    await in_thread(partial(os.write, stderr, f"turnlog: {message}\n".encode(errors="backslashreplace")))
    return status


async def _all(waits: Iterable[Awaitable[None]]) -> None:
    """Wait for all, whatever some raise; cancelled, all are."""
    pending: Sequence[Awaitable[None]] = list(waits)
    found = await asyncio.gather(*pending, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException):
            raise each
