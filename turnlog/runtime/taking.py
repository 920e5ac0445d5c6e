"""Whether a worker may take a session, and whether there would be anything for it to do."""

from turnlog.domain import AwaitPerson, Draft, Event, Session, commands, next_step

from .engine import Conduct
from .worker import Worker


def taken(worker: Worker, session: Session, *, take_over: bool) -> tuple[Event, ...]:
    """The worker takes the session; from another one only where that is gone, or whoever calls says so."""
    gone = session.lease is None or take_over or worker.env.is_gone(session.lease.worker)
    return commands.leases.take(session, worker.stamp(), worker.name, holder_gone=gone)


def still_waits(worker: Worker, conduct: Conduct) -> bool:
    """Whether resuming would only suspend again, on the same questions."""
    turn = worker.session.turn
    if turn is None or turn.state != "suspended" or turn.stopped or conduct.approvals != "suspend":
        return False
    ahead = Draft(worker.session)
    by = worker.env.stamp()
    ahead.decide(lambda session: commands.turns.resume(session, by))
    step = next_step(ahead.session)
    if not isinstance(step, AwaitPerson):
        return False
    if step.unknown:
        return conduct.unknown is None
    return all(by["at"] < request.expires_at for request in step.requests)
