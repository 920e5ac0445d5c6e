"""Four processes against one where a commit takes 2 ms: do commits wait in line for the sake of the order?"""

import asyncio
import json
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from turnlog.domain import Change
from turnlog.infrastructure import store

from .cells import Bench
from .content import event
from .figures import Figure, Sample, at_least, figure, of_cell, ratios
from .loops import Stopwatch, in_tasks
from .server import Server

ROOT = Path(__file__).resolve().parent.parent
SESSIONS = 32
COUNTS = (1, 4)
COMMIT_MICROSECONDS = 2_000


def measure_postgres(bench: Bench, server: Server) -> list[Figure]:
    """Appends a second of 4 processes of 32 sessions each against those of 1."""

    def cell(processes: int) -> Sample:
        with server.database() as url:
            store.migrate(url)
            _slow_commits(url)
            return _run(url, processes, bench)

    cells = {f"{count} processes": partial(cell, count) for count in COUNTS}
    rounds = bench.interleave("slow commits", cells)
    one, four = cells
    return [
        figure("processes_ratio_4", ratios(rounds, four, one, "per_s"), "x", at_least(3)),
        figure("processes_per_s_1", of_cell(rounds, one, "per_s"), "1/s"),
        figure("processes_per_s_4", of_cell(rounds, four, "per_s"), "1/s"),
    ]


def _slow_commits(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        database = Identifier(connection.info.dbname)
        for setting, value in (("commit_delay", COMMIT_MICROSECONDS), ("commit_siblings", 0)):
            statement = SQL("ALTER DATABASE {} SET {} = {}").format(database, Identifier(setting), Literal(value))
            connection.execute(statement)


def _run(url: str, processes: int, bench: Bench) -> Sample:
    """Start the processes, let them all begin at once, and add up."""
    with ExitStack() as stack:
        writers = [stack.enter_context(_start(url, number, bench)) for number in range(processes)]
        for writer in writers:
            _line_of(writer)
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        return {"per_s": sum(float(json.loads(_line_of(writer))) for writer in writers)}


def _start(url: str, number: int, bench: Bench) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.processes", url, f"{number}", f"{bench.warm_up}", f"{bench.seconds}"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line_of(writer: subprocess.Popen[str]) -> str:
    assert writer.stdout is not None
    line = writer.stdout.readline()
    if not line:
        raise RuntimeError("a process that was to append ended early")
    return line


async def _append(url: str, name: str, watch: Stopwatch) -> Sample:
    written = (event(),)
    async with store.open_store(url) as opened:

        async def append(writer: int, version: int) -> None:
            await opened.log.append(Change(f"{name}-{writer}", version - 1, written))

        _tell("ready")
        await asyncio.to_thread(sys.stdin.readline)
        return await in_tasks(SESSIONS, append, watch)


def _tell(what: str) -> None:
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def main() -> None:
    """One of the processes: says that it is ready, waits for the word, and says what it reached."""
    url, name, warm_up, seconds = sys.argv[1:]
    sample = asyncio.run(_append(url, name, Stopwatch(float(warm_up), float(seconds))))
    _tell(json.dumps(sample["per_s"]))


if __name__ == "__main__":
    main()
