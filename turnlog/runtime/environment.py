"""What the runtime works with: the ports, and the figures that bound it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from turnlog.domain import (
    STANDARD,
    Mailbox,
    Memory,
    Spent,
    TaskBoard,
    board_after,
    mailbox_after,
    memory_after,
)

from .background.registry import LiveTasks
from .bodies import Bodies
from .books import Books
from .folds import Folds
from .turns.live import Live
from .turns.redacting import Redactor
from .workers.pulse import Pulse, awake_seconds

if TYPE_CHECKING:  # every command makes an environment, and few use all that is in it
    from pydantic import JsonValue

    from turnlog.domain import (
        Actor,
        Archive,
        Blobs,
        Clock,
        Cost,
        Delegated,
        EventLog,
        Heartbeats,
        Hints,
        Ids,
        Model,
        Permissions,
        Policy,
        Snapshots,
        Stamp,
        Tool,
        ToolContext,
        ToolOutput,
        Usage,
        Workers,
    )
    from turnlog.projections import ReadTables

    from .delegation.templates import SubagentTemplate
    from .hooks import Authorizer, Hook


@dataclass(frozen=True, slots=True)
class Settings:
    """Bounds of the runtime; the defaults suit a person at a terminal and a service alike.

    `poll_seconds` is how long another process's write may go unnoticed where nothing tells of it, `away_seconds` how
    long readers bear with a database that is away. A tool result longer than `result_lines` or `result_bytes` is cut
    for the model and kept whole in the blob table. A session's state is kept after a turn once `snapshot_events` have
    come since it was kept last. `max_rounds` holds for a turn that says nothing of rounds. What is cancelled has
    `grace_seconds` to end by itself. A model that does not give the value asked for is told so `output_repairs` times.
    A hook may take `hook_seconds` for one call or event, an authorizer `authorizer_seconds`. A call is only put to a
    person where its text has at most `shown_chars` characters; nobody reads more. One that keeps being another call
    than was authorised is judged again `most_outdated` times. What a background task writes is kept every
    `checkpoint_seconds`. A worker not heard of for longer than `lease_seconds`, by the database's clock, has lost its
    sessions to whoever takes them. A turn whose worker was replaced `most_takeovers` times at one step has failed.
    A session may lead so many `teammates` at a time.
    A conversation may have `context_tokens`, and never more than its model takes (None: only that counts). From the
    share `compact_at` of them on it is made shorter: old tool results are elided where that saves the share
    `elision_worth`, else it is compacted, and the share `keep_recent` of it stays word for word.
    """

    max_rounds: int = 100
    model_attempts: int = 4
    retry_seconds: float = 0.5
    retry_ceiling_seconds: float = 30.0
    approval_lifetime: timedelta = timedelta(hours=24)
    poll_seconds: float = 1.0
    away_seconds: float = 60.0
    result_lines: int = 2_000
    result_bytes: int = 50 * 1024
    command_attempts: int = 20
    snapshot_events: int = 1_000
    grace_seconds: float = 10.0
    output_repairs: int = 3
    hook_seconds: float = 30.0
    authorizer_seconds: float = 30.0
    shown_chars: int = 64 * 1024
    most_outdated: int = 3
    checkpoint_seconds: float = 30.0
    subagent_depth: int = 2
    subagents_at_once: int = 8
    lease_seconds: float = 30.0
    most_takeovers: int = 3
    teammates: int = 16
    context_tokens: int | None = None
    compact_at: float = 0.8
    keep_recent: float = 0.25
    elision_worth: float = 0.1


RUNNING: set[str] = set()
"""The names of the workers this process is running right now, over all open turnlogs."""

CUT_OFF: set[str] = set()
"""The names of workers of this process that ended because the log was away, and could not give their session back."""


RunTool = Callable[["Mapping[str, JsonValue]", "ToolContext"], Awaitable["ToolOutput"]]


class Wrapping(Protocol):
    """What is put around models and effects, such as the faults of a test. There is none outside tests."""

    def model(self, model: Model) -> Model:
        """The model to ask in place of this one."""
        ...

    def run(self, tool: Tool) -> RunTool:
        """What to run in place of the tool's `run`."""
        ...


async def _as_given(name: str) -> str:
    return name


async def _not_known(model: str, usage: Usage) -> Cost | None:
    return None


@dataclass(frozen=True, slots=True)
class Environment:
    """The ports a running turnlog is made of. `worker` names this process; `user` is who gives commands by default.

    `full_name` tells which model a short name, such as that of a provider alone, stands for now; `price` what an answer
    of so many tokens costs from a model. `hooks` are those of
    every session. `policy` is that of new sessions which name none; `authorizer` decides in every session. `secrets`
    are by name, `state` are values of the calling program by their type. `read_tables` are the tables beside the log,
    where there are any; `wrapping` is put around models and effects. `heartbeats` are what leases expire by (None: they
    do not), `elapsed` is a clock in seconds that nobody sets. `hints` are what workers are told of; without
    any they look for themselves. Raises InvalidInput for a secret too short.
    """

    log: EventLog
    blobs: Blobs
    clock: Clock
    ids: Ids
    workers: Workers
    models: Callable[[str], Model]
    tools: Callable[[str], Tool | None]
    permissions: Permissions
    user: Actor
    worker: str
    settings: Settings = field(default_factory=Settings)
    snapshots: Snapshots | None = None
    heartbeats: Heartbeats | None = None
    hints: Hints | None = None
    elapsed: Callable[[], float] = awake_seconds
    archive: Archive | None = None
    read_tables: ReadTables | None = None
    full_name: Callable[[str], Awaitable[str]] = _as_given
    price: Callable[[str, Usage], Awaitable[Cost | None]] = _not_known
    hooks: tuple[Hook, ...] = ()
    policy: Policy = STANDARD
    authorizer: Authorizer | None = None
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    state: Mapping[type, object] = field(default_factory=dict[type, object])
    wrapping: Wrapping | None = None
    live: Live = field(default_factory=Live)
    subagents: Mapping[str, SubagentTemplate] = field(default_factory=dict[str, "SubagentTemplate"])
    agents: dict[str, asyncio.Future[Delegated | None]] = field(
        default_factory=dict[str, "asyncio.Future[Delegated | None]"]
    )
    promised: dict[str, Spent] = field(default_factory=dict[str, Spent])
    background: LiveTasks = field(default_factory=LiveTasks)
    bodies: Bodies = field(init=False)
    books: Books = field(init=False)
    boards: Folds[TaskBoard] = field(init=False)
    memories: Folds[Memory] = field(init=False)
    mailboxes: Folds[Mailbox] = field(init=False)
    redactor: Redactor = field(init=False, repr=False)
    pulse: Pulse = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bodies", Bodies(self.blobs))
        object.__setattr__(self, "books", Books(self.log, self.worker))
        attempts = self.settings.command_attempts
        object.__setattr__(self, "boards", Folds(self.log, TaskBoard(), board_after, attempts))
        object.__setattr__(self, "memories", Folds(self.log, Memory(), memory_after, attempts))
        object.__setattr__(self, "mailboxes", Folds(self.log, Mailbox(), mailbox_after, attempts))
        object.__setattr__(self, "redactor", Redactor(self.secrets))
        pulse = Pulse(self.heartbeats, self.settings.lease_seconds, self.clock.now, self.elapsed)
        object.__setattr__(self, "pulse", pulse)

    async def known_model(self, name: str) -> str:
        """The full name of a model, once it is known that it can be asked. Raises InvalidInput, ModelError."""
        full = await self.full_name(name)
        await asyncio.to_thread(self.models, full)  # the first of a process imports its provider's library
        return full

    def now(self) -> datetime:
        """The time: this machine's, or the database's where that is known to be later."""
        ours, theirs = self.clock.now(), self.pulse.their_time()
        return ours if theirs is None else max(ours, theirs)

    async def until(self, moment: datetime) -> None:
        """Wait until `now` is that time; this machine's clock may be behind the database's."""
        behind = self.now() - self.clock.now()
        await self.clock.until(moment - max(behind, timedelta()))

    def stamp(self, actor: Actor | None = None) -> Stamp:
        """Now, and who."""
        return {"at": self.now(), "actor": actor or self.user}

    async def news(self, appends: int) -> None:
        """Return once more than `appends` were made through this log, or when others' writes should be looked for."""
        await self.log.wait(appends, self.settings.poll_seconds)

    def is_gone(self, worker: str) -> bool:
        """Whether a worker certainly runs no more; one on a machine that cannot be asked counts as running."""
        return self.has_ended(worker) or (not self._is_ours(worker) and self.workers.alive(worker) is False)

    def has_ended(self, worker: str) -> bool:
        """Whether a worker of this process runs no more; nobody has to be asked."""
        return self._is_ours(worker) and worker not in RUNNING

    def _is_ours(self, worker: str) -> bool:
        return worker.startswith(f"{self.worker}/")
