"""The sessions with a turn that is not over: who runs it, or what it waits for.

A pool of workers finds its work here. It is the domain's own fold, begun where it is needed: with the turn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from turnlog.domain import (
    EVENTS,
    AwaitPerson,
    Event,
    LeaseReleased,
    LeaseTaken,
    PermissionExpired,
    PermissionResolved,
    PermissionWithdrawn,
    Recorded,
    Session,
    SessionClosed,
    SubagentFinished,
    ToolOutcomeResolved,
    Turn,
    TurnCancelled,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnSuspended,
    evolve,
    waits_for,
)

from .projection import Projection

Standing = Literal["ready", "held", "waiting", "stopped", "over"]
"""`ready`: a worker gets the turn further, and none has the session. `held`: one has it. `waiting`: for people."""

_BEGINNINGS = (LeaseTaken, TurnStarted, TurnResumed)
_TELLING = (TurnEvent, LeaseTaken, LeaseReleased, SessionClosed, SubagentFinished)


AWAKENING: tuple[type[Event], ...] = (
    TurnStarted,
    TurnResumed,
    LeaseReleased,
    PermissionResolved,
    PermissionExpired,
    PermissionWithdrawn,
    ToolOutcomeResolved,
    SubagentFinished,
)
"""After these a session may be ready that was not before, so that workers are told of it."""

STILLING: tuple[type[Event], ...] = (LeaseTaken, TurnSuspended, TurnCompleted, TurnFailed, TurnCancelled)
"""Where one of these comes in the same append, the session is not ready after it."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A session with a turn to be run. `since` is when it came to stand as it does.

    `session` holds the turn and the lease, and nothing that came before them.
    """

    session: Session
    since: datetime

    @property
    def standing(self) -> Standing:
        """Where the turn stands."""
        turn, held = self.session.turn, self.session.lease is not None
        if turn is None or turn.state not in ("open", "suspended"):
            return "over"
        if turn.stopped:
            return "stopped"
        if turn.state == "suspended" and waits_for(turn) is not None:
            return "waiting"
        return "held" if held else "ready"

    @property
    def waits(self) -> AwaitPerson | None:
        """What a suspended turn waits for."""
        turn = self.session.turn
        return waits_for(turn) if turn is not None and self.standing == "waiting" else None

    @property
    def worker(self) -> str | None:
        """Who has the session."""
        return None if self.session.lease is None else self.session.lease.worker

    @property
    def expires_at(self) -> datetime | None:
        """When the first of the questions it waits for is too old, and the turn goes on without an answer."""
        waits = self.waits
        if waits is None or waits.unknown:
            return None
        return min((request.expires_at for request in waits.requests), default=None)

    def is_runnable(self, now: datetime, is_gone: Callable[[str], bool]) -> bool:
        """Whether a worker may take the session, and would get its turn further. `is_gone` tells of its holder."""
        if self.worker is not None and self.standing in ("held", "waiting") and not is_gone(self.worker):
            return False
        waits = self.waits
        if self.standing in ("ready", "held"):
            return True
        return waits is not None and not waits.unknown and any(each.has_expired(now) for each in waits.requests)


def take_in(found: Unfinished | None, recorded: Recorded) -> Unfinished | None:
    """A session after one more event of it; None where there is nothing to run."""
    event = recorded.event
    if not isinstance(event, _TELLING if found else _BEGINNINGS):
        return found
    if found is not None and recorded.version <= found.session.version:
        return found  # it was taken in already
    before = found.session if found else _begun(recorded.stream, event)
    session = evolve(_at(before, recorded.version - 1), event)
    if session.closed or _is_over(session):
        return None
    after = Unfinished(session, event.at)
    if found is not None and (after.standing, session.epoch) == (found.standing, found.session.epoch):
        return Unfinished(session, found.since)
    return after


def _begun(stream: str, event: Event) -> Session:
    """The session as far as it matters: a turn that is resumed left no call open when it ended, or it would be here."""
    resumed = Turn(event.turn_id, 0) if isinstance(event, TurnResumed) else None
    return Session(stream, turn=resumed)


def _at(session: Session, version: int) -> Session:
    return Session(session.id, version, turn=session.turn, lease=session.lease, epoch=session.epoch)


def _is_over(session: Session) -> bool:
    """Nobody has it, and nothing of its turn is left that a resume would come back to."""
    turn = session.turn
    if session.lease is not None:
        return False
    return turn is None or (turn.state not in ("open", "suspended") and not turn.open_calls)


def _fold(sessions: dict[str, Unfinished], recorded: Recorded) -> dict[str, Unfinished]:
    after = take_in(sessions.get(recorded.stream), recorded)
    if after is None:
        sessions.pop(recorded.stream, None)
    else:
        sessions[recorded.stream] = after
    return sessions


RUNNABLE: Projection[dict[str, Unfinished]] = Projection(
    "runnable_sessions",
    1,
    dict[str, Unfinished],
    _fold,
    frozenset(kind for kind in EVENTS if issubclass(kind, _TELLING)),
)
