"""A turn that is asked to stop finishes the step it is at, and goes on when it is resumed."""

import pytest

from turnlog.domain import (
    CommandRefused,
    Event,
    Finish,
    Judge,
    NotFound,
    Step,
    Stop,
    TurnResumed,
    TurnStopRequested,
    TurnSuspended,
    commands,
    next_step,
)
from turnlog.testing import given

from .story import (
    CALL_CLOSED,
    CALL_PROPOSED,
    CALL_WAITING,
    CANCELLED,
    CREATED,
    FAILED,
    FOLLOWED_UP,
    LAST_WORD,
    MODEL_FAILED,
    OPENED,
    STEERED,
    STOP_REQUESTED,
    STOPPED,
    STOPPING,
    SUSPENDED_FOR_PERMISSION,
    TAKEN_OVER,
    TURN_COMPLETED,
    TURN_STOPPED,
    UNKNOWN,
    Story,
    alice,
    because,
    worker,
)

RESUMED = TurnResumed(**because(alice, 7), turn_id="turn_1")


def step_after(*events: Event) -> Step:
    return next_step(given(*events).session)


def test_a_running_turn_can_be_asked_to_stop() -> None:
    given(*CALL_PROPOSED).when(lambda session: commands.turns.stop(session, alice, "lunch")).then(
        TurnStopRequested(**because(alice, 5), turn_id="turn_1", reason="lunch")
    )


def test_asking_twice_is_asking_once() -> None:
    given(*STOPPING).when(lambda session: commands.turns.stop(session, alice)).then_nothing()


@pytest.mark.parametrize("before", [SUSPENDED_FOR_PERMISSION, TURN_STOPPED], ids=["waits for a person", "stopped"])
def test_a_suspended_turn_has_stopped_already(before: Story) -> None:
    given(*before).when(lambda session: commands.turns.stop(session, alice)).then_refused(
        CommandRefused, contains="nothing to stop"
    )


@pytest.mark.parametrize(
    "before",
    [CREATED, TURN_COMPLETED, (*MODEL_FAILED, FAILED), (*OPENED, CANCELLED)],
    ids=["no turn", "completed", "failed", "cancelled"],
)
def test_a_turn_that_is_not_in_progress_cannot_be_stopped(before: Story) -> None:
    given(*before).when(lambda session: commands.turns.stop(session, alice)).then_refused(
        CommandRefused, contains="no turn in progress"
    )


def test_a_session_that_is_not_there_cannot_be_stopped() -> None:
    given().when(lambda session: commands.turns.stop(session, alice)).then_refused(NotFound)


@pytest.mark.parametrize(
    "before",
    [OPENED, MODEL_FAILED, CALL_PROPOSED, CALL_WAITING, CALL_CLOSED, (*LAST_WORD, STEERED), (*LAST_WORD, FOLLOWED_UP)],
    ids=["opened", "model failed", "call proposed", "call waiting", "call closed", "steered", "followed up"],
)
def test_a_turn_that_is_asked_to_stop_does_nothing_more(before: Story) -> None:
    assert step_after(*before, STOP_REQUESTED) == Stop()


def test_a_turn_that_has_the_last_word_ends_rather_than_stops() -> None:
    assert step_after(*LAST_WORD, STOP_REQUESTED) == Finish()


def test_a_stopped_turn_waits_for_nobody() -> None:
    given(*CALL_WAITING, STOP_REQUESTED).when(lambda session: commands.turns.suspend(session, worker, 1)).then(
        TurnSuspended(**because(worker, 5), turn_id="turn_1", reason="stopped", waiting_for=())
    )


@pytest.mark.parametrize(
    ("before", "stopped"), [(TURN_STOPPED, True), (SUSPENDED_FOR_PERMISSION, False)], ids=["stopped", "waits"]
)
def test_a_suspended_turn_tells_whether_it_was_stopped(before: Story, *, stopped: bool) -> None:
    turn = given(*before).session.turn
    assert turn is not None
    assert turn.stopped == stopped


def test_a_resumed_turn_is_no_longer_stopped() -> None:
    turn = given(*TURN_STOPPED, RESUMED).session.turn
    assert turn is not None
    assert not turn.stopped


def test_a_resumed_turn_goes_on_with_its_open_calls() -> None:
    assert isinstance(step_after(*TURN_STOPPED, RESUMED), Judge)


def test_resuming_takes_back_a_stop_that_no_worker_lived_to_see() -> None:
    assert isinstance(step_after(*STOPPING, TAKEN_OVER, RESUMED), Judge)


@pytest.mark.parametrize("end", [FAILED, CANCELLED, STOPPED], ids=["failed", "cancelled", "stopped"])
def test_a_turn_that_ended_does_not_stop_when_it_is_resumed(end: Event) -> None:
    assert not isinstance(step_after(*OPENED, STOP_REQUESTED, end, RESUMED), Stop)


def test_a_call_in_doubt_is_still_in_doubt_after_a_stop() -> None:
    turn = given(*STOPPING, UNKNOWN, STOPPED, RESUMED).session.turn
    assert turn is not None
    assert [call.state for call in turn.open_calls] == ["unknown"]
