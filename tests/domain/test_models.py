"""Requests to a model are counted by round and attempt, and none goes out while a call has no answer."""

import pytest

from turnlog.domain import (
    NO_USAGE,
    CommandRefused,
    LastWord,
    ModelBlock,
    ModelFailed,
    ModelRequested,
    ModelResponded,
    Session,
    TextBlock,
    ThinkingBlock,
    Usage,
    commands,
)
from turnlog.testing import given

from .story import (
    ANSWERED,
    AWAITING,
    CALL_CLOSED,
    CALL_PROPOSED,
    CALL_UNKNOWN,
    LAST_WORD,
    MODEL,
    MODEL_FAILED,
    OPENED,
    OVERLOADED,
    REQUESTED,
    Story,
    agent,
    because,
    call_block,
    worker,
)

DIGEST = "digest of the request"
THOUGHT = ThinkingBlock(text="Hm.", model=MODEL)
USAGE = Usage(input_tokens=12, output_tokens=3)


def requesting(session: Session) -> tuple[ModelRequested, ...]:
    events = commands.models.request(session, worker, 1, commands.models.Request(DIGEST))
    return tuple(event for event in events if isinstance(event, ModelRequested))


def test_the_first_request_of_a_turn_is_the_first_attempt_of_the_first_round() -> None:
    given(*OPENED).when(requesting).then(REQUESTED)


@pytest.mark.parametrize(
    ("before", "numbers"),
    [(AWAITING, (1, 2)), (MODEL_FAILED, (1, 2)), (CALL_CLOSED, (2, 1))],
    ids=["a request nobody answered", "a failed attempt", "a round of calls"],
)
def test_a_request_counts_on_after(before: Story, numbers: tuple[int, int]) -> None:
    request, *_ = requesting(given(*before).session)
    assert (request.round, request.attempt) == numbers


@pytest.mark.parametrize("before", [CALL_PROPOSED, CALL_UNKNOWN], ids=["proposed", "in doubt"])
def test_no_request_goes_out_while_a_call_has_no_answer(before: Story) -> None:
    given(*before).when(requesting).then_refused(CommandRefused, contains="tool calls without an answer")


def test_no_request_goes_out_after_the_last_word() -> None:
    given(*LAST_WORD).when(requesting).then_refused(CommandRefused, contains="last word")


def test_a_request_names_the_model_the_session_is_set_to() -> None:
    request, *_ = requesting(given(*OPENED).session)
    assert request.model == MODEL


def test_an_answer_is_kept_as_it_came() -> None:
    blocks = (TextBlock(text="Let me see."), call_block("call_1"))
    response = commands.models.Response(blocks, USAGE, "tool_use", "resp_1")
    given(*AWAITING).when(lambda session: commands.models.respond(session, agent, 1, response)).then(
        ModelResponded(
            **because(agent, 4),
            turn_id="turn_1",
            model=MODEL,
            round=1,
            blocks=blocks,
            usage=USAGE,
            stop_reason="tool_use",
            provider_response_id="resp_1",
        )
    )


def test_an_answer_without_figures_cost_nothing_that_is_known() -> None:
    assert ANSWERED.usage == NO_USAGE


def test_the_calls_of_an_answer_are_proposals() -> None:
    turn = given(*CALL_PROPOSED).session.turn
    assert turn is not None
    assert [call.state for call in turn.calls] == ["proposed"]


@pytest.mark.parametrize(
    ("blocks", "word"),
    [
        ((), "empty"),
        ((THOUGHT,), "empty"),
        ((THOUGHT, TextBlock(text="A typo.")), "answer"),
        ((TextBlock(text="Let me see."), call_block("call_1")), "calls"),
    ],
    ids=["nothing", "thoughts only", "text", "text and a call"],
)
def test_what_a_model_said_last_decides_how_the_turn_goes_on(blocks: tuple[ModelBlock, ...], word: LastWord) -> None:
    turn = given(*AWAITING, ANSWERED.model_copy(update={"blocks": blocks})).session.turn
    assert turn is not None
    assert turn.last_word == word


def test_a_second_answer_to_one_request_is_refused() -> None:
    response = commands.models.Response((TextBlock(text="A typo."),))
    given(*LAST_WORD).when(lambda session: commands.models.respond(session, agent, 1, response)).then_refused(
        CommandRefused, contains="no request to the model under way"
    )


def test_a_failed_attempt_says_how_it_failed_and_when_the_next_one_is_due() -> None:
    failure = commands.models.Failure("overloaded", "try later", retryable=True, retry_delay=2.0)
    outcome = given(*AWAITING).when(lambda session: commands.models.fail(session, worker, 1, failure))
    outcome.then(OVERLOADED)


def test_an_attempt_fails_once() -> None:
    failure = commands.models.Failure("overloaded", "try later", retryable=True)
    given(*MODEL_FAILED).when(lambda session: commands.models.fail(session, worker, 1, failure)).then_refused(
        CommandRefused
    )


def test_a_failed_attempt_says_how_far_it_had_come() -> None:
    failure = commands.models.Failure("timeout", "no answer", retryable=False, phase="read")
    given(*AWAITING).when(lambda session: commands.models.fail(session, worker, 1, failure)).then(
        ModelFailed(
            **because(worker, 4),
            turn_id="turn_1",
            round=1,
            attempt=1,
            failure="timeout",
            message="no answer",
            retryable=False,
            phase="read",
        )
    )
