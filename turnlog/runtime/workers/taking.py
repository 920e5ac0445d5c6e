"""Whether a worker may take a session, and whether there would be anything for it to do."""

from dataclasses import dataclass

from turnlog.domain import AwaitPerson, Draft, Event, NothingToResume, Session, Stamp, commands, next_step

from ..environment import CUT_OFF, Environment
from ..histories import load
from ..turns.engine import Conduct
from ..worker import Worker


@dataclass(frozen=True, slots=True)
class Holder:
    """The worker that holds a session, and whether another may take it.

    `silent` is how many seconds ago it was last heard of; None where it was seen to be gone, or nobody beats.
    """

    worker: str
    gone: bool
    silent: float | None = None


async def holder_of(env: Environment, session: Session) -> Holder | None:
    """Who holds the session; None where nobody does.

    It is gone where its process has ended, or where it was silent for longer than a lease lasts. Raises StoreError.
    """
    if session.lease is None:
        return None
    worker = session.lease.worker
    if env.is_gone(worker):
        return Holder(worker, gone=True)
    if env.heartbeats is None:
        return Holder(worker, gone=False)
    silent = (await env.heartbeats.silences([worker]))[worker]
    return Holder(worker, silent > env.settings.lease_seconds, silent)


def take_up(worker: Worker, session: Session, holder: Holder | None) -> tuple[Event, ...]:
    """A worker that nobody sent takes a session whose turn is open, or suspended with nothing left to wait for.

    Raises NothingToResume where the turn is over or somebody stopped it, SessionBusy.
    """
    turn = session.turn
    if turn is None or turn.stopped or turn.state not in ("open", "suspended"):
        raise NothingToResume(f"session {session.id} has no turn that a worker may take up")
    resumed = commands.turns.resume(session, worker.stamp()) if turn.state == "suspended" else ()
    return (*resumed, *taken(worker, session, holder))


def without_asking(session: Session) -> Holder | None:
    """Who holds the session, and is to lose it because somebody says so."""
    return None if session.lease is None else Holder(session.lease.worker, gone=True)


def taken(worker: Worker, session: Session, holder: Holder | None) -> tuple[Event, ...]:
    """The worker takes the session; from another one only where that is known to be gone. Raises SessionBusy."""
    lease = session.lease
    if lease is not None and lease.worker in CUT_OFF:  # it did not die, so no worker was lost at this step
        by, ahead = worker.stamp(), Draft(session)
        ahead.decide(lambda session: commands.leases.release(session, by, lease.epoch))
        return (*ahead.events, *taken(worker, ahead.session, None))
    gone, silence = _standing(worker.env, session, holder)
    return commands.leases.take(session, worker.stamp(), worker.name, holder_gone=gone, silence=silence)


def vacated(env: Environment, session: Session, by: Stamp, holder: Holder | None) -> tuple[Event, ...]:
    """Nobody has the session any more; only a worker that is known to be gone loses it. Raises SessionBusy."""
    gone, silence = _standing(env, session, holder)
    return commands.leases.vacate(session, by, holder_gone=gone, silence=silence)


def _standing(env: Environment, session: Session, holder: Holder | None) -> tuple[bool, commands.leases.Silence | None]:
    """Whether who has the session may lose it, and how long that worker was silent."""
    lease = session.lease
    if lease is None or holder is None or holder.worker != lease.worker:
        return lease is None, None
    return holder.gone, _silence(env, holder)


def _silence(env: Environment, holder: Holder) -> commands.leases.Silence | None:
    if holder.silent is None:
        return None
    return commands.leases.Silence(holder.silent, env.settings.lease_seconds)


async def still_waits(env: Environment, session: Session, conduct: Conduct) -> bool:
    """Whether resuming would only suspend again, on the same questions, those of subagents included.

    Raises StoreError.
    """
    turn = session.turn
    if turn is None or turn.state != "suspended" or turn.stopped or conduct.approvals != "suspend":
        return False
    ahead = Draft(session)
    by = env.stamp()
    ahead.decide(lambda session: commands.turns.resume(session, by))
    step = next_step(ahead.session)
    if not isinstance(step, AwaitPerson):
        return False
    if not (step.unknown or step.requests or step.subagents):
        return False  # it waited for subagents, and those are done by now
    if step.unknown:
        return conduct.unknown is None
    if any(request.has_expired(by["at"]) for request in step.requests):
        return False
    for child in step.subagents:
        if not await still_waits(env, await load(env, child), conduct):
            return False
    return True
