"""A turn that is to end in a value ends in one, and in nothing else."""

import pytest

from turnlog.domain import (
    OUTPUT_TOOL,
    AskModel,
    CommandRefused,
    Deliver,
    Event,
    Finish,
    InputDelivered,
    InputQueued,
    Judge,
    Repair,
    Step,
    TextBlock,
    ToolCallDenied,
    TurnCompleted,
    TurnResumed,
    commands,
    next_step,
)
from turnlog.testing import given

from .story import (
    AUTHORIZED,
    AWAITING,
    DELIVERED,
    EMPTY,
    FAILED,
    FINISHED,
    FOLLOWED_UP,
    FORKED,
    FORM_MISSING,
    LAST_WORD,
    NUMBER_AWAITED,
    OVERLOADED,
    PROPOSED,
    REQUESTED,
    RUNNING,
    STEERED,
    VALUE_GIVEN,
    Story,
    alice,
    because,
    call_block,
    worker,
)

VALUE_AND_WORK = PROPOSED.model_copy(update={"blocks": (call_block("call_1", OUTPUT_TOOL), call_block("call_2"))})
VALUE_REFUSED = FINISHED.model_copy(update={"is_error": True})
VALUE_DENIED = ToolCallDenied(**because(worker, 7), turn_id="turn_1", call_id="call_1", by="invalid", reason="no")


def step_after(*events: Event) -> Step:
    return next_step(given(*events).session)


@pytest.mark.parametrize("before", [FORM_MISSING, (*NUMBER_AWAITED, EMPTY)], ids=["words", "nothing"])
def test_a_plain_answer_is_to_be_repaired(before: Story) -> None:
    assert step_after(*before) == Repair()


def test_a_plain_answer_does_not_end_the_turn() -> None:
    given(*FORM_MISSING).when(lambda session: commands.turns.complete(session, worker, 1)).then_refused(
        CommandRefused, contains="last word"
    )


def test_a_value_ends_the_turn() -> None:
    given(*VALUE_GIVEN).when(lambda session: commands.turns.complete(session, worker, 1)).then(
        TurnCompleted(**because(worker, 5), turn_id="turn_1", outcome="answered")
    )


def test_a_value_that_was_refused_ends_nothing() -> None:
    assert step_after(*VALUE_GIVEN[:-1], VALUE_REFUSED) == AskModel()


def test_the_model_is_not_asked_again_once_the_value_is_given() -> None:
    given(*VALUE_GIVEN).when(
        lambda session: commands.models.request(session, worker, 1, commands.models.Request("digest"))
    ).then_refused(CommandRefused, contains="last word")


def test_calls_beside_the_value_are_answered_before_the_turn_ends() -> None:
    step = step_after(*NUMBER_AWAITED, VALUE_AND_WORK, *VALUE_GIVEN[-3:])
    assert isinstance(step, Judge)
    assert step.call.call_id == "call_2"


def test_a_call_beside_the_value_does_not_undo_it() -> None:
    work = [event.model_copy(update={"call_id": "call_2"}) for event in (AUTHORIZED, RUNNING, VALUE_REFUSED)]
    assert step_after(*NUMBER_AWAITED, VALUE_AND_WORK, *VALUE_GIVEN[-3:], *work) == Finish()


def test_a_tool_of_that_name_is_a_tool_where_no_value_was_asked_for() -> None:
    assert step_after(*AWAITING, *VALUE_GIVEN[-4:]) == AskModel()


# Repairing


def test_a_repair_is_said_and_delivered_at_once() -> None:
    given(*FORM_MISSING).when(
        lambda session: commands.inputs.repair(session, worker, 1, "input_1", "Give a number.")
    ).then(
        InputQueued(
            **because(worker, 5),
            turn_id="turn_1",
            input_id="input_1",
            kind="repair",
            content=(TextBlock(text="Give a number."),),
        ),
        InputDelivered(**because(worker, 5), turn_id="turn_1", input_ids=("input_1",)),
    )


def test_after_a_repair_the_model_is_asked_again() -> None:
    outcome = given(*FORM_MISSING).when(
        lambda session: commands.inputs.repair(session, worker, 1, "input_1", "Give a number.")
    )
    assert next_step(outcome.session) == AskModel()


def test_repairs_are_counted() -> None:
    repaired = STEERED.model_copy(update={"kind": "repair"})
    turn = given(*FORM_MISSING, repaired, DELIVERED).session.turn
    assert turn is not None
    assert turn.repairs == 1


@pytest.mark.parametrize("refusal", [VALUE_REFUSED, VALUE_DENIED], ids=["not of the form", "denied"])
def test_a_value_that_was_refused_counts_as_a_repair(refusal: Event) -> None:
    turn = given(*VALUE_GIVEN[:-1], refusal).session.turn
    assert turn is not None
    assert turn.repairs == 1


def test_other_calls_that_fail_are_no_repairs() -> None:
    turn = given(*NUMBER_AWAITED, PROPOSED, AUTHORIZED, RUNNING, VALUE_REFUSED).session.turn
    assert turn is not None
    assert turn.repairs == 0


def test_a_resumed_turn_counts_repairs_anew() -> None:
    resumed = TurnResumed(**because(alice, 8), turn_id="turn_1")
    turn = given(*VALUE_GIVEN[:-1], VALUE_REFUSED, FAILED, resumed).session.turn
    assert turn is not None
    assert turn.repairs == 0


@pytest.mark.parametrize(
    "before",
    [NUMBER_AWAITED, (*NUMBER_AWAITED, OVERLOADED), (*FORM_MISSING, REQUESTED), VALUE_GIVEN, LAST_WORD],
    ids=["no answer yet", "a failed attempt", "asked again", "a value", "no value asked for"],
)
def test_there_is_nothing_to_repair_but_a_plain_answer(before: Story) -> None:
    given(*before).when(lambda session: commands.inputs.repair(session, worker, 1, "input_1", "x")).then_refused(
        CommandRefused, contains="no answer to repair"
    )


def test_a_plain_answer_is_repaired_before_a_follow_up_is_delivered() -> None:
    assert step_after(*FORM_MISSING, FOLLOWED_UP) == Repair()


def test_a_follow_up_is_delivered_after_the_value() -> None:
    assert step_after(*VALUE_GIVEN, FOLLOWED_UP) == Deliver(("input_1",))


def test_a_value_given_before_something_else_was_said_does_not_end_the_turn() -> None:
    given(*VALUE_GIVEN, STEERED, DELIVERED).when(
        lambda session: commands.turns.complete(session, worker, 1)
    ).then_refused(CommandRefused, contains="last word")


def test_a_turn_that_goes_on_in_a_fork_is_still_to_end_in_a_value() -> None:
    turn = given(*FORM_MISSING, FORKED).session.turn
    assert turn is not None
    assert turn.last_words == ("value",)
