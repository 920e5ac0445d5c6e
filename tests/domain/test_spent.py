"""What is spent is counted from the log, each thing once."""

from collections.abc import Sequence
from decimal import Decimal

from turnlog.domain import (
    Event,
    Session,
    Spent,
    TurnResumed,
)
from turnlog.testing import given

from .story import (
    CALL_STARTED,
    COMPLETED,
    COSTLY,
    FAILED,
    FORKED,
    OPENED,
    OVERLOADED,
    REQUESTED,
    ROUND,
    RUNNING,
    SECOND_TURN,
    TAKEN_OVER,
    TURN_COMPLETED,
    VALUE_GIVEN,
    Story,
    alice,
    because,
)


def of_turn_2(events: Sequence[Event]) -> Story:
    return tuple(event.model_copy(update={"turn_id": "turn_2"}) for event in events)


def session_after(*events: Event) -> Session:
    return given(*OPENED, *events).session


def spent_on(session: Session) -> Spent:
    assert session.turn is not None
    return session.turn.spent


def test_an_answer_counts_its_round_its_tokens_and_its_cost() -> None:
    assert spent_on(session_after(*ROUND)) == Spent(rounds=1, requests=1, tokens=100, cost=Decimal("0.10"))


def test_a_failed_attempt_counts_as_a_request() -> None:
    assert spent_on(session_after(REQUESTED, OVERLOADED)) == Spent(requests=1)


def test_an_answer_of_unknown_price_costs_nothing_that_is_known() -> None:
    unpriced = COSTLY.model_copy(update={"cost": None})
    assert spent_on(session_after(REQUESTED, unpriced)).cost == 0


def test_a_call_counts_when_it_begins() -> None:
    assert spent_on(given(*CALL_STARTED).session).tool_calls == 1


def test_a_call_that_begins_again_is_the_same_call() -> None:
    again = RUNNING.model_copy(update={"attempt": 2, "epoch": 2})
    assert spent_on(given(*CALL_STARTED, TAKEN_OVER, again).session).tool_calls == 1


def test_giving_the_value_asked_for_is_no_tool_call() -> None:
    assert spent_on(given(*VALUE_GIVEN).session).tool_calls == 0


def test_a_turn_begins_with_nothing_spent() -> None:
    assert spent_on(given(*TURN_COMPLETED, SECOND_TURN).session) == Spent()


def test_a_session_has_spent_what_all_its_turns_have() -> None:
    third = SECOND_TURN.model_copy(update={"turn_id": "turn_3"})
    session = session_after(*ROUND, COMPLETED, SECOND_TURN, *of_turn_2(ROUND), third)
    assert session.spent == Spent(rounds=2, requests=2, tokens=200, cost=Decimal("0.20"))


def test_a_resumed_turn_goes_on_counting() -> None:
    resumed = TurnResumed(**because(alice, 6), turn_id="turn_1")
    assert spent_on(session_after(*ROUND, FAILED, resumed, *ROUND)).rounds == 2


def test_a_fork_begins_with_nothing_spent() -> None:
    assert session_after(*ROUND, COMPLETED, SECOND_TURN, *of_turn_2(ROUND), FORKED).spent == Spent()
