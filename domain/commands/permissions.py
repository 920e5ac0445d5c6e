"""Commands about asking a person, and about what they answer."""

from dataclasses import dataclass
from datetime import datetime

from ..content import Body
from ..errors import CommandRefused
from ..events import (
    Actor,
    Event,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionStale,
    Stamp,
)
from ..session import Session
from ..verdicts import Evaluation, Proposal
from . import guards


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person sees: the text, that text's own digest, why they are asked, and what they may remember.

    `unbound` says what decides the effect and cannot be bound.
    """

    display: Body
    display_digest: str
    evaluation: Evaluation | None = None
    proposals: tuple[Proposal, ...] = ()
    unbound: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: the digest of the envelope, the envelope itself, the exact call's digest, until when.

    `persons` have to agree, and `barred` is not to be one of them. `process` is who asks; `policy` the digest of why.
    """

    request_id: str
    digest: str
    shown: Shown
    expires_at: datetime
    exact: str | None = None
    envelope: Body | None = None
    persons: int = 1
    barred: Actor | None = None
    process: str | None = None
    policy: str | None = None


def ask(session: Session, by: Stamp, epoch: int, call_id: str, question: Question) -> tuple[Event, ...]:
    """Ask a person about a call. Raises NotFound, SessionLost, CommandRefused."""
    turn = guards.open_turn(session, epoch)
    call = guards.call_of(turn, call_id)
    if call.state != "proposed":
        raise CommandRefused(f"call {call_id} is {call.state}; there is nothing to ask")
    return (
        PermissionRequested(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=call_id,
            request_id=question.request_id,
            tool=call.tool,
            digest=question.digest,
            display=question.shown.display,
            display_digest=question.shown.display_digest,
            expires_at=question.expires_at,
            exact=question.exact,
            envelope=question.envelope,
            evaluation=question.shown.evaluation,
            proposals=question.shown.proposals or None,
            unbound=question.shown.unbound or None,
            persons=question.persons if question.persons > 1 else None,
            barred=question.barred,
            process=question.process,
            policy=question.policy,
            agent=None if session.spawned_by is None else session.path,
        ),
    )


def join(session: Session, by: Stamp, epoch: int, call_id: str, request_id: str, digest: str) -> tuple[Event, ...]:
    """Let a call wait for the answer to the question about an identical one.

    Raises NotFound, SessionLost, CommandRefused.
    """
    turn = guards.open_turn(session, epoch)
    call, request = guards.call_of(turn, call_id), turn.request(request_id)
    if call.state != "proposed" or request is None or request.state != "pending" or request.tool != call.tool:
        raise CommandRefused(f"call {call_id} cannot wait for the answer to request {request_id}")
    return (
        PermissionJoined(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=call_id,
            request_id=request_id,
            digest=digest,
        ),
    )


def expire(session: Session, by: Stamp, epoch: int, request_id: str) -> tuple[Event, ...]:
    """Retire a question nobody answered in time. Raises NotFound, SessionLost, CommandRefused."""
    turn = guards.open_turn(session, epoch)
    request = turn.request(request_id)
    call = turn.call(request.call_id) if request else None
    if request is None or call is None or request.state != "pending":
        raise CommandRefused(f"request {request_id} is settled; nothing was changed")
    if not request.has_expired(by["at"]):
        raise CommandRefused(f"request {request_id} stands until {request.expires_at.isoformat()}")
    return (
        PermissionExpired(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=request.call_id,
            request_id=request_id,
        ),
    )


def outdate(session: Session, by: Stamp, epoch: int, call_id: str, changed: tuple[str, ...]) -> tuple[Event, ...]:
    """Record that a call is no longer what was authorised, so that it is judged again.

    Raises NotFound, SessionLost, CommandRefused.
    """
    turn = guards.open_turn(session, epoch)
    call = guards.call_of(turn, call_id)
    if call.state not in ("allowed", "authorized"):
        raise CommandRefused(f"call {call_id} is {call.state}; there is nothing that could be out of date")
    return (
        PermissionStale(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=call_id,
            changed=changed,
            request_id=call.request_id,
        ),
    )
