"""Time, identity and processes of the machine this runs on."""

import asyncio
import os
import secrets
import socket
from datetime import UTC, datetime
from pathlib import Path

import uuid_utils

from turnlog.domain import IdKind


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def until(self, moment: datetime) -> None:
        """Wait until that time."""
        await asyncio.sleep((moment - self.now()).total_seconds())


class RandomIds:
    """UUIDv7 for sessions, so that they sort by age; 128 random bits for everything else."""

    def session(self) -> str:
        """A new session id."""
        return str(uuid_utils.uuid7())

    def new(self, kind: IdKind) -> str:
        """A new id such as `call_5f0c…`."""
        return f"{kind}_{secrets.token_hex(16)}"


class LocalWorkers:
    """The processes of this machine. A worker's name begins `HOST:PID:START`."""

    def __init__(self) -> None:
        self.me = f"{socket.gethostname()}:{os.getpid()}:{_start_of(os.getpid())}"

    def alive(self, worker: str) -> bool | None:
        """Whether the process of a worker still runs; None where it is on another machine."""
        host, _, rest = worker.partition("/")[0].partition(":")
        pid, _, start = rest.partition(":")
        if host != socket.gethostname() or not pid.isdigit():
            return None
        return _runs(int(pid)) and _start_of(int(pid)) == start


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state_of(pid) != "Z"


def _state_of(pid: int) -> str:
    """The kernel's letter for a process; a zombie has died and only waits to be reaped. Empty where unknown."""
    fields = _stat_of(pid)
    return fields[0] if fields else ""


def _start_of(pid: int) -> str:
    """When the process started, in clock ticks since boot, so that a reused pid is not mistaken. `0` where unknown."""
    fields = _stat_of(pid)
    return fields[19] if len(fields) > 19 else "0"


def _stat_of(pid: int) -> list[str]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return stat.rpartition(")")[2].split()
