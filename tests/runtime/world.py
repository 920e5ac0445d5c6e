"""A turnlog whose time, neighbours and appends a test holds in its hands."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import JsonValue

from turnlog.domain import (
    STANDARD,
    Actor,
    Bounds,
    Change,
    Event,
    EventLog,
    Heartbeats,
    Hints,
    Model,
    ModelDelta,
    ModelReply,
    ModelRequest,
    Policy,
    Recorded,
    Session,
    Tool,
    Workers,
    fold,
    from_snapshot,
    to_snapshot,
)
from turnlog.front import Turnlog
from turnlog.infrastructure import models, permissions, store, system, tools
from turnlog.projections import TRANSCRIPT, conversation_problems, messages, project
from turnlog.runtime import Authorizer, Environment, SessionHandle, Settings, history
from turnlog.runtime.histories import load
from turnlog.testing import VirtualClock

ScriptedCall = models.ScriptedCall
ScriptedFailure = models.ScriptedFailure
ScriptedModel = models.ScriptedModel
ScriptedReply = models.ScriptedReply
FunctionTool = tools.FunctionTool
tool = tools.tool

Script = Sequence[ScriptedReply | str]
E = TypeVar("E", bound=Event)

QUICK = Settings(poll_seconds=0.02, snapshot_events=7)
PROGRAMS = Policy(bounds=Bounds(commands=True))
"""The standard policy, and programs may be run."""

PATIENCE = 20.0
"""Seconds after which a fact that was waited for counts as missing."""

T = TypeVar("T")


class Crash(BaseException):
    """The process is gone, as far as one turn can tell: nothing in turnlog catches this."""


@tool(effect="pure")
def look() -> str:
    """Look."""
    return "seen"


@tool
def act() -> str:
    """Act."""
    return "acted"


class WatchedLog:
    """A log that tells how often it was appended to, and may fail on the way in or out."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.read, self.fold, self.latest, self.read_all = log.read, log.fold, log.latest, log.read_all
        self.select, self.streams, self.wait = log.select, log.streams, log.wait
        self.written: list[tuple[Change, ...]] = []
        self.before: Callable[[tuple[Change, ...]], Any] = lambda changes: None
        self.after: Callable[[tuple[Change, ...]], Any] = lambda changes: None

    async def append(self, *changes: Change) -> Sequence[Recorded]:
        self.before(changes)
        recorded = await self._log.append(*changes)
        self.written.append(changes)
        self.after(changes)
        return recorded

    @property
    def appends(self) -> int:
        return self._log.appends


class Timeless:
    """Heartbeats that do not tell the database's time: the test has a clock of its own."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats

    async def beat(self, alive: Collection[str], ended: Collection[str] = ()) -> None:
        await self._heartbeats.beat(alive, ended)

    async def silences(self, workers: Collection[str]) -> Mapping[str, float]:
        return await self._heartbeats.silences(workers)


class TickingClock(VirtualClock):
    """Time that goes on by a millisecond whenever somebody looks, as real clocks do."""

    def now(self) -> datetime:
        self.advance(0.001)
        return super().now()


class Neighbours:
    """The processes of this machine and others: all gone, unless a test says otherwise."""

    def __init__(self) -> None:
        self.answer: bool | None = False

    def alive(self, worker: str) -> bool | None:
        return self.answer


@dataclass
class World:
    """One process's turnlog on a database. Several worlds on one URL stand for several processes."""

    url: str
    user: str = "ada"
    worker: str = "here"
    settings: Settings = QUICK
    clock: VirtualClock = field(default_factory=VirtualClock)
    neighbours: Neighbours = field(default_factory=Neighbours)
    workers: Workers | None = None
    policy: Policy = STANDARD
    authorizer: Authorizer | None = None
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    state: Mapping[type, object] = field(default_factory=dict[type, object])

    heartbeats: Heartbeats | None = None
    hints: Hints | None = None
    elapsed: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.store = store.open_store(self.url)
        self.log = WatchedLog(self.store.log)
        self.env = Environment(
            log=self.log,
            blobs=self.store.blobs,
            clock=self.clock,
            ids=system.RandomIds(),
            workers=self.workers or self.neighbours,
            models=lambda name: models.resolve_model(name, self.store.blobs.get),
            tools=tools.BUILTIN_TOOLS.get,
            permissions=permissions.StructuredPermissions(),
            user=Actor(kind="user", id=self.user),
            worker=self.worker,
            settings=self.settings,
            snapshots=self.store.snapshots,
            heartbeats=self.heartbeats or Timeless(self.store.heartbeats),
            hints=self.hints or self.store.hints,
            elapsed=self.elapsed,
            archive=self.store.archive,
            policy=self.policy,
            authorizer=self.authorizer,
            secrets=self.secrets,
            state=self.state,
        )
        self.turnlog = Turnlog(self.env, self.store.close)

    async def session(self, script: Model | Script, *own: Tool | str, **more: Any) -> SessionHandle:
        """A new session; a sequence is a script."""
        title = more.pop("title", "A session")
        return await self.turnlog.create_session(title, model=model_of(script), tools=own, **more)

    async def again(self, session_id: str, script: Model | Script, *own: Tool) -> SessionHandle:
        """The session as another process opens it."""
        return await self.turnlog.open_session(session_id, model=model_of(script), tools=own)

    async def events(self, session_id: str) -> list[Event]:
        """What the session's own stream holds."""
        return [record.event for record in await self.log.read(session_id)]

    async def kinds(self, session_id: str) -> list[str]:
        """The names of the events."""
        return [type(event).__name__ for event in await self.events(session_id)]

    async def all_of(self, session_id: str, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in await self.events(session_id) if isinstance(event, kind)]

    async def close(self) -> None:
        await self.turnlog.close()


def model_of(script: Model | Script) -> Model:
    """The model of a script, or the model itself."""
    return ScriptedModel(script) if isinstance(script, Sequence) else script


def asks(*calls: ScriptedCall | tuple[str, Mapping[str, JsonValue]] | str, text: str | None = None) -> ScriptedReply:
    """A reply that calls tools, each by name, by name and arguments, or as given."""
    return ScriptedReply(text=text, calls=tuple(_call(call) for call in calls))


def raw(name: str, text: str) -> ScriptedCall:
    """A call with argument text exactly as given."""
    return ScriptedCall(name=name, raw=text)


def _call(call: ScriptedCall | tuple[str, Mapping[str, JsonValue]] | str) -> ScriptedCall:
    match call:
        case ScriptedCall():
            return call
        case str():
            return ScriptedCall(name=call)
        case (name, arguments):
            return ScriptedCall(name=name, arguments=dict(arguments))


class ModelOf:
    """A model that does what a function says, request by request."""

    name = "scripted:function"

    def __init__(self, answer: Callable[[ModelRequest, int], Sequence[ModelDelta | ModelReply]]) -> None:
        self._answer = answer
        self.requests: list[ModelRequest] = []

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        self.requests.append(request)
        for item in self._answer(request, len(self.requests)):
            yield item


async def until(fact: Callable[[], Any]) -> None:
    """Return once a fact holds; the test fails where it does not come to pass."""
    end = time.monotonic() + PATIENCE
    while True:
        found = fact()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < end, "what was waited for did not happen"
        await asyncio.sleep(0.005)


async def check_log(world: World, session_id: str) -> None:
    """What holds for every log: no gap, every prefix is a conversation, snapshots change nothing."""
    records = await history(world.log, session_id)
    own = [record.version for record in records if record.stream == session_id]
    assert own == list(range(1, len(own) + 1))
    transcript = TRANSCRIPT.initial()
    for record in records:
        transcript = TRANSCRIPT.fold(transcript, record)
        assert conversation_problems(messages(transcript)) == [], f"at {record.stream} {record.version}"
    cut = len(records) // 2
    snapshot = from_snapshot(to_snapshot(fold(Session(session_id), records[:cut])))
    assert fold(snapshot, records[cut:]) == fold(Session(session_id), records)
    assert await load(world.env, session_id) == fold(Session(session_id), records)


def last_results(model: ScriptedModel | ModelOf) -> list[str]:
    """The texts of the tool results in the last request a model saw."""
    request = model.requests[-1]
    found = [block for block in request.messages[-1].blocks if block.type == "tool_result"]
    return ["".join(str(part.text) for part in block.content if part.type == "text") for block in found]


def transcript_of(records: Sequence[Recorded]) -> list[Any]:
    """The messages of a history, without the ids that differ from run to run."""
    return list(messages(project(TRANSCRIPT, records)))
