"""The fold: every recorded event is true; take it in and judge nothing.

Total: any event in any state gives a state. An event that speaks of something the state does not hold (a call of an
earlier round, say) only moves the version on.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Protocol

from . import (
    evolve_background,
    evolve_calls,
    evolve_context,
    evolve_subagents,
    evolve_team,
    evolve_toolset,
    evolve_turns,
)
from .at_work import NO_SUBAGENTS
from .events import (
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
    ToolsFound,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnState,
    TurnStopRequested,
    TurnSuspended,
)
from .membership import NO_MAIL
from .memory import digest_of
from .replacing import replace
from .rules import Rule, remember
from .session import Lease, Session
from .tags import retagged
from .turn import Turn


class _HasEvent(Protocol):
    @property
    def event(self) -> Event: ...


_EVENT = attrgetter("event")


def evolve(session: Session, event: Event) -> Session:
    """The session after one more event."""
    return _after(session, (event,))


def fold_events(session: Session, events: Iterable[Event]) -> Session:
    """The session after events that are not in the log yet."""
    return _after(session, events)


def fold(session: Session, recorded: Iterable[_HasEvent]) -> Session:
    """The session after all these events."""
    return _after(session, map(_EVENT, recorded))


def _after(session: Session, events: Iterable[Any]) -> Session:
    """Most events change the turn and nothing else, so turn and version join the session only where it is looked at."""
    turn, version = session.turn, session.version
    for event in events:
        version += 1
        if turn is not None and turn.next_expiry is not None and event.at >= turn.next_expiry:
            turn = evolve_calls.time_passed(turn, event.at)
        kind: type[Event] = event.__class__
        if in_turn := _IN_TURN.get(kind):
            if turn is not None and turn.turn_id == event.turn_id:
                turn = in_turn(turn, event, version)
        elif kind is TurnStarted:
            turn = evolve_turns.turn_started(turn, event, version)
        elif in_session := _IN_SESSION.get(kind):
            session = in_session(replace(session, version=version, turn=turn), event)
            turn, version = session.turn, session.version
    return replace(session, version=version, turn=turn)


# The session as a whole


def _started(session: Session, event: SessionStarted) -> Session:
    return replace(
        session,
        title=event.title,
        model=event.model,
        project=event.project,
        workspace=event.workspace,
        system=event.system,
        tools=event.tools,
        started_at=event.at,
        settings=event.settings,
        limits=event.limits,
        policy=event.policy,
        tags=event.tags,
        memory=bool(event.memory),
        spawned_by=event.spawned_by,
    )


def _forked(session: Session, event: SessionForked) -> Session:
    """The parent's state up to the fork is already folded in; from here on the stream is the child's.

    What is used counts from here, and what the parent's model had not seen stays there.
    """
    turn = session.turn
    if turn is not None:
        state: TurnState = "forked" if turn.state in ("open", "suspended") else turn.state
        turn = Turn(
            turn.turn_id,
            1,
            state,
            turn.round,
            turn.attempt,
            last_word=turn.last_word,
            started_at=event.at,
            limits=turn.limits,
            output=turn.output,
            begun_by=turn.begun_by,
            rerun=event.rerun is not None and state == "forked",
        )
    return replace(
        session,
        version=1,
        title=event.title,
        model=event.model,
        project=event.project,
        completed_turns=event.completed_turns,
        turn=turn,
        rules=session.rules if event.keeps_grants else _without_grants(session),
        lease=None,
        epoch=0,
        closed=False,
        successor=None,
        started_at=event.at,
        background=evolve_background.left_behind(session.background),
        tags=event.tags,
        context=evolve_context.left_behind(session.context),
        subagents=NO_SUBAGENTS,
        spawned_by=None,
        team=(),
        mail=NO_MAIL,
        rerun=event.rerun,
    )


def _without_grants(session: Session) -> tuple[Rule, ...]:
    return tuple(rule for rule in session.rules if rule.effect != "allow")


def _renamed(session: Session, event: SessionRenamed) -> Session:
    return replace(session, title=event.title)


def _tagged(session: Session, event: SessionTagged) -> Session:
    return replace(session, tags=retagged(session.tags, event.added, event.removed))


def _configured(session: Session, event: SessionConfigured) -> Session:
    return replace(
        session,
        model=event.model or session.model,
        system=session.system if event.system is None else event.system,
        tools=session.tools if event.tools is None else event.tools,
        settings=session.settings if event.settings is None else event.settings,
        limits=session.limits if event.limits is None else event.limits,
        policy=session.policy if event.policy is None else event.policy,
        memory=session.memory if event.memory is None else event.memory,
    )


def _closed(session: Session, event: SessionClosed) -> Session:
    return replace(session, closed=True, successor=event.successor)


def _recalled(session: Session, event: MemoryRecalled) -> Session:
    return replace(session, recalled=digest_of(event.text) if event.text else "")


def _rule(session: Session, event: RuleRemembered | RuleRevoked | RuleUsed) -> Session:
    return replace(session, rules=remember(session.rules, event)) if event.scope == "session" else session


def _turn_completed(session: Session, event: TurnCompleted) -> Session:
    """Counts whichever turn it speaks of."""
    turn = session.turn
    if turn is not None and turn.turn_id == event.turn_id:
        turn = evolve_turns.ended(turn, "completed", session.version)
    return replace(session, turn=turn, completed_turns=session.completed_turns + 1)


def _input_queued(session: Session, event: InputQueued) -> Session:
    """A notice changes what the model has been told of tasks, which are the session's."""
    turn = session.turn
    if turn is not None and turn.turn_id == event.turn_id:
        session = replace(session, turn=evolve_turns.input_queued(turn, event, session.version))
    return evolve_background.told(session, event)


def _lease_taken(session: Session, event: LeaseTaken) -> Session:
    """Where nobody had given it back, whoever ran the turn died at it, or was lost."""
    turn = session.turn
    if session.lease is not None and turn is not None and turn.state == "open":
        turn = replace(turn, takeovers=turn.takeovers + 1)
    return replace(session, lease=Lease(event.epoch, event.worker), epoch=event.epoch, turn=turn)


def _lease_released(session: Session, event: LeaseReleased) -> Session:
    held = session.lease
    return replace(session, lease=None) if held and held.epoch == event.epoch else session


_IN_SESSION: Mapping[type[Event], Callable[[Session, Any], Session]] = {
    SessionStarted: _started,
    SessionForked: _forked,
    SessionRenamed: _renamed,
    SessionTagged: _tagged,
    SessionConfigured: _configured,
    SessionClosed: _closed,
    TurnCompleted: _turn_completed,
    RuleRemembered: _rule,
    RuleRevoked: _rule,
    RuleUsed: _rule,
    LeaseTaken: _lease_taken,
    LeaseReleased: _lease_released,
    InputQueued: _input_queued,
    MemoryRecalled: _recalled,
    BackgroundTaskStarted: evolve_background.task_started,
    BackgroundTaskStopRequested: evolve_background.stop_requested,
    BackgroundTaskFinished: evolve_background.task_over,
    BackgroundTaskLost: evolve_background.task_over,
    CompactionRequested: evolve_context.requested,
    CompactionStarted: evolve_context.started,
    CompactionCompleted: evolve_context.completed,
    CompactionFailed: evolve_context.failed,
    CompactionUndone: evolve_context.undone,
    SubagentSpawned: evolve_subagents.spawned,
    SubagentSuspended: evolve_subagents.suspended,
    SubagentResumed: evolve_subagents.resumed,
    SubagentFinished: evolve_subagents.finished,
    TeammateJoined: evolve_team.joined,
    TeammateLeft: evolve_team.left,
    MessageArrived: evolve_team.arrived,
    MessagesDelivered: evolve_team.delivered,
    ToolsArranged: evolve_toolset.arranged,
    ToolProfileChosen: evolve_toolset.chosen,
    ToolsFound: evolve_toolset.found,
}
"""The session at its new version, and an event of it."""

_IN_TURN: Mapping[type[Event], Callable[[Turn, Any, int], Turn]] = {
    TurnFailed: evolve_turns.turn_failed,
    TurnCancelled: evolve_turns.turn_cancelled,
    TurnSuspended: evolve_turns.turn_suspended,
    TurnResumed: evolve_turns.turn_resumed,
    TurnStopRequested: evolve_turns.stop_requested,
    InputDelivered: evolve_turns.input_delivered,
    ModelRequested: evolve_turns.requested,
    ModelResponded: evolve_turns.responded,
    ModelFailed: evolve_turns.model_failed,
    ToolCallAmended: evolve_calls.call_amended,
    ToolCallAuthorized: evolve_calls.call_authorized,
    ToolCallDenied: evolve_calls.call_denied,
    ToolCallStarted: evolve_calls.call_started,
    ToolCallFinished: evolve_calls.call_finished,
    ToolOutcomeUnknown: evolve_calls.outcome_unknown,
    ToolOutcomeResolved: evolve_calls.outcome_resolved,
    PermissionRequested: evolve_calls.permission_requested,
    PermissionJoined: evolve_calls.permission_joined,
    PermissionEndorsed: evolve_calls.permission_endorsed,
    PermissionResolved: evolve_calls.permission_resolved,
    PermissionExpired: evolve_calls.permission_expired,
    PermissionWithdrawn: evolve_calls.permission_withdrawn,
    PermissionStale: evolve_calls.permission_stale,
}
"""The latest turn, an event of that very turn, and the event's version."""
