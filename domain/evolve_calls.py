"""The fold of tool calls and of questions about them: parts of the turn they belong to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from .events import (
    PermissionExpired,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
)
from .session import Call, Request, Session, Turn

# Tool calls


def call_authorized(session: Session, event: ToolCallAuthorized) -> Session:
    return _on_call(
        session,
        event,
        lambda call: replace(call, state="authorized", digest=event.digest, by=event.by),
    )


def call_started(session: Session, event: ToolCallStarted) -> Session:
    return _on_call(
        session,
        event,
        lambda call: replace(call, state="started", attempt=event.attempt, epoch=event.epoch, effect=event.effect),
    )


def call_closed(session: Session, event: ToolCallFinished | ToolCallDenied) -> Session:
    return _on_call(session, event, lambda call: replace(call, state="closed"))


def outcome_unknown(session: Session, event: ToolOutcomeUnknown) -> Session:
    return _on_call(session, event, lambda call: replace(call, state="unknown"))


def outcome_resolved(session: Session, event: ToolOutcomeResolved) -> Session:
    if event.resolution == "retry":
        return _on_call(session, event, lambda call: replace(call, state="authorized"))
    return _on_call(session, event, lambda call: replace(call, state="closed"))


# Permissions


def permission_requested(session: Session, event: PermissionRequested) -> Session:
    request = Request(
        request_id=event.request_id,
        call_id=event.call_id,
        tool=event.tool,
        digest=event.digest,
        display_digest=event.display_digest,
        expires_at=event.expires_at,
    )
    session = in_turn(session, event.turn_id, lambda turn: replace(turn, requests=(*turn.requests, request)))
    return _on_call(
        session,
        event,
        lambda call: replace(call, state="waiting", request_id=event.request_id, digest=event.digest),
    )


def permission_resolved(session: Session, event: PermissionResolved) -> Session:
    session = _on_request(
        session,
        event,
        lambda request: replace(request, state=event.outcome, answered_by=event.actor, reason=event.reason),
    )
    return _on_call(
        session,
        event,
        lambda call: replace(call, state="allowed" if event.outcome == "allowed" else "refused"),
    )


def permission_expired(session: Session, event: PermissionExpired) -> Session:
    session = _on_request(session, event, lambda request: replace(request, state="expired"))
    return _on_call(session, event, _ask_anew)


def permission_withdrawn(session: Session, event: PermissionWithdrawn) -> Session:
    session = _on_request(session, event, lambda request: replace(request, state="withdrawn"))
    return _on_call(session, event, _ask_anew)


def _ask_anew(call: Call) -> Call:
    return replace(call, state="proposed", request_id=None, digest=None)


# Changing one part


class _CallEvent(Protocol):
    @property
    def turn_id(self) -> str: ...
    @property
    def call_id(self) -> str: ...


class _RequestEvent(_CallEvent, Protocol):
    @property
    def request_id(self) -> str: ...


def in_turn(session: Session, turn_id: str, change: Callable[[Turn], Turn]) -> Session:
    turn = session.turn
    if turn is None or turn.turn_id != turn_id:
        return session
    return with_turn(session, change(turn))


def moved_on(session: Session) -> Session:
    """The session one version later. Every event comes by here; `dataclasses.replace` costs several times as much."""
    later = object.__new__(Session)
    later.__dict__.update(session.__dict__)
    later.__dict__["version"] = session.version + 1
    return later


def with_turn(session: Session, turn: Turn) -> Session:
    """The session with another turn; as quick as `moved_on`, and for the same reason."""
    changed = object.__new__(Session)
    changed.__dict__.update(session.__dict__)
    changed.__dict__["turn"] = turn
    return changed


def _on_call(session: Session, event: _CallEvent, change: Callable[[Call], Call]) -> Session:
    def changed(turn: Turn) -> Turn:
        calls = tuple(
            replace(change(call), version=session.version) if call.call_id == event.call_id else call
            for call in turn.calls
        )
        return replace(turn, calls=calls)

    return in_turn(session, event.turn_id, changed)


def _on_request(session: Session, event: _RequestEvent, change: Callable[[Request], Request]) -> Session:
    def changed(turn: Turn) -> Turn:
        requests = tuple(
            change(request) if request.request_id == event.request_id else request for request in turn.requests
        )
        return replace(turn, requests=requests)

    return in_turn(session, event.turn_id, changed)
