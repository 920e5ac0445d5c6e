"""The fold: every recorded event is true; take it in and judge nothing.

Total: any event in any state gives a state. An event that speaks of something the state does not hold (a call of an
earlier round, say) only moves the version on.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from . import evolve_calls
from .content import ThinkingBlock, ToolCallBlock
from .events import (
    Event,
    LeaseReleased,
    LeaseTaken,
    ModelFailed,
    ModelRequested,
    ModelResponded,
    PermissionExpired,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
    RuleRemembered,
    RuleRevoked,
    SessionClosed,
    SessionConfigured,
    SessionForked,
    SessionRenamed,
    SessionStarted,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnState,
    TurnSuspended,
)
from .evolve_calls import in_turn, moved_on
from .rules import Rule, remember
from .session import Call, LastWord, Lease, Session, Turn


class _HasEvent(Protocol):
    @property
    def event(self) -> Event: ...


def evolve(session: Session, event: Event) -> Session:
    """The session after one more event."""
    session = moved_on(session)
    fold = _FOLDS.get(type(event))
    return fold(session, event) if fold else session


def fold(session: Session, recorded: Iterable[_HasEvent]) -> Session:
    """The session after all these events."""
    for record in recorded:
        session = evolve(session, record.event)
    return session


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
    )


def _forked(session: Session, event: SessionForked) -> Session:
    """The parent's state up to the fork is already folded in; from here on the stream is the child's."""
    turn = session.turn
    if turn is not None:
        state: TurnState = "forked" if turn.state in ("open", "suspended") else turn.state
        turn = replace(turn, version=1, state=state, awaiting=False, calls=(), requests=())
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
    )


def _without_grants(session: Session) -> tuple[Rule, ...]:
    return tuple(rule for rule in session.rules if rule.effect == "deny")


def _renamed(session: Session, event: SessionRenamed) -> Session:
    return replace(session, title=event.title)


def _configured(session: Session, event: SessionConfigured) -> Session:
    return replace(
        session,
        model=event.model or session.model,
        system=session.system if event.system is None else event.system,
        tools=session.tools if event.tools is None else event.tools,
    )


def _closed(session: Session, event: SessionClosed) -> Session:
    return replace(session, closed=True)


def _rule(session: Session, event: RuleRemembered | RuleRevoked) -> Session:
    return replace(session, rules=remember(session.rules, event)) if event.scope == "session" else session


def _lease_taken(session: Session, event: LeaseTaken) -> Session:
    return replace(session, lease=Lease(event.epoch, event.worker), epoch=event.epoch)


def _lease_released(session: Session, event: LeaseReleased) -> Session:
    held = session.lease
    return replace(session, lease=None) if held and held.epoch == event.epoch else session


# Turns


def _turn_started(session: Session, event: TurnStarted) -> Session:
    return replace(session, turn=Turn(turn_id=event.turn_id, version=session.version))


def _turn_completed(session: Session, event: TurnCompleted) -> Session:
    session = _end_turn(session, event.turn_id, "completed")
    return replace(session, completed_turns=session.completed_turns + 1)


def _turn_failed(session: Session, event: TurnFailed) -> Session:
    return _end_turn(session, event.turn_id, "failed")


def _turn_cancelled(session: Session, event: TurnCancelled) -> Session:
    return _end_turn(session, event.turn_id, "cancelled")


def _turn_suspended(session: Session, event: TurnSuspended) -> Session:
    return _end_turn(session, event.turn_id, "suspended")


def _turn_resumed(session: Session, event: TurnResumed) -> Session:
    return _end_turn(session, event.turn_id, "open")


def _end_turn(session: Session, turn_id: str, state: TurnState) -> Session:
    return in_turn(
        session,
        turn_id,
        lambda turn: replace(turn, state=state, awaiting=False, version=session.version),
    )


# The model


def _requested(session: Session, event: ModelRequested) -> Session:
    return in_turn(
        session,
        event.turn_id,
        lambda turn: replace(
            turn,
            round=event.round,
            attempt=event.attempt,
            awaiting=True,
            version=session.version,
            calls=(),
        ),
    )


def _responded(session: Session, event: ModelResponded) -> Session:
    calls = tuple(
        Call(call_id=block.call_id, tool=block.name, version=session.version)
        for block in event.blocks
        if isinstance(block, ToolCallBlock)
    )
    said = any(not isinstance(block, ThinkingBlock) for block in event.blocks)
    word: LastWord = "calls" if calls else "answer" if said else "empty"
    return in_turn(
        session,
        event.turn_id,
        lambda turn: replace(turn, awaiting=False, attempt=0, last_word=word, calls=calls, version=session.version),
    )


def _model_failed(session: Session, event: ModelFailed) -> Session:
    return in_turn(session, event.turn_id, lambda turn: replace(turn, awaiting=False, version=session.version))


_FOLDS: Mapping[type[Event], Callable[[Session, Any], Session]] = {
    SessionStarted: _started,
    SessionForked: _forked,
    SessionRenamed: _renamed,
    SessionConfigured: _configured,
    SessionClosed: _closed,
    TurnStarted: _turn_started,
    TurnCompleted: _turn_completed,
    TurnFailed: _turn_failed,
    TurnCancelled: _turn_cancelled,
    TurnSuspended: _turn_suspended,
    TurnResumed: _turn_resumed,
    ModelRequested: _requested,
    ModelResponded: _responded,
    ModelFailed: _model_failed,
    ToolCallAuthorized: evolve_calls.call_authorized,
    ToolCallDenied: evolve_calls.call_closed,
    ToolCallStarted: evolve_calls.call_started,
    ToolCallFinished: evolve_calls.call_closed,
    ToolOutcomeUnknown: evolve_calls.outcome_unknown,
    ToolOutcomeResolved: evolve_calls.outcome_resolved,
    PermissionRequested: evolve_calls.permission_requested,
    PermissionResolved: evolve_calls.permission_resolved,
    PermissionExpired: evolve_calls.permission_expired,
    PermissionWithdrawn: evolve_calls.permission_withdrawn,
    RuleRemembered: _rule,
    RuleRevoked: _rule,
    LeaseTaken: _lease_taken,
    LeaseReleased: _lease_released,
}
