"""The fold: every recorded event is true; take it in and judge nothing.

Total: any event in any state gives a state. An event that speaks of something the state does not hold (a call of an
earlier round, say) only moves the version on.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Protocol

from ..events import (
    BackgroundTaskFinished,
    BackgroundTaskLost,
    BackgroundTaskStarted,
    BackgroundTaskStopRequested,
    CompactionCompleted,
    CompactionFailed,
    CompactionRequested,
    CompactionStarted,
    CompactionUndone,
    Event,
    InputDelivered,
    InputQueued,
    Kinds,
    LeaseReleased,
    LeaseTaken,
    MemoryRecalled,
    MessageArrived,
    MessagesDelivered,
    ModelFailed,
    ModelRequested,
    ModelResponded,
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    PermissionWithdrawn,
    RuleRemembered,
    RuleRevoked,
    RuleUsed,
    SessionClosed,
    SessionConfigured,
    SessionForked,
    SessionRenamed,
    SessionStarted,
    SessionTagged,
    SubagentFinished,
    SubagentResumed,
    SubagentSpawned,
    SubagentSuspended,
    TeammateJoined,
    TeammateLeft,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    ToolProfileChosen,
    ToolsArranged,
    ToolSearchChosen,
    ToolsFound,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnStopRequested,
    TurnSuspended,
)
from ..replacing import replace
from ..session import Session
from ..turn import Spent, Turn
from . import background, calls, context, sessions, subagents, team, toolset, turns


class _Placed(Protocol):
    @property
    def version(self) -> int: ...

    @property
    def event(self) -> Any: ...


_EVENT = attrgetter("event")


def evolve(session: Session, event: Event) -> Session:
    """The session after one more event."""
    return _after(session, (event,))


def fold_events(session: Session, events: Iterable[Event]) -> Session:
    """The session after events that are not in the log yet."""
    return _after(session, events)


def fold(session: Session, recorded: Iterable[_Placed]) -> Session:
    """The session after all these events."""
    return _after(session, map(_EVENT, recorded))


def fold_before(session: Session, recorded: Iterable[_Placed]) -> Session:
    """The session after events of its own stream that stand before the beginning of its latest turn.

    All that is left of a turn once the next one begins is what it used, so of the turn this keeps no more. It takes
    events without what is unread before, between which others than those that outlast their turn may be left out.
    """
    turn, version = session.turn, session.version
    for record in recorded:
        version, event = record.version, record.event
        kind: type[Event] = event.__class__
        if used := _USED.get(kind):
            if turn is not None and turn.turn_id == event.turn_id:
                turn = replace(turn, spent=used(turn, event))
        elif kind is TurnStarted:
            turn = turns.followed(turn, event)
        elif in_session := _IN_SESSION.get(kind):
            session = in_session(replace(session, version=version, turn=turn), event)
            turn, version = session.turn, session.version
    return replace(session, version=version, turn=turn)


def _after(session: Session, events: Iterable[Any]) -> Session:
    """Most events change the turn and nothing else, so turn and version join the session only where it is looked at."""
    turn, version = session.turn, session.version
    for event in events:
        version += 1
        if turn is not None and turn.next_expiry is not None and event.at >= turn.next_expiry:
            turn = calls.time_passed(turn, event.at)
        kind: type[Event] = event.__class__
        if in_turn := _IN_TURN.get(kind):
            if turn is not None and turn.turn_id == event.turn_id:
                turn = in_turn(turn, event, version)
        elif kind is TurnStarted:
            turn = turns.turn_started(turn, event, version)
        elif in_session := _IN_SESSION.get(kind):
            session = in_session(replace(session, version=version, turn=turn), event)
            turn, version = session.turn, session.version
    return replace(session, version=version, turn=turn)


_IN_SESSION: Mapping[type[Event], Callable[[Session, Any], Session]] = {
    SessionStarted: sessions.started,
    SessionForked: sessions.forked,
    SessionRenamed: sessions.renamed,
    SessionTagged: sessions.tagged,
    SessionConfigured: sessions.configured,
    SessionClosed: sessions.closed,
    TurnCompleted: sessions.turn_completed,
    RuleRemembered: sessions.rule,
    RuleRevoked: sessions.rule,
    RuleUsed: sessions.rule,
    LeaseTaken: sessions.lease_taken,
    LeaseReleased: sessions.lease_released,
    InputQueued: sessions.input_queued,
    MemoryRecalled: sessions.recalled,
    BackgroundTaskStarted: background.task_started,
    BackgroundTaskStopRequested: background.stop_requested,
    BackgroundTaskFinished: background.task_over,
    BackgroundTaskLost: background.task_over,
    CompactionRequested: context.requested,
    CompactionStarted: context.started,
    CompactionCompleted: context.completed,
    CompactionFailed: context.failed,
    CompactionUndone: context.undone,
    SubagentSpawned: subagents.spawned,
    SubagentSuspended: subagents.suspended,
    SubagentResumed: subagents.resumed,
    SubagentFinished: subagents.finished,
    TeammateJoined: team.joined,
    TeammateLeft: team.left,
    MessageArrived: team.arrived,
    MessagesDelivered: team.delivered,
    ToolsArranged: toolset.arranged,
    ToolProfileChosen: toolset.chosen,
    ToolSearchChosen: toolset.search_chosen,
    ToolsFound: toolset.found,
}
"""The session at its new version, and an event of it."""

_IN_TURN: Mapping[type[Event], Callable[[Turn, Any, int], Turn]] = {
    TurnFailed: turns.turn_failed,
    TurnCancelled: turns.turn_cancelled,
    TurnSuspended: turns.turn_suspended,
    TurnResumed: turns.turn_resumed,
    TurnStopRequested: turns.stop_requested,
    InputDelivered: turns.input_delivered,
    ModelRequested: turns.requested,
    ModelResponded: turns.responded,
    ModelFailed: turns.model_failed,
    ToolCallAmended: calls.call_amended,
    ToolCallAuthorized: calls.call_authorized,
    ToolCallDenied: calls.call_denied,
    ToolCallStarted: calls.call_started,
    ToolCallFinished: calls.call_finished,
    ToolOutcomeUnknown: calls.outcome_unknown,
    ToolOutcomeResolved: calls.outcome_resolved,
    PermissionRequested: calls.permission_requested,
    PermissionJoined: calls.permission_joined,
    PermissionEndorsed: calls.permission_endorsed,
    PermissionResolved: calls.permission_resolved,
    PermissionExpired: calls.permission_expired,
    PermissionWithdrawn: calls.permission_withdrawn,
    PermissionStale: calls.permission_stale,
}
"""The latest turn, an event of that very turn, and the event's version."""

FOLDED: Kinds = frozenset({TurnStarted, *_IN_TURN, *_IN_SESSION})
"""The kinds that change more than the version."""

_USED: Mapping[type[Event], Callable[[Turn, Any], Spent]] = {
    ModelRequested: turns.after_request,
    ModelResponded: turns.after_answer,
    ToolCallStarted: calls.after_start,
}
"""The latest turn, an event of that very turn, and what the turn has used then."""

OUTLASTING: Kinds = frozenset({TurnStarted, *_USED, *_IN_SESSION})
"""The kinds that change more than their own turn: once another one begins, all that is left of one is what it used."""
