"""Blame: the event that wrote a part of the state."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.projections.random_stories import stories
from tests.projections.story import Story
from turnlog.domain import (
    Actor,
    Event,
    ModelResponded,
    NotFound,
    Recorded,
    Session,
    SessionRenamed,
    SessionStarted,
    TextBlock,
    TurnStarted,
    fold,
)
from turnlog.projections import view
from turnlog.runtime.time_travel.blaming import blame
from turnlog.runtime.time_travel.paths import ABSENT, Part, into, parse_path

PATHS = (
    "title",
    "status",
    "turn.state",
    "messages[0].role",
    "messages[-1]",
    "calls",
    "usage.total",
    "rules",
    "pending",
)


def seen(story: Story, version: int, path: str) -> Part:
    """The part of the state after so many events, folded from nothing."""
    history = story.history[:version]
    value: Part = view(fold(Session("x"), history), history)
    for step in parse_path(path):
        value = into(value, step)
    return value


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=stories(), path=st.sampled_from(PATHS))
def test_blame_is_where_the_part_last_changed(story: Story, path: str) -> None:
    values = [ABSENT, *(seen(story, version, path) for version in range(1, len(story.history) + 1))]
    writes = [story.history[n - 1] for n in range(1, len(values)) if values[n] != values[n - 1]]
    if not writes:
        with pytest.raises(NotFound):
            blame("x", story.history, parse_path(path))
        return
    found = blame("x", story.history, parse_path(path))
    assert [write.record for write in found.writes] == writes
    assert found.value == values[-1]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=stories())
def test_each_part_of_a_part_is_blamed_as_if_asked_for_alone(story: Story) -> None:
    for part in blame("x", story.history, ()).parts:
        assert part.record == blame("x", story.history, (part.step,)).record, part.step


def test_what_was_taken_away_is_blamed_on_what_took_it() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    request_id = story.asks(call.call_id)
    story.answered(request_id, allow=True)
    found = blame("s1", story.history, ("pending", request_id))
    assert found.value is ABSENT
    assert type(found.record.event).__name__ == "PermissionResolved"


def test_a_value_that_comes_back_is_blamed_on_what_brought_it_back() -> None:
    story = Story()
    by = story.by
    for title in ("Other", "Fix the build"):
        story.history.append(Recorded("s1", len(story.history) + 1, SessionRenamed(**by, title=title)))
    found = blame("s1", story.history, ("title",))
    assert [write.record.version for write in found.writes] == [1, 2, 3]


def test_what_was_never_there_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"s1@1 has no rules\.x: rules is empty"):
        blame("s1", Story().history, ("rules", "x"))


def _talk(events: int) -> Iterator[Event]:
    """A session that begins, and in which as much is said as makes so many events."""
    at, ada, model = datetime(2026, 1, 5, tzinfo=UTC), Actor(kind="user", id="ada"), Actor(kind="agent", id="m")
    yield SessionStarted(at=at, actor=ada, title="A talk", model="scripted:m")
    for number in range(events // 2):
        said = (TextBlock(text=f"word {number} " * 50),)
        yield TurnStarted(at=at, actor=ada, turn_id=f"turn-{number}", content=said)
        yield ModelResponded(at=at, actor=model, turn_id=f"turn-{number}", model="scripted:m", round=1, blocks=said)


def test_two_thousand_events_are_blamed_in_one_pass() -> None:
    history = [Recorded("s", version, event) for version, event in enumerate(_talk(2_000), start=1)]
    began = time.perf_counter()
    blame("s", history, ("messages", "0"))
    assert time.perf_counter() - began < 5  # folding each version anew takes minutes
