"""A process that runs a session and kills itself at a chosen place, as often as it is told to.

It reads one order a line, a JSON object, and answers each with the wait status of the process that carried it out.
Each order is carried out by a fork of this process, which has one thread and everything imported.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal, TypeVar

from turnlog.domain import Actor, Change, EventLog, Recorded, Tool, ToolContext
from turnlog.front import Turnlog
from turnlog.infrastructure import models, permissions, store, system, tools
from turnlog.runtime import Environment, PermissionDecision, PermissionRequest, Settings, allow

ScriptedCall = models.ScriptedCall
ScriptedModel = models.ScriptedModel
ScriptedReply = models.ScriptedReply

SCRIPT = (
    ScriptedReply(text="Looking.", calls=(ScriptedCall(name="look"), ScriptedCall(name="look"))),
    ScriptedReply(calls=(ScriptedCall(name="mark"), ScriptedCall(name="send", arguments={"to": "bo"}))),
    ScriptedReply(text="Once more.", calls=(ScriptedCall(name="send", arguments={"to": "cy"}),)),
    ScriptedReply(text="Done."),
)
Approvals = Literal["suspend", "wait", "yes"]


def note(ledger: Path, line: str) -> None:
    """Write a line that survives whatever happens next."""
    with ledger.open("a") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def die() -> None:
    """End as the kernel ends a process: at once, with nothing tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def tools_that_note(ledger: Path, die_in: str = "") -> tuple[Tool, ...]:
    """One tool of each effect class; each notes its effect, and one may take the process with it."""

    def happen(name: str, context: ToolContext) -> None:
        note(ledger, f"{name} {context.idempotency_key}")
        if name == die_in:
            die()

    @tools.tool(effect="pure")
    async def look(context: ToolContext) -> str:
        """Look."""
        happen("look", context)
        return "seen"

    @tools.tool(effect="idempotent")
    async def mark(context: ToolContext) -> str:
        """Mark."""
        happen("mark", context)
        return "marked"

    @tools.tool
    async def send(to: str, context: ToolContext) -> str:
        """Send."""
        happen("send", context)
        return f"sent to {to}"

    return (look, mark, send)


async def yes(request: PermissionRequest) -> PermissionDecision:
    """Allow everything; remember one of the answers."""
    return allow(remember="session" if request.tool == "mark" else None)


T = TypeVar("T")


class KillingLog:
    """A log whose process gets a signal right before or right after an append, counted from 1. 0 is never."""

    def __init__(self, log: EventLog, order: "Order") -> None:
        self._log = log
        self.read, self.fold, self.latest, self.read_all = log.read, log.fold, log.latest, log.read_all
        self.select, self.streams, self.wait = log.select, log.streams, log.wait
        self._order = order
        self.count = 0

    async def append(self, *changes: Change) -> Sequence[Recorded]:
        if self.count + 1 == self._order.before:
            os.kill(os.getpid(), self._order.signal)
        recorded = await self._log.append(*changes)
        self.count += 1
        if self.count == self._order.last:
            os.kill(os.getpid(), self._order.signal)
        return recorded

    @property
    def appends(self) -> int:
        return self._log.appends


@dataclass(frozen=True, slots=True)
class Order:
    """What to do and where to die, or get another signal; `resume` is the id of a session, empty for a new one."""

    url: str
    title: str
    ledger: str
    last: int = 0
    before: int = 0
    signal: int = signal.SIGKILL
    lease_seconds: float = 30.0
    die_in: str = ""
    approvals: Approvals = "yes"
    resume: str = ""


async def run(order: Order) -> None:
    """Run a session's turn; note how many appends that took."""
    opened, ledger = store.open_store(order.url), Path(order.ledger)
    log = KillingLog(opened.log, order)
    workers = system.LocalWorkers()
    env = Environment(
        log=log,
        blobs=opened.blobs,
        clock=system.SystemClock(),
        ids=system.RandomIds(),
        workers=workers,
        models=lambda name: models.resolve_model(name, opened.blobs.get),
        tools=tools.BUILTIN_TOOLS.get,
        permissions=permissions.StructuredPermissions(),
        user=Actor(kind="user", id="ada"),
        worker=workers.me,
        settings=Settings(poll_seconds=0.02, lease_seconds=order.lease_seconds),
        heartbeats=opened.heartbeats,
    )
    async with Turnlog(env, opened.close) as turnlog:
        own = tools_that_note(ledger, order.die_in)
        answered = yes if order.approvals == "yes" else order.approvals
        if order.resume:
            session = await turnlog.open_session(order.resume, model=ScriptedModel(SCRIPT), tools=own)
            await session.resume_turn(approvals=answered, unknown="did_not")
        else:
            session = await turnlog.create_session(order.title, model=ScriptedModel(SCRIPT), tools=own)
            await session.append_turn("Go.", approvals=answered)
    note(ledger, f"appends {log.count}")


def serve() -> None:
    """Carry out the orders on standard input."""
    for name in ("jsonschema", "psycopg_pool"):
        import_module(name)  # so that no fork has to
    for line in sys.stdin:
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                asyncio.run(run(order))
                status = 0
            finally:
                os._exit(status)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.waitpid(pid, 0)[1]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
