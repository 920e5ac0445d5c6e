"""Calls whose outcome nobody knows, over all sessions, from the global log."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from turnlog.domain import (
    Effect,
    Kinds,
    Recorded,
    SessionClosed,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnFailed,
    TurnResumed,
    TurnStarted,
)

from .projection import Projection

_TELLING: Kinds = frozenset(
    {
        ToolCallStarted,
        ToolCallFinished,
        ToolOutcomeUnknown,
        ToolOutcomeResolved,
        TurnFailed,
        TurnCancelled,
        TurnResumed,
        TurnStarted,
        SessionClosed,
    }
)


@dataclass(frozen=True, slots=True)
class UnknownCall:
    """A call that was started, and nobody knows how it ended; `reason` says why.

    `attempt` began at `started_at`, and its outcome was missed at `since`. Where its turn `is_over`, it cannot be run
    again, only explained.
    """

    call_id: str
    session_id: str
    turn_id: str
    tool: str
    effect: Effect
    attempt: int
    started_at: datetime
    since: datetime
    reason: str
    idempotency_key: str
    is_over: bool = False


@dataclass(slots=True)
class UnknownCalls:
    """The calls that somebody may still say something of, by id; `started` are those that run, or seem to."""

    calls: dict[str, UnknownCall] = field(default_factory=dict[str, UnknownCall])
    started: dict[str, ToolCallStarted] = field(default_factory=dict[str, ToolCallStarted])


def _fold(found: UnknownCalls, recorded: Recorded) -> UnknownCalls:
    stream = recorded.stream
    match recorded.event:
        case ToolCallStarted() as event:
            found.started[event.call_id] = event
        case ToolCallFinished() as event:
            found.started.pop(event.call_id, None)
        case ToolOutcomeUnknown() as event:
            if (started := found.started.pop(event.call_id, None)) is not None:
                found.calls[event.call_id] = _lost(stream, started, event)
        case ToolOutcomeResolved() as event:
            found.calls.pop(event.call_id, None)
        case TurnFailed() | TurnCancelled():
            _of(found, stream, lambda call: replace(call, is_over=True))
        case TurnResumed():
            _of(found, stream, lambda call: replace(call, is_over=False))
        case TurnStarted() | SessionClosed():  # what came before is what it is: nobody is asked about it any more
            _of(found, stream, lambda call: None)
        case _:
            pass
    return found


def _lost(session_id: str, started: ToolCallStarted, event: ToolOutcomeUnknown) -> UnknownCall:
    return UnknownCall(
        call_id=event.call_id,
        session_id=session_id,
        turn_id=event.turn_id,
        tool=started.tool,
        effect=started.effect,
        attempt=event.attempt,
        started_at=started.at,
        since=event.at,
        reason=event.reason,
        idempotency_key=started.idempotency_key,
    )


def _of(found: UnknownCalls, session_id: str, change: Callable[[UnknownCall], UnknownCall | None]) -> None:
    for call in [call for call in found.calls.values() if call.session_id == session_id]:
        changed = change(call)
        if changed is None:
            del found.calls[call.call_id]
        else:
            found.calls[call.call_id] = changed


UNKNOWN_CALLS: Projection[UnknownCalls] = Projection("unknown_calls", 1, UnknownCalls, _fold, _TELLING)
