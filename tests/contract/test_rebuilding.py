"""Sessions rebuilt from long streams, of whose earlier turns most is passed over."""

from collections.abc import Sequence

import pytest

from turnlog.domain import Change as Append
from turnlog.domain import (
    CorruptRecord,
    Event,
    Kinds,
    ModelRequested,
    ModelResponded,
    Session,
    SessionStarted,
    TextBlock,
    ToolCallFinished,
    TurnStarted,
    Usage,
    fold,
)
from turnlog.infrastructure import store
from turnlog.runtime.rebuilding import rebuild

from .events import AT, USER, Raw, change

HEAD = 500
"""Events at the beginning of a stream that are always looked at; fewer than elsewhere, for the sake of time."""

PASSED_OVER, UNKNOWN = "ToolCallFinished/1", "SessionBlessed/1"


def turn(number: int, answers: int) -> Sequence[Event]:
    """A turn of so many answers, each with the result of a call."""
    turn_id = f"turn-{number}"
    blocks = (TextBlock(text="Well."),)
    events: list[Event] = [TurnStarted(at=AT, actor=USER, turn_id=turn_id, content=blocks)]
    for place in range(1, answers + 1):
        used, model = Usage(input_tokens=number, output_tokens=place), "scripted:x"
        events += [
            ModelRequested(at=AT, actor=USER, turn_id=turn_id, model=model, round=place, attempt=1, digest="d"),
            ModelResponded(at=AT, actor=USER, turn_id=turn_id, model=model, round=place, blocks=blocks, usage=used),
            ToolCallFinished(at=AT, actor=USER, turn_id=turn_id, call_id="c", content=blocks),
        ]
    return events


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnlog.runtime.rebuilding.FEW", HEAD)


STARTED = SessionStarted(at=AT, actor=USER, title="t", model="scripted:x")
LONG: tuple[Event, ...] = (STARTED, *(event for number in range(20) for event in turn(number, 12)))
LAST_TURN = len(LONG) - len(turn(0, 12)) + 1


@pytest.mark.parametrize("until", [None, 1, HEAD + 1, HEAD + 2, LAST_TURN - 1, LAST_TURN, LAST_TURN + 1, len(LONG)])
async def test_a_rebuilt_session_is_the_fold_of_all_its_events(opened: store.Store, until: int | None) -> None:
    await opened.log.append(Append("s", 0, LONG), change("t", 0, "x"))
    whole = fold(Session("s"), await opened.log.read("s", until=until))
    assert await rebuild(opened.log, "s", Session("s"), until) == whole
    assert whole.version == (until or len(LONG))


@pytest.mark.parametrize("length", [1, HEAD - 1, HEAD, HEAD + 1, 2 * HEAD])
async def test_so_it_is_whatever_the_length_and_without_any_turn(opened: store.Store, length: int) -> None:
    await opened.log.append(change("s", 0, *map(str, range(length))))
    assert await rebuild(opened.log, "s", Session("s")) == fold(Session("s"), await opened.log.read("s"))


async def test_the_latest_event_of_some_kinds_is_found(opened: store.Store) -> None:
    await opened.log.append(Append("s", 0, LONG), Append("t", 0, (STARTED,)))
    kinds: Kinds = frozenset({TurnStarted, SessionStarted})
    turns: Kinds = frozenset({TurnStarted})
    assert await opened.log.latest("s", kinds) == LAST_TURN
    assert await opened.log.latest("s", kinds, LAST_TURN - 1) == LAST_TURN - len(turn(0, 12))
    assert await opened.log.latest("s", kinds, 0) == 0
    assert await opened.log.latest("t", turns) == 0


async def test_of_what_is_passed_over_nothing_is_decoded(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(Append("s", 0, LONG[: HEAD + 10]))
        Raw(url).insert("s", HEAD + 11, PASSED_OVER, "{}")
        await opened.log.append(Append("s", HEAD + 11, tuple(turn(99, 1))))
        session = await rebuild(opened.log, "s", Session("s"))
        assert (session.version, session.turn and session.turn.turn_id) == (HEAD + 15, "turn-99")


async def test_a_topic_nobody_knows_is_not_passed_over(url: str) -> None:
    async with store.open_store(url) as opened:
        await opened.log.append(Append("s", 0, LONG[: HEAD + 10]))
        Raw(url).insert("s", HEAD + 11, UNKNOWN, "{}")
        await opened.log.append(Append("s", HEAD + 11, tuple(turn(99, 1))))
        with pytest.raises(CorruptRecord, match=f"stream s version {HEAD + 11} has the topic '{UNKNOWN}'"):
            await rebuild(opened.log, "s", Session("s"))
