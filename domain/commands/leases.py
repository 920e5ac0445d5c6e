"""Commands about which worker runs the session."""

from ..errors import SessionBusy
from ..events import Event, LeaseReleased, LeaseTaken, Stamp
from ..session import Session
from . import guards


def take(session: Session, by: Stamp, worker: str, *, holder_gone: bool) -> tuple[Event, ...]:
    """Run the session from here on, in the next epoch. `holder_gone` tells that whoever holds it no longer runs.

    Raises NotFound, SessionBusy.
    """
    guards.not_closed(session)
    if session.lease is not None and not holder_gone:
        raise SessionBusy(
            f"session {session.id} is being run by {session.lease.worker}; "
            "wait for it, cancel it, or take it over if that worker is gone"
        )
    return (LeaseTaken(**by, epoch=session.epoch + 1, worker=worker),)


def release(session: Session, by: Stamp, epoch: int) -> tuple[Event, ...]:
    """Give the session back; nothing happens where this worker no longer holds it."""
    if session.lease is None or session.lease.epoch != epoch:
        return ()
    return (LeaseReleased(**by, epoch=epoch, worker=session.lease.worker),)
