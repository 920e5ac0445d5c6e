"""Several processes on one log, of which any may die or be slow, in one process and without a clock on the wall."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, TypeVar

from turnlog.domain import (
    READ_WHOLE,
    Actor,
    BlobMissing,
    BlobRef,
    Change,
    Kinds,
    ModelDelta,
    ModelError,
    ModelReply,
    ModelRequest,
    Recorded,
    Selection,
    Session,
    SessionForked,
    SessionStarted,
    TextBlock,
    Tool,
    ToolCallBlock,
    ToolCallStarted,
    ToolContext,
    TurnlogError,
    Unread,
    VersionConflict,
    Wanted,
    fold,
)
from turnlog.front import Turnlog
from turnlog.infrastructure import permissions, tools
from turnlog.projections import conversation_problems
from turnlog.runtime import Environment, SessionHandle, Settings
from turnlog.runtime.environment import RUNNING
from turnlog.runtime.histories import history
from turnlog.testing import CountingIds, Crash, FaultPlan, Point, VirtualClock, crash, fail, miss, wake

from .invariants import Effect, effect_problems, story_problems

T = TypeVar("T")
FaultName = Literal["crash", "fail", "yield"]
Word = Literal["text", "look", "mark", "send"]
Answer = tuple[Word, ...] | Literal["busy", "broken"]


class FakeLog:
    """The log of the contract in a list, with nothing in it that takes time."""

    def __init__(self) -> None:
        self.records: list[Recorded] = []
        self.appends = 0

    async def append(self, *changes: Change) -> Sequence[Recorded]:
        for change in changes:
            if self._version(change.stream) != change.after:
                raise VersionConflict(change.stream, change.after)
        for change in changes:
            for place, event in enumerate(change.events, start=change.after + 1):
                self.records.append(Recorded(change.stream, place, event, len(self.records) + 1))
        self.appends += 1
        return self.records[-sum(len(change.events) for change in changes) :]

    async def read(
        self, stream: str, after: int = 0, until: int | None = None, kinds: Kinds | None = None
    ) -> Sequence[Recorded]:
        found = [record for record in self.records if record.stream == stream and record.version > after]
        found = [record for record in found if until is None or record.version <= until]
        return [record for record in found if kinds is None or type(record.event) in kinds]

    async def fold(
        self,
        stream: str,
        step: Callable[[T, Iterable[Recorded]], T],
        state: T,
        after: int = 0,
        until: int | None = None,
        unread: Unread = READ_WHOLE,
    ) -> T:
        found = await self.read(stream, after, until)
        return step(state, [record for record in found if type(record.event) not in unread.kinds])

    async def latest(self, stream: str, kinds: Kinds, until: int | None = None) -> int:
        found = await self.read(stream, until=until, kinds=kinds)
        return found[-1].version if found else 0

    async def read_all(self, after: int = 0, limit: int = 500, unread: Unread = READ_WHOLE) -> Sequence[Recorded]:
        return self.records[after : after + limit]

    async def select(self, wanted: Wanted, after: int = 0, limit: int = 500) -> Selection:
        page = self.records[after : after + limit]
        return Selection([one for one in page if wanted.has(one.stream, one.event)], after + len(page))

    async def streams(self, prefix: str = "", limit: int = 50) -> Sequence[str]:
        return sorted({record.stream for record in self.records if record.stream.startswith(prefix)})[:limit]

    async def wait(self, appends: int, seconds: float) -> None:
        for _ in range(5):
            if self.appends > appends:
                return
            await asyncio.sleep(0)

    def _version(self, stream: str) -> int:
        return sum(record.stream == stream for record in self.records)


class FakeBlobs:
    """Bodies by hash."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    async def put(self, body: bytes, media_type: str) -> BlobRef:
        name = sha256(body).hexdigest()
        self._bodies[name] = body
        return BlobRef(sha256=name, size=len(body), media_type=media_type, head=body[:80].decode(errors="replace"))

    async def get(self, sha256: str) -> bytes:
        if sha256 not in self._bodies:
            raise BlobMissing(sha256)
        return self._bodies[sha256]


class Oracle:
    """A model that answers what it is given, and plainly when it is given nothing more."""

    name = "scripted:oracle"

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.problems: list[str] = []
        self._calls = 0

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        self.problems += conversation_problems(request.messages)
        match self.answers.popleft() if self.answers else ("text",):
            case "busy":
                raise ModelError("overloaded", "busy", retryable=True)
            case "broken":
                raise ModelError("rejected", "no")
            case words:
                yield ModelReply(tuple(self._block(word) for word in words))

    def _block(self, word: str) -> TextBlock | ToolCallBlock:
        if word == "text":
            return TextBlock(text="Fine.")
        self._calls += 1
        return ToolCallBlock(call_id=f"c{self._calls % 3}", name=word, arguments="{}")


@dataclass
class Process:
    """One process: its turnlog, what it is at, and which fault it meets at how many points from here."""

    name: str
    turnlog: Turnlog
    tasks: list[asyncio.Task[object]] = field(default_factory=list[asyncio.Task[object]])
    dead: bool = False
    fault: FaultName | None = None
    distance: int = 0
    news: Literal["wake", "miss"] | None = None

    async def meet(self, point: Point) -> None:
        """What happens at a point. A dead process does nothing any more, so that nothing it began goes on."""
        if self.dead:
            raise Crash(self.name)
        if point.kind == "wait":
            await {"wake": wake, "miss": miss, None: _nothing}[self.news if point.moment == "before" else None](point)
            return
        self.distance -= 1
        if self.fault is None or self.distance > 0:
            return
        fault, self.fault = self.fault, None
        if fault == "crash":
            self.dead = True
        await {"crash": crash, "fail": fail, "yield": _slow}[fault](point)


async def _nothing(point: Point) -> None: ...


async def _slow(point: Point) -> None:
    for _ in range(50):
        await asyncio.sleep(0)


class Simulation:
    """The log, the processes on it, and the sessions in it."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.log, self.blobs, self.clock, self.ids = FakeLog(), FakeBlobs(), VirtualClock(), CountingIds()
        self.oracle = Oracle()
        self.effects: list[Effect] = []
        self.own: list[Tool] = [self._tool("look", "pure"), self._tool("mark", "idempotent"), self._tool("send", None)]
        self._count = 0
        self.processes = [self.process(), self.process()]

    def process(self) -> Process:
        """A new process."""
        self._count += 1
        name = f"host:{self._count}"
        env = Environment(
            log=self.log,
            blobs=self.blobs,
            clock=self.clock,
            ids=self.ids,
            workers=self,
            models=lambda name: self.oracle,
            tools=lambda name: None,
            permissions=permissions.StructuredPermissions(),
            user=Actor(kind="user", id="ada"),
            worker=name,
            settings=Settings(poll_seconds=0.001, retry_seconds=0.001, snapshot_events=10_000, grace_seconds=0.05),
        )
        process = Process(name, Turnlog(env, _closed))
        plan = FaultPlan(otherwise=process.meet)
        process.turnlog = Turnlog(plan.around(env), _closed)
        return process

    def alive(self, worker: str) -> bool | None:
        """Whether a worker is at work, for other processes: what heartbeats would tell them a little later."""
        there = any(process.name == worker.partition("/")[0] and not process.dead for process in self.processes)
        return there and worker in RUNNING

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end of this; what else is under way goes on meanwhile."""
        return self.runner.run(work)

    def begin(self, process: Process, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Have a process begin something; it is looked at when it is over."""

        async def begin() -> None:
            process.tasks.append(asyncio.get_running_loop().create_task(work()))
            await asyncio.sleep(0)

        self.do(begin())

    async def settle(self) -> None:
        """Wait until everything that was begun is over; replace the processes that died."""
        for process in self.processes:
            for done in await asyncio.gather(*process.tasks, return_exceptions=True):
                process.dead |= _is_fatal(done)
            process.tasks.clear()
        self.processes = [self.process() if process.dead else process for process in self.processes]

    async def tried(self, process: Process, work: Coroutine[Any, Any, object]) -> object:
        """Do something that may be refused, or be the death of the process."""
        try:
            return await work
        except (TurnlogError, Crash) as error:
            process.dead |= isinstance(error, Crash)
            return error

    def sessions(self) -> list[str]:
        """The ids of all sessions."""
        begins = (SessionStarted, SessionForked)
        return [record.stream for record in self.log.records if isinstance(record.event, begins)]

    async def opened(self, process: Process, session_id: str) -> SessionHandle:
        """A session as a process has it."""
        return await process.turnlog.open_session(session_id, model=self.oracle, tools=self.own)

    async def problems(self) -> list[str]:
        """What is wrong with anything."""
        found = list(self.oracle.problems)
        for session_id in self.sessions():
            found += story_problems(session_id, await history(self.log, session_id))
        return found + list(effect_problems(self.effects, [record.event for record in self.log.records]))

    async def unfinished(self) -> list[str]:
        """Sessions whose turn neither is over nor waits for a person."""
        states = [fold(Session(each), await history(self.log, each)) for each in self.sessions()]
        return [state.id for state in states if state.turn is not None and state.turn.state == "open"]

    def _tool(self, name: str, effect: Literal["pure", "idempotent"] | None) -> Tool:
        async def run(context: ToolContext) -> str:
            """Do it."""
            announced = ToolCallStarted in {
                type(record.event)
                for record in self.log.records
                if isinstance(record.event, ToolCallStarted)
                and (record.event.call_id, record.event.attempt, record.event.epoch)
                == (context.call_id, context.attempt, context.epoch)
            }
            self.effects.append(
                Effect(name, context.idempotency_key, context.call_id, context.epoch, context.attempt, announced)
            )
            await asyncio.sleep(0)
            return "done"

        run.__name__ = name
        return tools.tool(run) if effect is None else tools.tool(effect=effect)(run)


def _is_fatal(outcome: object) -> bool:
    text = repr(outcome)
    if isinstance(outcome, BaseExceptionGroup):
        return "Crash(" in text
    if isinstance(outcome, BaseException) and not isinstance(outcome, TurnlogError | Crash | asyncio.CancelledError):
        raise outcome
    return isinstance(outcome, Crash)


async def _closed() -> None: ...
