"""A parent with three subagents side by side, a teammate and a compaction, run by workers that are killed at random."""

import asyncio
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from turnlog import Turnlog
from turnlog.testing import CrashReport
from turnlog.testing.crash_report import CrashCase, CrashesHarm, compared
from turnlog.testing.databases import Databases, databases

from .delegation import Outcome, Program, crew, kill_at_random, outcome, serving
from .errands import SETTINGS
from .figures import keep

pytestmark = pytest.mark.fault

SEED = 9
KILLS = 100
"""How many workers are killed under the soak marker, on each database."""


@pytest.fixture(scope="module")
def server() -> Iterator["subprocess.Popen[str]"]:
    """The process that workers are forked from."""
    with serving() as process:
        yield process


@dataclass
class Stage:
    """Where the scenario is run, again and again, each time on a database of its own."""

    server: "subprocess.Popen[str]"
    url: str | None
    directory: Path
    runs: int = 0

    async def run(self, found: Databases, kills: int, chance: random.Random) -> tuple[Outcome, int]:
        """Run it to its end, while at most so many workers are killed; what is left, and how many were."""
        self.runs += 1
        directory = self.directory / f"{self.runs}"
        directory.mkdir()
        with found.fresh(f"{self.runs}") as url, crew(self.server, url, directory) as made:
            async with Turnlog.open(url, settings=SETTINGS) as log:
                killing = asyncio.create_task(kill_at_random(made, chance, kills))
                try:
                    await Program(log, directory).release()
                finally:
                    killing.cancel()
                    await asyncio.gather(killing, return_exceptions=True)
                return await outcome(log, url, directory), made.kills


async def survives(stage: Stage, kills: int) -> CrashReport:
    """Run it undisturbed, then until so many workers were killed: each run ends as the first. Raises CrashesHarm."""
    began, chance = time.monotonic(), random.Random(SEED)
    with databases(stage.url, stage.directory) as found:
        whole, _ = await stage.run(found, 0, chance)
        cases: list[CrashCase] = []
        killed = 0
        while killed < kills:
            ended, times = await stage.run(found, kills - killed, chance)
            point = f"run {len(cases) + 1}: {times} kills, {ended.takeovers - whole.takeovers} takeovers"
            cases.append(compared(point, (whole.observed, whole.effects), (ended.observed, ended.effects)))
            killed += times
    report = CrashReport(
        scenario="delegation",
        store=found.store,
        points=killed,
        events=sum(len(session.events) for session in whole.observed.sessions),
        seconds=round(time.monotonic() - began, 1),
        cases=tuple(cases),
    )
    if not report.ok:
        raise CrashesHarm(report)
    return report


def harmless(report: CrashReport) -> None:
    """What is expected beyond what is checked by itself."""
    assert (report.doubles, report.losses) == (0, 0)
    assert not [case.point for case in report.cases if any(what.startswith("send") for what in case.repeated)]


@pytest.mark.parametrize("name", ["sqlite", "postgres"])
@pytest.mark.parametrize("kills", [pytest.param(4, id="short"), pytest.param(KILLS, id="long", marks=pytest.mark.soak)])
async def test_a_delegation_whose_workers_are_killed_ends_as_an_undisturbed_one(
    server: "subprocess.Popen[str]", request: pytest.FixtureRequest, tmp_path: Path, name: str, kills: int
) -> None:
    url: str | None = request.getfixturevalue("postgres_url") if name == "postgres" else None
    report = await survives(Stage(server, url, tmp_path), kills)
    harmless(report)
    if kills == KILLS:
        keep("killed-delegation", name, report)
