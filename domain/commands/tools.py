"""Commands about tool calls."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from ..content import BlobRef, Body, ResultContent
from ..errors import CommandRefused
from ..events import (
    AuthorizedBy,
    DeniedBy,
    Effect,
    Event,
    Redaction,
    RuleUsed,
    Scope,
    Stamp,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeUnknown,
)
from ..rules import in_force
from ..session import Session
from ..turn import Call, CallState, Request, Turn
from ..verdicts import Evaluation
from . import guards


@dataclass(frozen=True, slots=True)
class Amendment:
    """Other arguments for a call, as JSON text, and the name of the hook that wants them."""

    arguments: Body
    source: str
    reason: str = ""


def amend(session: Session, by: Stamp, epoch: int, call_id: str, amendment: Amendment) -> tuple[Event, ...]:
    """Change the arguments of a call that nobody has judged. Raises NotFound, SessionLost, CommandRefused."""
    turn, call = _call(session, epoch, call_id)
    _in_state(call, "proposed")
    return (
        ToolCallAmended(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=call_id,
            arguments=amendment.arguments,
            source=amendment.source,
            reason=amendment.reason,
        ),
    )


@dataclass(frozen=True, slots=True)
class Grant:
    """On whose word a call runs. `digest` is that of everything that decides its effect, as it is now.

    `uses` are the rules with a limited number of uses that allow it, by id, each with its scope; `process` is where
    those of process scope hold.
    """

    digest: str
    by: AuthorizedBy
    source: str | None = None
    evaluation: Evaluation | None = None
    policy: str | None = None
    uses: tuple[tuple[str, Scope], ...] = ()
    process: str | None = None


def authorize(session: Session, by: Stamp, epoch: int, call_id: str, grant: Grant) -> tuple[Event, ...]:
    """Let the call run. A person's word counts for the digest they were shown, and no other.

    Behind that come the uses of the rules that allow it, for the streams of their books, in one transaction.
    Raises NotFound, SessionLost, CommandRefused.
    """
    turn, call = _call(session, epoch, call_id)
    if grant.by == "person":
        _in_state(call, "allowed")
        if call.digest != grant.digest:
            raise CommandRefused(f"call {call_id} is no longer what was approved; ask again")
        request = turn.request(call.request_id) if call.request_id else None
        if request is None or request.request_id != grant.source:
            raise CommandRefused(f"call {call_id} was not approved in answer to request {grant.source}; ask again")
        _in_time(request, call, by["at"])
    else:
        _in_state(call, "proposed")
    _left(session, by["at"], grant)
    return (
        ToolCallAuthorized(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=call_id,
            digest=grant.digest,
            by=grant.by,
            source=grant.source,
            evaluation=grant.evaluation,
            policy=grant.policy,
        ),
        *(
            RuleUsed(
                at=by["at"],
                actor=by["actor"],
                rule_id=rule_id,
                scope=scope,
                process=grant.process if scope == "process" else None,
                session_id=session.id,
                call_id=call_id,
            )
            for rule_id, scope in grant.uses
        ),
    )


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a call will not run; `reason` is what the model is told."""

    by: DeniedBy
    reason: str
    source: str | None = None
    evaluation: Evaluation | None = None
    policy: str | None = None


def deny(session: Session, by: Stamp, epoch: int, call_id: str, denial: Denial) -> tuple[Event, ...]:
    """Answer the call with a refusal. Raises NotFound, SessionLost, CommandRefused."""
    turn, call = _call(session, epoch, call_id)
    _in_state(call, "proposed", "allowed", "refused", "authorized")
    return (
        ToolCallDenied(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=call_id,
            by=denial.by,
            reason=denial.reason,
            source=denial.source,
            evaluation=denial.evaluation,
            policy=denial.policy,
        ),
    )


@dataclass(frozen=True, slots=True)
class Execution:
    """What is about to happen. `digest` is that of the call as it stands now; it must be the authorised one.

    `reused` is the result on record that takes the effect's place, as `ID@42`.
    """

    tool: str
    digest: str
    effect: Effect
    input_digest: str
    sandbox: str = "none"
    reused: str | None = None


def start(session: Session, by: Stamp, epoch: int, call_id: str, execution: Execution) -> tuple[Event, ...]:
    """Announce the effect, before it happens. A call left over from a dead worker starts again only where that is safe.

    Raises NotFound, SessionLost, CommandRefused.
    """
    turn, call = _call(session, epoch, call_id)
    if turn.stopping:
        raise CommandRefused(f"turn {turn.turn_id} is to stop; no further call begins")
    if call.state == "started":
        if call.epoch == epoch or call.effect == "external" or execution.effect == "external":
            raise CommandRefused(f"call {call_id} was already started and must not run twice")
    else:
        _in_state(call, "authorized")
    if call.digest != execution.digest:
        raise CommandRefused(f"call {call_id} is no longer what was authorised; ask again")
    if (request := _approval(turn, call)) is not None:
        _in_time(request, call, by["at"])
    return (
        ToolCallStarted(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=call_id,
            tool=execution.tool,
            attempt=call.attempt + 1,
            epoch=epoch,
            effect=execution.effect,
            input_digest=execution.input_digest,
            idempotency_key=f"{session.id}/{call_id}",
            sandbox=execution.sandbox,
            reused=execution.reused,
        ),
    )


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool returned. `full` is the whole output where `content` had to be cut."""

    content: tuple[ResultContent, ...]
    is_error: bool = False
    details: dict[str, JsonValue] | None = None
    full: BlobRef | None = None
    duration_ms: int = 0
    redactions: tuple[Redaction, ...] | None = None


def finish(session: Session, by: Stamp, epoch: int, call_id: str, result: Result) -> tuple[Event, ...]:
    """Record what the tool returned. Raises NotFound, SessionLost, CommandRefused."""
    turn, call = _call(session, epoch, call_id)
    _in_state(call, "started")
    if call.epoch != epoch:
        raise CommandRefused(f"call {call_id} was started by another worker; its outcome is not known")
    return (
        ToolCallFinished(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=call_id,
            content=result.content,
            is_error=result.is_error,
            details=result.details,
            full=result.full,
            duration_ms=result.duration_ms,
            redactions=result.redactions,
            reused=call.reused,
        ),
    )


def lose(session: Session, by: Stamp, epoch: int, call_id: str, reason: str) -> tuple[Event, ...]:
    """Record that nobody knows how the call ended. Raises NotFound, SessionLost, CommandRefused."""
    turn, call = _call(session, epoch, call_id)
    _in_state(call, "started")
    return (
        ToolOutcomeUnknown(
            **guards.because(by, call.version),
            turn_id=turn.turn_id,
            call_id=call_id,
            attempt=call.attempt,
            reason=reason,
        ),
    )


def _call(session: Session, epoch: int, call_id: str) -> tuple[Turn, Call]:
    turn = guards.open_turn(session, epoch)
    return turn, guards.call_of(turn, call_id)


def _approval(turn: Turn, call: Call) -> Request | None:
    """What a call that is to begin was approved in answer to; nothing where it begins again on a later word."""
    fresh = call.state == "authorized" and call.by == "person" and call.granted == call.attempt + 1
    return turn.request(call.request_id) if fresh and call.request_id else None


def _in_time(request: Request, call: Call, now: datetime) -> None:
    if request.has_expired(now):
        raise CommandRefused(f"the approval of call {call.call_id} has expired; ask again")


def _left(session: Session, now: datetime, grant: Grant) -> None:
    """Refuse where a rule that the session keeps is used up or gone; for those of books the log's versions do that."""
    standing = {rule.rule_id for rule in in_force(session.rules, now)}
    if gone := [rule_id for rule_id, scope in grant.uses if scope == "session" and rule_id not in standing]:
        raise CommandRefused(f"rule {gone[0]} of session {session.id} no longer allows this; judge the call again")


def _in_state(call: Call, *states: CallState) -> None:
    if call.state not in states:
        raise CommandRefused(f"call {call.call_id} is {call.state}, not {' or '.join(states)}")
