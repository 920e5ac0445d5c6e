"""Where a tool call stands, as people are shown it."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from turnlog.domain import (
    Event,
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    PermissionWithdrawn,
    SessionForked,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
)

CallStatus = Literal[
    "proposed",  # the model asks for it
    "waiting",  # a person is asked
    "allowed",  # a person said yes
    "refused",  # a person said no; the call is not yet closed
    "authorized",  # may run
    "running",  # started, and no outcome recorded so far
    "finished",
    "failed",  # the tool returned an error
    "denied",
    "unknown",  # started, and nobody knows how it ended
    "resolved",  # a person, or the policy, said what is to be thought of it
    "ended",  # the turn ended before it ran
    "forked",  # this session was forked off before it was completed
]
CallFact: TypeAlias = (
    ToolCallAmended
    | ToolCallAuthorized
    | ToolCallDenied
    | ToolCallStarted
    | ToolCallFinished
    | ToolOutcomeUnknown
    | ToolOutcomeResolved
    | PermissionRequested
    | PermissionJoined
    | PermissionEndorsed
    | PermissionResolved
    | PermissionExpired
    | PermissionWithdrawn
    | PermissionStale
)
TurnOver: TypeAlias = TurnCompleted | TurnFailed | TurnCancelled

_PLAIN: Mapping[type[Event], CallStatus] = {
    PermissionRequested: "waiting",
    PermissionJoined: "waiting",
    ToolCallAuthorized: "authorized",
    ToolCallStarted: "running",
    ToolCallDenied: "denied",
    ToolOutcomeUnknown: "unknown",
}
_IN_QUESTION: frozenset[CallStatus] = frozenset({"waiting", "allowed", "refused"})
_JUDGED: frozenset[CallStatus] = frozenset({"allowed", "authorized"})
_SETTLED: frozenset[CallStatus] = frozenset(
    {"finished", "failed", "denied", "unknown", "resolved", "ended", "forked"},
)


def status_after(status: CallStatus, event: CallFact) -> CallStatus:
    """Where a call stands after a fact about it."""
    match event:
        case ToolCallFinished():
            return "failed" if event.is_error else "finished"
        case PermissionResolved():
            return "allowed" if event.outcome == "allowed" else "refused"
        case ToolOutcomeResolved():
            return "authorized" if event.resolution == "retry" else "resolved"
        case ToolCallAmended() | PermissionEndorsed():
            return status
        case PermissionExpired() | PermissionWithdrawn():
            # An answer that outlived its call asks nothing anew.
            return "proposed" if status in _IN_QUESTION else status
        case PermissionStale():
            return "proposed" if status in _JUDGED else status
        case _:
            return _PLAIN[type(event)]


def status_when_over(status: CallStatus, event: TurnOver | SessionForked) -> CallStatus:
    """Where an unsettled call stands once its turn is over, or goes on only in the parent session."""
    if isinstance(event, SessionForked):
        return "forked"
    return "unknown" if status == "running" else "ended"


def is_settled(status: CallStatus) -> bool:
    """Whether the end of its turn changes nothing about the call any more."""
    return status in _SETTLED
