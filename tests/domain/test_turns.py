"""A turn begins with something said, ends once, and leaves no call hanging."""

from collections.abc import Sequence

import pytest

from turnlog.domain import (
    BlobRef,
    CommandRefused,
    Event,
    ImageBlock,
    InvalidInput,
    Limits,
    NothingToResume,
    PermissionWithdrawn,
    TextBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolOutcomeUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnStarted,
    TurnSuspended,
    UserBlock,
    commands,
)
from turnlog.testing import given

from .every_command import ALLOW, SAYS_HELLO
from .story import (
    AUTHORIZED,
    AWAITING,
    CALL_CLOSED,
    CALL_PROPOSED,
    CALL_STARTED,
    CALL_UNKNOWN,
    CALL_WAITING,
    CREATED,
    LAST_WORD,
    NO_WORD,
    NUMBER,
    OPENED,
    OVERLOADED,
    PROMPTED,
    REQUESTED,
    RUNNING,
    STATES,
    SUSPENDED_FOR_PERMISSION,
    TURN_COMPLETED,
    UNKNOWN,
    Story,
    alice,
    because,
    proposing,
    requesting,
    worker,
)

PICTURE = ImageBlock(image=BlobRef(sha256="0" * 64, size=3, media_type="image/png"))
STORED_TEXT = TextBlock(text=BlobRef(sha256="1" * 64, size=9000, media_type="text/plain"))
UNANSWERED = {
    "proposed": CALL_PROPOSED,
    "waiting": CALL_WAITING,
    "allowed": STATES["call allowed"],
    "refused": STATES["call refused"],
    "authorized": STATES["call authorized"],
    "started": CALL_STARTED,
}
GONE = commands.turns.Failure(code="model", message="the provider is down", retryable=True)


@pytest.mark.parametrize("block", [TextBlock(text="Hello"), STORED_TEXT, PICTURE], ids=["text", "long text", "image"])
def test_a_turn_begins_with_what_was_said(block: UserBlock) -> None:
    asked = commands.turns.Asked((block,))
    given(*CREATED).when(lambda session: commands.turns.start(session, alice, "turn_1", asked)).then(
        TurnStarted(**alice, turn_id="turn_1", content=(block,))
    )


@pytest.mark.parametrize("content", [(), (TextBlock(text=""),), (TextBlock(text=" \n"), TextBlock(text=""))])
def test_a_turn_needs_something_said(content: tuple[UserBlock, ...]) -> None:
    asked = commands.turns.Asked(content)
    given(*CREATED).when(lambda session: commands.turns.start(session, alice, "turn_1", asked)).then_refused(
        InvalidInput, contains="not blank"
    )


def test_a_turn_begins_with_its_limits_and_the_form_of_its_answer() -> None:
    asked = commands.turns.Asked(SAYS_HELLO.content, Limits(rounds=3), NUMBER)
    given(*CREATED).when(lambda session: commands.turns.start(session, alice, "turn_1", asked)).then(
        TurnStarted(**alice, turn_id="turn_1", content=SAYS_HELLO.content, limits=Limits(rounds=3), output=NUMBER)
    )


def test_a_second_turn_waits_for_the_first_to_end() -> None:
    given(*AWAITING).when(lambda session: commands.turns.start(session, alice, "turn_2", SAYS_HELLO)).then_refused(
        CommandRefused, contains="resume it (turnlog resume) or cancel it (turnlog cancel)"
    )


def test_a_turn_is_complete_when_the_model_has_answered() -> None:
    given(*LAST_WORD).when(lambda session: commands.turns.complete(session, worker, 1)).then(
        TurnCompleted(**because(worker, 5), turn_id="turn_1", outcome="answered")
    )


def test_a_turn_in_which_the_model_said_nothing_is_complete_and_says_so() -> None:
    given(*NO_WORD).when(lambda session: commands.turns.complete(session, worker, 1)).then(
        TurnCompleted(**because(worker, 5), turn_id="turn_1", outcome="empty")
    )


@pytest.mark.parametrize("again", [(REQUESTED,), (REQUESTED, OVERLOADED)], ids=["under way", "failed"])
def test_a_turn_is_not_complete_while_a_model_that_said_nothing_is_asked_again(again: Story) -> None:
    given(*NO_WORD, *again).when(lambda session: commands.turns.complete(session, worker, 1)).then_refused(
        CommandRefused, contains="last word"
    )


def test_completed_turns_are_counted() -> None:
    assert given(*TURN_COMPLETED).session.completed_turns == 1


# Ending early


def test_cancelling_takes_back_the_question_and_answers_the_call() -> None:
    said = "the turn was cancelled: too slow"
    given(*CALL_WAITING).when(lambda session: commands.turns.cancel(session, alice, "too slow")).then(
        PermissionWithdrawn(
            **because(alice, 6), turn_id="turn_1", call_id="call_1", request_id="request_1", reason=said
        ),
        ToolCallDenied(**because(alice, 6), turn_id="turn_1", call_id="call_1", by="turn_ended", reason=said),
        TurnCancelled(**because(alice, 5), turn_id="turn_1", reason="too slow"),
    )


def test_a_call_that_runs_when_its_turn_is_cancelled_is_in_doubt() -> None:
    outcome = given(*CALL_STARTED).when(lambda session: commands.turns.cancel(session, alice))
    assert closing(outcome.events, "call_1") == [ToolOutcomeUnknown]


@pytest.mark.parametrize("before", UNANSWERED.values(), ids=UNANSWERED)
def test_cancelling_answers_an_open_call_exactly_once(before: Story) -> None:
    outcome = given(*before).when(lambda session: commands.turns.cancel(session, alice))
    assert len(closing(outcome.events, "call_1")) == 1


@pytest.mark.parametrize("before", UNANSWERED.values(), ids=UNANSWERED)
def test_failing_answers_an_open_call_exactly_once(before: Story) -> None:
    outcome = given(*before).when(lambda session: commands.turns.fail(session, worker, 1, GONE))
    assert len(closing(outcome.events, "call_1")) == 1


@pytest.mark.parametrize("before", [CALL_CLOSED, CALL_UNKNOWN], ids=["answered", "in doubt"])
def test_cancelling_says_nothing_more_of_a_call_that_has_its_last_event(before: Story) -> None:
    outcome = given(*before).when(lambda session: commands.turns.cancel(session, alice))
    assert closing(outcome.events, "call_1") == []


def test_cancelling_answers_every_call_of_a_round() -> None:
    before = (*AWAITING, proposing("call_1", "call_2", "call_3"), AUTHORIZED, RUNNING)
    outcome = given(*before).when(lambda session: commands.turns.cancel(session, alice))
    assert [len(closing(outcome.events, call)) for call in ("call_1", "call_2", "call_3")] == [1, 1, 1]


def test_a_question_of_a_cancelled_turn_can_no_longer_be_answered() -> None:
    cancelled = given(*CALL_WAITING).when(lambda session: commands.turns.cancel(session, alice)).events
    given(*CALL_WAITING, *cancelled).when(
        lambda session: commands.answers.answer(session, alice, "request_1", ALLOW)
    ).then_refused(CommandRefused, contains="withdrawn; nothing was changed")


def test_a_failed_turn_says_why_and_whether_trying_again_may_help() -> None:
    given(*OPENED).when(lambda session: commands.turns.fail(session, worker, 1, GONE)).then(
        TurnFailed(**because(worker, 3), turn_id="turn_1", code="model", message="the provider is down", retryable=True)
    )


def test_a_suspended_turn_can_be_cancelled() -> None:
    outcome = given(*SUSPENDED_FOR_PERMISSION).when(lambda session: commands.turns.cancel(session, alice))
    assert outcome.session.status == "idle"


# Waiting


def test_a_turn_is_suspended_for_every_question_that_is_open() -> None:
    before = (
        *AWAITING,
        proposing("call_1", "call_2"),
        PROMPTED,
        requesting("call_2", "request_2", cause=5),
    )
    given(*before).when(lambda session: commands.turns.suspend(session, worker, 1)).then(
        TurnSuspended(
            **because(worker, 5), turn_id="turn_1", reason="permission", waiting_for=("request_1", "request_2")
        )
    )


def test_a_turn_is_suspended_for_a_call_in_doubt() -> None:
    given(*CALL_UNKNOWN).when(lambda session: commands.turns.suspend(session, worker, 1)).then(
        TurnSuspended(**because(worker, 5), turn_id="turn_1", reason="unknown_outcome", waiting_for=("call_1",))
    )


def test_a_doubt_comes_before_a_question() -> None:
    before = (
        *AWAITING,
        proposing("call_1", "call_2"),
        AUTHORIZED,
        RUNNING,
        UNKNOWN,
        requesting("call_2", "request_2", cause=5),
    )
    outcome = given(*before).when(lambda session: commands.turns.suspend(session, worker, 1))
    assert [event.waiting_for for event in outcome.events if isinstance(event, TurnSuspended)] == [("call_1",)]


def test_a_turn_that_waits_for_nobody_is_not_suspended() -> None:
    given(*CALL_CLOSED).when(lambda session: commands.turns.suspend(session, worker, 1)).then_refused(
        CommandRefused, contains="waits for nobody"
    )


def test_a_resumed_turn_goes_on_where_it_stopped() -> None:
    given(*SUSPENDED_FOR_PERMISSION).when(lambda session: commands.turns.resume(session, worker)).then(
        TurnResumed(**because(worker, len(SUSPENDED_FOR_PERMISSION)), turn_id="turn_1")
    )


def test_a_turn_can_be_resumed_with_other_limits() -> None:
    given(*SUSPENDED_FOR_PERMISSION).when(
        lambda session: commands.turns.resume(session, worker, Limits(rounds=9))
    ).then(TurnResumed(**because(worker, len(SUSPENDED_FOR_PERMISSION)), turn_id="turn_1", limits=Limits(rounds=9)))


@pytest.mark.parametrize("before", [CREATED, TURN_COMPLETED], ids=["no turn", "a completed turn"])
def test_with_nothing_to_resume_nothing_is_changed(before: Story) -> None:
    given(*before).when(lambda session: commands.turns.resume(session, worker)).then_refused(
        NothingToResume, contains="nothing was changed"
    )


def closing(events: Sequence[Event], call_id: str) -> list[type[Event]]:
    """The kinds of the events that answer this call for good, or leave it in doubt."""
    return [
        type(event)
        for event in events
        if isinstance(event, ToolCallDenied | ToolCallFinished | ToolOutcomeUnknown) and event.call_id == call_id
    ]
