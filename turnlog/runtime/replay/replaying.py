"""Replaying a session: the engine of today runs the recorded turns again, on recorded answers and results.

Whatever it would write is compared with what was written. The first difference ends the replay.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from turnlog.domain import (
    BlobDamaged,
    BlobMissing,
    Event,
    LeaseTaken,
    ModelRequested,
    ModelResponded,
    PermissionRule,
    Recorded,
    Session,
    Tool,
    ToolCallFinished,
    ToolSpec,
    TurnlogError,
    TurnStarted,
    fold,
)

from ..background.registry import LiveTasks
from ..bodies import Bodies
from ..environment import Environment
from ..hooks import Hook
from ..turns.engine import Conduct, drive
from ..turns.live import Live
from ..turns.outputs import output_tool
from ..turns.own_tools import runtime_tool
from ..turns.prompts import rebuilt
from ..worker import Worker
from .differing import first_difference
from .effects import RecordedModel, RecordedTool
from .log import ReplayLog
from .meaning import FieldDifference
from .permissions import ReplayPermissions, looked_up
from .ports import ReplayAuthorizer, ReplayBlobs, ReplayClock, ReplayIds, recorded_gates
from .tape import Tape


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where a replay parts from the record: what was `recorded` at a version, and what would be written there `now`.

    None stands for nothing. `why` says in words what two requests to the model differ in.
    """

    session_id: str
    version: int
    recorded: Event | None
    now: Event | None
    differences: tuple[FieldDifference, ...] = ()
    why: str = ""

    @property
    def address(self) -> str:
        """The session and version, as `ID@42`."""
        return f"{self.session_id}@{self.version}"


@dataclass(frozen=True, slots=True)
class Replayed:
    """How far a session was the same again: of `events` up to a version, `reproduced` were written by the engine.

    The others are from people, other processes and the machine, and were put in where they stood. `turns`, `requests`
    and `calls` are those that were gone through; nothing diverged where `divergence` is None. `unchecked` counts, by
    kind, those of the others that code had decided on: what hooks did, what failed, what was summarised. A change of
    that code does not show.
    """

    session_id: str
    version: int
    events: int
    reproduced: int
    turns: int
    requests: int
    calls: int
    divergence: Divergence | None
    unchecked: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def identical(self) -> bool:
        """Whether all of it was the same again."""
        return self.divergence is None


async def replay_session(
    env: Environment,
    session_id: str,
    history: Sequence[Recorded],
    tools: Sequence[Tool] = (),
    rules: Sequence[PermissionRule] = (),
) -> Replayed:
    """Run again what led to a session, its own stream from the beginning; nothing is written, and no tool runs.

    `tools` are those of the calling program; of others that are not at hand the record has the specification. `rules`
    are tried beside those that were in force. Raises BlobMissing, BlobDamaged, StoreError.
    """
    own = [record for record in history if record.stream == session_id]
    before = history[: len(history) - len(own)]
    tape = Tape(fold(Session(session_id), before), own)
    blobs = ReplayBlobs(env.blobs)
    permissions = ReplayPermissions(env.permissions, tape, await looked_up(own, env.bodies))
    authorizer = ReplayAuthorizer(own)
    apart = replace(
        env,
        log=ReplayLog(tape, env.log, rules),
        blobs=blobs,
        clock=ReplayClock(tape),
        ids=ReplayIds(tape),
        permissions=permissions,
        authorizer=authorizer if authorizer.name else None,
        snapshots=None,
        heartbeats=None,
        wrapping=None,
        archive=None,
        read_tables=None,
        hooks=(),
        secrets={},
        state={},
        live=Live(),
        background=LiveTasks(),
    )
    gates = await recorded_gates(own, env.bodies)
    await _play(_Stage(apart, env, tape, {tool.spec.name: tool for tool in tools}, gates))
    if tape.failure is not None:
        raise tape.failure
    return await _told(tape, before, apart.bodies)


@dataclass(frozen=True, slots=True)
class _Stage:
    """`env` is what the engine works with, `real` is what tools of turnlog are looked up in."""

    env: Environment
    real: Environment
    tape: Tape
    tools: Mapping[str, Tool]
    gates: Sequence[Hook]


async def _play(stage: _Stage) -> None:
    tape = stage.tape
    while not tape.over.is_set():
        tape.worker = None
        session, following = tape.session, tape.next
        if following is None:
            return
        turn_is_open = session.turn is not None and session.turn.state == "open"
        latest = tape.shown[-1].event if tape.shown else None
        if turn_is_open and session.lease is not None and isinstance(latest, LeaseTaken | TurnStarted):
            await _run(stage, session.lease.worker)
        elif not tape.let_by():
            tape.part(following, None, ())


async def _run(stage: _Stage, name: str) -> None:
    """Let the engine run the turn, in the name of the worker that ran it, as far as that went."""
    tape = stage.tape
    env = replace(stage.env, worker=name.rpartition("/")[0] or name)
    worker = Worker(env, tape.stream, RecordedModel(_answering(tape), tape, env.bodies), {}, stage.gates)
    worker.name = name
    tape.worker = worker
    tape.out_of_time.clear()
    await worker.open()
    worker.tools = await _tools(stage, worker)
    run, over = asyncio.create_task(drive(worker, Conduct())), asyncio.create_task(tape.over.wait())
    try:
        await asyncio.wait({run, over}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (run, over):
            task.cancel()
        await asyncio.wait({run, over})
    if not run.cancelled() and (error := run.exception()) is not None and not isinstance(error, TurnlogError):
        raise error


def _answering(tape: Tape) -> str:
    """The name of the model that answered."""
    ahead = (record.event for record in tape.record[len(tape.shown) :])
    return next((event.actor.id for event in ahead if isinstance(event, ModelResponded)), tape.session.model)


async def _tools(stage: _Stage, worker: Worker) -> Mapping[str, Tool]:
    """The session's tools: as they are at hand now, or else as the record has them; none of them can do anything."""
    tape, bodies = stage.tape, worker.env.bodies
    asked = tape.all_ahead(ModelRequested)
    known = asked or [record.event for record in reversed(tape.shown) if isinstance(record.event, ModelRequested)][:1]
    kept = dict.fromkeys(event.tools for event in known)
    offered = {spec.name: spec for ref in kept for spec in await bodies.tools(ref)}
    found: dict[str, Tool] = {}
    for name in worker.session.tools:
        at_hand = runtime_tool(stage.env, name) or stage.tools.get(name) or stage.real.tools(name)
        spec: ToolSpec | None = at_hand.spec if at_hand is not None else offered.get(name)
        if spec is not None and (not asked or name in offered):  # one that was not at hand then was never offered
            found[name] = RecordedTool(spec, at_hand, tape, bodies)
    for name, at_hand in output_tool(worker.session, None).items():
        found[name] = RecordedTool(at_hand.spec, at_hand, tape, bodies)
    return found


async def _told(tape: Tape, before: Sequence[Recorded], bodies: Bodies) -> Replayed:
    shown = [record.event for record in tape.shown]
    return Replayed(
        session_id=tape.stream,
        version=tape.record[-1].version,
        events=len(shown),
        reproduced=tape.reproduced,
        turns=sum(isinstance(event, TurnStarted) for event in shown),
        requests=sum(isinstance(event, ModelRequested) for event in shown),
        calls=sum(isinstance(event, ToolCallFinished) for event in shown),
        divergence=await _divergence(tape, before, bodies),
        unchecked=dict(sorted(Counter(type(event).__name__ for event in tape.unchecked).items())),
    )


async def _divergence(tape: Tape, before: Sequence[Recorded], bodies: Bodies) -> Divergence | None:
    if tape.parted is None:
        return None
    recorded, now, found = tape.parted
    version = len(tape.shown) + 1
    why = ""
    if recorded is not None and isinstance(recorded.event, ModelRequested) and isinstance(now, ModelRequested):
        with suppress(BlobMissing, BlobDamaged):
            why = await _requests_differ(recorded, now, [*before, *tape.shown], bodies)
    return Divergence(tape.stream, version, recorded and recorded.event, now, found, why)


async def _requests_differ(recorded: Recorded, now: ModelRequested, history: Sequence[Recorded], bodies: Bodies) -> str:
    """What two requests to the model differ in. Raises BlobMissing, BlobDamaged, StoreError."""
    if not isinstance(recorded.event, ModelRequested):
        return ""
    was = await rebuilt(history, recorded, recorded.event, bodies)
    is_ = await rebuilt(history, recorded, now, bodies)
    if not was.agrees:
        return (
            "this turnlog builds another request from the same events than the one that was sent, of which the log "
            "has only the digest"
        )
    return first_difference(was.request, is_.request) or ""
