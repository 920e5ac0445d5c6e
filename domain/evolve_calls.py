"""The fold of tool calls and of questions about them: parts of the turn they belong to."""

from collections.abc import Callable

from .events import (
    PermissionExpired,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
)
from .replacing import replace
from .session import Call, CallState, Request, Turn

# Tool calls


def call_amended(turn: Turn, event: ToolCallAmended, version: int) -> Turn:
    return _on_call(turn, event.call_id, lambda call: replace(call, version=version, amended=True))


def call_authorized(turn: Turn, event: ToolCallAuthorized, version: int) -> Turn:
    return _on_call(
        turn,
        event.call_id,
        lambda call: replace(call, version=version, state="authorized", digest=event.digest, by=event.by),
    )


def call_started(turn: Turn, event: ToolCallStarted, version: int) -> Turn:
    """A further attempt is no further call."""
    if event.attempt == 1 and not turn.gives_value(event.tool):
        turn = replace(turn, spent=replace(turn.spent, tool_calls=turn.spent.tool_calls + 1))
    return _on_call(
        turn,
        event.call_id,
        lambda call: replace(
            call, version=version, state="started", attempt=event.attempt, epoch=event.epoch, effect=event.effect
        ),
    )


def call_finished(turn: Turn, event: ToolCallFinished, version: int) -> Turn:
    """A value that was accepted is the model's last word."""
    if event.is_error:
        turn = _without_value(turn, event.call_id)
    elif _gives_value(turn, event.call_id):
        turn = replace(turn, last_word="value")
    return _closed(turn, event, version)


def call_denied(turn: Turn, event: ToolCallDenied, version: int) -> Turn:
    return _closed(_without_value(turn, event.call_id), event, version)


def _gives_value(turn: Turn, call_id: str) -> bool:
    call = turn.call(call_id)
    return call is not None and turn.gives_value(call.tool)


def _without_value(turn: Turn, call_id: str) -> Turn:
    """The model is told what is wrong with its value, which is a repair as good as any."""
    return replace(turn, repairs=turn.repairs + 1) if _gives_value(turn, call_id) else turn


def _closed(turn: Turn, event: ToolCallFinished | ToolCallDenied, version: int) -> Turn:
    return _on_call(turn, event.call_id, lambda call: replace(call, version=version, state="closed"))


def outcome_unknown(turn: Turn, event: ToolOutcomeUnknown, version: int) -> Turn:
    return _on_call(turn, event.call_id, lambda call: replace(call, version=version, state="unknown"))


def outcome_resolved(turn: Turn, event: ToolOutcomeResolved, version: int) -> Turn:
    state: CallState = "authorized" if event.resolution == "retry" else "closed"
    return _on_call(turn, event.call_id, lambda call: replace(call, version=version, state=state))


# Permissions


def permission_requested(turn: Turn, event: PermissionRequested, version: int) -> Turn:
    request = Request(
        request_id=event.request_id,
        call_id=event.call_id,
        tool=event.tool,
        digest=event.digest,
        display_digest=event.display_digest,
        expires_at=event.expires_at,
    )
    return _on_call(
        replace(turn, requests=(*turn.requests, request)),
        event.call_id,
        lambda call: replace(call, version=version, state="waiting", request_id=event.request_id, digest=event.digest),
    )


def permission_resolved(turn: Turn, event: PermissionResolved, version: int) -> Turn:
    state: CallState = "allowed" if event.outcome == "allowed" else "refused"
    return _on_call(
        _on_request(
            turn,
            event.request_id,
            lambda request: replace(request, state=event.outcome, answered_by=event.actor, reason=event.reason),
        ),
        event.call_id,
        lambda call: replace(call, version=version, state=state),
    )


def permission_expired(turn: Turn, event: PermissionExpired, version: int) -> Turn:
    turn = _on_request(turn, event.request_id, lambda request: replace(request, state="expired"))
    return _ask_anew(turn, event.call_id, version)


def permission_withdrawn(turn: Turn, event: PermissionWithdrawn, version: int) -> Turn:
    turn = _on_request(turn, event.request_id, lambda request: replace(request, state="withdrawn"))
    return _ask_anew(turn, event.call_id, version)


def _ask_anew(turn: Turn, call_id: str, version: int) -> Turn:
    return _on_call(
        turn,
        call_id,
        lambda call: replace(call, version=version, state="proposed", request_id=None, digest=None),
    )


# Changing one part


def _on_call(turn: Turn, call_id: str, change: Callable[[Call], Call]) -> Turn:
    calls = tuple([change(call) if call.call_id == call_id else call for call in turn.calls])
    return replace(turn, calls=calls)


def _on_request(turn: Turn, request_id: str, change: Callable[[Request], Request]) -> Turn:
    requests = tuple([change(request) if request.request_id == request_id else request for request in turn.requests])
    return replace(turn, requests=requests)
