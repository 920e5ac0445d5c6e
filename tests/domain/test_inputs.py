"""What is said to a turn under way reaches the model once: with its next request, or when the turn would end."""

from typing import Literal

import pytest

from turnlog.domain import (
    AskModel,
    CommandRefused,
    Deliver,
    Event,
    Finish,
    InputDelivered,
    InputQueued,
    InvalidInput,
    Run,
    Session,
    SessionLost,
    Step,
    TextBlock,
    TurnResumed,
    TurnStarted,
    commands,
    next_step,
)
from turnlog.testing import given

from .every_command import HELLO
from .story import (
    ANSWERED,
    AUTHORIZED,
    AWAITING,
    CALL_CLOSED,
    CALL_PROPOSED,
    CALL_STARTED,
    CANCELLED,
    DELIVERED,
    FAILED,
    FOLLOWED_UP,
    FORKED,
    LAST_WORD,
    MODEL_FAILED,
    OPENED,
    PROPOSED,
    REQUESTED,
    STEERED,
    SUSPENDED_FOR_PERMISSION,
    TURN_COMPLETED,
    Story,
    alice,
    because,
    worker,
)

RESUMED = TurnResumed(**because(alice, 8), turn_id="turn_1")


def queueing(session: Session, kind: Literal["steer", "follow_up"] = "steer") -> tuple[Event, ...]:
    return commands.inputs.queue(session, alice, "input_1", kind, HELLO)


def delivering(*input_ids: str) -> InputDelivered:
    return DELIVERED.model_copy(update={"input_ids": input_ids})


def steering(input_id: str) -> InputQueued:
    return STEERED.model_copy(update={"input_id": input_id})


def step_after(*events: Event) -> Step:
    return next_step(given(*events).session)


# Saying something


@pytest.mark.parametrize("before", [OPENED, CALL_STARTED, LAST_WORD, SUSPENDED_FOR_PERMISSION])
def test_a_turn_in_progress_can_be_spoken_to(before: Story) -> None:
    session = given(*before).when(queueing).session
    assert session.turn is not None
    assert [queued.input_id for queued in session.turn.inputs] == ["input_1"]


def test_what_was_said_is_recorded_as_it_was_said() -> None:
    given(*AWAITING).when(lambda session: queueing(session, "follow_up")).then(
        InputQueued(**because(alice, 4), turn_id="turn_1", input_id="input_1", kind="follow_up", content=HELLO)
    )


@pytest.mark.parametrize("content", [(), (TextBlock(text=" \n"),)])
def test_something_must_be_said(content: tuple[TextBlock, ...]) -> None:
    given(*OPENED).when(
        lambda session: commands.inputs.queue(session, alice, "input_1", "steer", content)
    ).then_refused(InvalidInput, contains="not blank")


def test_a_turn_that_is_over_hears_nothing() -> None:
    given(*TURN_COMPLETED).when(queueing).then_refused(CommandRefused, contains="no turn in progress")


# When it is delivered


def test_steering_comes_before_the_next_request() -> None:
    assert step_after(*OPENED, STEERED) == Deliver(("input_1",))


def test_steering_waits_until_all_calls_are_answered() -> None:
    assert isinstance(step_after(*CALL_PROPOSED, STEERED, AUTHORIZED), Run)


def test_steering_comes_after_the_results() -> None:
    assert step_after(*CALL_CLOSED, STEERED) == Deliver(("input_1",))


def test_steering_reaches_the_next_attempt_at_an_answer() -> None:
    assert step_after(*MODEL_FAILED, STEERED) == Deliver(("input_1",))


def test_steering_after_the_last_word_goes_before_the_end() -> None:
    assert step_after(*LAST_WORD, STEERED) == Deliver(("input_1",))


def test_a_follow_up_waits_while_the_model_works() -> None:
    assert step_after(*CALL_CLOSED, FOLLOWED_UP) == AskModel()


def test_a_follow_up_is_delivered_when_the_turn_would_end() -> None:
    assert step_after(*LAST_WORD, FOLLOWED_UP) == Deliver(("input_1",))


def test_what_was_said_first_is_delivered_first() -> None:
    assert step_after(*OPENED, steering("b"), steering("a")) == Deliver(("b", "a"))


@pytest.mark.parametrize("said", [STEERED, FOLLOWED_UP], ids=["steering", "follow-up"])
def test_what_was_delivered_is_for_the_model_to_answer(said: InputQueued) -> None:
    assert step_after(*LAST_WORD, said, DELIVERED) == AskModel()


def test_what_the_model_answered_is_done() -> None:
    assert step_after(*LAST_WORD, STEERED, DELIVERED, REQUESTED, ANSWERED) == Finish()


# Delivering


def test_delivering_says_in_which_order() -> None:
    given(*OPENED, steering("b"), steering("a")).when(
        lambda session: commands.inputs.deliver(session, worker, 1, ("b", "a"))
    ).then(InputDelivered(**because(worker, 3), turn_id="turn_1", input_ids=("b", "a")))


@pytest.mark.parametrize(
    "input_ids",
    [("b",), ("b", "a"), ("a", "a"), ()],
    ids=["not waiting", "another one as well", "twice", "none"],
)
def test_only_what_waits_is_delivered(input_ids: tuple[str, ...]) -> None:
    given(*OPENED, steering("a")).when(
        lambda session: commands.inputs.deliver(session, worker, 1, input_ids)
    ).then_refused(CommandRefused, contains="no such inputs waiting")


def test_inputs_are_not_delivered_out_of_order() -> None:
    given(*OPENED, steering("b"), steering("a")).when(
        lambda session: commands.inputs.deliver(session, worker, 1, ("a", "b"))
    ).then_refused(CommandRefused, contains="in this order")


def test_an_input_is_delivered_once() -> None:
    given(*OPENED, STEERED, DELIVERED).when(
        lambda session: commands.inputs.deliver(session, worker, 1, ("input_1",))
    ).then_refused(CommandRefused, contains="no such inputs waiting")


def test_nothing_comes_between_a_call_and_its_answer() -> None:
    given(*CALL_PROPOSED, STEERED).when(
        lambda session: commands.inputs.deliver(session, worker, 1, ("input_1",))
    ).then_refused(CommandRefused, contains="without an answer")


def test_what_is_said_while_another_input_is_delivered_stays_waiting() -> None:
    session = given(*OPENED, steering("a"), steering("b"), delivering("a")).session
    assert next_step(session) == Deliver(("b",))


def test_a_delivery_decided_before_something_else_was_said_still_holds() -> None:
    given(*OPENED, steering("a"), steering("b")).when(
        lambda session: commands.inputs.deliver(session, worker, 1, ("a",))
    ).then(InputDelivered(**because(worker, 3), turn_id="turn_1", input_ids=("a",)))


# At the end of a turn


@pytest.mark.parametrize("said", [STEERED, FOLLOWED_UP], ids=["steering", "follow-up"])
def test_a_turn_does_not_end_on_words_the_model_has_not_seen(said: InputQueued) -> None:
    given(*LAST_WORD, said).when(lambda session: commands.turns.complete(session, worker, 1)).then_refused(
        CommandRefused, contains="has not seen"
    )


def test_cancelling_drops_what_the_model_had_not_seen() -> None:
    assert step_after(*LAST_WORD, STEERED, CANCELLED, RESUMED) == Finish()


def test_a_failed_turn_keeps_what_the_model_had_not_seen_for_when_it_is_resumed() -> None:
    assert step_after(*MODEL_FAILED, STEERED, FAILED, RESUMED) == Deliver(("input_1",))


def test_nothing_is_delivered_once_the_turn_is_cancelled() -> None:
    given(*OPENED, STEERED, CANCELLED).when(
        lambda session: commands.inputs.deliver(session, worker, 1, ("input_1",))
    ).then_refused(SessionLost)


def test_a_new_turn_begins_with_nothing_unseen() -> None:
    another = TurnStarted(**alice, turn_id="turn_2", content=HELLO)
    turn = given(*MODEL_FAILED, STEERED, FAILED, another).session.turn
    assert turn is not None
    assert turn.inputs == ()


def test_a_fork_begins_with_nothing_unseen() -> None:
    turn = given(*OPENED, STEERED, FORKED).session.turn
    assert turn is not None
    assert turn.inputs == ()


def test_a_round_of_calls_after_a_delivery_is_a_round_like_any_other() -> None:
    assert not isinstance(step_after(*OPENED, STEERED, DELIVERED, REQUESTED, PROPOSED), Deliver)
