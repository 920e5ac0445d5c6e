"""Commands about what is known. What is stored twice is known once, and what was forgotten is not ingested again."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import CommandRefused, InvalidInput, NotFound
from ..events import (
    Event,
    MemoryForgotten,
    MemoryIngested,
    MemoryPinned,
    MemoryRecalled,
    MemorySourceForgotten,
    MemoryStored,
    Recalled,
    Stamp,
)
from ..memory import Memory, NewFact, digest_of, memory_id_of
from ..origin import A_PERSON, Origin
from ..session import Session
from . import guards

MOST_TEXT = 2_000
"""Characters of one fact."""


def store(memory: Memory, by: Stamp, new: NewFact, origin: Origin = A_PERSON) -> tuple[Event, ...]:
    """Store a fact; nothing happens where it is known, or the call has stored one. Raises InvalidInput, CommandRefused.

    What somebody stores on purpose is known again, though it was forgotten.
    """
    if origin.call_id is not None and origin.call_id in memory.calls:
        return ()
    if origin.session_id in memory.forgotten_sources:
        raise CommandRefused(f"session {origin.session_id} was forgotten as a source, so nothing of it is stored")
    stored = _stored(by, new, origin)
    known = memory.facts.get(stored.memory_id)
    pin = new.pinned and (known is None or not known.pinned)
    pinned = (MemoryPinned(**by, **origin.fields, memory_id=stored.memory_id),) if pin else ()
    return pinned if known is not None else (stored, *pinned)


@dataclass(frozen=True, slots=True)
class Finished:
    """A turn that is over: the session, the version and the position of its end, and who made facts of it."""

    source: str
    version: int
    position: int
    extractor: str


def is_due(memory: Memory, turn: Finished) -> bool:
    """Whether a finished turn is still to be looked at."""
    done = memory.ingested.get((turn.extractor, turn.source), 0)
    return turn.version > done and turn.source not in memory.forgotten_sources


def ingest(memory: Memory, by: Stamp, turn: Finished, facts: Sequence[NewFact]) -> tuple[Event, ...]:
    """Store what a finished turn told, and that it was looked at; nothing happens where that was done.

    What was forgotten is left out, whichever turn tells it. Raises InvalidInput.
    """
    if not is_due(memory, turn):
        return ()
    origin = Origin(turn.source)
    told = {stored.memory_id: stored for fact in facts for stored in [_stored(by, fact, origin, turn.extractor)]}
    fresh = [
        stored
        for stored in told.values()
        if stored.memory_id not in memory.facts
        and stored.memory_id not in memory.forgotten
        and stored.digest not in memory.forgotten_texts
    ]
    mark = MemoryIngested(
        **by, source=turn.source, version=turn.version, extractor=turn.extractor, position=turn.position
    )
    return (*fresh, mark)


def pin(memory: Memory, by: Stamp, memory_id: str, pinned: bool = True, origin: Origin = A_PERSON) -> tuple[Event, ...]:
    """Have a fact in front of every session that recalls, or no more. Raises NotFound."""
    fact = memory.facts.get(memory_id)
    if fact is None:
        raise _unknown(memory_id)
    if fact.pinned == pinned:
        return ()
    return (MemoryPinned(**by, **origin.fields, memory_id=memory_id, pinned=pinned),)


def forget(memory: Memory, by: Stamp, memory_id: str, reason: str = "", origin: Origin = A_PERSON) -> tuple[Event, ...]:
    """Know a fact no more; nothing happens where it was forgotten. Raises NotFound."""
    if memory_id in memory.forgotten:
        return ()
    if memory_id not in memory.facts:
        raise _unknown(memory_id)
    return (MemoryForgotten(**by, **origin.fields, memory_id=memory_id, reason=reason),)


def forget_source(memory: Memory, by: Stamp, source: str, reason: str = "") -> tuple[Event, ...]:
    """Know nothing more of what came from a session, and take nothing from it again; nothing happens a second time."""
    return () if source in memory.forgotten_sources else (MemorySourceForgotten(**by, source=source, reason=reason),)


@dataclass(frozen=True, slots=True)
class Recollection:
    """What is to stand in front of the conversation: the text, the facts in it, and how many had no room."""

    text: str = ""
    facts: tuple[Recalled, ...] = ()
    left_out: int = 0


def recall(session: Session, by: Stamp, recollection: Recollection) -> tuple[Event, ...]:
    """Put facts in front of the conversation, at the start of a turn; nothing happens where the same stands there.

    Raises NotFound, CommandRefused.
    """
    guards.not_closed(session)
    if (digest_of(recollection.text) if recollection.text else "") == session.recalled:
        return ()
    return (
        MemoryRecalled(
            **by,
            text=recollection.text,
            facts=recollection.facts,
            left_out=recollection.left_out,
        ),
    )


def _stored(by: Stamp, new: NewFact, origin: Origin, extractor: str | None = None) -> MemoryStored:
    text = " ".join(new.text.split())
    if not text:
        raise InvalidInput("a fact needs a text that is not blank")
    if len(text) > MOST_TEXT:
        raise InvalidInput(f"a fact has at most {MOST_TEXT:,} characters, not {len(text):,}; store several")
    return MemoryStored(
        **by,
        **origin.fields,
        memory_id=memory_id_of(origin.session_id, text),
        text=text,
        digest=digest_of(text),
        version=new.version,
        extractor=extractor,
        redactions=new.redactions,
    )


def _unknown(memory_id: str) -> NotFound:
    return NotFound(f"there is no fact {memory_id!a} here; `turnlog memory list` shows those there are")
