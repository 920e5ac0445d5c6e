"""What a probe must not reach: files, sockets, a process and shared memory, made for it and taken away again."""

import ctypes
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .levels import Guard

_CREATE: Final = 0o1000 | 0o2000 | 0o600
"""IPC_CREAT, IPC_EXCL, and for the owner alone."""
_REMOVE: Final = 0

_ARRIVING: Final = 0.05
"""Seconds that what was sent may take to arrive: the kernel may be late to deliver it."""

_FILES: Final = ("kept", "truncated", "removed", "mode")
_CARVED: Final = {"file": "kept"}


@dataclass(slots=True)
class Bait:
    """What was laid out. `told` is what the program inside printed."""

    outside: Path
    inside: Path
    secret: str
    listening: dict[str, socket.socket]
    process: subprocess.Popen[bytes]
    segment: int
    told: list[str] = field(default_factory=list[str])

    def arguments(self) -> list[str]:
        """The arguments of `probe_child.py`."""
        ports = [str(self.listening[kind].getsockname()[1]) for kind in ("tcp", "udp")]
        return [str(self.outside), str(self.inside), *ports, self.secret, str(self.process.pid), str(self.segment)]

    def written_inside(self) -> bool:
        """Whether the program could do what it may."""
        with suppress(OSError):
            return (self.inside / "free" / "new").read_text() == "written"
        return False

    def taken(self) -> frozenset[Guard]:
        """The guards that did not hold. To be asked once, since it takes what waits at the sockets."""
        read = self.secret.encode().hex()
        told = "".join(self.told).splitlines()
        met = _reached(self.listening)
        reached: dict[Guard, bool] = {
            "file_writes": any(not self._is_as_it_was(name) for name in _FILES) or (self.outside / "written").exists(),
            "file_reads": any(line.startswith("file ") and read in line for line in told),
            "carve_outs": not self._carved_is_as_it_was(),
            "tcp": "tcp" in met,
            "udp": "udp" in met,
            "unix_sockets": bool(met & {"path", "abstract"}),
            "processes": any(line.startswith("environment ") and read in line for line in told),
            "signals": not _answers(self.process),
            "ipc": any(line.startswith("segment ") for line in told),
            "metadata": (self.outside / "mode").stat().st_mode & 0o777 != 0o600,
        }
        return frozenset(guard for guard, was in reached.items() if was)

    def _is_as_it_was(self, name: str) -> bool:
        with suppress(OSError):
            return (self.outside / name).read_text() == "kept"
        return False

    def _carved_is_as_it_was(self) -> bool:
        with suppress(OSError):
            return {each.name: each.read_text() for each in (self.inside / "carved").iterdir()} == _CARVED
        return False


@contextmanager
def laid_out(directory: Path) -> Generator[Bait]:
    """Lay bait in an empty directory. Raises OSError."""
    outside, inside, secret = directory / "outside", directory / "inside", secrets.token_hex(16)
    for made in (outside, inside, inside / "free", inside / "carved"):
        made.mkdir()
    for name in _FILES:
        (outside / name).write_text("kept")
    (outside / "mode").chmod(0o600)
    (outside / "secret").write_text(secret)
    for name, text in _CARVED.items():
        (inside / "carved" / name).write_text(text)
    with ExitStack() as stack:
        listening = {
            "tcp": stack.enter_context(_listening(socket.AF_INET, ("127.0.0.1", 0))),
            "udp": stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
            "path": stack.enter_context(_listening(socket.AF_UNIX, str(outside / "socket"))),
            "abstract": stack.enter_context(_listening(socket.AF_UNIX, "\0" + secret)),
        }
        listening["udp"].bind(("127.0.0.1", 0))
        process = stack.enter_context(_waiting(secret))
        yield Bait(outside, inside, secret, listening, process, stack.enter_context(_segment()))


def _listening(family: socket.AddressFamily, address: str | tuple[str, int]) -> socket.socket:
    listener = socket.socket(family)
    try:
        listener.bind(address)
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener


def _reached(listening: Mapping[str, socket.socket]) -> frozenset[str]:
    deadline = time.monotonic() + _ARRIVING
    return frozenset(kind for kind, listener in listening.items() if _is_reached(listener, deadline))


def _is_reached(listener: socket.socket, deadline: float) -> bool:
    listener.settimeout(max(0.0, deadline - time.monotonic()))
    try:
        if listener.type == socket.SOCK_DGRAM:
            return bool(listener.recv(16))
        listener.accept()[0].close()
    except (BlockingIOError, TimeoutError):
        return False
    return True


@contextmanager
def _waiting(secret: str) -> Generator[subprocess.Popen[bytes]]:
    """A process that answers what it is sent until its input ends, with the secret in its environment."""
    argv = [sys.executable, "-I", "-S", "-c", "import os\nwhile os.write(1, os.read(0, 1)): pass"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv, stdin=pipe, stdout=pipe, bufsize=0, env={"SECRET": secret}, start_new_session=True
    ) as process:
        yield process


def _answers(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process is alive. One that was killed may be there for a moment, but does not answer any more."""
    if process.stdin is None or process.stdout is None:
        return False
    with suppress(BrokenPipeError):
        process.stdin.write(b"?")
    return process.stdout.read(1) == b"?"


@contextmanager
def _segment() -> Generator[int]:
    """The key of a segment of shared memory."""
    key = secrets.randbits(30) + 1
    libc = ctypes.CDLL(None, use_errno=True)
    segment = int(libc.shmget(key, ctypes.c_size_t(1), _CREATE))
    if segment < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    try:
        yield key
    finally:
        libc.shmctl(segment, _REMOVE, None)
