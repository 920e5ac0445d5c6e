"""Running one session for a pool: it is taken, its turn is run as far as it goes, and what came of it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from turnlog.domain import InvalidInput, Model, Session, Tool

from ..configuring import check_own
from ..delegation.delegating import run
from ..environment import Environment
from ..histories import load
from ..hooks import Hook
from ..means import Means, worker_for
from ..turns.engine import Conduct, Oversight
from ..turns.replies import Reply
from ..worker import Worker
from .taking import holder_of, still_waits, take_up


@dataclass(frozen=True, slots=True)
class PoolMeans:
    """What the calling program brings to the sessions it runs: tools and models by their names, and hooks in order."""

    tools: Mapping[str, Tool]
    models: Mapping[str, Model]
    hooks: Sequence[Hook]


def means_for(session: Session, means: PoolMeans) -> Means:
    """What a session works with: its model as the program brought it, around which its worker puts what there is."""
    return Means(means.models.get(session.model), means.tools, means.hooks)


async def prepared(env: Environment, session_id: str, means: PoolMeans) -> Worker:
    """A worker for a session, before it has taken it.

    Raises NotFound, StoreError, InvalidInput where a tool or the model is not to be had.
    """
    session = await load(env, session_id)
    await check_own(env, session, means.tools)
    worker = await worker_for(env, session_id, means_for(session, means))
    _check_tools(session, worker)
    return worker


async def run_session(worker: Worker, means: PoolMeans, oversight: Oversight) -> Reply | None:
    """Take a session and run its turn as far as it goes; None where it still waits for the same people.

    Raises SessionBusy, NothingToResume where somebody else was faster; TurnFailure, TurnInterrupted, SessionLost,
    StoreError.
    """
    conduct = Conduct("suspend", oversight=oversight)
    if await still_waits(worker.env, worker.session, conduct):
        return None
    holder = await holder_of(worker.env, worker.session)
    worker.decide(lambda session: take_up(worker, session, holder))
    return await run(worker, means_for(worker.session, means), conduct)


def _check_tools(session: Session, worker: Worker) -> None:
    """A model that was promised a tool must not be run without it."""
    missing = [name for name in session.tools if name not in worker.tools]
    if missing:
        raise InvalidInput(
            f"session {session.id} has tools that this worker does not: {', '.join(missing)};"
            " start a worker that brings them"
        )
