"""A process that runs sessions as `turnlog worker` does, with a short lease and, where told so, a clock that jumps.

It says that it is ready, reads its order (a JSON object on one line), and works until it is killed. What it does goes
to a file of its own.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from turnlog import ToolContext, Turnlog, tool
from turnlog.domain import Tool, TurnlogError
from turnlog.runtime import Environment, Settings
from turnlog.runtime.workers.pool import PoolSettings
from turnlog.runtime.workers.work_reports import WorkReport
from turnlog.testing import Ledger
from turnlog.wiring import ARRANGED

LEASE = 1.5
EFFECT_SECONDS = 0.04
SETTINGS = Settings(poll_seconds=0.1, lease_seconds=LEASE, retry_seconds=0.05, grace_seconds=1.0)
POOL = PoolSettings(sweep_seconds=0.3, retry_seconds=0.1, retry_ceiling=0.5)
JUMP_SECONDS = 0.7


@dataclass(frozen=True, slots=True)
class Order:
    """The log to work on, where the ledger is, and the days by which the clock is wrong, one after the other."""

    url: str
    directory: str
    days: tuple[float, ...] = (0.0,)


class JumpingClock:
    """A clock that is set again and again."""

    def __init__(self, days: Sequence[float]) -> None:
        self._days = days

    def now(self) -> datetime:
        wrong = self._days[int(time.monotonic() / JUMP_SECONDS) % len(self._days)]
        return datetime.now(UTC) + timedelta(days=wrong)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def until(self, moment: datetime) -> None:
        await asyncio.sleep((moment - self.now()).total_seconds())


def tools_of(ledger: Ledger) -> tuple[Tool, ...]:
    """One tool of each effect class, and one that a person is asked about; each effect is noted outside."""

    async def happen(name: str, context: ToolContext) -> str:
        await asyncio.sleep(EFFECT_SECONDS)
        await asyncio.to_thread(ledger.note, name, context)
        await asyncio.sleep(EFFECT_SECONDS)
        return "done"

    @tool(effect="pure")
    async def look(context: ToolContext) -> str:
        """Look."""
        return await happen("look", context)

    @tool(effect="idempotent")
    async def mark(context: ToolContext) -> str:
        """Mark."""
        return await happen("mark", context)

    @tool
    async def send(context: ToolContext) -> str:
        """Send."""
        return await happen("send", context)

    @tool
    async def sign(context: ToolContext) -> str:
        """Sign, if a person says so."""
        return await happen("sign", context)

    return (look, mark, send, sign)


async def work(order: Order, tell: Path) -> None:
    """Run sessions until the process ends; a log that cannot be opened is tried again, as a supervisor would."""

    def report(done: WorkReport) -> None:
        with tell.open("a") as file:
            file.write(f"{json.dumps(asdict(done), default=str)}\n")

    while True:
        try:
            async with Turnlog.open(order.url, settings=SETTINGS) as log:
                own = tools_of(Ledger(Path(order.directory, "ledger")))
                await log.work(tools=own, concurrency=8, settings=POOL, tell=report)
        except TurnlogError as error:
            with tell.open("a") as file:
                file.write(f"{json.dumps({'event': 'restarted', 'message': error.message})}\n")
            await asyncio.sleep(0.1)


def main() -> None:
    """Work."""
    sys.stdout.write('{"outcome": "ready"}\n')
    sys.stdout.flush()
    order = Order(**json.loads(sys.stdin.readline()))

    def arranged(env: Environment) -> Environment:
        return replace(env, clock=JumpingClock(order.days))

    ARRANGED.set(arranged)
    asyncio.run(work(order, Path(order.directory, f"worker-{os.getpid()}.jsonl")))


if __name__ == "__main__":
    main()
