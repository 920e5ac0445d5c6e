"""What `turnlog.testing` offers for stories: a notation that fails readably, a clock and ids that hold still."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from turnlog.domain import (
    Clock,
    CommandRefused,
    Event,
    Ids,
    NotFound,
    SessionClosed,
    SessionRenamed,
    TurnlogError,
    commands,
)
from turnlog.testing import CountingIds, VirtualClock, given

from .story import CREATED, alice

RENAMED = SessionRenamed(**alice, title="Another title")
CLOSED = SessionClosed(**alice, reason="done")
RENAMING = given(*CREATED).when(lambda session: commands.sessions.rename(session, alice, "Another title"))
REFUSED = given(*CREATED).when(lambda session: commands.turns.cancel(session, alice))

# Stories


def test_a_story_that_goes_as_told_passes() -> None:
    RENAMING.then(RENAMED)


def test_a_story_shows_field_by_field_where_it_went_another_way() -> None:
    with pytest.raises(AssertionError, match=r"(?s)-     title: 'A title'\n\+     title: 'Another title'"):
        RENAMING.then(RENAMED.model_copy(update={"title": "A title"}))


@pytest.mark.parametrize(
    ("expected", "shown"),
    [((RENAMED, CLOSED), r"  SessionRenamed/1\n- SessionClosed/1"), ((), r"\+ SessionRenamed/1")],
    ids=["an event too few", "an event too many"],
)
def test_a_story_shows_which_event_is_missing_or_too_many(expected: tuple[Event, ...], shown: str) -> None:
    with pytest.raises(AssertionError, match=shown):
        RENAMING.then(*expected)


def test_a_story_says_why_no_events_followed() -> None:
    with pytest.raises(AssertionError, match=r"refused with CommandRefused: .* has no turn in progress"):
        REFUSED.then(CLOSED)


def test_a_refusal_is_not_nothing() -> None:
    with pytest.raises(AssertionError, match="refused with CommandRefused"):
        REFUSED.then_nothing()


def test_a_refusal_can_be_looked_at() -> None:
    assert REFUSED.then_refused(CommandRefused).exit_code == 1


def test_a_broader_error_covers_a_narrower_one() -> None:
    REFUSED.then_refused(TurnlogError, contains="no turn")


def test_another_error_than_expected_is_named() -> None:
    with pytest.raises(AssertionError, match="expected NotFound, but was refused with CommandRefused"):
        REFUSED.then_refused(NotFound)


def test_another_message_than_expected_is_shown() -> None:
    with pytest.raises(AssertionError, match="does not say 'lunch': CommandRefused: "):
        REFUSED.then_refused(CommandRefused, contains="lunch")


def test_a_refusal_that_did_not_come_is_missed() -> None:
    with pytest.raises(AssertionError, match="it was accepted; SessionRenamed/1 followed"):
        RENAMING.then_refused(CommandRefused)


def test_a_fault_is_no_refusal() -> None:
    with pytest.raises(ZeroDivisionError):
        given(*CREATED).when(lambda session: (RENAMED,) * (1 // session.epoch))


def test_a_story_knows_the_session_after_it() -> None:
    assert RENAMING.session.title == "Another title"


# Time


def test_a_virtual_clock_is_a_clock() -> None:
    clock: Clock = VirtualClock()
    assert clock.now() == clock.now()


def test_a_virtual_clock_tells_the_time_in_utc() -> None:
    start = datetime.fromisoformat("2026-07-01T12:00:00+02:00")
    assert VirtualClock(start).now() == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_a_virtual_clock_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime(2026, 1, 1))  # noqa: DTZ001  that it has no zone is the point


def test_a_virtual_clock_is_moved_by_hand() -> None:
    clock = VirtualClock()
    before = clock.now()
    clock.advance(90)
    assert clock.now() - before == timedelta(seconds=90)


def test_a_virtual_clock_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="cannot advance by -1 seconds"):
        VirtualClock().advance(-1)


async def test_sleeping_on_a_virtual_clock_moves_it() -> None:
    clock = VirtualClock()
    before = clock.now()
    await clock.sleep(3600)
    assert clock.now() - before == timedelta(hours=1)


async def test_a_virtual_clock_remembers_how_long_was_slept() -> None:
    clock = VirtualClock()
    await clock.sleep(1)
    await clock.sleep(2.5)
    assert clock.slept == [1, 2.5]


async def test_others_get_their_turn_while_one_sleeps() -> None:
    woken = asyncio.Event()
    other = asyncio.create_task(ring(woken))
    await VirtualClock().sleep(0)
    assert woken.is_set()
    await other


async def ring(bell: asyncio.Event) -> None:
    bell.set()


# Ids


def test_counting_ids_are_ids() -> None:
    ids: Ids = CountingIds()
    assert [ids.new("call"), ids.new("call"), ids.new("request")] == ["call_1", "call_2", "request_1"]


def test_counting_can_begin_further_on() -> None:
    assert CountingIds(first=100).new("turn") == "turn_100"


def test_a_session_id_is_a_uuid_of_version_7() -> None:
    assert UUID(CountingIds().session()).version == 7


def test_session_ids_are_the_same_every_time() -> None:
    assert CountingIds().session() == CountingIds().session()


def test_later_session_ids_sort_after_earlier_ones() -> None:
    ids = CountingIds()
    made = [ids.session() for _ in range(300)]
    assert made == sorted(set(made))
