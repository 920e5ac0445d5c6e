"""How long the command line takes to begin: importing turnlog, `turnlog --help`, `turnlog show`."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter
from uuid import UUID

from turnlog.domain import Change, TurnCompleted
from turnlog.infrastructure import store

from . import content
from .cells import Bench
from .figures import Figure, Sample, at_most, figure, of_cell

SESSION = str(UUID(int=0x19B8D36_8E80_7000_8000_000000000001))
TURNS = 5
RUNS = 6
ROOT = Path(__file__).resolve().parent.parent


def measure(bench: Bench) -> list[Figure]:
    """Wall time of whole processes; a bare Python beside them, since no command can be quicker."""
    with tempfile.TemporaryDirectory() as directory:
        database = f"sqlite:///{directory}/log.db"
        asyncio.run(_fill(database))
        turnlog = [sys.executable, "-m", "turnlog"]
        commands: dict[str, Sequence[str]] = {
            "python": [sys.executable, "-c", ""],
            "import_turnlog": [sys.executable, "-c", "import turnlog"],
            "help": [*turnlog, "--help"],
            "show": [*turnlog, "show", SESSION, "--database", database],
        }
        runs = 1 if bench.quick else RUNS
        cells: dict[str, Callable[[], Sample]] = {
            name: partial(_run, command, directory, runs) for name, command in commands.items()
        }
        rounds = bench.interleave("start-up", cells)
    targets = {"help": at_most(0.2), "show": at_most(0.4)}
    return [figure(f"{name}_s", of_cell(rounds, name, "s"), "s", targets.get(name)) for name in commands]


def _run(command: Sequence[str], directory: str, runs: int) -> Sample:
    """The quickest of a few runs; the first of several warms the disk's cache and Python's."""
    times: list[float] = []
    for _ in range(runs):
        begun = perf_counter()
        subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        times.append(perf_counter() - begun)
    return {"s": min(times)}


async def _fill(database: str) -> None:
    random = Random(7)
    async with store.open_store(database) as opened:
        await opened.log.append(Change(SESSION, 0, (content.started(),)))
        after = 1
        for number in range(TURNS):
            events = (
                *content.turn(random, number)[::3],
                TurnCompleted(at=content.AT, actor=content.AGENT, turn_id=f"turn-{number}"),
            )
            await opened.log.append(Change(SESSION, after, events))
            after += len(events)
