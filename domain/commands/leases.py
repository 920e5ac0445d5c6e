"""Commands about which worker runs the session."""

from dataclasses import dataclass

from ..errors import SessionBusy
from ..events import Event, LeaseReleased, LeaseTaken, Stamp
from ..session import Session
from . import context, guards


@dataclass(frozen=True, slots=True)
class Silence:
    """How many seconds ago a worker was last heard of, and after how many another may take its sessions."""

    seconds: float
    most: float


def take(
    session: Session, by: Stamp, worker: str, *, holder_gone: bool, silence: Silence | None = None
) -> tuple[Event, ...]:
    """Run the session from here on, in the next epoch. `holder_gone` tells that whoever holds it no longer runs.

    `silence` is the holder's, where that is known, for the refusal to tell. Raises NotFound, SessionBusy.
    """
    guards.not_closed(session)
    _may_be_taken(session, silence, holder_gone=holder_gone)
    left = context.abandon(session, by, "the worker ended before there was a summary")
    return (*left, LeaseTaken(**by, epoch=session.epoch + 1, worker=worker))


def vacate(session: Session, by: Stamp, *, holder_gone: bool, silence: Silence | None = None) -> tuple[Event, ...]:
    """Have nobody run the session, so that whichever worker comes first takes it; `holder_gone` as for `take`.

    Raises SessionBusy.
    """
    _may_be_taken(session, silence, holder_gone=holder_gone)
    return () if session.lease is None else release(session, by, session.lease.epoch)


def _may_be_taken(session: Session, silence: Silence | None, *, holder_gone: bool) -> None:
    if session.lease is not None and not holder_gone:
        raise SessionBusy(
            f"session {session.id} is being run by {session.lease.worker}{_heard(silence)}; "
            "wait for it, cancel it, or take it over if that worker is gone",
            free_in=None if silence is None else max(0.0, silence.most - silence.seconds),
        )


def _heard(silence: Silence | None) -> str:
    if silence is None:
        return ""
    left = max(0.0, silence.most - silence.seconds)
    return f" (last heard of {silence.seconds:.0f} s ago, free in {left:.0f} s if it stays silent)"


def give_back(session: Session, by: Stamp, epoch: int) -> tuple[Event, ...]:
    """Give the session back at the end of a turn. Raises SessionLost where this worker no longer holds it."""
    guards.not_taken_over(session, epoch)
    return release(session, by, epoch)


def release(session: Session, by: Stamp, epoch: int) -> tuple[Event, ...]:
    """Give the session back; nothing happens where this worker no longer holds it."""
    if session.lease is None or session.lease.epoch != epoch:
        return ()
    left = context.abandon(session, by, "the worker stopped before there was a summary")
    return (*left, LeaseReleased(**by, epoch=epoch, worker=session.lease.worker))
