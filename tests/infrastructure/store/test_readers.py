"""Events read without what a session's fold never looks at."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from turnlog.domain import (
    UNREAD,
    UNREAD_BEFORE,
    Event,
    Recorded,
    Session,
    SessionForked,
    SessionStarted,
    TurnStarted,
    Unread,
    fold,
    fold_before,
    topic_of,
)
from turnlog.infrastructure import store

from ...domain.every_event import SAMPLES
from ...projections.random_stories import stories
from ...projections.story import Story

mapper = store.mapper
WHOLE, LEAN = store.readers.WHOLE, store.readers.leaving_out(UNREAD)
BEFORE = store.readers.leaving_out(UNREAD_BEFORE)
unhurried = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def stored(events: Iterable[Event], by: store.readers.Readers) -> Sequence[Recorded]:
    """The events as they are read after they were stored."""
    return [
        Recorded("s", version, mapper.decode("s", version, topic_of(event), mapper.encode(event), by))
        for version, event in enumerate(events, 1)
    ]


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
def test_an_event_is_of_its_kind_and_lacks_what_is_not_read(event: Event) -> None:
    (lean,) = stored([event], LEAN)
    assert type(lean.event) is type(event)
    assert vars(lean.event).keys() == vars(event).keys() - UNREAD.of(type(event))


def test_what_was_not_read_cannot_be_looked_at() -> None:
    asked = next(event for event in SAMPLES if isinstance(event, TurnStarted))
    (lean,) = stored([asked], LEAN)
    with pytest.raises(AttributeError, match="content"):
        getattr(lean.event, "content")  # noqa: B009 - it is not there


@pytest.mark.parametrize("error", [TypeError("no _use_prebuilt"), KeyError("fields")])
def test_a_pydantic_that_is_made_otherwise_reads_everything(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(store.readers, "SchemaValidator", refuse)
    readers = store.readers.leaving_out(Unread(UNREAD.fields))
    assert [each.event for each in stored(SAMPLES, readers)] == list(SAMPLES)


@unhurried
@given(stories())
def test_a_session_is_the_same_whether_or_not_its_events_were_read_whole(story: Story) -> None:
    events = [recorded.event for recorded in story.log]
    assert fold(Session("s"), stored(events, LEAN)) == fold(Session("s"), stored(events, WHOLE))


@unhurried
@given(stories(length=40), st.randoms(use_true_random=False))
def test_so_it_is_with_any_events_in_any_order(story: Story, dice: random.Random) -> None:
    events = [*dice.choices([recorded.event for recorded in story.log], k=2 * len(story.log)), *SAMPLES]
    dice.shuffle(events)
    assert fold(Session("s"), stored(events, LEAN)) == fold(Session("s"), stored(events, WHOLE))


@unhurried
@given(stories(length=40), st.randoms(use_true_random=False))
def test_before_the_latest_turn_only_what_outlasts_turns_is_needed(story: Story, dice: random.Random) -> None:
    # A session is forked by the first event of its stream, if at all, which no turn stands before.
    events = [recorded.event for recorded in story.log if not isinstance(recorded.event, SessionForked)]
    samples = (event for event in SAMPLES if not isinstance(event, SessionForked))
    muddle = [*dice.choices(events, k=2 * len(events)), *samples]
    dice.shuffle(muddle)
    for log in (events, muddle):
        whole, lean, before = stored(log, WHOLE), stored(log, LEAN), stored(log, BEFORE)
        for until in range(1, len(log) + 1, 7):
            turn = max((one.version for one in whole[:until] if isinstance(one.event, TurnStarted)), default=1)
            needed = [one for one in before[: turn - 1] if type(one.event) not in UNREAD_BEFORE.kinds]
            session = replace(fold_before(Session("s"), needed), version=turn - 1)
            assert fold(session, lean[turn - 1 : until]) == fold(Session("s"), whole[:until])


def test_fields_of_a_later_turnlog_are_kept_in_what_the_fold_takes_over() -> None:
    started = next(event for event in SAMPLES if isinstance(event, SessionStarted))
    fields = from_json(mapper.encode(started))
    fields |= {"mood": "calm", "limits": {**fields["limits"], "patience": 3}}
    lean = mapper.decode("s", 1, topic_of(started), to_json(fields), LEAN)
    session = fold(Session("s"), [Recorded("s", 1, lean)])
    assert session.limits is not None
    assert session.limits.model_extra == {"patience": 3}
