"""Facts about subagents: sessions that work for another one, which holds these facts about them."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from ..content import Body, Value
from ..settings import Count, Money
from .base import Event

SubagentOutcome = Literal["answered", "empty", "failed", "cancelled"]
"""How a subagent's turn ended; `empty` is one whose model said nothing."""

PauseReason = Literal["permission", "unknown_outcome", "stopped"]
"""Why a turn is put aside: for a person's answer, for word of what happened, or because somebody asked for it."""


class SpawnedBy(Value):
    """The session that another one works for, and its turn and call where these are why there is one.

    `path` is where it stands in the tree of agents, such as `main/review/grep`. A `teammate` has a name in a team.
    """

    session: str
    path: str
    turn_id: str | None = None
    call_id: str | None = None
    template: str | None = None
    teammate: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None


class Spending(Value):
    """What a subagent used, with all that it had others do: answers, requests, tool calls, tokens, US dollars."""

    rounds: Count = 0
    requests: Count = 0
    tool_calls: Count = 0
    tokens: Count = 0
    cost: Money = Decimal(0)


class SubagentEvent(Event):
    """An event about one subagent, in the stream of the session it works for; `child` is its own session."""

    child: str


class SubagentSpawned(SubagentEvent):
    """A session was begun to do a part of the work; its first event is in the same append.

    `prompt` is the SHA-256 of what it was told, which its own stream has in full. `path` is unique in the session.
    """

    name: str
    path: str
    prompt: str
    turn_id: str | None = None
    call_id: str | None = None
    template: str | None = None


class SubagentSuspended(SubagentEvent):
    """The subagent's turn was put aside; `waiting_for` are the ids of its questions, or of calls nobody knows about."""

    reason: PauseReason
    waiting_for: tuple[str, ...] = ()


class SubagentResumed(SubagentEvent):
    """The subagent goes on."""


class SubagentFinished(SubagentEvent):
    """The subagent is done, and its session takes no further turn. `result` is its last word, or what went wrong.

    `code` is that of a failure.
    """

    outcome: SubagentOutcome
    result: Body
    spent: Spending
    code: str | None = None
