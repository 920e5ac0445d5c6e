"""What is remembered and forgotten, in the words of a log."""

from collections.abc import Callable, Mapping
from typing import Any

from turnlog.domain import (
    Event,
    MemoryForgotten,
    MemoryIngested,
    MemoryPinned,
    MemoryRecalled,
    MemorySourceForgotten,
    MemoryStored,
)

from .words import Words


def _stored(event: MemoryStored) -> Words:
    origin = "" if event.session_id is None else f"from {event.session_id}@{event.version or '?'}"
    return "plain", ("fact stored", event.memory_id, event.text, origin)


def _pinned(event: MemoryPinned) -> Words:
    return "plain", ("fact pinned" if event.pinned else "fact unpinned", event.memory_id)


def _forgotten(event: MemoryForgotten) -> Words:
    return "bad", ("fact forgotten", event.memory_id, event.reason)


def _source_forgotten(event: MemorySourceForgotten) -> Words:
    return "bad", ("source forgotten", event.source, event.reason)


def _ingested(event: MemoryIngested) -> Words:
    return "quiet", ("turn ingested", f"{event.source}@{event.version}", f"by {event.extractor}")


def _recalled(event: MemoryRecalled) -> Words:
    if not event.text:
        return "quiet", ("facts recalled", "none")
    left_out = f"{event.left_out} left out" if event.left_out else ""
    return "quiet", ("facts recalled", ", ".join(fact.memory_id for fact in event.facts), left_out)


MEMORY_WORDS: Mapping[type[Event], Callable[[Any], Words]] = {
    MemoryStored: _stored,
    MemoryPinned: _pinned,
    MemoryForgotten: _forgotten,
    MemorySourceForgotten: _source_forgotten,
    MemoryIngested: _ingested,
    MemoryRecalled: _recalled,
}
