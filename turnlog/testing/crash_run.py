"""One run of a scenario in a crash matrix: what the scenario is given, and what the process does about it."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnlog.domain import Model, NothingToResume, Resolution, Tool
from turnlog.front import Turnlog
from turnlog.opening import Opening
from turnlog.projections import UserSaid
from turnlog.runtime import Approvals, Reply, SessionHandle, Settings, UserInput

from .faults import FaultPlan, kill
from .ledger import Ledger
from .memory import QUICK
from .observed import observe

DECISIONS = 10
"""How often in one turn a person may be asked about outcomes nobody knows."""


class CrashRun:
    """What a scenario works with: the database at `url`, and helpers that do the same in a first and a later process.

    A scenario is begun anew in every process. It is to open the log, begin or take up its sessions, and go on.
    """

    def __init__(self, url: str, ledger: Ledger) -> None:
        self.url = url
        self.ledger = ledger
        self._turns = Counter[str]()

    def open(self, *, settings: Settings = QUICK, **options: Any) -> Opening[Turnlog]:
        """Open the log, as `Turnlog.open` with these options."""
        return Turnlog.open(self.url, settings=settings, **options)

    async def session(
        self, log: Turnlog, title: str, *, model: Model, tools: Sequence[str | Tool] = (), **options: Any
    ) -> SessionHandle:
        """The session with this title: begun, or opened again where an earlier process has begun it.

        Raises InvalidInput, StoreError.
        """
        for found in await log.list_sessions():
            if found.title == title:
                own = [tool for tool in tools if not isinstance(tool, str)]
                return await log.open_session(found.id, model=model, tools=own)
        return await log.create_session(title, model=model, tools=tools, **options)

    async def turn(
        self, session: SessionHandle, content: UserInput, *, approvals: Approvals = "suspend"
    ) -> Reply | None:
        """The next turn of the session: begun, or resumed where an earlier process has begun it.

        An outcome nobody knows is decided as a person would who looked: what is in the ledger was done, and what is
        not is tried again. None where an earlier process has finished the turn. Raises as `append_turn`.
        """
        self._turns[session.id] += 1
        begun = {item.turn_id for item in await session.replay() if isinstance(item, UserSaid)}
        if len(begun) < self._turns[session.id]:
            reply = await session.append_turn(content, approvals=approvals)
        elif len(begun) > self._turns[session.id]:
            return None
        else:
            try:
                reply = await session.resume_turn(approvals=approvals)
            except NothingToResume:
                return None
        return await self._decided(session, reply, approvals)

    async def _decided(self, session: SessionHandle, reply: Reply, approvals: Approvals) -> Reply:
        for _ in range(DECISIONS):
            if reply.reason != "unknown_outcome":
                break
            done = {entry.call_id for entry in self.ledger.entries()}
            for call_id in reply.waiting_for:
                resolution: Resolution = "did" if call_id in done else "retry"
                await session.resolve_unknown(call_id, resolution, "looked into the ledger")
            reply = await session.resume_turn(approvals=approvals)
        return reply


Scenario = Callable[[CrashRun], Awaitable[object]]
"""A coroutine function at the top of a module: other processes import it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One run: of which scenario, where to die (empty: nowhere), and where to write what was found and what went wrong.

    `module`, `file` and `name` are what the scenario is imported by; `seconds` is how long the run may take.
    """

    module: str
    file: str
    name: str
    url: str
    ledger: str
    result: str
    errors: str
    place: str = ""
    seconds: int = 60


def carry_out(scenario: Scenario, order: Order) -> None:
    """Run the scenario, and write what is in the log then. Dies where it is told to."""
    signal.alarm(order.seconds)  # a run that hangs ends by a signal too, and is told from the others by it
    ledger = Ledger(order.ledger)
    plan = FaultPlan({order.place: kill} if order.place else {}, ledger=ledger)

    async def run() -> None:
        with plan.active():
            await scenario(CrashRun(order.url, ledger))
        found = await observe(order.url, plan.points)
        await asyncio.to_thread(Path(order.result).write_text, found.model_dump_json(), "utf-8")

    asyncio.run(run())
