"""A turn as decisions see it: its calls, its questions, and what it has used.

Dataclasses without slots and `__post_init__`, for the sake of `replacing.replace`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime

from .events import Actor, Effect, InputKind, Settlement, TurnState
from .settings import Limits, Output

CallState = Literal[
    "proposed",  # the model asks for it
    "waiting",  # a person is asked
    "allowed",  # a person said yes; not yet checked against what is about to run
    "refused",  # a person said no; the call is not yet closed
    "authorized",  # may run
    "started",  # the effect may have happened
    "unknown",  # the effect may have happened and nobody is there to tell
    "closed",  # answered for good
]
LastWord = Literal["none", "calls", "answer", "empty", "value"]
"""What the model said last; `value` is an answer in the form the turn asked for."""

OUTPUT_TOOL = "final_answer"
"""The tool with which a model gives the value a turn is to end in."""

RequestState = Literal["pending", "allowed", "denied", "expired", "withdrawn", "stale"]


@dataclass(frozen=True)
class Settled:
    """What was made of a call of unknown outcome, by whom and when."""

    resolution: Settlement
    by: Actor
    at: AwareDatetime

    def __str__(self) -> str:
        return f"{self.by} {_MADE[self.resolution]} at {self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


_MADE: dict[Settlement, str] = {
    "did": "said that it took effect,",
    "did_not": "said that it did not take effect,",
    "retry": "had it run again,",
    "failed": "had the turn go on without knowing,",
}


@dataclass(frozen=True)
class Call:
    """A tool call of the current round. `version` is that of the latest event about it."""

    call_id: str
    tool: str
    version: int
    state: CallState = "proposed"
    digest: str | None = None
    by: str | None = None
    request_id: str | None = None
    attempt: int = 0
    epoch: int = 0
    effect: Effect = "external"
    amended: bool = False
    granted: int = 1
    """The attempt that the authorisation names."""
    outdated: int = 0
    """How often it was no longer what had been authorised."""
    settled: Settled | None = None
    """What was made of it when its outcome was unknown, the latest time."""
    reused: str | None = None
    """The result on record that takes its effect's place, as `ID@42`."""


@dataclass(frozen=True)
class Request:
    """A question put to a person in the current turn. `endorsed_by` are those who said yes while others have to, too.

    `joined` are further calls that the answer settles; `edited` is an answer for other arguments. It is `bound` where
    all that decides the effect is.
    """

    request_id: str
    call_id: str
    tool: str
    digest: str
    display_digest: str
    expires_at: AwareDatetime
    state: RequestState = "pending"
    answered_by: Actor | None = None
    reason: str = ""
    exact: str | None = None
    persons: int = 1
    barred: Actor | None = None
    process: str | None = None
    endorsed_by: tuple[Actor, ...] = ()
    joined: tuple[str, ...] = ()
    edited: bool = False
    bound: bool = True
    overdue: bool = False
    """Whether the log has shown a time at which it had expired; no clock that is set back undoes that."""

    def has_expired(self, now: datetime) -> bool:
        """Whether it, or the yes to it, counts no more."""
        return self.overdue or now >= self.expires_at


@dataclass(frozen=True)
class Queued:
    """Something said to the turn that the model has not seen; the log has the words."""

    input_id: str
    kind: InputKind


@dataclass(frozen=True)
class Spent:
    """What was used: answers of the model, requests for them, tool calls begun, tokens in and out, US dollars."""

    rounds: int = 0
    requests: int = 0
    tool_calls: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: "Spent") -> "Spent":
        if self is NOTHING or other is NOTHING:
            return other if self is NOTHING else self
        return Spent(
            self.rounds + other.rounds,
            self.requests + other.requests,
            self.tool_calls + other.tool_calls,
            self.tokens + other.tokens,
            self.cost + other.cost,
        )


NOTHING = Spent()


@dataclass(frozen=True)
class Turn:
    """The latest turn. `awaiting` is true between a request to the model and what became of it."""

    turn_id: str
    version: int
    state: TurnState = "open"
    round: int = 0
    attempt: int = 0
    awaiting: bool = False
    last_word: LastWord = "none"
    calls: tuple[Call, ...] = ()
    requests: tuple[Request, ...] = ()
    started_at: AwareDatetime | None = None
    limits: Limits | None = None
    output: Output | None = None
    spent: Spent = NOTHING
    before: Spent = NOTHING
    inputs: tuple[Queued, ...] = ()
    repairs: int = 0
    stopping: bool = False
    stopped: bool = False
    begun_by: Actor | None = None
    denials: int = 0
    """Calls denied in a row; one that begins ends the row."""
    rescued: int = 0
    """The latest round whose request was too long, so that the conversation was compacted."""
    takeovers: int = 0
    """Workers in a row that never gave the session back, with nothing to show for it since."""
    subagents: tuple[str, ...] = ()
    """The subagents that a suspended turn waits for, by their sessions, as far as they are not done."""
    rerun: bool = False
    """Whether it does a recorded turn again, so that results on record may be used."""
    next_expiry: AwareDatetime | None = None
    """When the first of its questions expires that is not overdue."""

    @property
    def wants_output(self) -> bool:
        """Whether the turn is to end in a value."""
        return self.output is not None

    def gives_value(self, tool: str) -> bool:
        """Whether a call of this tool is the model's answer and no work: the value the turn is to end in."""
        return self.wants_output and tool == OUTPUT_TOOL

    @property
    def last_words(self) -> tuple[LastWord, ...]:
        """What the model may end the turn with."""
        return ("value",) if self.wants_output else ("answer", "empty")

    def call(self, call_id: str) -> Call | None:
        """The call of the current round under this id."""
        return next((call for call in self.calls if call.call_id == call_id), None)

    def request(self, request_id: str) -> Request | None:
        """The question of this turn under this id."""
        return next((request for request in self.requests if request.request_id == request_id), None)

    @property
    def open_calls(self) -> tuple[Call, ...]:
        """Calls without an answer, in call order."""
        return tuple(call for call in self.calls if call.state != "closed")
