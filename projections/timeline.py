"""The log as people read it: one line an event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from turnlog.domain import (
    Actor,
    Event,
    ModelResponded,
    PermissionRequested,
    Recorded,
    ToolCallAmended,
    ToolCallBlock,
    ToolCallEvent,
    ToolCallStarted,
)

from .call_summaries import KnownCall, words_for_call
from .gist import gist_of
from .projection import Projection
from .shown import cut, one_line
from .summaries import words_for
from .words import Tone, Words

WIDTH = 100
"""Characters a summary may have."""

_NAME = 20
_GIST = 45
_NOTHING_KNOWN: Mapping[str, KnownCall] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Line:
    """An event in one line. `kind` is its topic without the revision; `cause` the version that led to it."""

    stream: str
    version: int
    at: datetime
    kind: str
    summary: str
    actor: Actor
    cause: int | None
    tone: Tone


@dataclass(slots=True)
class Timeline:
    """The lines so far, and what the calls in them are about."""

    lines: list[Line] = field(default_factory=list[Line])
    known: dict[str, KnownCall] = field(default_factory=dict[str, KnownCall])


def line(recorded: Recorded, known: Mapping[str, KnownCall] = _NOTHING_KNOWN, width: int = WIDTH) -> Line:
    """An event in one line of at most `width` characters; `known` tells what earlier events said of calls."""
    event = recorded.event
    tone, parts = _words(event, known)
    return Line(
        stream=recorded.stream,
        version=recorded.version,
        at=event.at,
        kind=type(event).__name__,
        summary=cut("  ".join(shown for part in parts if (shown := one_line(part, width))), width),
        actor=event.actor,
        cause=event.cause,
        tone=tone,
    )


def _words(event: Event, known: Mapping[str, KnownCall]) -> Words:
    if isinstance(event, ToolCallEvent):
        return words_for_call(event, known.get(event.call_id) or KnownCall(_name(event)))
    return words_for(event)


def _name(event: ToolCallEvent) -> str:
    """What to call a call of which nothing is known."""
    return event.tool if isinstance(event, ToolCallStarted | PermissionRequested) else event.call_id


def _fold(timeline: Timeline, recorded: Recorded) -> Timeline:
    event = recorded.event
    if isinstance(event, ModelResponded):
        for block in event.blocks:
            if isinstance(block, ToolCallBlock):
                known = KnownCall(one_line(block.name, _NAME), gist_of(block.arguments, _GIST))
                timeline.known.setdefault(block.call_id, known)
    timeline.lines.append(line(recorded, timeline.known))
    if isinstance(event, ToolCallAmended) and event.call_id in timeline.known:
        known = timeline.known[event.call_id]
        timeline.known[event.call_id] = KnownCall(known.tool, gist_of(event.arguments, _GIST))
    return timeline


TIMELINE: Projection[Timeline] = Projection("timeline", 1, Timeline, _fold)
