"""The table of what is known, for full-text search; what was forgotten is not in it, however often it is made again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p
from typing import Final

from turnlog.domain import (
    Fact,
    FoundFact,
    InvalidInput,
    MemoryForgotten,
    MemorySourceForgotten,
    MemoryStored,
    Recorded,
    Unread,
)

from .table import Batch, Table, TableFold
from .words import words_of

MOST_WORDS: Final = 32
"""Words of a question that are looked for."""

MEMORY_ROWS = Table(
    "memories",
    {
        "memory": "text",
        "memory_id": "text",
        "position": "integer",
        "at": "time",
        "session_id": "text",
        "version": "integer",
        "text": "text",
        "words": "words",
    },
    key=("memory", "memory_id"),
    indexes=(("memory", "position"),),
)
SOURCE_ROWS = Table(
    "memory_sources",
    {"memory": "text", "session_id": "text", "facts": "json"},
    key=("memory", "session_id"),
    hidden=frozenset({"memory", "session_id", "facts"}),
)


@dataclass(frozen=True, slots=True)
class MemoryQuery:
    """For each of these words, the latest facts of a memory in which it stands."""

    memory: str
    words: tuple[str, ...]
    most: int = 200


def query_of(memory: str, text: str) -> MemoryQuery:
    """What to look for. Raises InvalidInput where there is no word in the text."""
    words = tuple(dict.fromkeys(words_of(text)))[:MOST_WORDS]
    if not words:
        raise InvalidInput(f"{text!r} has no word to look for")
    return MemoryQuery(memory, words)


def ranked(found: Mapping[str, Sequence[str]], facts: Mapping[str, Fact], limit: int) -> list[FoundFact]:
    """The best facts first: those with more of the words, and with rarer ones; of equals the latest."""
    scores: dict[str, float] = {}
    words: dict[str, list[str]] = {}
    for word, ids in found.items():
        weight = log1p(len(facts) / max(len(ids), 1))
        for memory_id in ids:
            if memory_id in facts:
                scores[memory_id] = scores.get(memory_id, 0.0) + weight
                words.setdefault(memory_id, []).append(word)
    hits = [FoundFact(facts[memory_id], score, tuple(words[memory_id])) for memory_id, score in scores.items()]
    return sorted(hits, key=best_first)[:limit]


def best_first(hit: FoundFact) -> tuple[float, float, str]:
    """The order of what was found."""
    return -hit.score, -hit.fact.stored_at.timestamp(), hit.fact.memory_id


def _apply(batch: Batch) -> None:
    for recorded in batch.events:
        event, memory = recorded.event, recorded.stream
        match event:
            case MemoryStored():
                _store(batch, recorded, event)
            case MemoryForgotten():
                batch.rows.delete(MEMORY_ROWS.name, memory, event.memory_id)
            case MemorySourceForgotten():
                source = batch.rows.get(SOURCE_ROWS.name, memory, event.source)
                facts: list[str] = [] if source is None else source["facts"]
                for memory_id in facts:
                    batch.rows.delete(MEMORY_ROWS.name, memory, memory_id)
                batch.rows.delete(SOURCE_ROWS.name, memory, event.source)
            case _:
                pass


def _store(batch: Batch, recorded: Recorded, event: MemoryStored) -> None:
    row = {
        "memory": recorded.stream,
        "memory_id": event.memory_id,
        "position": recorded.position,
        "at": event.at,
        "session_id": event.session_id,
        "version": event.version,
        "text": event.text,
        "words": " ".join(words_of(event.text)),
    }
    batch.rows.put(MEMORY_ROWS.name, row)
    if event.session_id is not None:
        known = batch.rows.get(SOURCE_ROWS.name, recorded.stream, event.session_id)
        facts = [] if known is None else [each for each in known["facts"] if each != event.memory_id]
        source = {"memory": recorded.stream, "session_id": event.session_id, "facts": [*facts, event.memory_id]}
        batch.rows.put(SOURCE_ROWS.name, source)


_UNREAD = Unread.but(
    {
        MemoryStored: ("at", "memory_id", "session_id", "version", "text"),
        MemoryForgotten: ("memory_id",),
        MemorySourceForgotten: ("source",),
    }
)
MEMORY_TABLE = TableFold("memories", 1, (MEMORY_ROWS, SOURCE_ROWS), _apply, _UNREAD)
