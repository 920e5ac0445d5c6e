"""Questions that wait for a person, from the global log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from turnlog.domain import (
    Actor,
    Body,
    Evaluation,
    Kinds,
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
    Proposal,
    Recorded,
)

from .projection import Projection

_TELLING: Kinds = frozenset(
    {
        PermissionRequested,
        PermissionJoined,
        PermissionEndorsed,
        PermissionResolved,
        PermissionExpired,
        PermissionWithdrawn,
    }
)


@dataclass(frozen=True, slots=True)
class Approval:
    """A question to a person: what would run by `digest`, and what they are shown by `display_digest`.

    `calls` are those that one answer settles, `call_id` first; `exact` is the digest that a rule for this very call
    names. `evaluation` says why a person is asked, `proposals` what they may remember. `persons` have to agree, of whom
    `endorsed_by` did so far and `barred` must not be one. `process` is where rules of process scope would hold.
    `unbound` says what decides the effect and cannot be bound. `agent` is the path of the subagent that wants it.
    """

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
    calls: tuple[str, ...] = ()
    exact: str | None = None
    evaluation: Evaluation | None = None
    proposals: tuple[Proposal, ...] = ()
    persons: int = 1
    barred: Actor | None = None
    endorsed_by: tuple[Actor, ...] = ()
    process: str | None = None
    unbound: tuple[str, ...] = ()
    agent: str | None = None


def approvals_of(approvals: Mapping[str, Approval], session_id: str) -> tuple[Approval, ...]:
    """The questions of one session, oldest first. A fork has none of its parent's: they can only be answered there."""
    found: Iterable[Approval] = (approval for approval in approvals.values() if approval.session_id == session_id)
    return tuple(found)


def _fold(approvals: dict[str, Approval], recorded: Recorded) -> dict[str, Approval]:
    match recorded.event:
        case PermissionRequested() as event:
            approvals[event.request_id] = _asked(recorded.stream, event)
        case PermissionJoined() | PermissionEndorsed() as event:
            if (approval := approvals.get(event.request_id)) is not None:
                approvals[event.request_id] = _with(approval, event)
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
        calls=(event.call_id,),
        exact=event.exact,
        evaluation=event.evaluation,
        proposals=event.proposals or (),
        persons=event.persons or 1,
        barred=event.barred,
        process=event.process,
        unbound=event.unbound or (),
        agent=event.agent,
    )


def _with(approval: Approval, event: PermissionJoined | PermissionEndorsed) -> Approval:
    if isinstance(event, PermissionJoined):
        return replace(approval, calls=(*approval.calls, event.call_id))
    return replace(approval, endorsed_by=(*approval.endorsed_by, event.actor))


APPROVALS: Projection[dict[str, Approval]] = Projection("approvals", 3, dict[str, Approval], _fold, _TELLING)
