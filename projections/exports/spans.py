"""Spans under construction."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal["internal", "client"]
Attribute = str | int | float | bool | tuple[str, ...] | None
Attributes = dict[str, Attribute]


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened within a span."""

    name: str
    at: datetime
    attributes: Attributes


@dataclass(slots=True)
class Span:
    """A span under construction. `key` makes its id; it is open until it has an end. `error` says what went wrong."""

    key: tuple[str, ...]
    name: str
    kind: Kind
    start: datetime
    attributes: Attributes
    end: datetime | None = None
    error: str | None = None
    ok: bool = False
    events: list[SpanEvent] = field(default_factory=list[SpanEvent])


@dataclass(slots=True)
class TurnTrace:
    """A turn: the span of all of it, those below it in order, which of them are open, and the last moment heard of.

    `forked_from` is the session and turn that its session went on from.
    """

    session: str
    turn_id: str
    root: Span
    last: datetime
    forked_from: tuple[str, str] | None = None
    spans: list[Span] = field(default_factory=list[Span])
    under_way: dict[str, Span] = field(default_factory=dict[str, Span])

    def begin(self, what: str, span: Span) -> None:
        """A span below the turn's begins; `what` finds it when it ends."""
        self.spans.append(span)
        self.under_way[what] = span

    def end(self, what: str, at: datetime) -> Span | None:
        """The span that ends now; None where none had begun."""
        span = self.under_way.pop(what, None)
        if span is not None:
            span.end = at
        return span
