"""Whether what a turn or a session may use is used up; the log says what was used, so restarts forget nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from .session import Call, Session, Spent
from .settings import NO_LIMITS, Limits

LimitScope = Literal["turn", "session"]
LimitCode = Literal["round_limit", "request_limit", "tool_call_limit", "token_limit", "cost_limit", "deadline"]


@dataclass(frozen=True, slots=True)
class LimitSpent:
    """A limit that is reached: of the turn or of the session, and how much it allows."""

    of: LimitScope
    code: LimitCode
    allowed: int | Decimal | datetime

    def __str__(self) -> str:
        whose = f"the {self.of}"
        match self.code:
            case "round_limit":
                return f"the model was asked {self.allowed} times without finishing, and {whose} allows no more"
            case "request_limit":
                return f"{whose} allows {self.allowed} requests to the model, and they were made"
            case "tool_call_limit":
                return f"{whose} allows {self.allowed} tool calls, and there would be more"
            case "token_limit":
                return f"{whose} allows {self.allowed} tokens, and they were used"
            case "cost_limit":
                return f"{whose} allows ${self.allowed}, and that was spent"
            case "deadline":
                return f"{whose} had to be done by {self.allowed}"


def before_request(session: Session, now: datetime) -> LimitSpent | None:
    """The limit that does not let the model be asked once more, if any."""
    for of, limits, spent in _scopes(session):
        if limits.rounds is not None and spent.rounds >= limits.rounds:  # only answers are counted, not attempts
            return LimitSpent(of, "round_limit", limits.rounds)
        if limits.requests is not None and spent.requests >= limits.requests:
            return LimitSpent(of, "request_limit", limits.requests)
        if limits.tokens is not None and spent.tokens >= limits.tokens:
            return LimitSpent(of, "token_limit", limits.tokens)
        if limits.cost is not None and spent.cost >= limits.cost:
            return LimitSpent(of, "cost_limit", limits.cost)
    return late(session, now)


def before_calls(session: Session, calls: Sequence[Call], now: datetime) -> LimitSpent | None:
    """The limit that does not let these tool calls start, if any."""
    turn = session.turn
    new = sum(call.attempt == 0 and not (turn is not None and turn.gives_value(call.tool)) for call in calls)
    for of, limits, spent in _scopes(session):
        if new and limits.tool_calls is not None and spent.tool_calls + new > limits.tool_calls:
            return LimitSpent(of, "tool_call_limit", limits.tool_calls)
    return late(session, now)


def late(session: Session, now: datetime) -> LimitSpent | None:
    """The deadline that is past, if any."""
    for of, deadline in _deadlines(session):
        if now >= deadline:
            return LimitSpent(of, "deadline", deadline)
    return None


def deadline(session: Session) -> datetime | None:
    """When the turn in progress has to be over, if there is such a time."""
    return min((time for _, time in _deadlines(session)), default=None)


def _scopes(session: Session) -> Iterator[tuple[LimitScope, Limits, Spent]]:
    if session.turn is not None:
        yield "turn", session.turn.limits or NO_LIMITS, session.turn.spent
    yield "session", session.limits or NO_LIMITS, session.spent


def _deadlines(session: Session) -> Iterator[tuple[LimitScope, datetime]]:
    if session.turn is not None:
        for time in _times(session.turn.limits, session.turn.started_at):
            yield "turn", time
    for time in _times(session.limits, session.started_at):
        yield "session", time


def _times(limits: Limits | None, begun: datetime | None) -> Iterator[datetime]:
    if limits is not None and limits.deadline is not None:
        yield limits.deadline
    if limits is not None and limits.seconds is not None and begun is not None:
        yield begun + timedelta(seconds=limits.seconds)
