"""The memory of a project: what is known, where it is from, and what must not come back."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from .events import (
    Actor,
    Event,
    MemoryForgotten,
    MemoryIngested,
    MemoryPinned,
    MemorySourceForgotten,
    MemoryStored,
    Redaction,
    Stamp,
)
from .origin import Origin

MEMORIES = "memory."
"""What the streams of memories begin with."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known: from a session at a version, or from a person. One that is pinned has been so since then."""

    memory_id: str
    text: str
    digest: str
    stored_at: datetime
    actor: Actor
    session_id: str | None = None
    version: int | None = None
    extractor: str | None = None
    pinned_at: datetime | None = None

    @property
    def pinned(self) -> bool:
        """Whether it is in front of every session that recalls."""
        return self.pinned_at is not None


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known, by id, oldest first; and what keeps the rest away.

    `forgotten` are ids, each with the call that had stored it; `forgotten_texts` are digests. `ingested` has, for an
    extractor and a session, the version up to which its turns were looked at, and `reached` the position of the log.
    """

    version: int = 0
    facts: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    calls: Mapping[str, str] = field(default_factory=dict[str, str])
    forgotten: frozenset[str] = frozenset()
    forgotten_texts: frozenset[str] = frozenset()
    forgotten_sources: frozenset[str] = frozenset()
    ingested: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    reached: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def pinned(self) -> tuple[Fact, ...]:
        """What is pinned, in the order in which it was."""
        return tuple(sorted((fact for fact in self.facts.values() if fact.pinned), key=_pinned_first))


def _pinned_first(fact: Fact) -> tuple[datetime, str]:
    return fact.pinned_at or fact.stored_at, fact.memory_id


def memory_stream(project: str | None, session_id: str) -> str:
    """The stream of the memory that a session works with: its project's, or its own where it has no project."""
    return f"{MEMORIES}session.{session_id}" if project is None else f"{MEMORIES}project.{project}"


def digest_of(text: str) -> str:
    """The SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def memory_id_of(source: str | None, text: str) -> str:
    """The id of a text from a source: the same for the same, so that nothing is known twice."""
    told = "\0".join((source or "", text))
    return f"mem_{digest_of(told)[:16]}"


def memory_after(memory: Memory, events: Iterable[Event]) -> Memory:
    """The memory after further events of its stream. Total."""
    growing = _Growing(memory)
    for event in events:
        growing.take_in(event)
    return growing.memory()


class _Growing:
    """A memory under construction, so that many events are folded without copying it for each."""

    def __init__(self, memory: Memory) -> None:
        self._version = memory.version
        self._facts = dict(memory.facts)
        self._calls = dict(memory.calls)
        self._forgotten = set(memory.forgotten)
        self._texts = set(memory.forgotten_texts)
        self._sources = set(memory.forgotten_sources)
        self._ingested = dict(memory.ingested)
        self._reached = dict(memory.reached)

    def memory(self) -> Memory:
        """As it stands."""
        return Memory(
            self._version,
            self._facts,
            self._calls,
            frozenset(self._forgotten),
            frozenset(self._texts),
            frozenset(self._sources),
            self._ingested,
            self._reached,
        )

    def take_in(self, event: Event) -> None:
        """One more event."""
        self._version += 1
        match event:
            case MemoryStored():
                self._store(event)
            case MemoryPinned() if (fact := self._facts.get(event.memory_id)) is not None:
                self._facts[event.memory_id] = replace(fact, pinned_at=event.at if event.pinned else None)
            case MemoryForgotten():
                self._forget(event.memory_id)
            case MemorySourceForgotten():
                self._sources.add(event.source)
                for fact in [fact for fact in self._facts.values() if fact.session_id == event.source]:
                    del self._facts[fact.memory_id]
            case MemoryIngested():
                self._ingested[event.extractor, event.source] = event.version
                self._reached[event.extractor] = max(event.position, self._reached.get(event.extractor, 0))
            case _:
                pass

    def _store(self, event: MemoryStored) -> None:
        self._forgotten.discard(event.memory_id)
        self._texts.discard(event.digest)
        if event.call_id is not None:
            self._calls[event.call_id] = event.memory_id
        self._facts[event.memory_id] = Fact(
            memory_id=event.memory_id,
            text=event.text,
            digest=event.digest,
            stored_at=event.at,
            actor=event.actor,
            session_id=event.session_id,
            version=event.version,
            extractor=event.extractor,
        )

    def _forget(self, memory_id: str) -> None:
        self._forgotten.add(memory_id)
        fact = self._facts.pop(memory_id, None)
        if fact is not None:
            self._texts.add(fact.digest)


@dataclass(frozen=True, slots=True)
class NewFact:
    """Something to be stored: its text without secrets, and the version it is from."""

    text: str
    version: int | None = None
    redactions: tuple[Redaction, ...] | None = None
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class FoundFact:
    """Something found, and which words of what was looked for are in it; the larger the `score` the better."""

    fact: Fact
    score: float
    words: tuple[str, ...] = ()


class Embedder(Protocol):
    """Makes vectors of texts, so that what means the same is found in other words."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text, all of one length. What it raises is raised by the search."""
        ...


MemoryDecision = Callable[[Memory, Stamp], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class MemoryAccess:
    """The memory of the session that a call belongs to: `context.of(MemoryAccess)`.

    `decide` takes a decision, again where somebody else was faster, appends what that gives, and returns the memory
    after it. `clean` takes the secrets out of what is to be stored. `search` finds so many facts, the best first.
    They raise what the decision raises, InvalidInput, StoreError.
    """

    origin: Origin
    decide: Callable[[MemoryDecision], Awaitable[Memory]]
    clean: Callable[[str], NewFact]
    search: Callable[[str, int], Awaitable[Sequence[FoundFact]]]
