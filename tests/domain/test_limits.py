"""What a turn or a session may use is checked against what the log says was used."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from turnlog.domain import (
    OUTPUT_TOOL,
    Account,
    Call,
    Event,
    Limits,
    Session,
    TurnResumed,
    TurnSuspended,
    before_calls,
    before_request,
    deadline,
    late,
)
from turnlog.testing import given

from .story import (
    ANSWERED,
    ASKED,
    AUTHORIZED,
    COMPLETED,
    FAILED,
    FINISHED,
    FORKED,
    LATER,
    LEASED,
    NOON,
    NUMBER,
    OVERLOADED,
    REQUESTED,
    ROUND,
    RUNNING,
    SECOND_TURN,
    STARTED,
    Story,
    alice,
    because,
    proposing,
)

ENOUGH = Limits(rounds=9, requests=9, tool_calls=9, tokens=999, cost=Decimal(9), seconds=9_999, deadline=LATER)


Limited = Callable[[Limits | None], Session]


def turn_with(limits: Limits | None, *events: Event) -> Session:
    return given(STARTED, LEASED, ASKED.model_copy(update={"limits": limits}), *events).session


def session_with(limits: Limits | None, *events: Event) -> Session:
    return given(STARTED.model_copy(update={"limits": limits}), LEASED, ASKED, *events).session


def call(call_id: str = "call_1", tool: str = "shell", attempt: int = 0) -> Call:
    return Call(call_id, tool, 5, "authorized", attempt=attempt)


# Before a request


@pytest.mark.parametrize("limited", [turn_with, session_with])
def test_within_its_limits_the_model_is_asked(limited: Limited) -> None:
    assert before_request(limited(ENOUGH), NOON) is None


@pytest.mark.parametrize("limits", [None, Limits()], ids=["not given", "empty"])
def test_without_limits_the_model_is_asked(limits: Limits | None) -> None:
    assert before_request(turn_with(limits, *ROUND), NOON) is None


LIMITED = {
    "round_limit": Limits(rounds=1),
    "request_limit": Limits(requests=1),
    "token_limit": Limits(tokens=100),
    "cost_limit": Limits(cost=Decimal("0.10")),
    "deadline": Limits(deadline=NOON),
}
NOTHING_AT_ALL = {
    "round_limit": Limits(rounds=0),
    "request_limit": Limits(requests=0),
    "token_limit": Limits(tokens=0),
    "cost_limit": Limits(cost=Decimal(0)),
}


@pytest.mark.parametrize(("code", "limits"), LIMITED.items())
def test_a_limit_of_the_turn_that_is_reached_is_named(code: str, limits: Limits) -> None:
    found = before_request(turn_with(limits, *ROUND), NOON)
    assert found is not None
    assert (found.of, found.code) == ("turn", code)


@pytest.mark.parametrize(("code", "limits"), LIMITED.items())
def test_a_limit_of_the_session_holds_for_all_its_turns(code: str, limits: Limits) -> None:
    found = before_request(session_with(limits, *ROUND, COMPLETED, SECOND_TURN), NOON)
    assert found is not None
    assert (found.of, found.code) == ("session", code)


@pytest.mark.parametrize(("code", "limits"), NOTHING_AT_ALL.items())
def test_a_limit_of_nothing_is_reached_from_the_start(code: str, limits: Limits) -> None:
    found = before_request(turn_with(limits), NOON)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("before", [(REQUESTED,), (REQUESTED, OVERLOADED)], ids=["under way", "failed"])
def test_another_attempt_is_no_new_round(before: Story) -> None:
    assert before_request(turn_with(Limits(rounds=1), *before), NOON) is None


def test_another_attempt_is_another_request() -> None:
    found = before_request(turn_with(Limits(requests=1), REQUESTED, OVERLOADED), NOON)
    assert found is not None
    assert found.code == "request_limit"


def test_limits_given_on_resuming_take_the_place_of_the_turns() -> None:
    more = TurnResumed(**because(alice, 6), turn_id="turn_1", limits=Limits(rounds=2))
    assert before_request(turn_with(Limits(rounds=1), *ROUND, FAILED, more), NOON) is None


def test_resuming_without_limits_keeps_the_turns() -> None:
    resumed = TurnResumed(**because(alice, 6), turn_id="turn_1")
    found = before_request(turn_with(Limits(rounds=1), *ROUND, FAILED, resumed), NOON)
    assert found is not None
    assert found.code == "round_limit"


def test_a_turn_that_goes_on_in_a_fork_keeps_its_limits_and_may_use_them_again() -> None:
    resumed = TurnResumed(**because(alice, 1), turn_id="turn_1")
    session = turn_with(Limits(rounds=1), *ROUND, FORKED, resumed)
    assert before_request(session, NOON) is None
    assert before_request(turn_with(Limits(rounds=1), FORKED, resumed, *ROUND), NOON) is not None


@pytest.mark.parametrize("limits", [Limits(rounds=1), Limits(seconds=60), Limits(deadline=NOON)])
def test_the_limits_of_a_turn_that_is_over_hold_no_more(limits: Limits) -> None:
    between_turns = turn_with(limits, *ROUND, COMPLETED)
    assert before_request(between_turns, LATER) is None
    assert deadline(between_turns) is None


def test_those_that_work_for_a_turn_keep_within_its_limits_while_it_is_put_aside() -> None:
    put_aside = TurnSuspended(**because(alice, 6), turn_id="turn_1", reason="permission", waiting_for=())
    above = Account(turn_with(Limits(requests=1), *ROUND, put_aside))
    assert before_request(replace(turn_with(None), id="child"), NOON, (above,)) is not None


# Before tool calls


def test_calls_up_to_the_limit_may_start() -> None:
    assert before_calls(turn_with(Limits(tool_calls=2)), (call("a"), call("b")), NOON) is None


def test_a_batch_that_would_go_over_the_limit_does_not_start() -> None:
    found = before_calls(turn_with(Limits(tool_calls=1)), (call("a"), call("b")), NOON)
    assert found is not None
    assert (found.of, found.code, found.allowed) == ("turn", "tool_call_limit", 1)


def test_calls_that_were_made_count() -> None:
    made: Story = (REQUESTED, proposing("call_1"), AUTHORIZED, RUNNING, FINISHED)
    found = before_calls(turn_with(Limits(tool_calls=1), *made), (call("call_2"),), NOON)
    assert found is not None
    assert found.code == "tool_call_limit"


def test_another_attempt_at_a_call_is_no_further_call() -> None:
    begun: Story = (REQUESTED, proposing("call_1"), AUTHORIZED, RUNNING)
    assert before_calls(turn_with(Limits(tool_calls=1), *begun), (call(attempt=1),), NOON) is None


def test_a_call_begun_before_the_limit_was_lowered_may_be_tried_again() -> None:
    begun: Story = (REQUESTED, proposing("call_1"), AUTHORIZED, RUNNING)
    assert before_calls(turn_with(Limits(tool_calls=0), *begun), (call(attempt=1),), NOON) is None


def test_where_no_call_is_allowed_the_value_can_still_be_given() -> None:
    asked = ASKED.model_copy(update={"limits": Limits(tool_calls=0), "output": NUMBER})
    session = given(STARTED, LEASED, asked).session
    assert before_calls(session, (call(tool=OUTPUT_TOOL),), NOON) is None


# Deadlines


@pytest.mark.parametrize(
    ("limits", "end"),
    [
        (Limits(deadline=LATER), LATER),
        (Limits(seconds=60), NOON + timedelta(seconds=60)),
        (Limits(seconds=60, deadline=LATER), NOON + timedelta(seconds=60)),
        (Limits(), None),
    ],
)
@pytest.mark.parametrize("limited", [turn_with, session_with])
def test_the_first_deadline_counts(limited: Limited, limits: Limits, end: datetime | None) -> None:
    assert deadline(limited(limits)) == end


def test_seconds_of_a_turn_count_from_its_start() -> None:
    later = ASKED.model_copy(update={"at": LATER, "limits": Limits(seconds=60)})
    assert deadline(given(STARTED, LEASED, later).session) == LATER + timedelta(seconds=60)


def test_seconds_in_a_fork_count_from_the_fork() -> None:
    forked = FORKED.model_copy(update={"at": LATER})
    resumed = TurnResumed(**because(alice, 1), turn_id="turn_1")
    assert deadline(turn_with(Limits(seconds=60), forked, resumed)) == LATER + timedelta(seconds=60)


def test_seconds_of_a_session_count_from_its_start_whichever_turn_it_is_at() -> None:
    later = SECOND_TURN.model_copy(update={"at": LATER})
    session = session_with(Limits(seconds=60), REQUESTED, ANSWERED, COMPLETED, later)
    assert deadline(session) == NOON + timedelta(seconds=60)


@pytest.mark.parametrize(("seconds", "is_late"), [(59, False), (60, True)])
def test_a_turn_is_late_from_its_deadline_on(seconds: int, *, is_late: bool) -> None:
    found = late(turn_with(Limits(seconds=60)), NOON + timedelta(seconds=seconds))
    assert (found is not None) == is_late


def test_no_call_starts_after_the_deadline() -> None:
    found = before_calls(turn_with(Limits(seconds=60)), (call(),), LATER)
    assert found is not None
    assert found.code == "deadline"


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(rounds=1), "asked 1 times without finishing, and the turn allows no more"),
        (Limits(requests=1), "the turn allows 1 requests"),
        (Limits(tokens=100), "the turn allows 100 tokens"),
        (Limits(cost=Decimal("0.10")), "the turn allows $0.10"),
        (Limits(deadline=NOON), "the turn had to be done by 2026-01-05 12:00:00+00:00"),
    ],
)
def test_a_limit_says_what_it_allows(limits: Limits, said: str) -> None:
    assert said in str(before_request(turn_with(limits, *ROUND), NOON))


def test_a_limit_of_tool_calls_says_what_it_allows() -> None:
    assert "the session allows 0 tool calls" in str(before_calls(session_with(Limits(tool_calls=0)), (call(),), NOON))
