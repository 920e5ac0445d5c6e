"""The table of texts: everything that was said and returned, for full-text search."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from turnlog.domain import (
    BlobRef,
    Block,
    Body,
    Event,
    InputQueued,
    ModelResponded,
    NoticeRaised,
    Recorded,
    SessionForked,
    SessionRenamed,
    SessionStarted,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolCallFinished,
    TurnStarted,
    Unread,
)

from .table import Batch, Row, Table
from .words import words_of

TextKind = Literal["title", "user", "model", "thinking", "call", "result", "notice"]
TEXT_KINDS: Final[tuple[TextKind, ...]] = get_args(TextKind)
LONGEST: Final = 256 * 1024
"""Characters kept of one text."""

TEXT_ROWS = Table(
    "texts",
    {
        "session_id": "text",
        "version": "integer",
        "part": "integer",
        "position": "integer",
        "at": "time",
        "kind": "text",
        "turn_id": "text",
        "call_id": "text",
        "text": "text",
        "words": "words",
    },
    key=("session_id", "version", "part"),
    indexes=(("position",),),
)


@dataclass(frozen=True, slots=True)
class Said:
    """A text of an event."""

    kind: TextKind
    body: Body
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A text in which all that was looked for stands. `part` counts the texts of an event from 0."""

    session_id: str
    version: int
    part: int
    position: int
    at: datetime
    kind: TextKind
    turn_id: str | None
    call_id: str | None
    text: str


def texts_of(event: Event) -> Iterator[Said]:
    """What an event says, in order."""
    match event:
        case SessionStarted() | SessionForked() | SessionRenamed():
            yield Said("title", event.title)
        case TurnStarted() | InputQueued():
            yield from _of_blocks(event.content, "user")
        case ModelResponded():
            yield from _of_blocks(event.blocks, "model")
        case ToolCallFinished():
            yield from _of_blocks(event.content, "result", event.call_id)
        case NoticeRaised():
            yield Said("notice", event.message)
        case _:
            pass


def _of_blocks(blocks: Sequence[Block], kind: TextKind, call_id: str | None = None) -> Iterator[Said]:
    for block in blocks:
        match block:
            case TextBlock():
                yield Said(kind, block.text, call_id)
            case ThinkingBlock():
                yield Said("thinking", block.text)
            case ToolCallBlock():
                yield Said("call", block.arguments, block.call_id)
            case _:
                pass


class _Texts:
    """Asks for the whole of long texts, so that all of them can be found."""

    def __init__(self) -> None:
        self.name = "texts"
        self.version = 1
        self.tables = (TEXT_ROWS,)
        self.unread = Unread.but(
            {
                Event: ("at", "turn_id"),
                SessionStarted: ("title",),
                SessionForked: ("title",),
                SessionRenamed: ("title",),
                NoticeRaised: ("message",),
                TurnStarted: ("content",),
                InputQueued: ("content",),
                ModelResponded: ("blocks",),
                ToolCallFinished: ("content", "call_id"),
            }
        )

    def bodies(self, events: Sequence[Recorded]) -> Iterable[BlobRef]:
        """All long texts."""
        bodies = (said.body for recorded in events for said in texts_of(recorded.event))
        return [body for body in bodies if isinstance(body, BlobRef)]

    def apply(self, batch: Batch) -> None:
        """One row a text that is not blank."""
        for recorded in batch.events:
            for part, said in enumerate(texts_of(recorded.event)):
                text = batch.text(said.body)[:LONGEST]
                if text.strip():
                    batch.rows.put(TEXT_ROWS.name, _row(recorded, part, said, text))


def _row(recorded: Recorded, part: int, said: Said, text: str) -> Row:
    values: Mapping[str, Any] = {
        "session_id": recorded.stream,
        "version": recorded.version,
        "part": part,
        "position": recorded.position,
        "at": recorded.event.at,
        "kind": said.kind,
        "turn_id": getattr(recorded.event, "turn_id", None),
        "call_id": said.call_id,
        "text": text,
        "words": " ".join(words_of(text)),
    }
    return dict(values)


TEXT_TABLE = _Texts()
