"""Processes that race for sessions, round by round: for the next version, and then for the turn that is open there.

The first is told, as a JSON object on one line, which sessions there are; it forks the others. In each round all that
take part start at one moment; how it went for each is written to a file of its own.
"""

import asyncio
import json
import multiprocessing
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from multiprocessing.synchronize import Barrier
from pathlib import Path

from turnlog.domain import Actor, Change, Model, SessionRenamed, Tool, ToolContext, TurnlogError, VersionConflict
from turnlog.front import Turnlog
from turnlog.infrastructure import models, tools
from turnlog.runtime import Environment, Settings
from turnlog.runtime.turns.engine import Oversight
from turnlog.runtime.workers.claiming import PoolMeans, prepared, run_session
from turnlog.testing import Ledger
from turnlog.wiring import ARRANGED

PATIENCE = 60.0
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Race:
    """The log, the sessions that are raced for, how many race, and the directory for what they do and tell."""

    url: str
    sessions: list[str]
    racers: int
    directory: str

    def takes_part(self, racer: int, round_: int) -> bool:
        """Whether a racer is in a round: of eight 2 to 8 race, turn by turn."""
        return racer < FEWEST + round_ % (self.racers - FEWEST + 1)


def means(ledger: Ledger, racer: int) -> PoolMeans:
    """What a racer works with: a model that wants something sent, and a tool that notes who sent it."""

    @tools.tool
    async def send(context: ToolContext) -> str:
        """Send."""
        await asyncio.to_thread(ledger.note, "send", context, {"racer": racer})
        return "sent"

    asking = models.ScriptedReply(calls=(models.ScriptedCall(name="send"),))
    model: Model = models.ScriptedModel([asking, "Done."], "scripted:racing")
    own: Mapping[str, Tool] = {"send": send}
    return PoolMeans(own, {model.name: model}, ())


@dataclass(frozen=True, slots=True)
class Racer:
    """One of those that race, and the moment at which all start."""

    number: int
    start: Barrier
    env: Environment
    brought: PoolMeans

    async def run(self, session: str) -> dict[str, str]:
        """Race for a session; how it went. The start stops the loop, so that nothing is between it and the append."""
        by = Actor(kind="user", id=f"racer-{self.number}")
        self.start.wait(PATIENCE)
        wrote = await self._write(session, SessionRenamed(at=datetime.now(UTC), actor=by, title=by.id))
        worker = await prepared(self.env, session, self.brought)
        self.start.wait(PATIENCE)
        try:
            reply = await run_session(worker, self.brought, Oversight(lambda: None, lambda: False))
        except TurnlogError as error:
            return {"session": session, "wrote": wrote, "ran": error.code}
        return {"session": session, "wrote": wrote, "ran": "waits" if reply is None else reply.outcome}

    async def _write(self, session: str, event: SessionRenamed) -> str:
        try:
            await self.env.log.append(Change(session, 2, (event,)))
        except VersionConflict as conflict:
            return conflict.code
        return "written"

    def look_on(self) -> None:
        """Have the others race."""
        self.start.wait(PATIENCE)
        self.start.wait(PATIENCE)


async def race(order: Race, number: int, start: Barrier) -> list[dict[str, str]]:
    """Take part in every round; how each went."""
    told, kept = list[dict[str, str]](), list[Environment]()

    def arranged(env: Environment) -> Environment:
        kept.append(env)
        return env

    ARRANGED.set(arranged)
    ledger = Ledger(Path(order.directory, "ledger"))
    async with Turnlog.open(order.url, settings=Settings(poll_seconds=0.05)):
        for round_, session in enumerate(order.sessions):
            racer = Racer(number, start, kept[0], means(ledger, number))
            if order.takes_part(number, round_):
                told.append(await racer.run(session))
            else:
                racer.look_on()
    return told


def take_part(order: Race, number: int, start: Barrier) -> None:
    """Race, and write down how it went."""
    told = asyncio.run(race(order, number, start))
    lines = "".join(f"{json.dumps(each)}\n" for each in told)
    Path(order.directory, f"racer-{number}.jsonl").write_text(lines)


def main() -> None:
    """Hold the race; fail where a racer does."""
    order = Race(**json.loads(sys.stdin.readline()))
    for name in ("jsonschema", "psycopg_pool"):
        import_module(name)  # so that no fork has to
    start = multiprocessing.get_context("fork").Barrier(order.racers)
    pids: list[int] = []
    for number in range(order.racers):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                take_part(order, number, start)
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    sys.exit(max(map(abs, ends)))


if __name__ == "__main__":
    main()
