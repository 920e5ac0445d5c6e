"""Compacting a conversation because somebody says so: at once, or by the worker that runs the session."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

from turnlog.domain import (
    BlobDamaged,
    CommandRefused,
    CompactionFailed,
    Event,
    ModelError,
    Session,
    SessionBusy,
    SessionLost,
    StoreError,
    TurnlogError,
    clean,
    commands,
)
from turnlog.projections import Compacted

from ..environment import CUT_OFF, RUNNING, Environment
from ..histories import load
from ..means import Means, worker_for
from ..turns.ending import deadline_passed, decide
from ..worker import OutOfTime, Worker
from ..workers.taking import holder_of, taken
from ..writing import command
from .compacting import NOTHING_TO_COMPACT, Wish, compact, not_compacted


@dataclass(frozen=True, slots=True)
class Compacting:
    """What came of asking for a compaction.

    `compacted`: `summary` stands for everything up to an event, by its version in `through`, and `version` is that of
    the session now. `requested`: whoever runs the session does it before its next request.
    """

    outcome: Literal["compacted", "requested"]
    version: int
    through: int = 0
    summary: str = ""


class CompactionError(TurnlogError):
    """There is no summary, and the conversation is what it was."""

    code = "not_compacted"


async def compact_now(env: Environment, session_id: str, means: Means, instructions: str = "") -> Compacting:
    """Compact a conversation. Raises NotFound, CommandRefused, CompactionError, LimitReached, StoreError."""
    worker = await worker_for(env, session_id, means)
    user, said = env.stamp(), clean(instructions)

    def request(session: Session) -> Sequence[Event]:
        return commands.context.request(session, user, said)

    holder = await holder_of(env, worker.session)
    worker.decide(request)
    try:
        worker.decide(lambda session: taken(worker, session, holder))
    except SessionBusy:
        recorded = await command(env, session_id, request)
        version = recorded[-1].version if recorded else (await load(env, session_id)).version
        return Compacting("requested", version)
    return await _held(worker, Wish("request", said))


async def _held(worker: Worker, wish: Wish) -> Compacting:
    """Compact for as long as the session is this worker's."""
    RUNNING.add(worker.name)
    try:
        await worker.env.pulse.begin(worker.name)
        return await _compacted(worker, wish)
    except StoreError:
        CUT_OFF.add(worker.name)
        raise
    finally:
        worker.tree.forget()
        RUNNING.discard(worker.name)
        worker.env.pulse.end(worker.name, holds=bool(worker.epoch))
        await worker.audience.dismiss()


async def _compacted(worker: Worker, wish: Wish) -> Compacting:
    """Compact, and give the session back whatever comes of it, where the database is there to be told."""
    try:
        return await _told(worker, await compact(worker, wish))
    except asyncio.CancelledError:
        with suppress(TurnlogError):
            await asyncio.shield(_give_back(worker, "cancelled", "the caller stopped it"))
        raise
    except OutOfTime as error:
        raise await _failed(worker, not_compacted(worker, deadline_passed(worker))) from error
    except TurnlogError as error:
        if isinstance(error, BlobDamaged) or not isinstance(error, SessionLost | StoreError):
            await _failed(worker, error)
        raise


async def _failed(worker: Worker, error: TurnlogError) -> TurnlogError:
    """Give the session back because of an error; what to raise then."""
    await _give_back(worker, error.code, error.message)
    return error


async def _told(worker: Worker, done: bool) -> Compacting:
    """Give the session back, and tell what came of it. Raises CommandRefused, CompactionError."""
    nothing = not done and worker.session.context.wanted is not None
    if nothing:
        decide(worker, partial(commands.context.decline, reason=NOTHING_TO_COMPACT))
    decide(worker, commands.leases.release)
    await worker.flush()
    if nothing:
        raise CommandRefused(f"session {worker.session.id}: {NOTHING_TO_COMPACT}")
    latest = worker.transcript.compactions.latest
    if not done or latest is None:
        raise await _why_not(worker)
    return await _compacting(worker, latest)


async def _compacting(worker: Worker, latest: Compacted) -> Compacting:
    through = worker.transcript.items[latest.cut - 1].version if latest.cut else 0
    summary = await worker.env.bodies.text(latest.summary)
    return Compacting("compacted", worker.session.version, through, summary)


async def _why_not(worker: Worker) -> CompactionError:
    records = await worker.env.log.read(worker.session.id, after=max(0, worker.session.version - 20))
    failed = [record.event for record in records if isinstance(record.event, CompactionFailed)]
    said = f"{failed[-1].failure}: {failed[-1].message}" if failed else "somebody else was faster"
    return CompactionError(
        f"session {worker.session.id} was not compacted, and its conversation is what it was ({said})"
    )


async def _give_back(worker: Worker, failure: str, reason: str) -> None:
    """Append what is decided and release the session; a compaction under way has failed."""
    while worker.epoch or worker.draft.events:
        with suppress(SessionLost, CommandRefused, ModelError):
            await worker.refresh()
        under_way = worker.session.context.under_way
        if worker.epoch and under_way is not None and under_way.epoch == worker.epoch:
            ended = commands.context.Failure(failure, clean(reason))
            with suppress(SessionLost, CommandRefused):
                decide(worker, partial(commands.context.fail, failure=ended))
        if worker.epoch:
            decide(worker, commands.leases.release)
        with suppress(SessionLost, CommandRefused):
            await worker.flush()
