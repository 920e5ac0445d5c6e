"""What a file keeps when its writer is killed, its disk is full, or the disk fails to take what it was given."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest

from turnlog.domain import StoreError
from turnlog.infrastructure import store

from ..contract.events import change
from ..contract.test_chain import GENESIS, hash_event, hash_link
from ..small_disk import small_disk

pytestmark = pytest.mark.fault

Ledger = set[tuple[str, int]]
KILLS = 20 if "CI" in os.environ else 60
WRITER = """
import asyncio, os, sys
from datetime import UTC, datetime
from turnlog.domain import Actor, Change, SessionRenamed
from turnlog.infrastructure import store
from importlib import import_module

import_module("turnlog.infrastructure.store.sqlite")
actor = Actor(kind="worker", id="w")

async def main(url, ledger, round):
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    opened = store.open_store(url)
    async def write(stream):
        version = 0
        while True:
            events = [SessionRenamed(at=datetime.now(UTC), actor=actor, title="x" * 300)] * (version % 3 + 1)
            for recorded in await opened.log.append(Change(stream, version, tuple(events))):
                version = recorded.version
            os.write(file, f"{stream} {version}\\n".encode())
    await asyncio.gather(*(write(f"{round}-{n}") for n in range(8)))

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        asyncio.run(main(*line.split()))
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""


def python(script: str, *arguments: str) -> list[str]:
    """The command that runs a script as this process runs."""
    return [sys.executable, *(["-P"] if sys.flags.safe_path else []), "-c", script, *arguments]


def check(path: Path, acknowledged: Ledger) -> None:
    """The file is whole, streams have no gap, the chains hold, and everything acknowledged is there."""
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = file.execute(
            "SELECT notification_id, originator_id, originator_version, topic, state, chain FROM events"
            " ORDER BY notification_id"
        ).fetchall()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    heads: defaultdict[str, tuple[int, bytes]] = defaultdict(lambda: (0, GENESIS))
    for _, stream, version, topic, state, link in rows:
        before, value = heads[stream]
        assert version == before + 1
        assert link == hash_link(value, hash_event(stream, version, topic, state))
        heads[stream] = (version, link)
    assert {place for place in acknowledged if place[1] > heads[place[0]][0]} == set()


def read_ledger(path: Path) -> Ledger:
    """What was acknowledged; the last line may be torn."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return {(line.split()[0], int(line.split()[1])) for line in lines if line.endswith("\n")}


@contextmanager
def writers() -> Generator[tuple[IO[str], IO[str]]]:
    """A process that forks a writer for every line it is given."""
    with subprocess.Popen(python(WRITER), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdin, process.stdout
        process.stdin.close()


def kill_writers(path: Path, kills: int) -> None:
    """Kill one writer after another while they write, and look at the file in between and in the end."""
    ledger, chance = path.with_name("ledger"), random.Random(kills)
    with writers() as (orders, answers):
        for number in range(kills):
            orders.write(f"sqlite:///{path} {ledger} {number}\n")
            orders.flush()
            pid, known = int(answers.readline()), len(read_ledger(ledger))
            deadline = time.monotonic() + 30
            while len(read_ledger(ledger)) == known and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.06))
            os.kill(pid, signal.SIGKILL)
            assert os.WTERMSIG(int(answers.readline())) == signal.SIGKILL
            if number % 10 == 0:
                check(path, read_ledger(ledger))
    acknowledged = read_ledger(ledger)
    assert len({stream.partition("-")[0] for stream, _ in acknowledged}) == kills
    check(path, acknowledged)


def test_whatever_was_acknowledged_before_a_kill_is_stored(tmp_path: Path) -> None:
    kill_writers(tmp_path / "log.db", KILLS)


@pytest.mark.soak
def test_whatever_was_acknowledged_before_many_kills_is_stored(tmp_path: Path) -> None:
    kill_writers(tmp_path / "log.db", 200)


@pytest.fixture
def full_soon(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    with small_disk(tmp_path / "small", 2) as disk:
        yield disk.path


async def fill(opened: store.Store, stream: str, acknowledged: Ledger) -> StoreError:
    """Append until refused."""
    for version in range(10_000):
        try:
            await opened.log.append(change(stream, version, "x" * 3000))
        except StoreError as error:
            return error
        acknowledged.add((stream, version + 1))
    raise AssertionError("never full")


async def test_a_disk_that_is_full_keeps_what_was_acknowledged_and_goes_on_once_there_is_room(
    full_soon: Path,
) -> None:
    ballast, path = full_soon / "ballast", full_soon / "log.db"
    ballast.write_bytes(bytes(800_000))
    acknowledged: Ledger = set()
    async with store.open_store(f"sqlite:///{path}") as opened:
        errors = await asyncio.gather(*(fill(opened, f"s{n}", acknowledged) for n in range(6)))
        assert {"free" in error.message and "\n" not in error.message for error in errors} == {True}
        assert len(acknowledged) > 30
        ballast.unlink()
        for number in range(6):
            version = max(version for stream, version in acknowledged if stream == f"s{number}")
            await opened.log.append(change(f"s{number}", version, "again"))
            acknowledged.add((f"s{number}", version + 1))
    check(path, acknowledged)


APPENDER = """
import asyncio, sys
from datetime import UTC, datetime
from turnlog.domain import Actor, Change, SessionRenamed, StoreError
from turnlog.infrastructure import store

async def main(url):
    event = SessionRenamed(at=datetime.now(UTC), actor=Actor(kind="worker", id="w"), title="x")
    version = refused = 0
    try:
        async with store.open_store(url) as opened:
            while version < 15 and refused < 3:
                try:
                    await opened.log.append(Change("s", version, (event,)))
                    version += 1
                    print(version, flush=True)
                except StoreError as error:
                    refused += 1
                    print("refused", error, flush=True)
    except StoreError as error:
        print("refused", error, flush=True)

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def strace() -> str:
    """The program that makes system calls fail."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed")
    if subprocess.run([found, "-f", "-o", os.devnull, "true"], capture_output=True).returncode:
        pytest.skip("strace may not trace here")
    return found


@pytest.mark.parametrize("number", [1, 2, 3, 5, 8, 13])
async def test_nothing_is_acknowledged_after_the_disk_failed_to_take_a_write(
    strace: str, tmp_path: Path, number: int
) -> None:
    path = tmp_path / "log.db"
    await store.open_store(f"sqlite:///{path}").close()
    failing = [strace, "-f", "-qq", "-y", "-o", str(tmp_path / "calls")]
    failing += ["-e", "trace=fdatasync,fsync", "-e", f"inject=fdatasync,fsync:error=EIO:when={number}"]
    command = [*failing, *python(APPENDER, f"sqlite:///{path}")]
    lines = (await asyncio.to_thread(subprocess.check_output, command, text=True)).splitlines()
    first = next((index for index, line in enumerate(lines) if line.startswith("refused")), len(lines))
    # Commits wait for the -wal file alone: SQLite lets it pass when a directory cannot be synced, as not every file
    # system can do that, and a main file that is not taken stays in the -wal file.
    failed = [line for line in (tmp_path / "calls").read_text().splitlines() if "INJECTED" in line]
    assert first < len(lines) or not any("-wal>" in line for line in failed)
    assert [line for line in lines[first:] if not line.startswith("refused")] == []
    acknowledged: Ledger = {("s", int(line)) for line in lines[:first]}
    check(path, acknowledged)
    async with store.open_store(f"sqlite:///{path}") as opened:
        await opened.log.append(change("s", len(await opened.log.read("s")), "again"))
    check(path, acknowledged)
