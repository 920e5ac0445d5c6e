"""Commands about asking a person, and about what they answer."""

from dataclasses import dataclass
from datetime import datetime

from ..content import Body
from ..errors import CommandRefused, InvalidInput, NotFound
from ..events import (
    Event,
    ExactCall,
    PermissionExpired,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
    RuleRemembered,
    Scope,
    Stamp,
)
from ..session import Call, Request, Session, Turn
from . import guards


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: the digest of the exact call, the text shown, that text's own digest, until when."""

    request_id: str
    digest: str
    display: Body
    display_digest: str
    expires_at: datetime


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
            display=question.display,
            display_digest=question.display_digest,
            expires_at=question.expires_at,
        ),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's decision. `remember` makes a rule of it (`rule_id` is then its id; `shown` what people read in it)."""

    allow: bool
    reason: str = ""
    remember: Scope | None = None
    rule_id: str | None = None
    shown: str = ""


def answer(session: Session, by: Stamp, request_id: str, decision: Answer) -> tuple[Event, ...]:
    """Answer a pending request. The rule it makes, if any, comes second; its scope says into which stream.

    Raises NotFound, CommandRefused, InvalidInput. A refusal changes nothing, so the request stays as it was.
    """
    guards.started(session)
    turn, request = _pending(session, request_id, by["at"])
    call = guards.call_of(turn, request.call_id)
    if decision.remember == "project" and session.project is None:
        raise InvalidInput(f"session {session.id} belongs to no project; remember for the session or globally instead")
    resolved = PermissionResolved(
        **guards.because(by, call.version),
        turn_id=turn.turn_id,
        call_id=request.call_id,
        request_id=request_id,
        digest=request.digest,
        outcome="allowed" if decision.allow else "denied",
        reason=decision.reason,
        remember=decision.remember,
        rule_id=decision.rule_id if decision.remember else None,
    )
    return (resolved, *_rule(session, by, request, decision))


def expire(session: Session, by: Stamp, epoch: int, request_id: str) -> tuple[Event, ...]:
    """Retire a request whose time is over, answered or not. Raises NotFound, SessionLost, CommandRefused."""
    turn = guards.open_turn(session, epoch)
    request, call = _unused(turn, request_id)
    if by["at"] < request.expires_at:
        raise CommandRefused(f"request {request_id} stands until {request.expires_at.isoformat()}")
    return (
        PermissionExpired(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=request.call_id,
            request_id=request_id,
        ),
    )


def withdraw(session: Session, by: Stamp, epoch: int, request_id: str, reason: str) -> tuple[Event, ...]:
    """Take a question back, or an answer that no longer fits the call. Raises NotFound, SessionLost, CommandRefused."""
    turn = guards.open_turn(session, epoch)
    request, call = _unused(turn, request_id)
    return (
        PermissionWithdrawn(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=request.call_id,
            request_id=request_id,
            reason=reason,
        ),
    )


def _unused(turn: Turn, request_id: str) -> tuple[Request, Call]:
    """A request that is open, or whose yes has not been used yet."""
    request = turn.request(request_id)
    call = turn.call(request.call_id) if request else None
    if request is None or call is None or call.request_id != request_id or call.state not in ("waiting", "allowed"):
        raise CommandRefused(f"request {request_id} is settled; nothing was changed")
    return request, call


def _pending(session: Session, request_id: str, now: datetime) -> tuple[Turn, Request]:
    turn = session.turn
    request = turn.request(request_id) if turn else None
    if turn is None or request is None:
        raise NotFound(f"there is no request {request_id} in session {session.id} that could be answered")
    if request.state in ("allowed", "denied"):
        raise CommandRefused(
            f"request {request_id} was already {request.state} by {request.answered_by}; nothing was changed"
        )
    if request.state != "pending":
        raise CommandRefused(f"request {request_id} is {request.state}; nothing was changed")
    if now >= request.expires_at:
        raise CommandRefused(
            f"request {request_id} expired at {request.expires_at.isoformat()}; resume the session to be asked again"
        )
    return turn, request


def _rule(session: Session, by: Stamp, request: Request, decision: Answer) -> tuple[Event, ...]:
    if decision.remember is None:
        return ()
    if decision.rule_id is None:
        raise InvalidInput("an answer that is to be remembered needs a rule id")
    return (
        RuleRemembered(
            at=by["at"],
            actor=by["actor"],
            rule_id=decision.rule_id,
            scope=decision.remember,
            effect="allow" if decision.allow else "deny",
            tool=request.tool,
            matcher=ExactCall(digest=request.digest, shown=decision.shown),
            reason=decision.reason,
            session_id=session.id,
            request_id=request.request_id,
        ),
    )
