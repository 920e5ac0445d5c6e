"""What is written: events of a known size, and sessions with content like that of real ones."""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from turnlog.domain import (
    Actor,
    Event,
    ModelResponded,
    SessionRenamed,
    SessionStarted,
    TextBlock,
    ToolCallFinished,
    TurnStarted,
)
from turnlog.infrastructure import store

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
USER = Actor(kind="user", id="ada")
AGENT = Actor(kind="agent", id="model")
STATE_BYTES = 600
"""The stored state of one appended event."""

MESSAGE_BYTES = 500
"""The text of one message; four make a turn."""

MESSAGES_A_TURN = 4
LETTERS = "aaabcdeeeeefghiiijklmnooopqrrsssttttuvwxyz_"


def _long_text() -> str:
    """Prose of two thousand words: a compressor makes about half of it, as of real transcripts, and not a tenth."""
    random = Random(1)
    words = ["".join(random.choices(LETTERS, k=random.randint(1, 10))) for _ in range(2_000)]
    return " ".join(random.choices(words, k=20_000))


LONG_TEXT = _long_text()


def event() -> SessionRenamed:
    """An event whose stored state has exactly `STATE_BYTES` bytes."""
    empty = SessionRenamed(at=AT, actor=USER, title="")
    return SessionRenamed(at=AT, actor=USER, title="x" * (STATE_BYTES - len(store.mapper.encode(empty))))


def text(random: Random, size: int = MESSAGE_BYTES) -> str:
    """Words that look like an agent's work: a piece of a long text, every time another one."""
    begin = random.randrange(len(LONG_TEXT) - size)
    return LONG_TEXT[begin : begin + size]


def started() -> SessionStarted:
    """The first event of a session."""
    return SessionStarted(at=AT, actor=USER, title="A benchmark", model="scripted:bench", tools=("read",))


def turn(random: Random, number: int) -> tuple[Event, ...]:
    """Four messages, each in the one event that carries it: asked, tool called, tool answered, answered."""
    turn_id, call_id = f"turn-{number}", f"call-{number}"
    asked, thought, found, answered = (TextBlock(text=text(random)) for _ in range(MESSAGES_A_TURN))
    return (
        TurnStarted(at=AT, actor=USER, turn_id=turn_id, content=(asked,)),
        ModelResponded(at=AT, actor=AGENT, turn_id=turn_id, model="scripted:bench", round=1, blocks=(thought,)),
        ToolCallFinished(at=AT, actor=AGENT, turn_id=turn_id, call_id=call_id, content=(found,)),
        ModelResponded(at=AT, actor=AGENT, turn_id=turn_id, model="scripted:bench", round=2, blocks=(answered,)),
    )


def session(events: int) -> Iterator[Event]:
    """A session of so many events, the same at every call."""
    random = Random(7)
    yield started()
    left = events - 1
    for number in range(-(-left // MESSAGES_A_TURN)):
        yield from turn(random, number)[: left - number * MESSAGES_A_TURN]
