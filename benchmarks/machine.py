"""What the figures were taken on: they mean nothing without it."""

import os
import platform
import sqlite3
import tempfile
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import psycopg

from .figures import percentile
from .server import Server

SYNCS = 200
BLOCK = bytes(8192)


def describe(server: Server | None) -> dict[str, str]:
    """The machine, line by line."""
    found = {
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "libraries": ", ".join(f"{name} {version(name)}" for name in ("eventsourcing", "psycopg", "pydantic")),
        "disk": f"fdatasync of 8 kB: p50 {_fdatasync_ms():.2f} ms in {tempfile.gettempdir()}",
        "load": f"{os.getloadavg()[0]:.2f} in the minute before",
    }
    if server is not None:
        found["postgres"] = _postgres(server)
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _fdatasync_ms() -> float:
    """The median time the disk takes to say that a page is safe."""
    sync = getattr(os, "fdatasync", os.fsync)
    times: list[float] = []
    with tempfile.TemporaryFile() as file:
        for _ in range(SYNCS):
            file.seek(0)
            file.write(BLOCK)
            file.flush()
            begun = perf_counter()
            sync(file.fileno())
            times.append((perf_counter() - begun) * 1000)
    return percentile(times, 0.5)


def _postgres(server: Server) -> str:
    with psycopg.connect(server.url) as connection:
        shown = [_setting(connection, name) for name in ("fsync", "synchronous_commit", "shared_buffers")]
        of = _setting(connection, "server_version").partition("=")[2]
    return f"{of}, {', '.join(shown)}, {'started by us' if server.ours else 'yours'}"


def _setting(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return f"{name}={row[0] if row else '?'}"
