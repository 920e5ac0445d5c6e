"""The Session aggregate: the story so far, folded down to what the next decision needs.

Lean by design: the transcript is a projection's business, so that folding 10,000 events stays linear and a snapshot
stays small. Commands (`domain.commands`) read it; `evolve` builds it and judges nothing.

Dataclasses without slots and `__post_init__`, for the sake of `replacing.replace`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, TypeAdapter

from .content import Body
from .context import NO_CONTEXT, Context
from .events import Actor, Effect, InputKind, PauseReason, Rerun, Settlement, SpawnedBy, TurnState
from .membership import NO_MAIL, MailRead, Member
from .rules import Rule
from .settings import Limits, ModelSettings, Output
from .toolset import ALL_SHOWN, FIND_TOOLS, Toolset

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

READ_TOOL_RESULT = "read_tool_result"
"""The tool that shows a result whose rest, or all, the model does not see."""

_ALWAYS = frozenset({READ_TOOL_RESULT, FIND_TOOLS})
"""What no profile leaves out, where the session has it."""

RequestState = Literal["pending", "allowed", "denied", "expired", "withdrawn", "stale"]
Status = Literal["created", "active", "compacting", "suspended", "idle", "failed", "closed"]


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


@dataclass(frozen=True)
class Lease:
    """The worker that runs the session, and since which epoch."""

    epoch: int
    worker: str


@dataclass(frozen=True)
class RunningTask:
    """A background task that runs, and who runs it. `version` is that of the latest event that changed it."""

    task_id: str
    worker: str
    version: int
    stopping: bool = False


@dataclass(frozen=True)
class Background:
    """The background tasks: how many there ever were, those that run, and those whose end the model has not heard of.

    Ids are `bg-1` and so on, in the order the tasks began.
    """

    started: int = 0
    running: tuple[RunningTask, ...] = ()
    untold: tuple[str, ...] = ()

    def task(self, task_id: str) -> RunningTask | None:
        """The running task under this id."""
        return next((task for task in self.running if task.task_id == task_id), None)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all tasks there ever were."""
        return frozenset(f"bg-{number}" for number in range(1, self.started + 1))


NO_TASKS = Background()


@dataclass(frozen=True)
class Subagent:
    """A subagent that is not done: its session, and the turn and call it works for, if any.

    `paused` says that its own turn was put aside, and why; `waiting_for` are the ids of its questions then. `version`
    is that of the latest event about it.
    """

    child: str
    path: str
    version: int
    turn_id: str | None = None
    call_id: str | None = None
    paused: PauseReason | None = None
    waiting_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subagents:
    """The subagents that are not done, and what those used that are, beside what counts for the latest turn."""

    active: tuple[Subagent, ...] = ()
    spent: Spent = NOTHING

    def find(self, child: str) -> Subagent | None:
        """The subagent whose session this is, unless it is done."""
        return next((agent for agent in self.active if agent.child == child), None)

    def of_call(self, call_id: str) -> tuple[Subagent, ...]:
        """Those that work for a call."""
        return tuple(agent for agent in self.active if agent.call_id == call_id)


NO_SUBAGENTS = Subagents()

MAIN = "main"
"""The path of an agent that works for no other."""

TASK_TOOL = "task"
"""The tool with which a model hands work to a subagent."""


@dataclass(frozen=True)
class Session:
    """A session as decisions see it. `version` 0 is the session before its first event."""

    id: str
    version: int = 0
    title: str = ""
    model: str = ""
    project: str | None = None
    workspace: str | None = None
    system: Body | None = None
    tools: tuple[str, ...] = ()
    turn: Turn | None = None
    completed_turns: int = 0
    rules: tuple[Rule, ...] = ()
    lease: Lease | None = None
    epoch: int = 0
    closed: bool = False
    started_at: AwareDatetime | None = None
    settings: ModelSettings | None = None
    limits: Limits | None = None
    policy: Body | None = None
    background: Background = NO_TASKS
    context: Context = NO_CONTEXT
    subagents: Subagents = NO_SUBAGENTS
    spawned_by: SpawnedBy | None = None
    team: tuple[Member, ...] = ()
    mail: MailRead = NO_MAIL
    toolset: Toolset = ALL_SHOWN
    successor: str | None = None
    tags: tuple[str, ...] = ()
    memory: bool = False
    """Whether what its project has pinned is put in front of its turns."""
    recalled: str = ""
    """The digest of what stands in front of the conversation; "" for nothing."""
    rerun: Rerun | None = None
    """What is done again here, where the session was begun for that."""

    @property
    def tools_shown(self) -> tuple[str, ...]:
        """The names of the tools the model is shown, in order."""
        return self.toolset.shown(self.tools, _ALWAYS)

    @property
    def spent(self) -> Spent:
        """What all turns have used, and the subagents that are done."""
        used = self.subagents.spent
        return used if self.turn is None else self.turn.before + self.turn.spent + used

    @property
    def path(self) -> str:
        """Where its agent stands among those that work for each other, such as `main/review`."""
        return MAIN if self.spawned_by is None else self.spawned_by.path

    @property
    def teammate(self) -> str | None:
        """Its name in the team of another session, where it belongs to one."""
        return None if self.spawned_by is None else self.spawned_by.teammate

    @property
    def present(self) -> tuple[Member, ...]:
        """The teammates that have not left."""
        return tuple(member for member in self.team if not member.left)

    @property
    def at_work(self) -> tuple[str, ...]:
        """The sessions that work for it, and whose use of limits its own log does not tell."""
        return (*(agent.child for agent in self.subagents.active), *(member.session for member in self.team))

    def member(self, name: str) -> Member | None:
        """The teammate of this name that has not left."""
        return next((member for member in self.present if member.name == name), None)

    @property
    def depth(self) -> int:
        """How many sessions it works for, one above the other."""
        return self.path.count("/")

    def paused_subagents(self) -> tuple[Subagent, ...]:
        """Those that were put aside, and that a call of the turn waits for."""
        calls = () if self.turn is None else self.turn.open_calls
        waiting = {call.call_id for call in calls if call.state == "started"}
        return tuple(agent for agent in self.subagents.active if agent.paused and agent.call_id in waiting)

    @property
    def status(self) -> Status:
        """Where the session stands, derived; never stored."""
        if self.closed:
            return "closed"
        if self.context.under_way is not None:
            return "compacting"
        if self.turn is None:
            return "created"
        match self.turn.state:
            case "open":
                return "active"
            case "suspended":
                return "suspended"
            case "failed":
                return "failed"
            case "completed" | "cancelled" | "forked":
                return "idle"


_SNAPSHOT = TypeAdapter(Session)


def to_snapshot(session: Session) -> bytes:
    """The state as JSON; a cache of the fold, never more."""
    return _SNAPSHOT.dump_json(session)


def from_snapshot(data: bytes) -> Session:
    """The state back from `to_snapshot`. Raises pydantic.ValidationError."""
    return _SNAPSHOT.validate_json(data)
