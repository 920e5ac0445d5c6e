"""The sessions that a pool has to look at: those whose turn may not be over, told by few events of each turn.

It says of too many rather than of too few. What a session needs is told by its own events, folded by `RUNNABLE`; so
who begins to look for work need not read those of turns that are long over.
"""

from dataclasses import dataclass, replace

from turnlog.domain import (
    LeaseReleased,
    LeaseTaken,
    Recorded,
    SessionClosed,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
)

from .projection import Projection


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What keeps a session from being settled: a turn under way, a worker that has it, a call in doubt."""

    turn_id: str | None = None
    epoch: int | None = None
    in_doubt: bool = False


_SETTLED = Unsettled()


def _after(found: Unsettled, recorded: Recorded) -> Unsettled:
    match recorded.event:
        case TurnStarted(turn_id=turn_id):
            return replace(found, turn_id=turn_id, in_doubt=False)
        case TurnResumed(turn_id=turn_id):
            return replace(found, turn_id=found.turn_id or turn_id)
        case TurnCompleted(turn_id=turn_id) | TurnFailed(turn_id=turn_id) | TurnCancelled(turn_id=turn_id):
            return replace(found, turn_id=None) if turn_id == found.turn_id else found
        case ToolOutcomeUnknown():
            return replace(found, in_doubt=True)
        case LeaseTaken(epoch=epoch):
            return replace(found, epoch=epoch)
        case LeaseReleased(epoch=epoch):
            return replace(found, epoch=None) if epoch == found.epoch else found
        case SessionClosed():
            return _SETTLED
        case _:
            return found


def _fold(sessions: dict[str, Unsettled], recorded: Recorded) -> dict[str, Unsettled]:
    after = _after(sessions.get(recorded.stream, _SETTLED), recorded)
    if after == _SETTLED:
        sessions.pop(recorded.stream, None)
    else:
        sessions[recorded.stream] = after
    return sessions


UNSETTLED: Projection[dict[str, Unsettled]] = Projection(
    "unsettled_sessions",
    1,
    dict[str, Unsettled],
    _fold,
    frozenset(
        (
            TurnStarted,
            TurnResumed,
            TurnCompleted,
            TurnFailed,
            TurnCancelled,
            ToolOutcomeUnknown,
            LeaseTaken,
            LeaseReleased,
            SessionClosed,
        )
    ),
)
