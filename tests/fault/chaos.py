"""Sessions run by real workers in processes of their own while something goes wrong, and what is left of them after."""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from turnlog import RuleDraft, Turnlog, every_call
from turnlog.domain import (
    Event,
    LeaseTaken,
    StoreError,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeUnknown,
    TurnFailed,
    TurnlogError,
    waits_for,
)
from turnlog.infrastructure import verification
from turnlog.runtime import allow
from turnlog.testing import Ledger

from . import chaos_worker
from .chaos_worker import SETTINGS, tools_of

CAUGHT_UP: Final = 10.0
"""Seconds in which the tables must be at the end of the log once nothing goes wrong any more."""

PATIENCE: Final = 60.0
SCRIPT: Final[list[Any]] = [
    {"text": "Looking.", "calls": [{"name": "look", "arguments": {}}, {"name": "look", "arguments": {}}]},
    {"calls": [{"name": "mark", "arguments": {}}, {"name": "send", "arguments": {}}]},
    {"calls": [{"name": "send", "arguments": {}}]},
    {"calls": [{"name": "sign", "arguments": {}}]},
    "Done.",
]


class ChaosReport(BaseModel):
    """What was done to the workers and their database, and what became of the sessions.

    `decided` are calls whose outcome nobody knew, so that a person looked it up. `doubles` are external effects had
    more than once, `losses` recorded results whose effect was not had; `unfinished` sessions neither ended nor wait for
    a person. `caught_up` is in how many seconds the tables were at the end of the log.
    """

    store: str
    weather: str
    seconds: float = 0.0
    sessions: int = 0
    finished: int = 0
    events: int = 0
    takeovers: int = 0
    kills: int = 0
    pauses: int = 0
    restarts: int = 0
    partitions: int = 0
    full_disks: int = 0
    decided: int = 0
    doubles: list[str] = []
    losses: list[str] = []
    unfinished: list[str] = []
    findings: list[str] = []
    caught_up: float = 0.0

    @property
    def violations(self) -> list[str]:
        """All that must not be."""
        late = [f"the tables needed {self.caught_up:.1f} s"] if self.caught_up > CAUGHT_UP else []
        return [*self.doubles, *self.losses, *self.unfinished, *self.findings, *late]


@dataclass
class Scene:
    """A log, the workers on it, and what was done to them so far."""

    url: str
    directory: Path
    report: ChaosReport
    days: tuple[float, ...] = (0.0,)
    workers: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def order(self, url: str | None = None) -> str:
        """What a worker is told."""
        return json.dumps({"url": url or self.url, "directory": str(self.directory), "days": self.days})

    async def start_worker(self, *before: str, url: str | None = None) -> asyncio.subprocess.Process:
        """Start one more, by way of other programs if need be; it has a place, and its order if there is a URL."""
        flags = ["-P"] if sys.flags.safe_path else []
        command = [*before, sys.executable, *flags, str(Path(chaos_worker.__file__))]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        self.workers.append(process)
        assert process.stdout is not None
        assert await process.stdout.readline(), "a worker does not start"
        if url is not None:
            await self.send_order(process, url)
        return process

    async def send_order(self, process: asyncio.subprocess.Process, url: str) -> None:
        """Tell a worker what to work on."""
        assert process.stdin is not None
        process.stdin.write(f"{self.order(url)}\n".encode())
        await process.stdin.drain()

    async def kill(self, process: asyncio.subprocess.Process) -> None:
        """End a worker as the kernel does, once there is another."""
        await self.start_worker(url=self.url)
        self.workers.remove(process)
        process.kill()
        self.report.kills += 1
        await process.communicate()

    async def pause(self, process: asyncio.subprocess.Process, seconds: float) -> None:
        """Stop a worker for a while."""
        os.kill(process.pid, signal.SIGSTOP)
        self.report.pauses += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(process.pid, signal.SIGCONT)


@asynccontextmanager
async def scene(
    url: str, directory: Path, report: ChaosReport, days: Sequence[float] = (0.0,)
) -> AsyncGenerator[Scene]:
    """A log with a rule for all that nobody is asked about; all workers are gone afterwards."""
    (directory / "script.json").write_text(json.dumps({"replies": SCRIPT}))
    async with Turnlog.open(url, settings=SETTINGS) as log:
        for name in ("look", "mark", "send"):
            await log.add_rule(RuleDraft(every_call("allow", name)))
    made = Scene(url, directory, report, tuple(days))
    try:
        yield made
    finally:
        for process in made.workers:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


async def begin_sessions(scene: Scene, number: int, seconds: float) -> None:
    """Leave so many turns to the workers, spread over a time."""
    async with Turnlog.open(scene.url, settings=SETTINGS) as log:
        begun, began = 0, time.monotonic()
        while begun < number:
            try:
                session = await log.create_session(
                    f"Number {begun}",
                    model=f"scripted:{scene.directory / 'script.json'}",
                    tools=tools_of(Ledger(scene.directory / "ledger")),
                )
                await session.begin_turn("Go.")
            except StoreError:
                await asyncio.sleep(0.1)  # there may be a session more than were begun here
            else:
                begun += 1
                await asyncio.sleep(max(0.0, began + begun * seconds / number - time.monotonic()))


async def be_the_person(scene: Scene) -> None:
    """Answer every question, and look up what became of every call whose outcome nobody knows; without end."""
    async with Turnlog.open(scene.url, settings=SETTINGS) as log:
        while True:
            with suppress(TurnlogError):  # the database is away, or the question is gone: later
                await _answer(scene, log)
            await asyncio.sleep(0.2)


async def _answer(scene: Scene, log: Turnlog) -> None:
    for question in await log.approvals():
        with suppress(TurnlogError):
            await log.resolve_permission(question.request_id, allow())
    had = {entry.key for entry in Ledger(scene.directory / "ledger").entries()}
    for metadata in await log.list_sessions():
        if metadata.status != "suspended":
            continue
        session = await log.open_session(metadata.id)
        turn = (await session.state()).turn
        waits = None if turn is None else waits_for(turn)
        for call in waits.unknown if waits else ():
            did = f"{metadata.id}/{call.call_id}" in had
            await session.resolve_unknown(call.call_id, "did" if did else "did_not", "looked up")


async def until_over(scene: Scene) -> None:
    """Return once no turn is left; or once that took too long, which the report shows."""
    end = time.monotonic() + PATIENCE
    async with Turnlog.open(scene.url, settings=SETTINGS) as log:
        while time.monotonic() < end:
            with suppress(StoreError):
                if not [each for each in await log.list_sessions() if each.status not in ("idle", "created")]:
                    return
            await asyncio.sleep(0.1)


async def look_back(scene: Scene, source: verification.Source) -> ChaosReport:
    """Bring the tables to the end of the log, and count."""
    report, entries = scene.report, Ledger(scene.directory / "ledger").entries()
    had = Counter(entry.key for entry in entries)
    external = {entry.key for entry in entries if entry.tool in ("send", "sign")}
    report.doubles = [f"{key} happened {had[key]} times" for key in external if had[key] > 1]
    async with Turnlog.open(scene.url, settings=SETTINGS) as log:
        began = time.monotonic()
        await log.projections.catch_up()
        report.caught_up = round(time.monotonic() - began, 2)
        report.findings += [each.name for each in await log.projections.status() if each.position != each.end]
        for metadata in await log.list_sessions():
            await _count(log, report, metadata.id, metadata.status, had)
    found = await asyncio.to_thread(verification.verify, source, processes=1)
    report.findings += [str(finding) for finding in found.findings]
    ended = [process for process in scene.workers if process.returncode is not None]
    report.findings += [f"a worker ended by itself, with {process.returncode}" for process in ended]
    report.events = found.events
    return report


async def _count(log: Turnlog, report: ChaosReport, session_id: str, status: str, had: Counter[str]) -> None:
    events = [record.event for record in (await log.show(session_id)).history]
    started = {event.call_id: event for event in events if isinstance(event, ToolCallStarted)}
    done = [event.call_id for event in events if isinstance(event, ToolCallFinished) and not event.is_error]
    report.losses += [f"{session_id}/{each} did not happen" for each in done if not had[started[each].idempotency_key]]
    report.decided += sum(isinstance(event, ToolOutcomeUnknown) for event in events)
    report.takeovers += max(0, sum(isinstance(event, LeaseTaken) for event in events) - 1)
    report.sessions += status != "created"
    report.finished += status == "idle"
    if status not in ("idle", "created"):
        report.unfinished.append(f"{session_id} is {status}: {_last_words(events)}")


def _last_words(events: Sequence[Event]) -> str:
    """What led a session to where it is left, for whoever has to explain it: the log may be gone by then."""
    failed = [f"{event.code}: {event.message}" for event in events if isinstance(event, TurnFailed)]
    return f"{'; '.join(failed)} after {', '.join(_brief(event) for event in events[-30:])}"


def _brief(event: Event) -> str:
    epoch = getattr(event, "epoch", None)
    return f"{event.at:%M:%S.%f} {type(event).__name__}{'' if epoch is None else f'({epoch})'}"
