"""Whether what a turn or a session may use is used up; the log says what was used, so restarts forget nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from .session import Session
from .settings import Limits
from .turn import NOTHING, Call, Spent

LimitScope = Literal["turn", "session"]
LimitCode = Literal["round_limit", "request_limit", "tool_call_limit", "token_limit", "cost_limit", "deadline"]


@dataclass(frozen=True, slots=True)
class Account:
    """A session whose limits count, and what its tree has used that its own log does not say yet.

    `in_turn` is None where the work is not a part of the turn in progress, whose limits it does not touch then.
    """

    session: Session
    in_turn: Spent | None = NOTHING
    in_all: Spent = NOTHING


@dataclass(frozen=True, slots=True)
class LimitSpent:
    """A limit that is reached: of the turn or of the session, and how much it allows.

    `session` is that of an agent further up, where the limit is not this one's own.
    """

    of: LimitScope
    code: LimitCode
    allowed: int | Decimal | datetime
    session: str | None = None

    def __str__(self) -> str:
        whose = f"the {self.of}" if self.session is None else f"the {self.of} of {self.session}, which this works for,"
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


def before_request(session: Session, now: datetime, above: Sequence[Account] = ()) -> LimitSpent | None:
    """The limit that does not let the model be asked once more, if any; `above` are the sessions this one works for.

    `above` may have the session itself, for what its own subagents use.
    """
    for scope in _scopes(session, above):
        limits, spent = scope.limits, scope.spent
        if limits.rounds is not None and spent.rounds >= limits.rounds:  # only answers are counted, not attempts
            return scope.spends("round_limit", limits.rounds)
        if limits.requests is not None and spent.requests >= limits.requests:
            return scope.spends("request_limit", limits.requests)
        if limits.tokens is not None and spent.tokens >= limits.tokens:
            return scope.spends("token_limit", limits.tokens)
        if limits.cost is not None and spent.cost >= limits.cost:
            return scope.spends("cost_limit", limits.cost)
    return late(session, now, above)


def before_calls(
    session: Session, calls: Sequence[Call], now: datetime, above: Sequence[Account] = ()
) -> LimitSpent | None:
    """The limit that does not let these tool calls start, if any."""
    new = new_calls(session, calls)
    for scope in _scopes(session, above):
        limits, spent = scope.limits, scope.spent
        if new and limits.tool_calls is not None and spent.tool_calls + new > limits.tool_calls:
            return scope.spends("tool_call_limit", limits.tool_calls)
    return late(session, now, above)


def new_calls(session: Session, calls: Sequence[Call]) -> int:
    """How many of these calls count: not those that begin again, and not a value that the turn ends in."""
    turn = session.turn
    return sum(call.attempt == 0 and not (turn is not None and turn.gives_value(call.tool)) for call in calls)


def late(session: Session, now: datetime, above: Sequence[Account] = ()) -> LimitSpent | None:
    """The deadline that is past, if any."""
    for scope in _scopes(session, above):
        for deadline in _times(scope.limits, scope.begun):
            if now >= deadline:
                return scope.spends("deadline", deadline)
    return None


def deadline(session: Session, above: Sequence[Account] = ()) -> datetime | None:
    """When the turn in progress has to be over, if there is such a time."""
    times = (time for scope in _scopes(session, above) for time in _times(scope.limits, scope.begun))
    return min(times, default=None)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Limits, what was used of them, and since when."""

    of: LimitScope
    limits: Limits
    spent: Spent
    begun: datetime | None
    session: str | None

    def spends(self, code: LimitCode, allowed: int | Decimal | datetime) -> LimitSpent:
        return LimitSpent(self.of, code, allowed, self.session)


def _scopes(session: Session, above: Sequence[Account]) -> Iterator[_Scope]:
    """What is done between turns is no part of the last one. Those that work for a turn do so while it is put aside."""
    own = next((account for account in above if account.session.id == session.id), Account(session))
    for account in (own, *(account for account in above if account is not own)):
        one, whose = account.session, None if account is own else account.session.id
        turn = one.turn if account is not own or (one.turn is not None and one.turn.state == "open") else None
        if turn is not None and turn.limits is not None and account.in_turn is not None:
            yield _Scope("turn", turn.limits, turn.spent + account.in_turn, turn.started_at, whose)
        if one.limits is not None:
            yield _Scope("session", one.limits, one.spent + account.in_all, one.started_at, whose)


def _times(limits: Limits, begun: datetime | None) -> Iterator[datetime]:
    if limits.deadline is not None:
        yield limits.deadline
    if limits.seconds is not None and begun is not None:
        yield begun + timedelta(seconds=limits.seconds)


def tightest(*limits: Limits | None) -> Limits | None:
    """Limits that are kept where all of these are; None where there are none."""
    given = [one for one in limits if one is not None]
    if len(given) < 2:
        return given[0] if given else None
    names = Limits.model_fields
    values = {name: [value for one in given if (value := getattr(one, name)) is not None] for name in names}
    return Limits(**{name: min(found) for name, found in values.items() if found})
