"""The memory of a project: what people, agents and finished turns put there, and what is found in it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from turnlog.domain import (
    Actor,
    Embedder,
    Event,
    Fact,
    FoundFact,
    InvalidInput,
    Memory,
    MemoryAccess,
    MemoryDecision,
    NewFact,
    Origin,
    Recalled,
    Redaction,
    Session,
    clean,
    commands,
    memory_id_of,
    memory_stream,
)
from turnlog.projections import best_first, query_of, ranked

from ..environment import Environment
from .finding import find_facts
from .meaning import Meanings

if TYPE_CHECKING:
    from .ingesting import Extractor, Ingestion

MOST_RECALLED = 8_000
"""Characters of pinned facts that are put in front of a conversation."""

_HEADING = "[Memory of turnlog, not of the user] What is known in this project:"


class Search:
    """How facts are found: by words, and by meaning where something makes vectors of texts."""

    def __init__(self, env: Environment, embedder: Embedder | None = None) -> None:
        self._env = env
        self._meanings = None if embedder is None else Meanings(embedder)

    async def __call__(self, stream: str, text: str, limit: int) -> list[FoundFact]:
        """The best facts. Raises InvalidInput, ProjectionStopped, StoreError, what the embedder raises."""
        if limit < 0:
            raise InvalidInput(f"there is no list of {limit} facts; give a limit of 0 or more")
        query = query_of(stream, text)
        words = await find_facts(self._env, query)
        facts = (await self._env.memories.read(stream)).facts
        if self._meanings is None:
            return ranked(words, facts, limit)
        near = await self._meanings.nearest(text, facts)
        return await asyncio.to_thread(_merged, near, ranked(words, facts, len(facts)), facts, limit)


def _merged(
    near: Sequence[str], by_words: Sequence[FoundFact], facts: Mapping[str, Fact], limit: int
) -> list[FoundFact]:
    """What is near in meaning, and what has the words: each counts by its place in its own order."""
    scores = dict.fromkeys(facts, 0.0)
    told = {hit.fact.memory_id: hit.words for hit in by_words}
    for order in (near, list(told)):
        for place, memory_id in enumerate(order):
            scores[memory_id] += 1 / (60 + place)
    hits = [FoundFact(facts[each], score, told.get(each, ())) for each, score in scores.items()]
    return sorted(hits, key=best_first)[:limit]


class ProjectMemory:
    """A memory. Its commands are taken again where somebody else was faster."""

    def __init__(self, env: Environment, stream: str, embedder: Embedder | None = None) -> None:
        self._env = env
        self._stream = stream
        self._search = Search(env, embedder)

    @property
    def stream(self) -> str:
        """The stream it is kept in."""
        return self._stream

    async def state(self, at: datetime | None = None) -> Memory:
        """What is known now, or was then. Raises StoreError, CorruptRecord."""
        if at is not None:
            return await self._env.memories.read_at(self._stream, at)
        return await self._env.memories.read(self._stream)

    async def list(self) -> tuple[Fact, ...]:
        """All that is known, oldest first. Raises StoreError, CorruptRecord."""
        return tuple((await self.state()).facts.values())

    async def search(self, text: str, limit: int = 10) -> Sequence[FoundFact]:
        """The facts in which words of the text stand, the best first. Raises InvalidInput, StoreError."""
        return await self._search(self._stream, text, limit)

    async def store(
        self, text: str, *, session_id: str | None = None, version: int | None = None, pinned: bool = False
    ) -> Fact:
        """Store a fact, and where it is from. Raises InvalidInput, CommandRefused, StoreError."""
        new = clean_fact(self._env, text, version, pinned=pinned)
        memory = await self._decide(lambda memory, by: commands.memories.store(memory, by, new, Origin(session_id)))
        return memory.facts[memory_id_of(session_id, " ".join(new.text.split()))]

    async def pin(self, memory_id: str) -> Fact:
        """Have a fact in front of every session that recalls. Raises NotFound, StoreError."""
        memory = await self._decide(lambda memory, by: commands.memories.pin(memory, by, memory_id))
        return memory.facts[memory_id]

    async def unpin(self, memory_id: str) -> Fact:
        """Have it there no more. Raises NotFound, StoreError."""
        memory = await self._decide(lambda memory, by: commands.memories.pin(memory, by, memory_id, pinned=False))
        return memory.facts[memory_id]

    async def forget(self, memory_id: str, reason: str = "") -> None:
        """Know a fact no more. Raises NotFound, StoreError."""
        await self._decide(lambda memory, by: commands.memories.forget(memory, by, memory_id, clean(reason)))

    async def forget_session(self, session_id: str, reason: str = "") -> None:
        """Know nothing of what came from a session, and take nothing from it again. Raises StoreError."""
        await self._decide(lambda memory, by: commands.memories.forget_source(memory, by, session_id, clean(reason)))

    def ingestion(self, extract: "Extractor", name: str = "facts") -> "Ingestion":
        """A consumer that stores what `extract` makes of finished turns: `catch_up()`, or `follow()` for ever.

        `name` is what its place is kept under: under another one it looks at all turns again.
        """
        from .ingesting import Ingestion

        return Ingestion(self._env, self._stream, extract, name)

    async def _decide(self, decision: MemoryDecision) -> Memory:
        by = self._env.stamp()
        return await self._env.memories.decide(self._stream, lambda memory: decision(memory, by))


def clean_fact(env: Environment, text: str, version: int | None = None, *, pinned: bool = False) -> NewFact:
    """A text to be stored, without secrets."""
    secrets = Counter[str]()
    told = env.redactor.text(clean(text), secrets)
    redactions = tuple(Redaction(secret=name, count=count) for name, count in sorted(secrets.items()))
    return NewFact(told, version, redactions or None, pinned)


def memory_access(env: Environment, session: Session, origin: Origin, version: int) -> MemoryAccess:
    """What a call may do with the memory of its session; what it stores is from that version."""
    stream, search = memory_stream(session.project, session.id), Search(env)

    async def decide(decision: MemoryDecision) -> Memory:
        by = env.stamp(Actor(kind="worker", id=env.worker))
        return await env.memories.decide(stream, lambda memory: decision(memory, by))

    async def find(text: str, limit: int) -> Sequence[FoundFact]:
        return await search(stream, text, limit)

    return MemoryAccess(origin, decide, lambda text: clean_fact(env, text, version), find)


async def recalling(env: Environment, session: Session) -> Callable[[Session], tuple[Event, ...]]:
    """The decision that puts what is pinned in front of a turn of a session that recalls. Raises StoreError."""
    if not (session.memory or session.recalled):
        return lambda session: ()
    recollection, by = commands.memories.Recollection(), env.stamp(Actor(kind="system", id="memory"))
    if session.memory:
        memory = await env.memories.read(memory_stream(session.project, session.id))
        recollection = recollected(memory.pinned)
    return lambda session: commands.memories.recall(session, by, recollection)


def recollected(pinned: Sequence[Fact]) -> commands.memories.Recollection:
    """As many of the pinned facts as there is room for, those pinned first."""
    lines: list[str] = []
    told: list[Recalled] = []
    room = MOST_RECALLED
    for fact in pinned:
        line = f"- {fact.text} ({fact.memory_id})"
        if len(line) < room:
            room -= len(line) + 1
            lines.append(line)
            told.append(Recalled(memory_id=fact.memory_id, session_id=fact.session_id, version=fact.version))
    text = "\n".join((_HEADING, *lines)) if lines else ""
    return commands.memories.Recollection(text, tuple(told), len(pinned) - len(told))
