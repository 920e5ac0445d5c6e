"""Commands about what a person answers: who may, what it settles, and the rule it makes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..content import Body
from ..errors import CommandRefused, InvalidInput, NotFound
from ..events import (
    Actor,
    Event,
    PermissionEndorsed,
    PermissionResolved,
    RuleRemembered,
    Scope,
    Stamp,
    ToolCallAmended,
)
from ..matchers import ExactCall, Matcher
from ..permission_rule import parse_rule
from ..session import Session
from ..turn import Request, Turn
from . import guards


@dataclass(frozen=True, slots=True)
class Edit:
    """Other arguments, as JSON text, and the digest of the envelope with them."""

    arguments: Body
    digest: str


@dataclass(frozen=True, slots=True)
class Memory:
    """The rule an answer makes: its id and scope, what people read in it, and what it covers (None: the exact call).

    It holds for so many `uses` and for `lifetime`; None: for ever.
    """

    rule_id: str
    scope: Scope
    shown: str = ""
    matcher: Matcher | None = None
    uses: int | None = None
    lifetime: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's decision, the rule it makes, and the arguments that are allowed in place of those shown."""

    allow: bool
    reason: str = ""
    memory: Memory | None = None
    edit: Edit | None = None


def answer(session: Session, by: Stamp, request_id: str, decision: Answer) -> tuple[Event, ...]:
    """Answer a pending request. The rule it makes, if any, comes last; its scope says into which stream.

    Where several persons have to agree, a yes that others have to second is only recorded; a no always counts at once.
    Raises NotFound, CommandRefused, InvalidInput. A refusal changes nothing, so the request stays as it was.
    """
    guards.started(session)
    turn, request = _pending(session, request_id, by["at"])
    call = guards.call_of(turn, request.call_id)
    _may_answer(request, by["actor"], decision)
    _fits(session, request, decision)
    because = guards.because(by, call.version)
    if decision.allow and len(request.endorsed_by) + 1 < request.persons:
        return (
            PermissionEndorsed(
                **because,
                turn_id=turn.turn_id,
                call_id=request.call_id,
                request_id=request_id,
                digest=request.digest,
                reason=decision.reason,
            ),
        )
    resolved = PermissionResolved(
        **because,
        turn_id=turn.turn_id,
        call_id=request.call_id,
        request_id=request_id,
        digest=request.digest if decision.edit is None else decision.edit.digest,
        outcome="allowed" if decision.allow else "denied",
        reason=decision.reason,
        remember=decision.memory.scope if decision.memory else None,
        rule_id=decision.memory.rule_id if decision.memory else None,
        edited=True if decision.edit else None,
    )
    return (*_edited(turn, by, call.version, request, decision), resolved, *_rule(session, by, request, decision))


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
    if request.has_expired(now):
        raise CommandRefused(
            f"request {request_id} expired at {request.expires_at.isoformat()}; resume the session to be asked again"
        )
    return turn, request


def _may_answer(request: Request, who: Actor, decision: Answer) -> None:
    """Who said yes may still say no, as long as nobody has seconded it."""
    if who.kind != "user":
        raise CommandRefused(f"only a person can answer request {request.request_id}, and {who} is none")
    if who == request.barred:
        raise CommandRefused(
            f"{who} began this turn and cannot answer request {request.request_id}; somebody else has to"
        )
    if decision.allow and who in request.endorsed_by:
        raise CommandRefused(f"{who} has said yes to request {request.request_id} already; another person has to agree")


def _fits(session: Session, request: Request, decision: Answer) -> None:
    memory = decision.memory
    if decision.edit is not None and (not decision.allow or request.joined or request.persons > 1):
        raise InvalidInput(
            f"request {request.request_id} cannot be answered with other arguments: that takes a yes to one call, "
            "by one person"
        )
    if memory is None:
        return
    if memory.scope == "project" and session.project is None:
        raise InvalidInput(f"session {session.id} belongs to no project; remember for the session or globally instead")
    if memory.scope == "process" and request.process is None:
        raise InvalidInput(f"which process asked is not recorded in request {request.request_id}; use another scope")
    if decision.edit is not None:
        raise InvalidInput("an answer with other arguments cannot be remembered; add a rule instead")
    if decision.allow and memory.matcher is None and not request.bound:
        raise InvalidInput(
            f"a yes to request {request.request_id} cannot be remembered, since nobody can tell all that the call "
            "reads; add a rule by hand (turnlog rules add) if that is what you want"
        )
    if decision.allow and request.persons > 1:
        raise InvalidInput(f"a yes of {request.persons} persons is for one call, and cannot be remembered")
    if memory.uses is not None and (memory.uses < 1 or not decision.allow):
        raise InvalidInput("only a yes can be remembered for a number of uses, and that is at least 1")
    if memory.lifetime is not None and memory.lifetime <= timedelta(0):
        raise InvalidInput("what is remembered has to hold for some time")


def _edited(turn: Turn, by: Stamp, version: int, request: Request, decision: Answer) -> tuple[Event, ...]:
    if decision.edit is None:
        return ()
    return (
        ToolCallAmended(
            **guards.because(by, version),
            turn_id=turn.turn_id,
            call_id=request.call_id,
            arguments=decision.edit.arguments,
            source=str(by["actor"]),
            reason=decision.reason,
        ),
    )


def _rule(session: Session, by: Stamp, request: Request, decision: Answer) -> tuple[Event, ...]:
    memory = decision.memory
    if memory is None:
        return ()
    effect = "allow" if decision.allow else "deny"
    matcher = memory.matcher or ExactCall(digest=request.exact or request.digest, shown=memory.shown)
    # Checked as every rule is: some matchers are too wide to allow, others too narrow to deny.
    written = parse_rule({"tool": request.tool, "effect": effect, "matcher": matcher})
    return (
        RuleRemembered(
            at=by["at"],
            actor=by["actor"],
            rule_id=memory.rule_id,
            scope=memory.scope,
            effect=written.effect,
            process=request.process if memory.scope == "process" else None,
            tool=written.tool,
            matcher=written.matcher,
            reason=decision.reason,
            expires_at=_end(by["at"], memory.lifetime),
            session_id=session.id,
            request_id=request.request_id,
            uses=memory.uses,
        ),
    )


def _end(now: datetime, lifetime: timedelta | None) -> datetime | None:
    """When a lifetime is over. Raises InvalidInput for one beyond all calendars."""
    try:
        return None if lifetime is None else now + lifetime
    except OverflowError as error:
        raise InvalidInput(f"a rule cannot hold for {lifetime}; leave out for how long it is to hold") from error
