"""Processes race for the same version and the same turn: one gets it, and those that lose do nothing."""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from pydantic import BaseModel

from turnlog import RuleDraft, Turnlog, every_call
from turnlog.domain import Event, LeaseTaken, SessionRenamed, TurnCompleted
from turnlog.infrastructure import models
from turnlog.testing import Ledger
from turnlog.testing.observed import log_problems

from . import racer
from .figures import keep
from .racer import FEWEST, Race

pytestmark = pytest.mark.fault

LOST = {"session_busy", "session_lost", "nothing_to_resume", "conflict"}


class RacesReport(BaseModel):
    """How races ended: so many rounds, attempts to append and to run, and those that were one too many."""

    store: str
    rounds: int
    racers: int
    attempts: int = 0
    refused: int = 0
    violations: list[str] = []


async def prepared(url: str, rounds: int) -> list[str]:
    """So many sessions whose turn nobody runs yet."""
    async with Turnlog.open(url) as log:
        await log.add_rule(RuleDraft(every_call("allow", "send")))
        own = racer.means(Ledger("unused"), 0)
        model = models.ScriptedModel(["Done."], "scripted:racing")
        sessions = [await log.create_session("A race", model=model, tools=[own.tools["send"]]) for _ in range(rounds)]
        for session in sessions:
            await session.begin_turn("Go.")
        return [session.id for session in sessions]


async def held(race: Race) -> None:
    """Return once all rounds are over."""
    flags = ["-P"] if sys.flags.safe_path else []
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *flags, str(Path(racer.__file__)), stdin=pipe)
    order = {"url": race.url, "sessions": race.sessions, "racers": race.racers, "directory": race.directory}
    await process.communicate(f"{json.dumps(order)}\n".encode())
    assert process.returncode == 0


def told_by(race: Race) -> dict[str, dict[int, dict[str, str]]]:
    """What each racer says of each session."""
    found: dict[str, dict[int, dict[str, str]]] = {session: {} for session in race.sessions}
    for number in range(race.racers):
        for line in Path(race.directory, f"racer-{number}.jsonl").read_text().splitlines():
            told: dict[str, str] = json.loads(line)
            found[told["session"]][number] = told
    return found


async def judged(race: Race, report: RacesReport) -> RacesReport:
    """What is wrong with how it went."""
    sent: dict[str, list[int]] = {session: [] for session in race.sessions}
    for entry in Ledger(Path(race.directory, "ledger")).entries("send"):
        sent[entry.key.partition("/")[0]].append(json.loads(entry.arguments)["racer"])
    async with Turnlog.open(race.url) as log:
        for session, told in told_by(race).items():
            records = (await log.show(session)).history
            report.violations += log_problems(session, records)
            report.violations += _of_one(session, [record.event for record in records], told, sent[session])
            report.attempts += 2 * len(told)
            report.refused += 2 * len(told) - 2
    return report


def _of_one(session: str, events: list[Event], told: dict[int, dict[str, str]], sent: list[int]) -> list[str]:
    wrote = [number for number, each in told.items() if each["wrote"] == "written"]
    ran = [number for number, each in told.items() if each["ran"] == "answered"]
    others = Counter(each["ran"] for number, each in told.items() if number not in ran)
    renamed = [event.title for event in events if isinstance(event, SessionRenamed)]
    kinds = Counter(type(event) for event in events)
    checks = {
        f"{wrote} wrote version 3, which {renamed} names": renamed == [f"racer-{number}" for number in wrote]
        and len(wrote) == 1,
        f"{ran} ran the turn, and {sent} sent": len(ran) == 1 and sent == ran,
        f"the others had {dict(others)}": set(others) <= LOST,
        f"it was taken {kinds[LeaseTaken]} times and ended {kinds[TurnCompleted]} times": kinds[LeaseTaken]
        == kinds[TurnCompleted]
        == 1,
    }
    return [f"{session}: {said}" for said, holds in checks.items() if not holds]


async def raced(url: str, directory: Path, rounds: int, racers: int) -> RacesReport:
    race = Race(url, await prepared(url, rounds), racers, str(directory))
    await held(race)
    report = RacesReport(store="SQLite" if url.startswith("sqlite") else "PostgreSQL", rounds=rounds, racers=racers)
    return await judged(race, report)


async def test_of_processes_that_race_for_a_session_one_runs_its_turn(url: str, tmp_path: Path) -> None:
    report = await raced(url, tmp_path, 6, 3)
    assert report.violations == []
    assert report.refused > 0


@pytest.mark.soak
async def test_in_500_rounds_of_up_to_8_processes_nobody_gets_what_another_has(url: str, tmp_path: Path) -> None:
    report = await raced(url, tmp_path, 500, 8)
    assert report.violations == []
    assert report.attempts == 2 * sum(FEWEST + each % 7 for each in range(500))
    keep("races", report.store.lower(), report)
