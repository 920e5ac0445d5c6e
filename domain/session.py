"""The Session aggregate: the story so far, folded down to what the next decision needs.

Lean by design: the transcript is a projection's business, so that folding 10,000 events stays linear and a snapshot
stays small. Commands (`domain.commands`) read it; `evolve` builds it and judges nothing.

Dataclasses without slots and `__post_init__`, for the sake of `replacing.replace`.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import AwareDatetime, TypeAdapter

from .at_work import MAIN, NO_SUBAGENTS, NO_TASKS, Background, Subagent, Subagents
from .content import Body
from .context import NO_CONTEXT, Context
from .events import Rerun, SpawnedBy
from .membership import NO_MAIL, MailRead, Member
from .rules import Rule
from .settings import Limits, ModelSettings
from .toolset import ALL_SHOWN, FIND_TOOLS, Toolset
from .turn import Spent, Turn

READ_TOOL_RESULT = "read_tool_result"
"""The tool that shows a result whose rest, or all, the model does not see."""

_ALWAYS = frozenset({READ_TOOL_RESULT, FIND_TOOLS})
"""What no profile leaves out, where the session has it."""

Status = Literal["created", "active", "compacting", "suspended", "idle", "failed", "closed"]


@dataclass(frozen=True)
class Lease:
    """The worker that runs the session, and since which epoch."""

    epoch: int
    worker: str


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


@cache
def _snapshot() -> TypeAdapter[Session]:
    """Made when it is first needed: a look at a session needs none."""
    return TypeAdapter(Session)


def to_snapshot(session: Session) -> bytes:
    """The state as JSON; a cache of the fold, never more."""
    return _snapshot().dump_json(session)


def from_snapshot(data: bytes) -> Session:
    """The state back from `to_snapshot`. Raises pydantic.ValidationError."""
    return _snapshot().validate_json(data)
