"""One program in a process group of its own: started, waited for, signalled and reaped, with what it used."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Final

from .census import all_dead
from .orphans import undertaker
from .threads import in_thread
from .waiting import within

TERM_GRACE: Final = 2.0
"""Seconds a group has between SIGTERM and SIGKILL."""

_POLL: Final = 0.01
_REAP: Final = 2.0
_KIBIBYTE: Final = 1024 if sys.platform == "linux" else 1  # what ru_maxrss counts in


@dataclass(frozen=True, slots=True)
class Command:
    """A program (a path), its argv, the directory it works in, its whole environment, and its seconds.

    `inherited` are the descriptors it gets besides its streams; `kept` is how many bytes of each stream are kept.
    Where `gate` is the name of a variable, the program waits for a byte at the descriptor this names.
    """

    program: str
    argv: Sequence[str]
    directory: str
    environment: Mapping[str, str]
    timeout: float
    inherited: Sequence[int] = ()
    kept: int = 64 * 1024
    gate: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a program and the children it waited for used. `memory` is the largest of them in bytes, None if unknown."""

    user_seconds: float = 0.0
    system_seconds: float = 0.0
    memory: int | None = None

    def __add__(self, other: "Usage") -> "Usage":
        known = [each for each in (self.memory, other.memory) if each is not None]
        return Usage(
            self.user_seconds + other.user_seconds, self.system_seconds + other.system_seconds, max(known, default=None)
        )


class Child:
    """A program that was started, and everything it started that has not left its process group. Stop it always."""

    def __init__(self, process: "subprocess.Popen[bytes]", floor: int) -> None:
        self.pid = process.pid
        self.status: int | None = None
        self.usage: Usage | None = None
        self._process = process
        self._floor = floor
        self._gone = False
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._descriptor = _descriptor(process.pid)
        if self._descriptor is None:
            Thread(target=self._wait_in_thread, name=f"turnlog-wait-{self.pid}", daemon=True).start()
        else:
            self._loop.add_reader(self._descriptor, self._reap)

    @property
    def running(self) -> bool:
        """Whether the program itself has not ended yet."""
        return not self._ended.is_set()

    async def wait(self) -> None:
        """Return once the program itself has ended."""
        await self._ended.wait()

    def kill(self) -> None:
        """SIGKILL to all of it, now."""
        self._signal(signal.SIGKILL)

    async def stop(self) -> None:
        """End what is left: SIGTERM, a grace, SIGKILL. Cancelled meanwhile, SIGKILL at once."""
        if self._gone:
            return
        try:
            if self._signal(signal.SIGTERM):
                await within(TERM_GRACE, _gone(self.pid))
        finally:
            killed = self._signal(signal.SIGKILL)
            undertaker.forget(self.pid)
            if killed:
                await within(_REAP, _gone(self.pid))
            await within(_REAP, self.wait())

    def _signal(self, number: int) -> bool:
        """Signal all of it; false where nothing of it is left, for then others may have its number."""
        return not self._gone and signal_group(self.pid, number)

    def _wait_in_thread(self) -> None:
        try:
            found = os.wait4(self.pid, 0)
        except ChildProcessError:
            found = None
        try:
            self._loop.call_soon_threadsafe(self._settle, found)
        except RuntimeError:  # the loop was closed meanwhile
            return

    def _reap(self) -> None:
        try:
            found = os.wait4(self.pid, os.WNOHANG)
        except ChildProcessError:  # somebody else reaped it
            found = None
        if found is not None and found[0] == 0:
            return
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
        self._settle(found)

    def _settle(self, found: tuple[int, int, resource.struct_rusage] | None) -> None:
        if found is not None:
            self.status = os.waitstatus_to_exitcode(found[1])
            self.usage = _usage(found[2], self._floor)
        self._process.returncode = self.status or 0  # or it would be waited for again
        if not signal_group(self.pid, 0):  # then nobody of ours can have this number again
            self._gone = True
            undertaker.forget(self.pid)
        self._ended.set()


async def start_child(command: Command, stdin: int, stdout: int, stderr: int) -> Child:
    """Start a program with these descriptors for its streams. Raises OSError.

    One with a gate begins its work once the undertaker knows of it, so that nothing of it is left if this process dies.
    """
    await in_thread(undertaker.start)
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    waiting, gate = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: ASYNC220 -- it returns once the program is executed: a millisecond
            list(command.argv),
            executable=command.program,
            cwd=command.directory,
            env={**command.environment, **({command.gate: str(waiting)} if command.gate else {})},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=(*command.inherited, *((waiting,) if command.gate else ())),
            start_new_session=True,
        )
        undertaker.watch(process.pid)
        os.write(gate, b"+")
    finally:
        os.close(waiting)
        os.close(gate)
    return Child(process, floor)


def signal_group(group: int, number: int) -> bool:
    """Signal a group; false if there is nothing (or nothing of ours) in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


async def _gone(group: int) -> None:
    # Polled, since nobody is told when a group becomes empty.
    while signal_group(group, 0) and not await in_thread(partial(all_dead, group)):  # noqa: ASYNC110
        await asyncio.sleep(_POLL)


def _descriptor(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends, where the system has such a thing."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _usage(used: resource.struct_rusage, floor: int) -> Usage:
    # A new process counts as having had the memory of the one that started it, so less than that says nothing.
    memory = used.ru_maxrss * _KIBIBYTE if used.ru_maxrss > floor else None
    return Usage(used.ru_utime, used.ru_stime, memory)
