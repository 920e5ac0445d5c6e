"""What a probe does inside: tries everything a level should hold. `python -I -S probe_child.py TARGETS`.

It prints what it could read, and nothing about what it could do: whether that had an effect is seen outside.
"""

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def main(outside: Path, inside: Path, addresses: tuple[int, int, str], process: int, segment: int) -> None:
    """Try to change `outside` and reach the sockets, the process and the segment, then write in `inside`."""
    tcp, udp, name = addresses
    attempts: tuple[Callable[[], object], ...] = (
        lambda: (outside / "written").write_text("written"),
        lambda: (outside / "kept").write_text("written"),
        lambda: os.truncate(outside / "truncated", 0),
        (outside / "removed").unlink,
        lambda: (outside / "mode").chmod(0o700),
        lambda: (inside / "carved" / "file").write_text("written"),
        lambda: (inside / "carved" / "new").write_text("written"),
        lambda: (inside / "carved").rename(inside / "free" / "away"),
        lambda: _connect(socket.AF_INET, ("127.0.0.1", tcp)),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"sent", ("127.0.0.1", udp)),
        lambda: _connect(socket.AF_UNIX, str(outside / "socket")),
        lambda: _connect(socket.AF_UNIX, "\0" + name),
        lambda: _tell("environment", Path(f"/proc/{process}/environ").read_bytes()),
        lambda: _attach(segment),
        lambda: os.kill(process, signal.SIGKILL),
        lambda: _tell("file", (outside / "secret").read_bytes()),
        lambda: (inside / "free" / "new").write_text("written"),
    )
    for attempt in attempts:
        with suppress(OSError):
            attempt()


def _connect(family: socket.AddressFamily, address: str | tuple[str, int]) -> None:
    with socket.socket(family) as connecting:
        connecting.settimeout(1)
        connecting.connect(address)


def _attach(key: int) -> None:
    if ctypes.CDLL(None).shmget(key, 0, 0) >= 0:
        _tell("segment", b"found")


def _tell(what: str, found: bytes) -> None:
    sys.stdout.write(f"{what} {found.hex()}\n")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        (int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]),
        int(sys.argv[6]),
        int(sys.argv[7]),
    )
