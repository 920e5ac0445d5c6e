"""Questions that wait for a person, from the global log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from turnlog.domain import (
    Body,
    PermissionExpired,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
    Recorded,
)

from .projection import Projection


@dataclass(frozen=True, slots=True)
class Approval:
    """A question to a person: the exact call by `digest`, and what they are shown by `display_digest`."""

    request_id: str
    session_id: str
    turn_id: str
    call_id: str
    tool: str
    digest: str
    display: Body
    display_digest: str
    asked_at: datetime
    expires_at: datetime


def approvals_of(approvals: Mapping[str, Approval], session_id: str) -> tuple[Approval, ...]:
    """The questions of one session, oldest first. A fork has none of its parent's: they can only be answered there."""
    found: Iterable[Approval] = (approval for approval in approvals.values() if approval.session_id == session_id)
    return tuple(found)


def _fold(approvals: dict[str, Approval], recorded: Recorded) -> dict[str, Approval]:
    match recorded.event:
        case PermissionRequested() as event:
            approvals[event.request_id] = _asked(recorded.stream, event)
        case PermissionResolved() | PermissionExpired() | PermissionWithdrawn() as event:
            approvals.pop(event.request_id, None)
        case _:
            pass
    return approvals


def _asked(session_id: str, event: PermissionRequested) -> Approval:
    return Approval(
        request_id=event.request_id,
        session_id=session_id,
        turn_id=event.turn_id,
        call_id=event.call_id,
        tool=event.tool,
        digest=event.digest,
        display=event.display,
        display_digest=event.display_digest,
        asked_at=event.at,
        expires_at=event.expires_at,
    )


APPROVALS: Projection[dict[str, Approval]] = Projection("approvals", 1, dict[str, Approval], _fold)
