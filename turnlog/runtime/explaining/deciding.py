"""The event that decides how a call stands, and what it says."""

from collections.abc import Sequence

from turnlog.domain import (
    Event,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    PermissionWithdrawn,
    Recorded,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallEvent,
)

from .because import Said

_DECIDING = (
    ToolCallAuthorized,
    ToolCallDenied,
    PermissionRequested,
    PermissionJoined,
    PermissionResolved,
    PermissionStale,
)


def deciding(facts: Sequence[Recorded]) -> Recorded:
    """The event that says how the call stands: the latest that decided something, or that undid that."""
    found = facts[0]
    for fact in facts[1:]:
        settled = isinstance(found.event, ToolCallAuthorized | ToolCallDenied)
        if isinstance(fact.event, _DECIDING) or (not settled and _undoes(fact.event)):
            found = fact
    return found


def _undoes(event: Event) -> bool:
    """Whether a question, or an answer nobody acted on, counts no more; also where its turn is over."""
    return isinstance(event, PermissionExpired | PermissionWithdrawn) or not isinstance(event, ToolCallEvent)


def said_by(event: Event) -> Said:
    """What the event that decides says."""
    match event:
        case ToolCallAuthorized():
            return Said("allowed", event.by, event.source, event.source if event.by == "person" else None)
        case ToolCallDenied():
            asked = event.source if event.by in ("person", "expiry") else None
            return Said("denied", event.by, event.source, asked)
        case PermissionResolved():
            return Said(event.outcome, "person", event.request_id, event.request_id)
        case PermissionRequested() | PermissionJoined():
            return Said("waiting", None, event.request_id, event.request_id)
        case _:
            return Said("not judged")


def digest_in(event: Event) -> str | None:
    """The digest of what was decided on, where the event names one."""
    match event:
        case ToolCallAuthorized() | PermissionRequested() | PermissionJoined() | PermissionResolved():
            return event.digest
        case _:
            return None
