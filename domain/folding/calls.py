"""The fold of tool calls and of questions about them: parts of the turn they belong to."""

from collections.abc import Callable
from datetime import datetime

from ..events import (
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    PermissionWithdrawn,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
)
from ..replacing import replace
from ..turn import Call, CallState, Request, RequestState, Settled, Spent, Turn

# Tool calls


def call_amended(turn: Turn, event: ToolCallAmended, version: int) -> Turn:
    return _on_call(turn, event.call_id, lambda call: replace(call, version=version, amended=True))


def call_authorized(turn: Turn, event: ToolCallAuthorized, version: int) -> Turn:
    return _on_call(
        turn,
        event.call_id,
        lambda call: replace(
            call, version=version, state="authorized", digest=event.digest, by=event.by, granted=call.attempt + 1
        ),
    )


def call_started(turn: Turn, event: ToolCallStarted, version: int) -> Turn:
    """A further attempt is no further call, and what begins was not denied."""
    if turn.denials:
        turn = replace(turn, denials=0)
    return _on_call(
        replace(turn, spent=after_start(turn, event)),
        event.call_id,
        lambda call: replace(
            call,
            version=version,
            state="started",
            attempt=event.attempt,
            epoch=event.epoch,
            effect=event.effect,
            reused=event.reused,
        ),
    )


def after_start(turn: Turn, event: ToolCallStarted) -> Spent:
    if event.attempt != 1 or turn.gives_value(event.tool):
        return turn.spent
    return replace(turn.spent, tool_calls=turn.spent.tool_calls + 1)


def call_finished(turn: Turn, event: ToolCallFinished, version: int) -> Turn:
    """A value that was accepted is the model's last word."""
    if event.is_error:
        turn = _without_value(turn, event.call_id)
    elif _gives_value(turn, event.call_id):
        turn = replace(turn, last_word="value")
    return _closed(turn, event, version)


def call_denied(turn: Turn, event: ToolCallDenied, version: int) -> Turn:
    """A call that makes no sense, or comes too late, was not denied by anybody; a value counts as a repair alone."""
    if event.by not in ("invalid", "turn_ended") and not _gives_value(turn, event.call_id):
        turn = replace(turn, denials=turn.denials + 1)
    return _closed(_without_value(turn, event.call_id), event, version)


def _gives_value(turn: Turn, call_id: str) -> bool:
    call = turn.call(call_id)
    return call is not None and turn.gives_value(call.tool)


def _without_value(turn: Turn, call_id: str) -> Turn:
    """The model is told what is wrong with its value, which is a repair as good as any."""
    return replace(turn, repairs=turn.repairs + 1) if _gives_value(turn, call_id) else turn


def _closed(turn: Turn, event: ToolCallFinished | ToolCallDenied, version: int) -> Turn:
    return _on_call(_gone_on(turn), event.call_id, lambda call: replace(call, version=version, state="closed"))


def _gone_on(turn: Turn) -> Turn:
    """The step that workers may have died at is behind it."""
    return replace(turn, takeovers=0) if turn.takeovers else turn


def outcome_unknown(turn: Turn, event: ToolOutcomeUnknown, version: int) -> Turn:
    return _on_call(turn, event.call_id, lambda call: replace(call, version=version, state="unknown"))


def outcome_resolved(turn: Turn, event: ToolOutcomeResolved, version: int) -> Turn:
    """A call that is run again is the same step again."""
    state: CallState = "authorized" if event.resolution == "retry" else "closed"
    if state == "closed":
        turn = _gone_on(turn)
    settled = Settled(event.resolution, event.actor, event.at)
    return _on_call(turn, event.call_id, lambda call: replace(call, version=version, state=state, settled=settled))


# Permissions


def time_passed(turn: Turn, at: datetime) -> Turn:
    """What has expired by a time that the log has shown stays so, whatever clocks say later."""
    requests = tuple(
        replace(request, overdue=True) if not request.overdue and at >= request.expires_at else request
        for request in turn.requests
    )
    left = (request.expires_at for request in requests if not request.overdue)
    return replace(turn, requests=requests, next_expiry=min(left, default=None))


def permission_requested(turn: Turn, event: PermissionRequested, version: int) -> Turn:
    request = Request(
        request_id=event.request_id,
        call_id=event.call_id,
        tool=event.tool,
        digest=event.digest,
        display_digest=event.display_digest,
        expires_at=event.expires_at,
        exact=event.exact,
        persons=event.persons or 1,
        barred=event.barred,
        process=event.process,
        bound=not event.unbound,
    )
    expiries = (event.expires_at,) if turn.next_expiry is None else (event.expires_at, turn.next_expiry)
    return _on_call(
        replace(turn, requests=(*turn.requests, request), next_expiry=min(expiries)),
        event.call_id,
        lambda call: replace(call, version=version, state="waiting", request_id=event.request_id, digest=event.digest),
    )


def permission_joined(turn: Turn, event: PermissionJoined, version: int) -> Turn:
    return _on_call(
        _on_request(turn, event.request_id, lambda request: replace(request, joined=(*request.joined, event.call_id))),
        event.call_id,
        lambda call: replace(call, version=version, state="waiting", request_id=event.request_id, digest=event.digest),
    )


def permission_endorsed(turn: Turn, event: PermissionEndorsed, version: int) -> Turn:
    return _on_call(
        _on_request(
            turn, event.request_id, lambda request: replace(request, endorsed_by=(*request.endorsed_by, event.actor))
        ),
        event.call_id,
        lambda call: replace(call, version=version),
    )


def permission_resolved(turn: Turn, event: PermissionResolved, version: int) -> Turn:
    """One answer settles all calls that wait for it. The digest of an edited call is that of the answer."""
    state: CallState = "allowed" if event.outcome == "allowed" else "refused"
    turn = _on_request(
        _gone_on(turn),
        event.request_id,
        lambda request: replace(
            request, state=event.outcome, answered_by=event.actor, reason=event.reason, edited=bool(event.edited)
        ),
    )
    if event.edited:
        turn = _on_call(turn, event.call_id, lambda call: replace(call, digest=event.digest))
    return _on_waiting(turn, event, lambda call: replace(call, version=version, state=state))


def permission_expired(turn: Turn, event: PermissionExpired, version: int) -> Turn:
    """A question expires for all calls that wait for it, an answer for the one call that it was to be used for."""
    return _retired(turn, event, "expired", version)


def permission_withdrawn(turn: Turn, event: PermissionWithdrawn, version: int) -> Turn:
    return _retired(turn, event, "withdrawn", version)


def permission_stale(turn: Turn, event: PermissionStale, version: int) -> Turn:
    """Where an answer was for several calls, it stays good for the others."""
    request = turn.request(event.request_id) if event.request_id else None
    if request is not None and request.call_id == event.call_id:
        turn = _on_request(turn, request.request_id, lambda request: replace(request, state="stale"))
    return _on_call(turn, event.call_id, lambda call: replace(_afresh(call, version), outdated=call.outdated + 1))


def _retired(turn: Turn, event: PermissionExpired | PermissionWithdrawn, state: RequestState, version: int) -> Turn:
    request = turn.request(event.request_id)
    was_open = request is not None and request.state == "pending"
    turn = _on_request(turn, event.request_id, lambda request: replace(request, state=state))
    if was_open:
        turn = _on_waiting(turn, event, lambda call: _afresh(call, version))
    return _on_call(turn, event.call_id, lambda call: _afresh(call, version))


def _on_waiting(
    turn: Turn, event: PermissionResolved | PermissionExpired | PermissionWithdrawn, change: Callable[[Call], Call]
) -> Turn:
    """Change the call an event names, and all others that wait for the same answer."""
    return replace(
        turn,
        calls=tuple(
            [
                change(call)
                if call.call_id == event.call_id or (call.request_id == event.request_id and call.state == "waiting")
                else call
                for call in turn.calls
            ]
        ),
    )


def _afresh(call: Call, version: int) -> Call:
    """The call as one that nobody has decided on."""
    return replace(call, version=version, state="proposed", request_id=None, digest=None, by=None)


# Changing one part


def _on_call(turn: Turn, call_id: str, change: Callable[[Call], Call]) -> Turn:
    calls = tuple([change(call) if call.call_id == call_id else call for call in turn.calls])
    return replace(turn, calls=calls)


def _on_request(turn: Turn, request_id: str, change: Callable[[Request], Request]) -> Turn:
    requests = tuple([change(request) if request.request_id == request_id else request for request in turn.requests])
    return replace(turn, requests=requests)
