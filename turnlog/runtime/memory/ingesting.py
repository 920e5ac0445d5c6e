"""Facts made of finished turns: each turn once, though a consumer may die anywhere and several may be at it.

The facts of a turn and the note that it was looked at are one append, which the version of the memory guards. So a
consumer that dies in between has stored nothing, and of two that looked at the same turn one stores.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from turnlog.domain import (
    Actor,
    Event,
    Memory,
    Message,
    NewFact,
    Recorded,
    SessionForked,
    SessionStarted,
    Stamp,
    StoreError,
    TurnCompleted,
    Wanted,
    commands,
    memory_stream,
)
from turnlog.projections import TRANSCRIPT, Item, MemoryShown, NoticeShown, Transcript, messages, project

from ..environment import Environment
from ..histories import history
from ..log_end import reaches
from .facts import clean_fact

_PAGE = 500
_FINISHED = Wanted(kinds=frozenset({TurnCompleted}))
Finished = commands.memories.Finished


@dataclass(frozen=True, slots=True)
class FinishedTurn:
    """A turn that is over: what was said and done in it, as items and as messages whose texts are whole."""

    session_id: str
    turn_id: str
    version: int
    items: tuple[Item, ...]
    messages: tuple[Message, ...]


Extractor = Callable[[FinishedTurn], Awaitable[Sequence[str]]]
"""Makes facts of a turn. It may be asked about a turn again after a crash; what it says then is not stored twice."""


class Ingestion:
    """A consumer of the log that puts into one memory what an extractor makes of finished turns."""

    def __init__(self, env: Environment, stream: str, extract: Extractor, name: str) -> None:
        self._env = env
        self._stream = stream
        self._extract = extract
        self._name = name
        self._ours: dict[str, bool] = {}
        self._reached = 0

    async def catch_up(self) -> int:
        """Look at every finished turn nobody has looked at; how many that were. Raises StoreError, what it raises."""
        done = 0
        after = await self._begin()
        while (found := await self._env.log.select(_FINISHED, after, _PAGE)).position > after:
            for record in found.records:
                if isinstance(record.event, TurnCompleted) and await self._is_ours(record.stream):
                    done += await self._take(record, record.event)
            after = self._reached = found.position
        return done

    async def follow(self) -> None:
        """Catch up, and go on with the turns that finish from now on, for ever. Raises as `catch_up`."""
        while True:
            appends = self._env.log.appends
            await self.catch_up()
            await self._env.news(appends)

    async def _begin(self) -> int:
        """The position to go on from; the beginning, where the log is another one than it was."""
        reached = (await self._env.memories.read(self._stream)).reached.get(self._name, 0)
        found = max(reached, self._reached)
        return found if await reaches(self._env.log, found) else 0

    async def _is_ours(self, session_id: str) -> bool:
        if session_id not in self._ours:
            match (await self._env.log.read(session_id, until=1))[0].event:
                case SessionStarted() | SessionForked() as first:
                    self._ours[session_id] = memory_stream(first.project, session_id) == self._stream
                case _:
                    self._ours[session_id] = False
        return self._ours[session_id]

    async def _take(self, record: Recorded, ended: TurnCompleted) -> bool:
        if record.position is None:
            raise StoreError(f"{record.stream}@{record.version} was read without its position")
        turn = Finished(record.stream, record.version, record.position, self._name)
        if not commands.memories.is_due(await self._env.memories.read(self._stream), turn):
            return False
        told = await self._extract(await self._finished(record, ended.turn_id))
        facts = [clean_fact(self._env, text, record.version) for text in told]
        by = self._env.stamp(Actor(kind="system", id=self._name))
        await self._env.memories.decide(self._stream, partial(_ingest, by, turn, facts))
        return True

    async def _finished(self, record: Recorded, turn_id: str) -> FinishedTurn:
        transcript = project(TRANSCRIPT, await history(self._env.log, record.stream, record.version))
        items = [item for item in transcript.items if _turn_of(item) == turn_id]
        said = await self._env.bodies.whole(messages(Transcript(items=items, turn_id=turn_id)))
        return FinishedTurn(record.stream, turn_id, record.version, tuple(items), said)


def _ingest(by: Stamp, turn: commands.memories.Finished, facts: Sequence[NewFact], memory: Memory) -> tuple[Event, ...]:
    return commands.memories.ingest(memory, by, turn, facts)


def _turn_of(item: Item) -> str | None:
    return None if isinstance(item, NoticeShown | MemoryShown) else item.turn_id
